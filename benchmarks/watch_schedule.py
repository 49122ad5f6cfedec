"""Starting 5,000 checks every 10 s on one loop: the wheel against one sleeping task per check.

Lateness is the distance between the due time and the start; drift is what a `run; sleep(every)`
loop loses per round; memory is what the schedule itself costs per check. Checks here take 5 ms.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import time
import tracemalloc

import uvloop

from bcp.kit.clock import SystemClock
from bcp.watch.check import Check
from bcp.watch.schedule import Scheduler, Seats, phase
from benchmarks.frame import Row
from benchmarks.watch_exposition import Idle

CHECKS, EVERY, SECONDS, TAKES = 5_000, 10.0, 12.0, 0.005


def _p99(values: list[float]) -> float:
    return sorted(values)[len(values) * 99 // 100] * 1000


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def _wheel(checks: list[Check]) -> tuple[list[float], float]:
    late: list[float] = []

    async def run_one(_check: Check, lateness: float) -> bool:
        late.append(lateness)
        await asyncio.sleep(TAKES)
        return False

    scheduler = Scheduler(
        SystemClock(), run_one, first_within=EVERY, seats=Seats(light=5000, per_site=5000)
    )
    await scheduler.replace(checks)
    return late, await _for_a_while(scheduler)


async def _for_a_while(scheduler: Scheduler) -> float:
    begin = _cpu()
    try:
        async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as group:
            await scheduler.run(group)
    except TimeoutError:
        pass
    return _cpu() - begin


async def _sleepers(checks: list[Check]) -> tuple[list[float], float]:
    late: list[float] = []
    start = time.monotonic()

    async def forever(check: Check) -> None:
        first = start + phase(check.id, int(EVERY * 100)) / 100
        round_ = 0
        await asyncio.sleep(first - time.monotonic())
        while True:
            late.append(max(0.0, time.monotonic() - (first + EVERY * round_)))
            await asyncio.sleep(TAKES)
            await asyncio.sleep(EVERY)
            round_ += 1

    begin = _cpu()
    try:
        async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as group:
            for check in checks:
                group.create_task(forever(check))
    except TimeoutError:
        pass
    return late, _cpu() - begin


async def _memory_wheel(checks: list[Check]) -> float:
    async def run_one(_check: Check, _lateness: float) -> bool:
        return False

    gc.collect()
    tracemalloc.start()
    scheduler = Scheduler(SystemClock(), run_one)
    await scheduler.replace(checks)
    gc.collect()
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert scheduler.waiting == 0
    return used / len(checks)


async def _memory_sleepers(checks: list[Check]) -> float:
    gc.collect()
    tracemalloc.start()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(asyncio.sleep(3600)) for _check in checks]
        await asyncio.sleep(0.2)
        gc.collect()
        used = tracemalloc.get_traced_memory()[0]
        for task in tasks:
            task.cancel()
    tracemalloc.stop()
    return used / len(checks)


def measure() -> list[Row]:
    """Lateness at the 99th percentile, CPU per start, memory per check."""
    checks: list[Check] = [
        Idle.model_validate({"id": f"check-{index}", "kind": "idle", "every": f"{EVERY:g}s"})
        for index in range(CHECKS)
    ]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        ours, our_cpu = runner.run(_wheel(checks))
        peer, peer_cpu = runner.run(_sleepers(checks))
        our_memory = runner.run(_memory_wheel(checks))
        peer_memory = runner.run(_memory_sleepers(checks))
    name = "a sleeping task per check"
    return [
        Row("watch: start lateness, p99", _p99(ours), _p99(peer), "ms", name),
        Row(
            "watch: CPU per start",
            our_cpu / len(ours) * 1e6,
            peer_cpu / len(peer) * 1e6,
            "us",
            name,
        ),
        Row("watch: schedule's memory per check", our_memory, peer_memory, "B", name),
    ]
