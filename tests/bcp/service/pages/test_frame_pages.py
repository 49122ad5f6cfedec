"""Suggestions, the list before the button, a second event, and the page of scope and confirmations."""

from __future__ import annotations

import re

from tests.bcp.service.pages.sample import Town, Visitor
from tests.bcp.service.pages.test_pages import LIMIT, declare


async def test_a_report_becomes_a_banner_and_its_event_a_cyber_event_that_contains_first(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("commander")
    status, _ = await visitor.post(
        "/disaster/suggest", kind="threat_note", reason="プリンターから脅迫文が出る", op="r1"
    )
    assert status == 303
    assert made.desk.current() is None, "a suggestion never declares"
    _, page = await visitor.get("/")
    assert "発動の提案" in page
    (id,) = made.desk.state.suggestions
    status, page = await visitor.get(f"/disaster/declare?suggestion={id}")
    assert status == 200
    assert "プリンターから脅迫文が出る" in page
    assert "封じ込めと証拠保全を記録するまで保留" in page
    assert len(page.encode()) < LIMIT
    shown = re.search(r'name="shown" value="([^"]*)"', page)
    onset = re.search(r'name="onset"[^>]*value="([^"]*)"', page)
    assert shown
    assert onset
    status, said = await declare(
        visitor,
        suggestion=id,
        nature="cyber",
        shown=shown[1].replace("&#39;", "'"),
        onset=onset[1],  # the suggestion's own: in or off hours is part of the list
    )
    assert status == 303, said
    event = made.desk.current()
    assert event is not None
    assert event.suggestion == id
    where = f"/disaster/frame?incident={event.id}"
    status, page = await visitor.get(where)
    assert status == 200
    assert "封じ込めの記録" in page
    assert len(page.encode()) < LIMIT
    status, _ = await visitor.post(
        "/disaster/frame/work",
        incident=event.id,
        do="settle_containment",
        reason="線を抜いた",
        op="s1",
    )
    assert status == 303
    status, _ = await visitor.post(
        "/disaster/frame/work",
        incident=event.id,
        do="estimate",
        part="system:juki",
        source="vendor",
        op="e1",
    )
    assert status == 303
    _, page = await visitor.get(where)
    assert "未定" in page
    status, page = await visitor.get("/disaster/declare")
    assert f"link_{event.id}" in page
    status, page = await declare(visitor, reason="余震", op="a2")
    assert status == 409, "a second event needs its link or is a slip"
    assert len(made.desk.active()) == 1


async def test_a_dismissal_needs_a_reason_and_staff_can_only_put_it_off(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("staff")
    await visitor.post("/disaster/suggest", kind="flood", reason="水が入る", op="r1")
    (id,) = made.desk.state.suggestions
    assert (await visitor.post("/disaster/dismiss", suggestion=id, reason="x", op="d1"))[0] == 403
    assert (await visitor.post("/disaster/later", suggestion=id, op="l1"))[0] == 303
    _, page = await visitor.get("/")
    assert "発動の提案" not in page


async def test_whoever_took_the_command_over_may_command_until_he_hands_it_on(
    made: Town, visitor: Visitor
) -> None:
    staff = next(one for one in made.accounts.everybody() if one.login == "staff")
    await visitor.sign_in("commander")
    await declare(visitor, reason="停電", op="a1")
    event = made.desk.active()[0].id
    await visitor.sign_in("staff")
    scope = {"do": "level", "level": "2", "reason": "広がった", "incident": event}
    assert (await visitor.post("/disaster/command", **scope, op="c0"))[0] == 403
    await visitor.sign_in("commander")
    to = {"do": "alone", "to": "staff", "reason": "電話で引き継いだ", "incident": event}
    assert (await visitor.post("/disaster/handover", **to, op="h1"))[0] == 303
    assert made.desk.active()[0].commander == staff.id
    await visitor.sign_in("staff")
    assert (await visitor.post("/disaster/command", **scope, op="c1"))[0] == 303
    assert made.desk.active()[0].level == 2
    report = {"remark": "復旧は80%です", "incident": event}
    status, page = await visitor.post("/disaster/situation", **report, op="s1")
    assert status == 409
    assert "割合" in page
    report["remark"] = "12台のうち3台"
    assert (await visitor.post("/disaster/situation", **report, op="s2"))[0] == 303
    back = {"do": "alone", "to": "commander", "reason": "戻った", "incident": event}
    assert (await visitor.post("/disaster/handover", **back, op="h2"))[0] == 303
    assert (await visitor.post("/disaster/command", **scope, op="c2"))[0] == 403


async def test_a_reported_intensity_is_held_against_the_criterion_of_the_plan(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("commander")
    _, page = await visitor.get("/disaster/declare")
    assert "外部情報なし" in page
    await visitor.post(
        "/disaster/suggest", kind="shaking", intensity="5+", reason="震度計", op="i1"
    )
    _, page = await visitor.get("/disaster/declare")
    assert "震度5強 (発動基準 震度6弱より小さい)" in page
    await visitor.post(
        "/disaster/suggest", kind="shaking", intensity="6+", reason="ラジオ", op="i2"
    )
    _, page = await visitor.get("/disaster/declare")
    assert "震度6強 (発動基準 震度6弱以上に当たる)" in page
