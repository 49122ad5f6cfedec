"""Scribe, damage sheet, catch-up from paper and the register of copies, as forms without script."""

from __future__ import annotations

import re

from bcp.journal.entry import Actor
from bcp.kit.units import JST
from runbooks import commands as c
from runbooks.paper.copies import FOLD_NAME as COPIES
from runbooks.paper.sets import SETS
from runbooks.paper.sheets import Press, runbook
from tests.bcp.service.pages.sample import Town, Visitor


async def declared(made: Town) -> str:
    now = made.clock.utc()
    command = c.Declare(level=3, onset=now, reason="停電", capacity="on_site")
    await made.desk.do(command, Actor("u-1", "staff"), "declare")
    incident = made.desk.current()
    assert incident is not None
    return incident.id


async def ready(made: Town, count: int) -> list[str]:
    incident = made.desk.current()
    assert incident is not None
    seen = await made.desk.situation(incident)
    found = [n.standing.step for n in seen.next if n.standing.step.type != "decision"]
    return [step.id for step in found[:count]]


async def test_twenty_lines_are_recorded_good_ones_are_never_lost_and_twice_is_once(
    made: Town, visitor: Visitor
) -> None:
    await declared(made)
    await visitor.sign_in("staff")
    (step,) = await ready(made, 1)
    lines = f"{step} 着手\nばつ 済\n{step} 完了 担当2\n"
    _, page = await visitor.post("/disaster/scribe", lines=lines, do="check", op="abc1")
    assert "2行は記録できます。1行は読めません" in page
    size = made.journal.size
    _, page = await visitor.post("/disaster/scribe", lines=lines, do="record", op="abc1")
    assert "2行を記録しました。1行は下に残しました" in page
    assert re.search(r"<textarea[^>]*>ばつ 済</textarea>", page)
    assert made.journal.size == size + 2
    _, page = await visitor.post("/disaster/scribe", lines=lines, do="record", op="abc1")
    assert made.journal.size == size + 2
    assert "記録ずみ" in page


async def test_a_line_the_machine_refuses_says_what_is_allowed_and_stays_in_the_box(
    made: Town, visitor: Visitor
) -> None:
    await declared(made)
    await visitor.sign_in("staff")
    (step,) = await ready(made, 1)
    await visitor.post("/disaster/scribe", lines=f"{step} できない 中に入れない", do="record")
    _, page = await visitor.post("/disaster/scribe", lines=f"{step} 完了", do="record", op="b2")
    assert "記録していません" in page
    assert f">{step} 完了</textarea>" in page


async def test_hours_read_off_the_gauge_run_on_every_page_and_the_order_of_stopping_stands_beside(
    made: Town, visitor: Visitor
) -> None:
    await declared(made)
    await visitor.sign_in("staff")
    site = made.city.sites[0]
    _, page = await visitor.get(f"/disaster/power/{site.id}")
    assert "まだだれも見ていません" in page
    form = {"v-mains": "bad", "v-ups": "good"}
    await visitor.post(f"/disaster/damage/{site.id}", do="save", op="p1", **form)
    _, page = await visitor.get("/disaster")
    assert "残り時間をだれも読んでいません" in page
    await visitor.post(
        f"/disaster/damage/{site.id}", do="save", op="p2", **{"v-ups": "good", "h-ups": "2"}
    )
    for where in ("/disaster", "/disaster/wall", f"/disaster/power/{site.id}"):
        _, page = await visitor.get(where)
        assert re.search(r"電源は .*まで\(あと", page), where
    _, page = await visitor.get("/disaster/situation")
    assert f"{site.name}の電源" in page


async def test_a_message_nobody_answered_stands_on_the_board_until_somebody_else_does(
    made: Town, visitor: Visitor
) -> None:
    await declared(made)
    await visitor.sign_in("staff")
    _, page = await visitor.get("/disaster")
    assert "ほかの人がまだ応答していません" in page
    _, page = await visitor.get("/disaster/command")
    assert "知らせへの応答" in page
    incident = made.desk.current()
    assert incident is not None
    await visitor.post("/disaster/work", incident=incident.id, do="answer", op="a1")
    _, page = await visitor.get("/disaster")
    assert "ほかの人がまだ応答していません" not in page


async def test_the_log_unwritable_loses_no_word(made: Town, visitor: Visitor) -> None:
    await declared(made)
    await visitor.sign_in("staff")
    (step,) = await ready(made, 1)
    made.disk.arm("store:before")
    _, page = await visitor.post("/disaster/scribe", lines=f"{step} 着手", do="record", op="c3")
    assert f">{step} 着手</textarea>" in page


