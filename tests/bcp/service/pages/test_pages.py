"""The pages over real rooms: what stands on them, how heavy they are, what they refuse."""

from __future__ import annotations

import re
from pathlib import Path

from bcp.kit.language import catalogue
from bcp.service import pages as room
from bcp.service.pages.render import STATIC
from tests.bcp.service.pages.sample import PASSWORD, Town, Visitor, quiet

READING = (
    "/", "/systems/web", "/systems/juki", "/services/koho", "/checks/web/main", "/checks/mail/lock",
    "/backups", "/audit", "/log", "/runbooks", "/runbooks/juki-restore", "/disaster",
    "/disaster/declare", "/disaster/declare?kind=drill", "/account", "/status",
    "/announcements", "/log/entries/1", "/?lang=en",
)  # fmt: skip
LIMIT = 30_000
KEY = re.compile(r"\bt\('([a-z0-9_]+)'[,)]")


async def declare(visitor: Visitor, **fields: str) -> tuple[int, str]:
    _, page = await visitor.get(
        "/disaster/declare" + ("?kind=drill" if "drill_id" in fields else "")
    )
    shown = re.search(r'name="shown" value="([^"]*)"', page)
    assert shown
    given = {
        "shown": shown[1].replace("&#39;", "'"), "kind": "real", "nature": "disaster", "level": "3",
        "onset": re.search(r'name="onset"[^>]*value="([^"]*)"', page)[1],  # type: ignore[index]
        "capacity": "on_site", "reason": "停電", "word": "全面発動", "op": "a1",
    }  # fmt: skip
    return await visitor.post("/disaster/declare", **(given | fields))


def field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return found[1]


async def test_each_page_opens_and_weighs_less_than_thirty_kilobytes(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("commander")
    assert (await declare(visitor))[0] == 303
    for path in (*READING, "/disaster/systems/juki", "/disaster/steps/SHODO-01"):
        status, page = await visitor.get(path)
        assert status == 200, path
        assert len(page.encode()) < LIMIT, (path, len(page.encode()))
        assert "<script src" in page or "live.js" not in page
        assert "style=" not in page
        assert "onclick" not in page
        assert "&lt;" not in page, f"{path}: marks shown as text"


def test_style_sheet_and_script_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in STATIC.iterdir()}
    assert sizes["style.css"] < 16_000
    assert sizes["live.js"] < 4_000


async def test_the_worst_thing_stands_first_with_since_whom_and_what_next(
    visitor: Visitor,
) -> None:
    await visitor.sign_in("viewer")
    _, page = await visitor.get("/")
    first = page[page.index('<section class="first failed"') : page.index("</section>")]
    assert "市のお知らせを出す" in first
    assert "3時間25分" in first
    assert "応答がありません" in first
    assert "市民と報道" in first
    assert "紙のお知らせを支所と避難所にはり" in first
    assert "0228-00-0106" in first
    assert "発動を検討する" not in first  # a viewer cannot declare
    assert "未監視(別区画)" in page


async def test_a_quiet_city_says_so_and_counts_what_nobody_watches(
    made: Town, visitor: Visitor
) -> None:
    await quiet(made)
    await visitor.sign_in("viewer")
    _, page = await visitor.get("/")
    assert "今、止まっている業務はありません" in page
    assert "未監視" in page


async def test_a_red_check_shows_why_with_its_evidence(visitor: Visitor) -> None:
    await visitor.sign_in("staff")
    _, page = await visitor.get("/checks/web/main")
    assert "connect 203.0.113.10:443: timed out" in page
    assert "最近の結果" in page


async def test_findings_are_hidden_from_mere_viewers(visitor: Visitor) -> None:
    await visitor.sign_in("viewer")
    assert (
        "古いTLSを受け付けます" not in (await visitor.get("/checks/mail/lock"))[1].split("</h2>")[2]
    )
    await visitor.sign_in("auditor")
    _, page = await visitor.get("/audit")
    assert "TLS 1.0と1.1を止める" in page
    assert "未確認" in page


