"""記録できていません: said on every page; nothing is done, and nothing anybody typed is lost."""

from __future__ import annotations

import asyncio
import contextlib
import html

import pytest

from bcp.journal.entry import Actor, NewEntry
from bcp.kit.errors import Unwritable
from tests.bcp.service.pages.sample import PASSWORD, Town, Visitor
from tests.bcp.service.pages.test_announcements import DRAFT
from tests.bcp.service.pages.test_pages import READING, declare, field

BANNER = "記録できていません。監視は続いています"
NOTHING_DONE = "記録できなかったため、何も実行していません"
WORDS = "震度6弱 <本庁舎> の\n停電"


async def full(made: Town, visitor: Visitor) -> None:
    """The log's disk is full, and the log knows it."""
    made.disk.arm("store:before")
    new = NewEntry("log.note", "x", {}, None, made.clock.utc())
    with contextlib.suppress(Unwritable):
        await made.journal.append(new, op="full", actor=Actor("u-1", "staff"))
    assert not made.journal.writable.ok


async def test_the_banner_stands_on_every_page(made: Town, visitor: Visitor) -> None:
    await visitor.sign_in("commander")
    await declare(visitor)
    await full(made, visitor)
    for path in (*READING, "/disaster/systems/juki", "/disaster/steps/SHODO-01", "/nothing"):
        _, page = await visitor.get(path)
        if path == "/status":  # for citizens: never a state of ours
            assert BANNER not in page
        else:
            assert BANNER in page or "The log cannot be written" in page, path


async def test_a_note_that_could_not_be_recorded_comes_back_and_is_sent_again_once(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("staff")
    await declare(visitor)
    incident = made.desk.current()
    assert incident is not None
    await full(made, visitor)
    given = {"do": "note", "incident": incident.id, "op": "n1", "reason": WORDS}
    status, page = await visitor.post("/disaster/work", **given)
    assert status == 503
    assert NOTHING_DONE in page
    assert BANNER in page
    assert html.escape(WORDS, quote=False).splitlines()[0] in page
    for name in ("do", "incident", "op"):
        assert field(page, name) == given[name]
    assert 'action="/disaster/work"' in page
    assert 'href="/disaster"' in page
    made.disk.heal()
    await asyncio.sleep(1.1)  # the log tries at most once a second
    assert (await made.journal.probe()).ok
    for _ in range(2):
        assert (await visitor.post("/disaster/work", **given))[0] == 303
    after = made.desk.incident(incident.id)
    assert after is not None
    assert after.notes == 1


@pytest.mark.parametrize(
    ("where", "given"),
    [
        ("/disaster/steps/SHODO-01", {"do": "fail", "reason": "扉が開かない", "version": "0"}),
        ("/disaster/command", {"do": "level", "level": "2", "reason": "範囲が狭い"}),
        ("/announcements", {"do": "approve", "op": "a", **DRAFT}),
        ("/checks/power/main", {"status": "ok", "note": "明かりを見た"}),
    ],
)
async def test_whatever_was_typed_comes_back(
    made: Town, visitor: Visitor, where: str, given: dict[str, str]
) -> None:
    await visitor.sign_in("commander")
    await declare(visitor)
    incident = made.desk.current()
    assert incident is not None
    await full(made, visitor)
    status, page = await visitor.post(where, incident=incident.id, **given)
    assert status == 503, page
    assert NOTHING_DONE in page
    for words in given.values():
        assert html.escape(words, quote=False) in page, words


async def test_a_declaration_that_could_not_be_recorded_keeps_its_reason(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("commander")
    await full(made, visitor)
    status, page = await declare(visitor, reason="庁舎が浸水")
    assert status == 503
    assert "庁舎が浸水" in page
    assert field(page, "word") == "全面発動"
    assert made.desk.current() is None


async def test_a_password_never_comes_back(made: Town, visitor: Visitor) -> None:
    await visitor.sign_in("commander")
    await full(made, visitor)
    secret = "another long passphrase"
    form = {"old": PASSWORD, "new": secret, "again": secret}
    _, page = await visitor.post("/account", **form)
    assert secret not in page
    assert PASSWORD not in page
