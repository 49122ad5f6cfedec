"""An outage ends when what was proven before has held again, and a restart forgets neither it nor flapping."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcp.kit.language import same
from bcp.kit.workers import Workers
from bcp.plan.model import City
from bcp.watch import remembered
from bcp.watch.board import Board
from bcp.watch.flapping import BEGINS, Flapping
from bcp.watch.judge import Judge
from bcp.watch.outages import Outages
from bcp.watch.remembered import Remembered
from bcp.watch.rollup import ServiceState, SystemState
from bcp.watch.values import Mute, Status
from tests.bcp.watch.helpers import check, city, seen
from tests.bcp.watch.test_flapping import change
from tests.fakes import START, ManualClock

OK, FAILED, UNKNOWN = Status.OK, Status.FAILED, Status.UNKNOWN
SECOND = timedelta(seconds=1)
HOLD = 60


def plan(**more: Any) -> City:
    target = {"level": "L1", "name": "窓口", "proven_by": ["a/http"], "hold": f"{HOLD}s"}
    system = {"id": "a", "name": "甲", "zone": "LGWAN接続系", "targets": [target], **more}
    return city(
        systems=[system],
        services=[{"id": "s", "name": "業務", "needs": [{"system": "a"}]}],
    )


class Day:
    """One check looked at every ten seconds."""

    def __init__(self, plan: City) -> None:
        self.clock = ManualClock()
        self.board, self.plan = Board(self.clock), plan
        self.judge = Judge(self.board, self.clock, plan)

    async def begin(self) -> Day:
        await self.board.define([check("a/http", failures=1, every=30, system="a")])
        return self

    async def see(self, status: Status, seconds: int = 10) -> None:
        for _ in range(0, seconds, 10):
            self.board.apply(seen("a/http", status, self.clock.utc()))
            await self.clock.advance(10)
            await self.judge.refresh()

    def down(self) -> dict[str, float]:
        return {id: (at - START) / SECOND for id, at in self.judge.outages()}

    def counted(self) -> dict[str, Status]:
        return {one.subject: one.status for one in self.judge.spans(self.clock.utc(), 10)}


async def test_an_outage_goes_on_while_recovery_is_being_proven_and_the_board_says_well() -> None:
    day = await Day(plan()).begin()
    await day.see(OK, 120)
    await day.see(FAILED, 30)
    assert day.down() == {"system:a": 120, "service:s": 120}
    await day.see(OK, HOLD - 20)
    assert day.judge.systems["a"].status is OK, "people may go on"
    assert day.down() == {"system:a": 120, "service:s": 120}
    assert day.counted() == {"system:a": FAILED, "service:s": FAILED}
    await day.see(FAILED, 10)
    await day.see(OK, HOLD - 10)
    assert day.down()["system:a"] == 120, "it fell within its hold: one outage, not two"
    await day.see(OK, 20)
    assert day.down() == {}
    assert day.counted() == {"system:a": OK, "service:s": OK}


@pytest.mark.parametrize("targets", [[], [{"level": "L1", "name": "窓口"}]])
async def test_where_nothing_is_to_be_proven_confirmed_recovery_ends_it(targets: list[Any]) -> None:
    day = await Day(plan(targets=targets)).begin()
    await day.see(OK, 60)
    await day.see(FAILED, 20)
    assert set(day.down()) == {"system:a", "service:s"}
    await day.see(OK, 10)
    assert day.down() == {}


async def test_what_never_held_before_is_not_demanded_of_its_recovery() -> None:
    """A proof that fails for weeks must not turn five minutes of outage into weeks."""
    target = {"level": "L1", "name": "窓口", "proven_by": ["absent"], "hold": "1m"}
    day = await Day(plan(targets=[target])).begin()
    await day.see(OK, 120)
    await day.see(FAILED, 20)
    assert day.down()["system:a"] == 120
    await day.see(OK, 10)
    assert day.down() == {}


async def test_unknown_ends_no_outage_and_is_not_counted_as_down() -> None:
    day = await Day(plan()).begin()
    await day.see(OK, 120)
    await day.see(FAILED, 20)
    await day.see(UNKNOWN, 20)
    assert day.down() == {}
    assert day.counted() == {"system:a": UNKNOWN, "service:s": UNKNOWN}
    await day.see(FAILED, 10)
    assert day.down()["system:a"] == 120


async def test_a_restart_while_recovery_is_being_proven_ends_nothing() -> None:
    day = await Day(plan()).begin()
    await day.see(OK, 120)
    await day.see(FAILED, 20)
    await day.see(OK, 10)
    memo = day.judge.memo()
    again = Judge(day.board, day.clock, day.plan)
    again.restore(memo)
    day.judge = again
    await day.see(OK, 10)
    assert day.down() == {"system:a": 120, "service:s": 120}
    await day.see(OK, HOLD)
    assert day.down() == {}


async def test_a_planned_stop_needs_no_proof_that_it_is_over() -> None:
    day = await Day(plan()).begin()
    await day.see(OK, 120)
    day.judge.stops = lambda: {"a": same("止めた")}
    await day.see(FAILED, 20)
    assert day.down() == {}
    await day.see(OK, 10)
    day.judge.stops = dict
    await day.see(OK, 10)
    assert day.down() == {}


STATES = st.lists(st.tuples(st.sampled_from(Status), st.booleans()), max_size=30)


@given(STATES)
def test_down_is_counted_from_failed_until_proven_and_never_while_unknown(
    seen_states: list[tuple[Status, bool]],
) -> None:
    found, town, now = Outages(), plan(), START
    for status, holds in seen_states:
        now += SECOND
        level = "L1" if holds and status is OK else None
        state = SystemState("a", status, same("x"), now, level)
        service = ServiceState("s", status, same("x"), now)
        found.refresh(town, {"a": state}, {"s": service}, ())
        counted = found.counted("system:a", status)
        assert counted in (status, FAILED)
        if status is FAILED:
            assert "system:a" in found.since
        if status is UNKNOWN:
            assert counted is UNKNOWN
        if level is not None:
            assert "system:a" not in found.since
            assert counted is OK
        again = Outages()
        again.restore(found.memo())
        assert again.since == found.since
        assert again.counted("system:a", status) is counted


async def test_who_flaps_is_not_told_again_after_a_restart(tmp_path: Path) -> None:
    day = await Day(plan()).begin()
    flapping = day.judge.flapping
    for n in range(BEGINS):
        old, new = (OK, FAILED) if n % 2 == 0 else (FAILED, OK)
        flapping.note(replace(change(old, new, n / 10), check="a/http"))
    await day.judge.refresh()
    assert len(flapping.take()) == 1
    workers, file = Workers(1), tmp_path / "judged.json"
    try:
        await Remembered(file, workers, day.clock, day.judge.memo).keep()
    finally:
        workers.close()

    again = Judge(day.board, day.clock, day.plan)
    again.restore(remembered.read(file))
    await again.refresh()

    assert again.flapping.take() == []
    assert set(again.flapping.since) == {"a/http"}
    assert day.board.view("a/http").muted == {Mute.FLAPPING}
    await day.clock.advance(660)
    await again.refresh()
    assert [news.entry.detail["new"] for news in again.flapping.take()] == ["settled"]


def test_changes_that_began_before_a_restart_count_on() -> None:
    before, after = Flapping(), Flapping()
    for n in range(BEGINS):
        if n == BEGINS - 1:
            after.restore(before.memo())
        old, new = (OK, FAILED) if n % 2 == 0 else (FAILED, OK)
        (before if n < BEGINS - 1 else after).note(change(old, new, n))
    assert after.refresh(START + timedelta(minutes=BEGINS)) == {"a": BEGINS}


@pytest.mark.parametrize(
    "damaged", [b"", b"[]", b"{", b'{"flapping": 3}', b'{"outages": {"down": {"a": "x"}}}', b"\xff"]
)
async def test_a_damaged_memory_is_none_and_watching_goes_on(
    tmp_path: Path, damaged: bytes
) -> None:
    file = tmp_path / "judged.json"
    file.write_bytes(damaged)
    day = await Day(plan()).begin()
    day.judge.restore(remembered.read(file))
    await day.see(FAILED, 20)
    assert day.down() == {"system:a": 0, "service:s": 0}


async def test_a_disk_that_refuses_is_tried_again(tmp_path: Path) -> None:
    workers, folder = Workers(1), tmp_path / "gone"
    memory = Remembered(folder / "judged.json", workers, ManualClock(), lambda: {"x": 1})
    try:
        await memory.keep()
        folder.mkdir()
        await memory.keep()
    finally:
        workers.close()
    assert remembered.read(folder / "judged.json") == {"x": 1}
