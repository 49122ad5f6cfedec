"""Work that would hold the event loop: given way in slices, counted in turns of the loop, not timed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bcp.kit.workers import Workers
from bcp.service.reload import Portable, assemble, read_portable
from bcp.watch.board import Board
from bcp.watch.exposition import Exposition
from bcp.watch.schedule import Scheduler
from bcp.watch.slices import Slices, Turn
from tests.bcp.watch.helpers import check
from tests.fakes import ManualClock
from tests.large_plan import write

MANY = 2000
STEP = 0.0001
"""Every look at the clock costs so much of the time that passes here: ten looks are one slice."""


class CostlyClock(ManualClock):
    """Time passes by being looked at."""

    def monotonic(self) -> float:
        self._elapsed += STEP
        return self._elapsed


@asynccontextmanager
async def turns() -> AsyncIterator[list[int]]:
    """Counts the turns of the loop meanwhile."""
    count = [0]

    async def turning() -> None:
        while True:
            count[0] += 1
            await asyncio.sleep(0)

    task = asyncio.get_running_loop().create_task(turning())
    yield count
    task.cancel()


async def wait_long(check: Any, lateness: float) -> bool:
    await asyncio.sleep(60)
    return False


async def test_a_plan_of_many_checks_is_defined_and_scheduled_in_slices() -> None:
    clock = CostlyClock()
    checks = [check(f"c{number}") for number in range(MANY)]
    board, scheduler = Board(clock), Scheduler(clock, wait_long)
    async with turns() as count:
        await board.define(checks)
    assert count[0] >= MANY / 12, "at most some ten checks in one turn"
    async with turns() as count:
        await scheduler.replace(checks)
    assert count[0] >= 2 * MANY / 12, "making the slots and placing them"


async def test_a_plan_that_travelled_is_put_together_in_slices(tmp_path: Path) -> None:
    found = read_portable(str(write(tmp_path / "plan", MANY)), date(2026, 11, 23).isoformat())
    assert isinstance(found, Portable)
    async with turns() as count:
        plan = await assemble(found, CostlyClock())
    assert len(plan.checks) == MANY
    assert plan.checks[7].id == "s7/c7"
    assert count[0] >= MANY / 12


async def test_a_scrape_of_many_checks_is_rendered_in_slices() -> None:
    clock, workers = CostlyClock(), Workers()
    board = Board(clock)
    await board.define([check(f"c{number}") for number in range(MANY)])
    async with turns() as count:
        body = await Exposition(board, clock, workers).render()
    workers.close()
    assert body.count(b"ict_bcp_check_info{") == MANY
    assert count[0] >= MANY / 32, "laid out check by check, rendered page by page"


async def test_a_thousand_due_at_one_moment_are_started_in_slices() -> None:
    """After the machine slept, say: they are started over many turns, not in one."""
    clock, running = CostlyClock(), 0

    async def run_one(_check: Any, _lateness: float) -> bool:
        nonlocal running
        running += 1
        most.append(running)
        await asyncio.sleep(0)
        running -= 1
        return False

    most: list[int] = []
    scheduler = Scheduler(clock, run_one, first_within=0.01)
    await scheduler.replace(check(f"c{number}", every=300) for number in range(1000))
    clock._elapsed += 600
    async with turns() as count, asyncio.TaskGroup() as group:
        wheel = group.create_task(scheduler.run(group))
        while len(most) < 1000:  # noqa: ASYNC110
            await asyncio.sleep(0)
        wheel.cancel()
    assert count[0] > 50


async def test_tasks_that_wake_together_share_a_turn_and_go_on_in_the_next() -> None:
    clock = CostlyClock()
    turn, go = Turn(clock), asyncio.Event()
    steps: list[int] = []

    async def work() -> None:
        await go.wait()
        steps.append(count[0])

    async with turns() as count, asyncio.TaskGroup() as group:
        for _ in range(300):
            group.create_task(_drive(turn, work()))
        for _ in range(200):
            await asyncio.sleep(0)
        go.set()
    in_one = max(steps.count(number) for number in set(steps))
    assert len(steps) == 300
    assert in_one <= 12


async def _drive(turn: Turn, work: Coroutine[Any, Any, Any]) -> Any:
    return await turn.paced(work)


async def test_results_errors_deadlines_and_cancelling_pass_through() -> None:
    turn = Turn(CostlyClock())

    async def good() -> int:
        await asyncio.sleep(0)
        return 7

    async def bad() -> None:
        await asyncio.sleep(0)
        raise LookupError("gone")

    async def late() -> str:
        try:
            async with asyncio.timeout(0.001):
                await asyncio.sleep(60)
        except TimeoutError:
            return "late"
        return "in time"

    assert await turn.paced(good()) == 7
    assert await turn.paced(late()) == "late"
    with pytest.raises(LookupError, match="gone"):
        await turn.paced(bad())
    cleaned = []

    async def long() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.append(True)

    task = asyncio.get_running_loop().create_task(_drive(turn, long()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned == [True]


async def test_a_task_cancelled_while_it_waits_for_room_ends_at_once() -> None:
    clock = CostlyClock()
    turn = Turn(clock, budget=0.0)  # never room
    started = []

    async def work() -> None:
        started.append(True)

    task = asyncio.get_running_loop().create_task(_drive(turn, work()))
    for _ in range(5):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not started


async def test_many_who_work_at_once_share_what_one_turn_has_room_for() -> None:
    clock, steps = CostlyClock(), list[int]()

    async def work(count: list[int]) -> None:
        slices = Slices(clock)
        for _ in range(200):
            steps.append(count[0])
            if slices.due():
                await asyncio.sleep(0)

    async with turns() as count, asyncio.TaskGroup() as group:
        for _ in range(10):
            group.create_task(work(count))
    in_one = max(steps.count(number) for number in set(steps))
    assert len(steps) == 10 * 200
    assert in_one <= 12 + 2 * 10, "the room of a turn, and a step of each"
