"""A site event is durable before it is told, and a kill in between costs no call and makes no second one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bcp.journal.journal import Journal
from bcp.plan.site_event import SiteEventRule
from bcp.watch.announcing import Announcement
from bcp.watch.board import Board
from bcp.watch.judge import Judge
from bcp.watch.recorder import Recorder
from bcp.watch.site_log import FOLD
from bcp.watch.sites import site_events
from bcp.watch.values import Mute, Status
from bcp.watch.view import Saved
from tests.bcp.watch.helpers import check, running, seen
from tests.bcp.watch.test_sites import FIVE, PLACES, state, system, town
from tests.fakes import START, ManualClock

OK, FAILED = Status.OK, Status.FAILED
PLAN = town(*(system(id) for id in FIVE))
DOWN = ("a", "b", "c", "d")


@dataclass
class Start:
    """One life of the daemon."""

    clock: ManualClock
    board: Board
    judge: Judge
    recorder: Recorder
    journal: Journal
    heard: list[Announcement] = field(default_factory=list)

    def sites(self) -> list[bool]:
        """What was said of the place: True where it was over."""
        return [one.resolved for one in self.heard if one.key.startswith("site-")]

    def deliver(self) -> None:
        """The routes got it out."""
        for one in self.heard:
            self.recorder.teller.delivered(one, self.clock.utc())

    async def turn(self, done: Callable[[], bool]) -> None:
        """Ticks of a second, each with real time for what the log was asked to write."""
        for _ in range(60):
            await self.clock.advance(1)
            for _real in range(10):
                if done():
                    return
                await asyncio.sleep(0.005)
        raise AssertionError("never came")

    async def written(self, kind: str, count: int) -> None:
        """Wait for so many entries of a kind."""
        found = 0
        for _ in range(60):
            await self.clock.advance(1)
            for _real in range(5):
                found = sum(entry.kind == kind for entry in await self.journal.read(0))
                if found >= count:
                    return
                await asyncio.sleep(0.005)
        raise AssertionError(f"{found} entries {kind}, wanted {count}")


@asynccontextmanager
async def life(
    folder: Path, at: float, *, down: tuple[str, ...] = DOWN, deaf: bool = False, known: bool = True
) -> AsyncIterator[Start]:
    """Start on what an earlier life left. `deaf`: killed before a message can be queued."""
    clock = ManualClock(START + timedelta(seconds=at))
    if not folder.exists():
        Journal.create(folder, origin="t.example/log", node="n", clock=clock)
    journal = Journal.open(folder, clock=clock, folds={"sites": FOLD})
    board = Board(clock)
    await board.define(check(f"{id}/http", failures=1, every=30, system=id) for id in FIVE)
    when = clock.utc() - timedelta(seconds=2 if known else 3600)
    board.restore(_saved(id, FAILED if id in down else OK, when) for id in FIVE)
    judge = Judge(board, clock, PLAN, journal.state("sites"))
    heard: list[Announcement] = []

    def announce(message: Announcement) -> None:
        if deaf:
            raise _Killed
        heard.append(message)

    recorder = Recorder(board, judge, clock, sink=journal, announce=announce)
    recorder.assume_said()
    start = Start(clock, board, judge, recorder, journal, heard)
    try:
        async with running(recorder.run):
            yield start
    except* _Killed:
        pass
    finally:
        await journal.close()


class _Killed(Exception):
    """The process is gone here."""


def _saved(id: str, status: Status, at: datetime) -> Saved:
    since = START if status is FAILED else START - timedelta(hours=1)
    look = seen(f"{id}/http", status, at)
    return Saved(f"{id}/http", status, since, look.outcome.sentence, look)


async def test_a_kill_between_the_decision_and_the_message_costs_no_call(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with life(log, 5, deaf=True) as first:
        await first.written("site.changed", 1)
        await first.clock.advance(5)

    async with life(log, 20) as second:
        await second.turn(lambda: bool(second.sites()))
        await second.clock.advance(5)
        assert second.sites() == [False]
        assert all(one.logged for one in second.heard)
        second.deliver()
        await second.written("site.told", 1)
        entries = [entry.kind for entry in await second.journal.read(0)]
        assert entries.count("site.changed") == 1, "it was decided once"

    async with life(log, 60) as third:
        await third.clock.advance(10)
        assert third.sites() == []
        assert third.board.view("a/http").muted == {Mute.PARENT}


async def test_what_was_queued_and_never_delivered_is_told_again(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for at in (5, 20):
        async with life(log, at) as start:
            await start.turn(lambda: bool(start.sites()))
            assert start.sites() == [False]


async def test_a_kill_before_the_decision_was_written_costs_no_call(tmp_path: Path) -> None:
    """All fell before this start, but the log knows of no event: so nobody was called."""
    async with life(tmp_path / "log", 300) as start:
        await start.turn(lambda: bool(start.sites()))
        assert start.sites() == [False]
        await start.written("site.changed", 1)


async def test_an_event_that_ended_while_the_daemon_was_down_is_told_as_over_once(
    tmp_path: Path,
) -> None:
    log = tmp_path / "log"
    async with life(log, 5) as start:
        await start.turn(lambda: bool(start.sites()))
        start.deliver()
        await start.written("site.told", 1)
    async with life(log, 60, down=(), deaf=True) as start:
        await start.written("site.changed", 2)
    async with life(log, 90, down=()) as start:
        await start.turn(lambda: bool(start.sites()))
        assert start.sites() == [True]
        start.deliver()
        await start.written("site.told", 2)
    async with life(log, 120, down=()) as start:
        await start.clock.advance(10)
        assert start.sites() == []


async def test_members_of_which_nothing_is_known_after_a_long_stop_are_not_back(
    tmp_path: Path,
) -> None:
    log = tmp_path / "log"
    async with life(log, 5) as start:
        await start.turn(lambda: bool(start.sites()))
        start.deliver()
        await start.written("site.told", 1)
    async with life(log, 3600, known=False) as start:
        await start.clock.advance(10)
        assert start.board.view("a/http").status is Status.UNKNOWN
        assert start.sites() == []
        assert start.judge.sites.events["kurikoma"].systems == DOWN
        for id in FIVE:
            start.recorder.record(seen(f"{id}/http", OK, start.clock.utc()))
        await start.turn(lambda: bool(start.sites()))
        assert start.sites() == [True]


@pytest.mark.parametrize(
    ("rule", "begins"),
    [({}, True), ({"least": 4}, False), ({"percent": 80}, False), ({"within": "1m"}, False)],
)
def test_the_plan_says_from_when_on_it_is_one_event(rule: dict[str, object], begins: bool) -> None:
    states = {id: state(id, OK) for id in FIVE}
    states |= {id: state(id, FAILED, at) for at, id in enumerate("abc")}
    made = SiteEventRule.model_validate(rule)

    assert bool(site_events(PLACES, states, (), {}, made)) is begins


@pytest.mark.parametrize(
    "wrong", [{"ends_below": 4}, {"ends_below_percent": 61}, {"within": "0s"}, {"least": 1}]
)
def test_a_rule_that_would_swing_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"ends_below|within|least"):
        SiteEventRule.model_validate(wrong)
