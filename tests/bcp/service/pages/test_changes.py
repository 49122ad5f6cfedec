"""The page of emergency changes: declared by staff, signed by another, taken back with words."""

from __future__ import annotations

from datetime import timedelta

from bcp.journal.entry import Actor
from runbooks import commands as c
from tests.bcp.service.pages.sample import Town, Visitor
from tests.bcp.service.pages.test_pages import declare


async def test_a_change_is_declared_approved_extended_and_taken_back(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("commander")
    await declare(visitor)
    incident = made.desk.current()
    assert incident is not None
    on, place = {"incident": incident.id, "subject": "P-1"}, "/disaster/changes"
    await visitor.sign_in("staff")
    made_it = {"do": "open", "cia": "C", "kind": "port", "reason": "保守用に3389を開けた"}
    assert (await visitor.post(place, **on, **made_it, op="1")) == (303, place)
    assert (await visitor.post(f"{place}/sign", **on, do="approve"))[0] == 403
    await visitor.sign_in("commander")
    _, page = await visitor.get(place)
    assert "保守用に3389を開けた" in page
    assert "未承認" in page
    assert "単独で承認する理由" not in page
    assert (await visitor.post(f"{place}/sign", **on, do="approve", op="2"))[0] == 303
    late = {"do": "extend", "until": "2001-01-01T10:00", "reason": "まだ要る"}
    assert (await visitor.post(f"{place}/sign", **on, **late, op="3"))[0] == 409
    back = {"do": "revert", "how": "seen", "reason": "閉じ、外から繋がらないのを見た"}
    assert (await visitor.post(place, **on, **(back | {"reason": ""}), op="4"))[0] == 409
    assert (await visitor.post(place, **on, **back, op="5"))[0] == 303
    _, page = await visitor.get(place)
    assert "閉じ、外から繋がらないのを見た" in page
    assert "目視" in page
    texts = [str(entry.detail) for entry in await made.journal.read(incident=incident.id)]
    assert not any("3389" in said for said in texts), "words are commitments only"


async def test_one_past_its_end_stands_above_every_page(made: Town, visitor: Visitor) -> None:
    await visitor.sign_in("commander")
    await declare(visitor)
    incident = made.desk.current()
    assert incident is not None
    assert "期限を過ぎています" not in (await visitor.get("/"))[1]
    now = made.clock.utc()
    usb = c.OpenChange(
        incident=incident.id,
        occurred_at=now - timedelta(hours=2),
        id="P-1",
        cia="C",
        what="USBで運ぶ",
        kind="data",
        expires_at=now - timedelta(hours=1),
    )
    await made.desk.do(usb, Actor("u-1", "commander"), "usb")
    assert "緊急変更 1 件が期限を過ぎています" in (await visitor.get("/"))[1]
