"""The wheel, by a manual clock: a simulated day in about a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from bcp.watch.check import Check
from bcp.watch.schedule import Scheduler, Seats, phase
from tests.bcp.watch.helpers import Heavy, check
from tests.fakes import ManualClock


class Diary:
    """Runs checks that take `takes` seconds and notes when they started."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.takes: dict[str, float] = {}
        self.again: dict[str, int] = {}
        self.starts: list[tuple[str, float, float]] = []
        self.missed: list[tuple[str, int, float]] = []
        self.now: set[str] = set()
        self.most = 0

    async def run_one(self, check: Check, lateness: float) -> bool:
        assert check.id not in self.now, "two runs of one check at once"
        self.now.add(check.id)
        self.most = max(self.most, len(self.now))
        self.starts.append((check.id, self.clock.monotonic(), lateness))
        if takes := self.takes.get(check.id, 0.0):
            await self.clock.sleep_until(self.clock.monotonic() + takes)
        self.now.discard(check.id)
        left = self.again.get(check.id, 0)
        self.again[check.id] = left - 1
        return left > 0

    def on_missed(self, id: str, count: int, seconds: float) -> None:
        self.missed.append((id, count, seconds))

    def times(self, id: str) -> list[float]:
        return [start for name, start, _late in self.starts if name == id]


@asynccontextmanager
async def turning(
    clock: ManualClock,
    diary: Diary,
    *checks: Check,
    first_within: float = 5.0,
    seats: Seats | None = None,
) -> AsyncIterator[Scheduler]:
    scheduler = Scheduler(
        clock, diary.run_one, on_missed=diary.on_missed, first_within=first_within, seats=seats
    )
    await scheduler.replace(checks)
    async with asyncio.TaskGroup() as group:
        wheel = group.create_task(scheduler.run(group))
        await asyncio.sleep(0)
        yield scheduler
        wheel.cancel()
        await clock.advance(1000)  # let what runs end


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def diary(clock: ManualClock) -> Diary:
    return Diary(clock)


async def test_a_simulated_day_runs_a_thirty_second_check_exactly_2880_times(
    clock: ManualClock, diary: Diary
) -> None:
    async with turning(clock, diary, check("a", every=30), first_within=30):
        await clock.advance(86_400)
        times = diary.times("a")
    assert len(times) == 2880
    assert not diary.missed
    drift = [start - (times[0] + 30 * index) for index, start in enumerate(times)]
    assert max(map(abs, drift)) < 0.011, "due times are absolute"


async def test_slow_runs_do_not_shift_the_grid(clock: ManualClock, diary: Diary) -> None:
    diary.takes["a"] = 4.7
    async with turning(clock, diary, check("a", every=30), first_within=30):
        await clock.advance(3600)
        times = diary.times("a")
    assert len(times) == 120
    assert times[-1] - times[0] == pytest.approx(119 * 30, abs=0.011)


