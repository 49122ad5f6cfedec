"""The report from a real log: the same bytes after later entries, a restart, and from its number."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bcp.journal.canonical import Json
from bcp.journal.entry import Actor, NewEntry
from bcp.kit.workers import Workers
from bcp.watch.values import failed, ok
from runbooks import commands as c
from tests.runbooks.test_desk import ME, House, Lamp, declare


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    workers = Workers(threads=2)
    made = House(tmp_path, workers)
    await made.board.define([Lamp(id="juki-readonly"), Lamp(id="ad-ldap")])
    yield made
    await made.journal.close()
    workers.close()


async def _check(house: House, check: str, new: str) -> None:
    detail: dict[str, Json] = {"check": check, "old": "unknown", "new": new, "since_us": 0}
    entry = NewEntry("check.changed", check, detail, None, house.clock.utc(), {"why": "応答なし"})
    await house.journal.append(entry, op=f"{check}-{new}", actor=Actor("system", "watch"))


async def _played(house: House) -> str:
    desk = house.desk
    said = c.Suggest(text="煙のにおい", level=2, onset=house.clock.utc())
    await desk.do(said, ME, "s-1")
    (suggested,) = desk.state.suggestions
    await desk.do(c.Dismiss(suggestion=suggested, reason="調理の煙だった"), ME, "s-2")
    await _check(house, "ad-ldap", "failed")
    await desk.do(declare(), ME, "op-1")
    incident = desk.current()
    assert incident is not None
    id = incident.id
    await desk.do(c.GiveEstimate(incident=id, kind="system", id="ad", eta=None), ME, "e-1")
    await house.clock.advance(600)
    await desk.do(
        c.TakeDecision(
            incident=id, question="応援を呼ぶか", choice="呼ぶ", rationale="人が足りない"
        ),
        ME,
        "d-1",
    )
    await _check(house, "ad-ldap", "ok")
    await house.clock.advance(60)
    await desk.do(
        c.TakeDecision(incident=id, question="続けるか", choice="続ける", rationale="戻った"),
        ME,
        "d-2",
    )
    opened = NewEntry("breakglass.opened", "E-07", {"account": "u-7"}, None, house.clock.utc())
    await house.journal.append(opened, op="bg-1", actor=Actor("u-7", "staff"))
    for view in ("ad-ldap", "juki-readonly"):
        house.see(view, ok("応答あり", "answers"))
    await desk.do(c.AddNote(incident=id, text="余震あり"), ME, "n-1")
    return id


async def test_the_same_number_gives_the_same_bytes_after_later_entries_and_a_restart(
    house: House,
) -> None:
    id = await _played(house)
    desk = house.desk
    incident = desk.incident(id)
    assert incident is not None
    first = await desk.report(incident)
    text = first.markdown

    # entries of other kinds, an answer to a code, a second event, and one more of this event
    house.see("juki-readonly", failed("応答なし", "no answer"))
    await _check(house, "juki-readonly", "failed")
    settled = NewEntry("breakglass.settled", "E-07", {}, None, house.clock.utc())
    await house.journal.append(settled, op="bg-2", actor=ME)
    again = await desk.report(incident)
    assert again.markdown == text, "what is not of the event never changes its report"
    await desk.do(declare(links=(id,), reason="余震"), ME, "op-2")
    await desk.do(c.AddNote(incident=id, text="後で分かったこと"), ME, "n-2")
    changed = await desk.report(desk.incident(id) or incident)
    assert changed.digest != first.digest
    assert "E-07" in changed.markdown

    await house.journal.close()
    house.journal = house.opened()
    desk = house.desk_over(house.journal)
    known = desk.incident(id)
    assert known is not None
    edition = await desk.report(known, first.upto)
    assert edition.markdown == text
    assert edition.digest == first.digest


async def test_a_decision_shows_which_checks_were_red_and_which_estimate_was_newest(
    house: House,
) -> None:
    id = await _played(house)
    incident = house.desk.incident(id)
    assert incident is not None
    report = await house.desk.report(incident)
    known = {row.subject: row.known for row in report.decisions}
    assert known[id].red == ("ad-ldap",), "the declaration: what the board showed"
    assert known["decision-1"].red == ("ad-ldap",)
    assert known["decision-1"].estimates[0].eta is None
    assert known["decision-2"].red == ()
    for said in ("人が足りない", "調理の煙だった", "E-07", "赤: ad-ldap"):
        assert said in report.markdown, said


async def test_two_linked_events_show_each_deadline_and_no_clock_is_reset(house: House) -> None:
    id = await _played(house)
    desk = house.desk
    await house.clock.advance(3600)
    await desk.do(declare(links=(id,), onset=house.clock.utc(), reason="余震"), ME, "op-2")
    await desk.do(c.AddNote(incident=id, text="余震でも続ける"), ME, "n-9")
    incident = desk.incident(id)
    assert incident is not None
    rows = [row for row in (await desk.report(incident)).goals.linked if row.system == "ad"]
    assert len(rows) == 2
    assert rows[0].onset < rows[1].onset
    assert [row.counts for row in rows] == [True, False], "the earlier deadline counts"
    assert "関連する発動ごとの期限" in (await desk.report(incident)).markdown