async def test_a_statement_by_eye_is_in_the_log_before_the_page_answers(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("staff")
    before = made.journal.size
    status, place = await visitor.post("/checks/power/main", status="ok", note="明かりを見た")
    assert (status, place) == (303, "/checks/power/main")
    assert made.journal.size == before + 1
    assert (await visitor.post("/checks/web/main", status="ok"))[0] == 404
    assert (await visitor.post("/checks/power/main", status="great"))[0] == 400


async def test_declaring_lists_what_will_happen_and_needs_the_word(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("staff")
    status, page = await declare(visitor, word="はい")
    assert status == 409
    assert "まだ発動していません" in page
    status, page = await declare(visitor, level="1", word="警戒")
    assert status == 409
    assert "一覧を更新しました" in page
    assert made.desk.current() is None
    assert await declare(visitor) == (303, "/disaster")
    incident = made.desk.current()
    assert incident is not None
    assert incident.real
    assert "【実対応】" in (await visitor.get("/"))[1]


async def test_a_second_click_is_the_same_declaration(made: Town, visitor: Visitor) -> None:
    await visitor.sign_in("commander")
    await declare(visitor)
    size = made.journal.size
    assert (await declare(visitor))[0] == 303
    assert made.journal.size == size


async def test_a_step_names_whom_to_call_and_hides_the_number_from_mere_viewers(
    visitor: Visitor,
) -> None:
    await visitor.sign_in("staff")
    await declare(visitor)
    assert 'href="tel:' in (await visitor.get("/disaster/steps/SHODO-02"))[1]
    await visitor.sign_in("viewer")
    _, page = await visitor.get("/disaster/steps/SHODO-02")
    assert 'href="tel:' not in page
    assert '<form method="post">' not in page


async def test_a_drill_is_marked_everywhere_and_touches_nothing_real(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("commander")
    size = made.journal.size
    status, place = await declare(visitor, kind="drill", drill="live", drill_id="aki", word="訓練")
    assert (status, place) == (303, "/drills/aki")
    for path in ("/drills/aki", "/drills/aki/steps/SHODO-01"):
        status, page = await visitor.get(path)
        assert status == 200
        assert 'class="drill"' in page
        assert "<title>【訓練】" in page
    assert made.journal.size == size
    assert made.desk.current() is None
    assert (await visitor.get("/drills/other"))[0] == 404


async def test_a_tick_is_durable_and_a_second_person_sees_both_statements(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("staff")
    await declare(visitor)
    incident = made.desk.current()
    assert incident is not None
    seen = await made.desk.situation(incident)
    here = f"/disaster/steps/{seen.next[0].standing.step.id}"
    _, page = await visitor.get(here)
    tick = {"incident": incident.id, "version": field(page, "version")}
    options = re.findall(r'name="option" value="([^"]*)"', page)
    doing = {"do": "decide", "option": options[0]} if options else {"do": "finish"}
    status, place = await visitor.post(here, op="op1", **tick, **doing)
    assert status == 303
    assert place.startswith("/disaster/next")
    await visitor.sign_in("commander")
    status, page = await visitor.post(here, op="op2", do="fail", reason="見ていない", **tick)
    assert status == 409
    assert "何も変わっていません" in page
    assert "今の記録" in page
    assert "あなたの操作" in page


async def test_an_old_form_sent_again_with_other_words_is_another_act(
    made: Town, visitor: Visitor
) -> None:
    """The back button brings the old operation id: a second note must not vanish as a repeat."""
    await visitor.sign_in("staff")
    await declare(visitor)
    incident = made.desk.current()
    assert incident is not None
    note = {"incident": incident.id, "do": "note", "op": "n1"}
    for words in ("余震あり", "余震あり", "停電が広がった"):
        assert (await visitor.post("/disaster/work", reason=words, **note))[0] == 303
    again = made.desk.incident(incident.id)
    assert again is not None
    assert again.notes == 2, "the double click is one note, the other words are a second"


async def test_sheets_of_paper_are_pages_and_pdf(visitor: Visitor) -> None:
    await visitor.sign_in("staff")
    await declare(visitor)
    for path in ("/paper", "/runbooks/juki-restore/print", "/disaster/report"):
        status, page = await visitor.get(path)
        assert status == 200, path
        assert "sheet" in page
    async with visitor.client.get(visitor.root + "/runbooks/juki-restore/pdf") as answer:
        assert answer.status == 200
        assert (await answer.read()).startswith(b"%PDF")
    await visitor.sign_in("viewer")
    assert (await visitor.get("/paper"))[0] == 403


async def test_a_wrong_password_is_said_without_saying_which_part(visitor: Visitor) -> None:
    assert await visitor.sign_in("staff", "wrong") == 401
    assert await visitor.sign_in("nobody", "wrong") == 401
    assert await visitor.sign_in("staff", PASSWORD) == 303


async def test_an_error_of_ours_is_a_page_in_plain_words(made: Town, visitor: Visitor) -> None:
    await visitor.sign_in("viewer")
    made.board.views = None  # type: ignore[method-assign,assignment]
    status, page = await visitor.get("/")
    assert status == 500
    assert "監視は続いています" in page
    assert "Traceback" not in page


def test_every_word_a_template_uses_is_in_the_catalogue() -> None:
    known = catalogue()
    folder = Path(room.__file__).parent / "templates"
    missing = {
        f"{path.name}: {key}"
        for path in folder.glob("*.html")
        for key in KEY.findall(path.read_text(encoding="utf-8"))
        if f"pages.{key}" not in known and path.name != "practice.html"
    }
    assert not missing


async def test_a_failure_is_taken_on_from_its_page(made: Town, visitor: Visitor) -> None:
    id = next(v.id for v in made.board.views(made.clock.utc()) if v.status.value == "failed")
    await visitor.sign_in("viewer")
    assert "引き受けました" not in (await visitor.get(f"/checks/{id}"))[1]
    await visitor.sign_in("staff")
    assert "引き受けました" in (await visitor.get(f"/checks/{id}"))[1]
    status, _ = await visitor.post(f"/checks/{id}", do="take", note="向かう", op="t1")
    assert status == 303
    _, page = await visitor.get(f"/checks/{id}")
    assert "が引き受けています" in page
    assert made.journal.state("acks")[id].by is not None


async def test_a_check_is_paused_and_goes_on_from_its_page(made: Town, visitor: Visitor) -> None:
    await visitor.sign_in("staff")
    assert "一時止める" not in (await visitor.get("/checks/web/main"))[1]
    assert (await visitor.post("/checks/web/main", do="run"))[0] == 409
    await visitor.sign_in("administrator")
    assert "今すぐ確かめる" in (await visitor.get("/checks/web/main"))[1]
    assert (await visitor.post("/checks/power/main", status="ok"))[0] == 409, "not an observer"
    for bad in ({"length": "30d", "reason": "x"}, {"length": "2h", "reason": " "}):
        assert (await visitor.post("/checks/web/main", do="pause", **bad))[0] == 400
    asked = {"do": "pause", "length": "2h", "reason": "機器の交換", "op": "p1"}
    assert (await visitor.post("/checks/web/main", **asked))[0] == 303
    paused = made.journal.state("interim").paused(made.clock.utc())
    assert set(paused) == {"web/main"}
    page = (await visitor.get("/checks/web/main"))[1]
    assert "検査を再開する" in page
    assert "今すぐ確かめる" not in page, "what stands still is not looked at"
    for _twice in range(2):
        assert (await visitor.post("/checks/web/main", do="resume", op="p2"))[0] == 303
    assert made.journal.state("interim").paused(made.clock.utc()) == {}


async def test_a_check_looks_now_from_its_page(made: Town, visitor: Visitor) -> None:
    before = made.board.view("web/main").last
    await visitor.sign_in("administrator")
    assert (await visitor.post("/checks/web/main", do="run", op="r1"))[0] == 303
    after = made.board.view("web/main").last
    assert after is not None
    assert after != before, "the result went the common road"
