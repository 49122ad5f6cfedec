"""The step page: two people, photos, words kept, and small enough for a bad line."""

from __future__ import annotations

import gzip
import io
import re

from aiohttp import FormData

from bcp.journal.entry import Actor
from bcp.service.house import Progress
from runbooks import commands as c
from runbooks.worked import RunState
from tests.bcp.service.pages.sample import Town, Visitor
from tests.bcp.service.pages.test_pages import declare
from tests.bcp.service.test_photos import a_jpeg
from tests.runbooks.test_automation import BOOK as MACHINE
from tests.runbooks.test_automation import LIST
from tests.runbooks.world import a_book

SOMEBODY = Actor("u-9", "commander")
STEP = "/disaster/steps/SHODO-02"
LIMIT = 14 << 10


def hidden(page: str) -> dict[str, str]:
    found = dict(re.findall(r'name="(op|incident|version)" value="([^"]*)"', page))
    return {"op": found["op"], "incident": found["incident"], "version": found["version"]}


async def at_a_step(visitor: Visitor, path: str = STEP) -> dict[str, str]:
    return hidden((await visitor.get(path))[1])


async def test_every_step_page_fits_a_bad_line_even_with_everything_on_it(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("commander")
    await declare(visitor)
    incident = made.desks["real"].current()
    assert incident is not None
    seen = await made.desks["real"].situation(incident)
    for id in list(seen.steps)[::7]:
        status, page = await visitor.get(f"/disaster/steps/{id}")
        assert status == 200
        assert len(gzip.compress(page.encode())) <= LIMIT, id
        assert "【実】" in page


async def test_a_step_for_two_is_refused_to_one_in_words_and_the_words_come_back(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("staff")
    await declare(visitor)
    seen = await made.desks["real"].situation(made.desks["real"].current())  # type: ignore[arg-type]
    two = next(n for n in seen.steps.values() if n.step.people == 2).step.id
    path = f"/disaster/steps/{two}"
    assert (
        "2人で行う手順です" in (await visitor.get(path))[1]
        or "前提待ち" in (await visitor.get(path))[1]
    )
    for need in reversed(list(seen.steps)):  # whatever it waits for is out of the way
        if need != two:
            skip = c.CancelStep(incident=seen.incident.id, step=need, reason="試験")
            await made.desks["real"].do(skip, SOMEBODY, f"cancel{need}")
    form = await at_a_step(visitor, path)
    status, page = await visitor.post(path, do="finish", note="終わった", **form)
    assert status == 409
    assert "終わった" in page
    assert "単独" in page
    assert 'name="together"' in page  # what is missing can be written right here
    assert 'name="alone"' in page
    assert page.count("ここを書く") == 2
    again = dict(
        re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.split("<h2>", 1)[1])
    )
    del again["_csrf"]
    status, _ = await visitor.post(path, note="終わった", alone="応援が来ない", **again)
    assert status == 303
    assert "単独" in (await visitor.get(path))[1]


async def send(visitor: Visitor, photo: bytes, **fields: str) -> tuple[int, str]:
    form = FormData()
    for name, value in {"_csrf": visitor.csrf, "subject": "SHODO-02", **fields}.items():
        form.add_field(name, value)
    form.add_field("photo", io.BytesIO(photo), filename="IMG_0001.jpg", content_type="image/jpeg")
    where = visitor.root + "/disaster/photos"
    async with visitor.client.post(where, data=form, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location") or await answer.text()


async def test_a_photo_is_kept_without_its_place_and_shown_by_digest(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("staff")
    await declare(visitor)
    on = (await at_a_step(visitor))["incident"]
    status, place = await send(visitor, a_jpeg(), incident=on, caption="ラックの前")
    assert (status, place) == (303, STEP)
    page = (await visitor.get(STEP))[1]
    (link,) = re.findall(r'href="(/disaster/photos/[0-9a-f]{64})"', page)
    async with visitor.client.get(visitor.root + link) as answer:
        assert answer.status == 200
        assert answer.content_type == "image/jpeg"
        assert b"Kurihara" not in await answer.read()
    assert "ラックの前" not in str([e.detail for e in await made.journal.read(incident=on)])
    assert (await visitor.get("/disaster/photos/" + "0" * 64))[0] == 404


async def test_an_erased_photo_is_gone_and_its_digest_caption_and_reason_are_told_apart(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("commander")
    await declare(visitor)
    on = (await at_a_step(visitor))["incident"]
    await send(visitor, a_jpeg(), incident=on, caption="名札が写った")
    (digest,) = re.findall(r'href="/disaster/photos/([0-9a-f]{64})"', (await visitor.get(STEP))[1])
    where = f"/disaster/photos/{digest}"
    assert (await visitor.post(f"{where}/erase", incident=on, op="e0"))[0] == 409
    assert made.journal.evidence.has(digest)
    status, _ = await visitor.post(f"{where}/erase", incident=on, reason="顔が写った", op="e1")
    assert status == 303
    assert not made.journal.evidence.has(digest)
    assert (await visitor.get(where))[0] == 404
    page = (await visitor.get(STEP))[1]
    assert "消去済" in page
    assert where not in page
    (photo,) = await made.journal.read(kind="incident.photo_added")
    (gone,) = await made.journal.read(kind="incident.photo_erased")
    assert photo.detail["digest"] == gone.detail["digest"] == digest
    assert await made.journal.reveal(photo) == {}, "the caption goes with the picture"
    assert (await made.journal.reveal(gone))["reason"] == "顔が写った"
    assert (await made.journal.verify(made.workers.process)).ok
    status, page = await send(visitor, a_jpeg(), incident=on)
    assert status == 409, "what was erased does not come back"


async def test_a_photo_too_large_or_no_photo_is_refused_with_what_to_do(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("staff")
    await declare(visitor)
    on = (await at_a_step(visitor))["incident"]
    status, page = await send(visitor, a_jpeg() + bytes(made.photo_bytes), incident=on)
    assert status == 400
    assert "大きすぎます" in page
    status, page = await send(visitor, b"\x00\x00\x00\x18ftypheic" + bytes(30), incident=on)
    assert status == 400
    assert "HEIC" in page
    status, page = await send(visitor, b"no photo", incident=on, caption="停電した盤")
    assert status == 400
    assert "停電した盤" in page  # what was typed comes back, with a place to choose the file again
    assert 'type="file"' in page


async def test_the_command_puts_a_step_in_and_fills_a_role_from_pages_without_script(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("commander")
    await declare(visitor)
    page = (await visitor.get("/disaster/amend?step=SHODO-02"))[1]
    form = {"op": hidden(page + ' name="version" value="0"')["op"]}
    on = hidden(page + ' name="version" value="0"')["incident"]
    added = {
        "do": "add",
        "incident": on,
        "runbook": re.findall(r'name="runbook" value="([^"]+)"', page)[0],
        "step": "SHODO-X1",
        "title": "発電機を借りに行く",
        "type": "action",
        "after": "SHODO-02",
        "reason": "停電が長引く",
    }
    assert await visitor.post("/disaster/amend", **form, **added) == (
        303,
        "/disaster/steps/SHODO-X1",
    )
    page = (await visitor.get("/disaster/steps/SHODO-X1"))[1]
    assert "発電機を借りに行く" in page
    assert "差し込み" in page
    role = made.city.roles[0].id
    given = {"do": "fill", "incident": on, "role": role, "approved_by": "staff"}
    assert await visitor.post("/disaster/crew", **given) == (303, "/disaster/crew")
    assert "を外す" in (await visitor.get("/disaster/crew"))[1]
    await visitor.sign_in("staff")
    assert (await visitor.get("/disaster/amend?step=SHODO-02"))[0] == 403


async def test_the_page_shows_what_will_run_and_a_second_person_confirms_it(
    made: Town, visitor: Visitor
) -> None:
    desk = made.desks["real"]
    (machine,) = [runbook for runbook in a_book(MACHINE) if runbook.id == "machine"]
    runbook = machine.model_copy(update={"system": None, "owner_role": made.city.roles[0].id})
    book = type(desk.book)((*desk.book.runbooks, runbook), desk.book.trees)
    line = LIST[0].model_copy(update={"systems": ()})
    desk.adopt(made.city.model_copy(update={"automation": (line, LIST[1])}), book)
    await visitor.sign_in("staff")
    await declare(visitor)
    path = "/disaster/steps/M-01"
    page = (await visitor.get(path))[1]
    assert "--snapshot={snapshot}" in page
    assert "実行を申請する" in page
    form = await at_a_step(visitor, path)
    assert (await visitor.post(path, do="run", p_snapshot="7f3c", **form))[0] == 303
    page = (await visitor.get(path))[1]
    assert "確認待ち" in page
    assert "確認して実行する" not in page  # not for the one who asked
    await visitor.sign_in("commander")
    page = (await visitor.get(path))[1]
    assert "snapshot=7f3c" in page
    assert "確認して実行する" in page
    form = await at_a_step(visitor, path)
    assert (await visitor.post(path, do="run_confirm", run="A1", **form))[0] == 303
    made.progress["real", form["incident"], "A1"] = Progress(made.clock.monotonic(), 3)
    await desk.do(c.BeginRun(incident=form["incident"], run="A1"), SOMEBODY, "begin")
    page = (await visitor.get(path))[1]
    assert "実行中" in page
    assert "3 行" in page
    await desk.do(
        c.EndRun(incident=form["incident"], run="A1", state=RunState.UNKNOWN), SOMEBODY, "end"
    )
    page = (await visitor.get(path))[1]
    assert "自動ではやり直しません" in page
    assert len(gzip.compress(page.encode())) <= LIMIT
    assert "一人では不可" in (await visitor.get("/disaster/steps/M-02"))[1]