async def test_an_eye_and_a_probe_stand_side_by_side_and_their_disagreement_is_marked(
    made: Town, visitor: Visitor
) -> None:
    await declared(made)
    await visitor.sign_in("staff")
    _, page = await visitor.get("/disaster/damage/honcho")
    assert "未確認" in page
    assert "食い違い" not in page
    form = {"v-wan": "good", "v-generator": "partly", "h-generator": "３", "do": "save"}
    status, where = await visitor.post("/disaster/damage/honcho", **form)
    assert (status, where) == (303, "/disaster/damage/honcho")
    _, page = await visitor.get("/disaster/damage/honcho")
    assert "残り 3.0時間" in page
    assert "目視と監視が食い違っています: 1件" in page
    assert (await visitor.post("/disaster/damage/honcho", do="save"))[0] == 400
    assert (await visitor.post("/disaster/damage/honcho", do="override", reason="先に"))[0] == 303
    incident = made.desk.current()
    assert incident is not None
    assert incident.damage["honcho"].may_power_on
    _, page = await visitor.get("/disaster/damage")
    assert "1" in page


async def test_who_came_with_a_sealed_code_speaks_of_his_own_site_only(
    made: Town, visitor: Visitor
) -> None:
    await declared(made)
    (card,) = await made.codes.issue("ichihasama", 1, edition="1", op="op", by="uid:0")
    form = {"number": str(card.number), "code": card.code, "name": "甲"}
    await visitor.post("/break-glass", **form)
    for cookie in visitor.client.cookie_jar:
        found = await made.accounts.identify(cookie.value)
        visitor.csrf = found.csrf if found else ""
    seen = {"v-lan": "bad", "do": "save"}
    assert (await visitor.post("/disaster/damage/honcho", **seen))[0] == 409
    assert (await visitor.post("/disaster/damage/ichihasama", **seen))[0] == 303


async def test_the_code_of_a_sheet_opens_its_steps_and_the_rows_become_late_entries(
    made: Town, visitor: Visitor
) -> None:
    await declared(made)
    await visitor.sign_in("staff")
    incident = made.desk.current()
    assert incident is not None
    (step,) = await ready(made, 1)
    seen = await made.desk.situation(incident)
    day = made.clock.utc().astimezone(JST).date()
    sheet = runbook(Press(made.city, made.book, day), seen.steps[step].runbook)
    _, page = await visitor.get(f"/disaster/paper?code={sheet.code.lower()}")
    assert sheet.title in page
    _, page = await visitor.get(f"/disaster/paper?code={sheet.payload}")
    assert sheet.title in page
    assert (await visitor.get("/disaster/paper?code=AAAAAAA0"))[0] == 400
    form = {
        "code": sheet.code,
        "day": day.isoformat(),
        "wrote": "紙を書いた人",
        "about": "1",
        f"r-{step}": "done",
        f"t-{step}": "00:10",
        f"w-{step}": "担当2",
        "op": "d4",
    }
    _, page = await visitor.post("/disaster/paper", **form)
    assert "1件を記録しました。0件は記録していません" in page
    entry = (await made.journal.read(kind="incident.step_done"))[-1]
    assert entry.detail["mode"] == "paper"
    assert entry.detail["sheet"] == sheet.code
    assert entry.detail["about"] is True
    assert await made.journal.reveal(entry) == {"doer": "担当2", "writer": "紙を書いた人"}
    bad = {**form, "op": "d5", f"t-{step}": "", f"r-{step}": "failed"}
    _, page = await visitor.post("/disaster/paper", **bad)
    assert "時刻が読めません" in page


async def test_every_set_is_drawn_and_a_copy_is_registered_and_ended(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("staff")
    for name in SETS:
        status, page = await visitor.get(f"/paper?set={name}&n=2")
        assert status == 200, name
        assert "<article" in page, name
    _, page = await visitor.get("/paper/copies")
    assert "登録された紙はありません" in page
    holder = made.city.roles[0].id
    form = {"do": "issue", "set": "9", "site": "honcho", "holder": holder, "op": "e1"}
    assert (await visitor.post("/paper/copies", **form))[0] == 303
    _, page = await visitor.get("/paper/copies")
    assert "copy-1" in page
    assert "今の版" in page
    people = (*made.city.people[1:], made.city.people[0].model_copy(update={"name": "新任"}))
    made.city = made.city.model_copy(update={"people": people})
    _, page = await visitor.get("/paper/copies")
    assert "人・連絡先が変わった" in page
    end = {"do": "end", "copy": "copy-1", "how": "destroyed", "op": "e2"}
    assert (await visitor.post("/paper/copies", **end))[0] == 303
    assert (await visitor.post("/paper/copies", **{**end, "op": "e3"}))[0] == 409


async def test_a_carry_out_file_with_contacts_is_registered_before_it_is_handed_out(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("administrator")
    site, role = made.city.sites[0].id, made.city.roles[0].id
    status, _ = await visitor.get("/carryout/contacts")
    assert status in (404, 405), "no link gives it away unregistered"
    status, body = await visitor.post("/carryout/contacts", site=site, holder=role, op="c1")
    assert status == 200
    assert "緊急連絡先一覧" in body
    (copy,) = made.journal.state(COPIES).out
    assert (copy.site, copy.holder, copy.sets) == (site, role, ("9", "runbooks"))
    status, _ = await visitor.post("/carryout/contacts", site="nowhere", holder=role, op="c2")
    assert status == 400
    assert len(made.journal.state(COPIES).out) == 1