async def test_phases_spread_over_the_interval_and_are_the_same_after_a_restart() -> None:
    phases = [phase(f"check-{index}", 3000) for index in range(1000)]
    assert phases == [phase(f"check-{index}", 3000) for index in range(1000)]
    tenths = [sum(1 for one in phases if one // 300 == tenth) for tenth in range(10)]
    assert min(tenths) > 60
    assert max(tenths) < 140


async def test_every_check_has_run_once_within_five_seconds_of_the_start(
    clock: ManualClock, diary: Diary
) -> None:
    many = [check(f"c{index}", every=3600) for index in range(200)]
    async with turning(clock, diary, *many):
        await clock.advance(5.1)
        assert len({id for id, _start, _late in diary.starts}) == 200
        assert len({round(start, 2) for _id, start, _late in diary.starts}) > 100, (
            "not in one burst"
        )


async def test_after_the_first_run_a_check_joins_its_own_phase(
    clock: ManualClock, diary: Diary
) -> None:
    async with turning(clock, diary, check("a", every=600)):
        await clock.advance(3000)
        times = diary.times("a")
    assert times[0] <= 5.1
    own = phase("a", 60_000) / 100
    assert [round(start % 600, 2) for start in times[1:]] == [own] * len(times[1:])
    assert 4 <= len(times[1:]) <= 5


async def test_a_due_time_passed_while_still_running_is_missed_and_blind(
    clock: ManualClock, diary: Diary
) -> None:
    diary.takes["a"] = 25.0  # the deadline is the runner's; here it is as if it did not hold
    async with turning(clock, diary, check("a", every=10, timeout=10), first_within=10):
        await clock.advance(60.5)
        starts = diary.times("a")
        missed = list(diary.missed)
    assert [round(b - a) for a, b in pairwise(starts)] == [30] * (len(starts) - 1)
    runs_that_ended = len(starts) - 1
    assert len(missed) >= 2 * runs_that_ended
    assert all(one == ("a", 1, 10.0) for one in missed)


async def test_a_stalled_machine_misses_due_times_and_catches_up_with_one_run(
    clock: ManualClock, diary: Diary
) -> None:
    class Stalling(ManualClock):
        stalled = 0.0

        def monotonic(self) -> float:
            return super().monotonic() + self.stalled

    stalling = Stalling()
    diary.clock = stalling
    async with turning(stalling, diary, check("a", every=10), first_within=10):
        await stalling.advance(30)
        before = len(diary.starts)
        stalling.stalled += 300  # the machine slept
        await stalling.advance(6)
        assert len(diary.starts) - before in (1, 2)
    assert sum(count for _id, count, _seconds in diary.missed) in (29, 30)
    assert sum(seconds for _id, _count, seconds in diary.missed) in (290.0, 300.0)


async def test_paused_time_is_blind_and_nothing_starts(clock: ManualClock, diary: Diary) -> None:
    async with turning(clock, diary, check("a", every=10), first_within=10) as scheduler:
        await clock.advance(30)
        before = len(diary.starts)
        scheduler.paused = True
        await clock.advance(100)
        assert len(diary.starts) == before
        assert sum(seconds for _id, _count, seconds in diary.missed) == 100.0
        scheduler.paused = False
        await clock.advance(10)
        assert len(diary.starts) == before + 1


async def test_an_unconfirmed_answer_is_looked_at_again_soon_and_the_grid_stays(
    clock: ManualClock, diary: Diary
) -> None:
    async with turning(clock, diary, check("a", every=60, retry=5), first_within=60) as scheduler:
        await clock.advance(60)
        first = diary.times("a")[0]
        diary.again["a"] = 2
        await clock.advance(60 + 15)
        times = [round(start - first, 1) for start in diary.times("a")]
        assert times[:4] == [0.0, 60.0, 65.0, 70.0]
        await clock.advance(60)
        assert 120.0 in [round(start - first, 1) for start in diary.times("a")]
        assert scheduler.running == 0
    assert not diary.missed, "an extra run never costs a regular one"


async def test_heavy_checks_have_few_seats_and_waiting_shows_as_lateness(
    clock: ManualClock, diary: Diary
) -> None:
    many = [check(f"h{index}", cls=Heavy, every=600, timeout=60) for index in range(6)]
    for one in many:
        diary.takes[one.id] = 20.0
    async with turning(clock, diary, *many) as scheduler:
        await clock.advance(10)
        assert scheduler.running == 2
        assert scheduler.waiting == 4
        await clock.advance(60)
    assert diary.most == 2
    assert len(diary.starts) == 6
    assert max(late for _id, _start, late in diary.starts) > 30


async def test_one_site_that_hangs_leaves_seats_for_the_others(
    clock: ManualClock, diary: Diary
) -> None:
    dead = [check(f"dead{index}", every=60, timeout=30, site="branch") for index in range(10)]
    live = [check(f"live{index}", every=60, site="main") for index in range(10)]
    for one in dead:
        diary.takes[one.id] = 30.0
    async with turning(clock, diary, *dead, *live, seats=Seats(per_site=2)):
        await clock.advance(6)
        assert {id for id, _start, _late in diary.starts} >= {one.id for one in live}
        assert sum(1 for id, _start, _late in diary.starts if id.startswith("dead")) == 2


async def test_a_reload_keeps_unchanged_checks_and_runs_new_ones_within_seconds(
    clock: ManualClock, diary: Diary
) -> None:
    kept, changed = check("kept", every=600), check("changed", every=600)
    async with turning(clock, diary, kept, changed, check("gone", every=10)) as scheduler:
        await clock.advance(1000)
        diary.starts.clear()
        new = [check("kept", every=600), check("changed", every=300), check("new", every=600)]
        await scheduler.replace(new)
        await clock.advance(5.2)
        assert {id for id, _start, _late in diary.starts} - {"kept"} == {"changed", "new"}
        await clock.advance(600)
    own = phase("kept", 60_000) / 100
    assert all(round(start % 600, 2) == own for start in diary.times("kept"))
    assert not diary.times("gone")


async def test_a_check_defined_anew_while_running_waits_for_its_own_old_run(
    clock: ManualClock, diary: Diary
) -> None:
    diary.takes["a"] = 50.0
    async with turning(clock, diary, check("a", every=600, timeout=60)) as scheduler:
        await clock.advance(6)
        await scheduler.replace([check("a", every=600, timeout=61)])
        await clock.advance(20)
        assert len(diary.starts) == 1, "no overlap of one check"
        await clock.advance(40)
        assert len(diary.starts) == 2, "the new definition runs as soon as the old run has ended"


async def test_run_now_runs_at_once_and_only_once(clock: ManualClock, diary: Diary) -> None:
    diary.takes["a"] = 1.0
    async with turning(clock, diary, check("a", every=3600)) as scheduler:
        await clock.advance(100)
        before = len(diary.starts)
        assert scheduler.run_now("a")
        assert not scheduler.run_now("a"), "it is running"
        assert not scheduler.run_now("nobody")
        await clock.advance(0)
        assert len(diary.starts) == before + 1


async def test_progress_is_never_older_than_five_seconds_even_with_nothing_to_do(
    clock: ManualClock, diary: Diary
) -> None:
    async with turning(clock, diary, check("a", every=86_400)) as scheduler:
        for _step in range(50):
            await clock.advance(7.3)
            assert clock.monotonic() - scheduler.progress() <= 5.0


async def test_what_the_round_raises_ends_the_group(clock: ManualClock) -> None:
    async def broken(_check: Check, _lateness: float) -> bool:
        raise RuntimeError("the recorder is broken")

    scheduler = Scheduler(clock, broken, first_within=1)
    await scheduler.replace([check("a", every=1, timeout=1)])

    async def daemon() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(scheduler.run(group))
            await clock.advance(5)
            await asyncio.sleep(3600)

    with pytest.raises(ExceptionGroup):
        await daemon()
