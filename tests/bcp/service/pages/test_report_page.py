"""The report on screen: the verdict first, topics folded, any edition again, the same for programs."""

from __future__ import annotations

import hashlib
import json

from bcp.journal.entry import Actor
from runbooks import commands as c
from tests.bcp.service.pages.sample import Town, Visitor
from tests.bcp.service.pages.test_pages import LIMIT, declare


async def _event(made: Town, visitor: Visitor) -> str:
    await visitor.sign_in("commander")
    await declare(visitor)
    event = made.desk.current()
    assert event is not None
    return event.id


async def _bytes(visitor: Visitor, path: str) -> bytes:
    async with visitor.client.get(visitor.root + path) as answer:
        assert answer.status == 200, path
        return await answer.read()


async def test_the_verdict_stands_first_in_five_lines_and_every_topic_opens(
    made: Town, visitor: Visitor
) -> None:
    id = await _event(made, visitor)
    status, page = await visitor.get(f"/disaster/report?incident={id}")
    assert status == 200
    assert len(page.encode()) < LIMIT
    first = page.index('class="verdict"')
    assert page[first : page.index("</ul>", first)].count("<li>") == 5
    assert first < page.index("<details")
    assert "%" not in page[first : page.index("</main>")]
    for part in ("steps", "levels", "decisions", "gates"):
        status, opened = await visitor.get(f"/disaster/report?incident={id}&part={part}")
        assert status == 200, part
        assert len(opened.encode()) < LIMIT
    assert (await visitor.get(f"/disaster/report?incident={id}&part=nothing"))[0] == 404


async def test_text_and_json_are_the_edition_whose_digest_is_logged(
    made: Town, visitor: Visitor
) -> None:
    id = await _event(made, visitor)
    facts = json.loads(await _bytes(visitor, f"/disaster/report/json?incident={id}"))
    text = await _bytes(visitor, f"/disaster/report/text?incident={id}")
    assert facts["digest"] == hashlib.sha256(text).hexdigest()
    assert len(facts["verdict_lines"]) == 5
    assert facts["goals"]["systems"]
    upto = facts["upto"]
    note = c.AddNote(incident=id, text="余震あり")
    await made.desk.do(note, Actor("u-1", "commander"), "n1")
    later = await _bytes(visitor, f"/disaster/report/text?incident={id}")
    assert later != text
    again = await _bytes(visitor, f"/disaster/report/text?incident={id}&upto={upto}")
    assert again == text
