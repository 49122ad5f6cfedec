"""The pages of announcements: written, looked at, approved; public only what was approved."""

from __future__ import annotations

import re

from bcp.service.announced import current
from bcp.service.sections import Announcements
from runbooks.notices.template import Template
from tests.bcp.service.pages.sample import Town, Visitor
from tests.bcp.service.pages.test_pages import declare, field

DOWN = Template(
    id="down",
    audiences=("residents",),
    title="{service}を止めています",
    body="{time}からです。",
    easy="{service}が できません。{time}からです。",
    title_en="{service}",
    body_en="Since {time}.",
    radio="{service}は、{time}から、できません。",
)

DRAFT = {
    "title": "窓口の再開",
    "body": "<b>9時</b>に開けます。",
    "easy": "9じに あきます。",
    "alone": "夜間で一人",
}


async def approve(visitor: Visitor, base: str = "", **fields: str) -> tuple[int, str]:
    place = f"{base}/announcements"
    status, page = await visitor.post(place, do="preview", **(DRAFT | fields))
    assert status == 200, page
    assert "まだ公開していません" in page
    return await visitor.post(place, do="approve", op=field(page, "op"), **(DRAFT | fields))


async def test_a_text_is_public_only_after_it_was_looked_at_and_approved(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("commander")
    size = made.journal.size
    status, page = await visitor.post("/announcements", do="preview", **DRAFT)
    assert status == 200
    assert made.journal.size == size
    assert "お知らせはありません" in (await visitor.get("/status"))[1]
    assert await approve(visitor, next_update="2099-01-01T15:00") == (303, "/announcements")
    visitor.client.cookie_jar.clear()
    _, page = await visitor.get("/status")
    assert "窓口の再開" in page
    assert "&lt;b&gt;9時" in page
    assert "やさしい日本語" in page
    assert "次の更新予定: 2099-01-01 15:00" in page
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d 公開", page)
    for word in ("停止", "応答がありません", "関係者限り"):
        assert word not in page


async def test_withdrawing_takes_it_off_and_leaves_both_acts_in_the_log(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("commander")
    await approve(visitor)
    (one,) = await current(made.journal)
    assert (await visitor.post("/announcements", do="withdraw", id=one.id, op="w"))[0] == 303
    assert (await visitor.post("/announcements", do="withdraw", id=one.id, op="w"))[0] == 303
    assert (await visitor.post("/announcements", do="withdraw", id=one.id, op="x"))[0] == 409
    _, page = await visitor.get("/status")
    assert "お知らせはありません" in page
    assert "<s>窓口の再開</s>" in page, "withdrawn, and still to be read"
    kinds = [entry.kind for entry in await made.journal.read(kind="announcement.")]
    assert kinds == ["announcement.approved", "announcement.withdrawn"]


async def test_in_a_drill_nothing_reaches_the_public_page(made: Town, visitor: Visitor) -> None:
    await visitor.sign_in("commander")
    await declare(visitor, kind="drill", drill="live", drill_id="aki", word="訓練")
    size = made.journal.size
    assert await approve(visitor, "/drills/aki") == (303, "/drills/aki/announcements")
    _, page = await visitor.get("/drills/aki/announcements")
    assert "窓口の再開" in page
    assert "【訓練】" in page
    assert "お知らせはありません" in (await visitor.get("/status"))[1]
    assert made.journal.size == size
    assert not list(made.status_folder.iterdir())


async def test_a_draft_at_fault_comes_back_with_every_word(visitor: Visitor) -> None:
    await visitor.sign_in("commander")
    bad = DRAFT | {"next_update": "2001-01-01T10:00"}
    status, page = await visitor.post("/announcements", do="preview", **bad)
    assert status == 400
    assert "過去の時刻" in page
    assert "窓口の再開" in page
    assert "9じに あきます。" in page


async def test_only_who_may_announce_sees_the_page(visitor: Visitor) -> None:
    for login in ("viewer", "auditor", "administrator"):
        await visitor.sign_in(login)
        assert (await visitor.get("/announcements"))[0] == 403
        assert 'href="/announcements"' not in (await visitor.get("/"))[1]
    await visitor.sign_in("staff")  # writes for another to approve
    assert (await visitor.post("/announcements", do="approve", **DRAFT))[0] == 403
    saved = await visitor.post("/announcements/draft", do="save", op="s", **DRAFT)
    assert saved == (303, "/announcements")
    await visitor.sign_in("commander")
    assert "承認待ち" in (await visitor.get("/announcements"))[1]
    assert 'href="/announcements"' in (await visitor.get("/"))[1]


async def test_staff_fill_an_approved_template_look_at_it_and_it_is_public_at_once(
    made: Town, visitor: Visitor
) -> None:
    made.announcements = Announcements(templates=(DOWN,))
    await visitor.sign_in("commander")
    _, page = await visitor.get("/announcements")
    assert "〔業務名〕を止めています" in page
    assert (await visitor.post("/announcements", do="template", id="down", op="t"))[0] == 303
    await visitor.sign_in("staff")
    place, service = "/announcements/templates/down", made.city.services[0].name
    status, page = await visitor.get(place)
    assert status == 200
    assert f"<option>{service}</option>" in page
    given = {"v_service": service, "v_time": "14:30", "audience": "residents"}
    status, page = await visitor.post(place, do="preview", **given)
    assert status == 200
    assert "午後2時30分" in page, "as it is read aloud"
    status, page = await visitor.post(place, do="publish", op="p", **(given | {"v_time": "昼"}))
    assert status == 400
    assert "14:30" in page
    assert await visitor.post(place, do="publish", op="p", **given) == (303, "/announcements")
    (one,) = await current(made.journal)
    assert f"{service}を止めています" in (await visitor.get("/status"))[1]
    _, page = await visitor.get(f"/announcements/{one.id}/forms")
    assert "これは、訓練です" not in page
    assert "復唱" in page
    _, page = await visitor.get(f"/announcements/{one.id}/poster")
    assert service in page


async def test_a_drill_speaks_the_words_the_city_approved(made: Town, visitor: Visitor) -> None:
    made.announcements = Announcements(templates=(DOWN,))
    await visitor.sign_in("commander")
    await visitor.post("/announcements", do="template", id="down", op="t")
    await declare(visitor, kind="drill", drill="live", drill_id="aki", word="訓練")
    base, service = "/drills/aki/announcements", made.city.services[0].name
    given = {"v_service": service, "v_time": "14:30", "audience": "residents", "op": "p"}
    assert (await visitor.post(f"{base}/templates/down", do="publish", **given))[0] == 303
    _, page = await visitor.get(base)
    assert f"{service}を止めています" in page
    assert service not in (await visitor.get("/status"))[1]
