"""稼働報告: every second in one place, planned stops and drills apart, what nobody saw never up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcp.kit.workers import Workers
from bcp.plan.model import Need, Service, System
from bcp.plan.types import Zone
from bcp.watch.backdating import Backdating
from bcp.watch.board import Board
from bcp.watch.history import History
from bcp.watch.judge import Judge
from bcp.watch.recorder import Recorder
from bcp.watch.uptime import KEPT, Period, Seen, Uptime, fiscal_year, month, per_day, uptime
from bcp.watch.values import Status
from bcp.watch.view import Span
from tests.bcp.watch.helpers import check, running, seen
from tests.bcp.watch.test_silence import town
from tests.fakes import ManualClock

H = 3_600_000_000
DAY = Period(date(2026, 11, 1), date(2026, 11, 1))
LATE = datetime(2026, 12, 1, tzinfo=UTC)
FIRST = date(2026, 10, 1)


def test_a_month_and_a_fiscal_year_are_whole_days_of_the_city() -> None:
    assert month(2026, 12).last == date(2026, 12, 31)
    assert month(2026, 2).last == date(2026, 2, 28)
    assert month(2026, 11).start == datetime(2026, 10, 31, 15, tzinfo=UTC)
    assert fiscal_year(2026).first == date(2026, 4, 1)
    assert fiscal_year(2026).last == date(2027, 3, 31)
    with pytest.raises(ValueError, match="month"):
        month(2026, 13)


def test_planned_stops_and_drills_count_neither_up_nor_down() -> None:
    sums = {Status.OK: 16 * H, Status.FAILED: 6 * H}
    planned, drill = {Status.FAILED: 4 * H}, {Status.OK: H, Status.FAILED: H}
    line = uptime(DAY, Seen(sums, planned, drill, (H,), FIRST), LATE)
    assert (line.up, line.down) == (timedelta(hours=15), timedelta(hours=1))
    assert (line.planned, line.drill) == (timedelta(hours=4), timedelta(hours=2))
    assert line.blind == timedelta(hours=2)
    assert line.availability == pytest.approx(15 / 16)
    assert line.coverage == pytest.approx(16 / 18)
    assert not line.full
    assert (line.outages, line.longest) == (1, timedelta(hours=1))


def test_before_the_first_look_nothing_was_blind_and_nothing_worked() -> None:
    never = uptime(DAY, Seen({}, {}, {}), LATE)
    assert never.unwatched == timedelta(days=1)
    assert (never.availability, never.coverage) == (None, None)
    later = uptime(
        Period(date(2026, 11, 1), date(2026, 11, 2)),
        Seen({Status.OK: 24 * H}, {}, {}, (), date(2026, 11, 2)),
        LATE,
    )
    assert later.unwatched == timedelta(days=1)
    assert (later.availability, later.coverage) == (1.0, 1.0)


def test_a_running_period_ends_now() -> None:
    line = uptime(DAY, Seen({Status.OK: H}, {}, {}, (), FIRST), DAY.start + timedelta(hours=2))
    assert line.elapsed == timedelta(hours=2)
    assert line.blind == timedelta(hours=1)


def test_a_day_credited_twice_over_fills_no_other_day() -> None:
    rows = [
        ("system:a", "2026-11-01", "ok", 20 * H),
        ("system:a", "2026-11-01", "failed", 5 * H),
        ("planned/system:a", "2026-11-01", "failed", 5 * H),
        ("system:a", "2026-11-02", "ok", 20 * H),
    ]
    cut = list(per_day(rows, LATE))
    assert sum(micros for subject, _status, micros in cut if subject == "system:a") <= 44 * H
    assert cut[2][2] == cut[1][2] == 5 * H * 24 // 25
    assert cut[3] == ("system:a", Status.OK, 20 * H)
    assert per_day([("system:a", "2026-12-01", "ok", 20 * H)], LATE).__next__()[2] == 9 * H


def test_what_is_no_longer_kept_is_blind_and_not_before_the_first_look() -> None:
    now = DAY.start + KEPT
    oldest = DAY.first
    line = uptime(Period(date(2026, 10, 30), date(2026, 11, 2)), Seen({}, {}, {}, (), oldest), now)
    assert line.unwatched == timedelta()
    assert line.blind == line.elapsed


micros = st.integers(0, 40 * H)
sums_of = st.dictionaries(st.sampled_from(Status), micros, max_size=4)


@given(sums_of, sums_of, sums_of, st.integers(0, 60), st.sampled_from([None, FIRST, DAY.first]))
def test_whatever_was_credited_the_parts_are_the_period(
    sums: dict[Status, int],
    planned: dict[Status, int],
    drill: dict[Status, int],
    hours: int,
    since: date | None,
) -> None:
    now = DAY.start + timedelta(hours=hours)
    line = uptime(DAY, Seen(sums, planned, drill, (), since), now)
    parts = (
        line.up,
        line.down,
        line.unknown,
        line.planned,
        line.drill,
        line.blind,
        line.unwatched,
    )
    assert all(part >= timedelta() for part in parts)
    assert sum(parts, timedelta()) == line.elapsed
    assert line.availability is None or 0 <= line.availability <= 1
    if since is None:
        assert line.up == timedelta()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def history(tmp_path: Path, clock: ManualClock) -> Iterator[History]:
    workers = Workers(2)
    found = History(tmp_path / "h.sqlite", clock, workers)
    found.start()
    yield found
    found.close()
    workers.close()


async def today(history: History, begin: datetime, now: datetime) -> Uptime:
    """The line of the day in which `begin` lies."""
    assert await history.flush()
    day = (begin + timedelta(hours=9)).date()
    period = Period(day, day)
    return uptime(period, (await history.reader.seen(period))["system:juki"], now)


def test_time_taken_back_from_one_working_state_is_taken_from_both() -> None:
    sums = {Status.OK: 10 * H, Status.DEGRADED: -H, Status.FAILED: 3 * H}
    line = uptime(DAY, Seen(sums, {}, {}, (), FIRST), LATE)
    assert (line.up, line.down) == (timedelta(hours=9), timedelta(hours=3))
    assert line.blind == timedelta(hours=12)


async def test_the_history_keeps_outages_and_what_is_apart(
    history: History, clock: ManualClock
) -> None:
    board = Board(clock)
    await board.define([check("a", failures=1, every=10, system="juki")])
    judge = Judge(board, clock, town())
    recorder = Recorder(board, judge, clock, history=history)
    begin = clock.utc()
    async with running(recorder.run):

        async def run(status: Status, seconds: int) -> None:
            for _ in range(seconds // 10):
                recorder.record(seen("a", status, clock.utc()))
                await clock.advance(10)

        await run(Status.FAILED, 600)  # within the planned stop
        judge.city = town().model_copy(update={"windows": ()})
        await run(Status.OK, 600)
        await run(Status.FAILED, 300)
        await run(Status.OK, 100)
        judge.drills = lambda: frozenset({"juki"})
        await run(Status.FAILED, 200)
    line = await today(history, begin, clock.utc())
    assert line.planned.total_seconds() == pytest.approx(600, abs=30)
    assert line.drill.total_seconds() == pytest.approx(200, abs=30)
    assert line.down.total_seconds() == pytest.approx(300, abs=30)
    assert line.up.total_seconds() == pytest.approx(700, abs=40)
    assert line.outages == 1
    assert line.longest.total_seconds() == pytest.approx(300, abs=30)


async def test_an_outage_begins_with_the_first_failed_probe(
    history: History, clock: ManualClock
) -> None:
    board = Board(clock)
    await board.define([check("a", failures=7, every=60, system="juki")])
    judge = Judge(board, clock, town().model_copy(update={"windows": ()}))
    recorder = Recorder(board, judge, clock, history=history)
    begin = clock.utc()
    async with running(recorder.run):
        for status, seconds in ((Status.OK, 600), (Status.FAILED, 900), (Status.OK, 300)):
            for _ in range(seconds // 60):
                recorder.record(seen("a", status, clock.utc()))
                for _second in range(6):
                    await clock.advance(10)
    line = await today(history, begin, clock.utc())
    assert line.down.total_seconds() == pytest.approx(900, abs=30)
    assert line.up.total_seconds() == pytest.approx(900, abs=40)
    assert line.outages == 1
    assert line.longest.total_seconds() == pytest.approx(900, abs=30)


async def test_an_outage_over_midnight_is_one_in_each_day(history: History) -> None:
    begin = DAY.end - timedelta(hours=1)
    history.credit(Span("system:juki", Status.FAILED, begin, begin + timedelta(hours=7)))
    history.fail("system:juki", begin, 7 * 3600)
    assert await history.flush()
    after = date(2026, 11, 2)
    for period, hours in ((DAY, 1), (Period(after, after), 6)):
        line = uptime(period, (await history.reader.seen(period))["system:juki"], LATE)
        assert (line.outages, line.longest) == (1, timedelta(hours=hours))
        assert line.down == line.longest
    later = Period(date(2026, 11, 3), date(2026, 11, 3))
    assert (await history.reader.seen(later))["system:juki"].outages == ()


@given(st.lists(st.tuples(st.sampled_from(Status), st.booleans()), max_size=30))
def test_only_what_was_counted_as_working_moves(ticks: list[tuple[Status, bool]]) -> None:
    start, backdating = DAY.start + timedelta(hours=3), Backdating()
    worked = timedelta()
    tick = timedelta(seconds=10)
    for status, judged in ticks:
        start += tick
        if not judged:
            backdating.blind()
            worked = timedelta()
            continue
        outages = {"a": DAY.start} if status is Status.FAILED else {}
        for move in backdating.moves({"a": status}, outages, start):
            assert move.start >= DAY.start
            assert move.end == start
            assert timedelta() < worked
            assert move.was in {Status.OK, Status.DEGRADED}
        worked += tick


async def test_a_failure_beside_a_planned_stop_is_down_all_the_same() -> None:
    base, clock = town(), ManualClock()
    other = System(id="mail", name="メール", zone=Zone.LGWAN)
    needs = (Need(system="juki"), Need(system="mail"))
    service = Service(id="window", name="窓口", needs=needs)
    whole = base.model_copy(update={"systems": (*base.systems, other), "services": (service,)})
    board = Board(clock)
    await board.define(
        [check("a", failures=1, system="juki"), check("b", failures=1, system="mail")]
    )
    judge = Judge(board, clock, whole)
    board.apply(seen("a", Status.FAILED, clock.utc()))
    board.apply(seen("b", Status.OK, clock.utc()))
    await judge.refresh()
    named = {span.subject for span in judge.spans(clock.utc(), 1.0)}
    assert "planned/service:window" in named
    assert "service:window" not in dict(judge.outages())
    board.apply(seen("b", Status.FAILED, clock.utc()))
    await judge.refresh()
    named = {span.subject for span in judge.spans(clock.utc(), 1.0)}
    assert "planned/system:juki" in named
    assert "planned/service:window" not in named
    assert set(dict(judge.outages())) == {"system:mail", "service:window"}
