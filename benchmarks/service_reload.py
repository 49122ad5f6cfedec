"""A plan of ten thousand checks taken over by a running daemon: how long the loop is held.

The limit is the project's own: never over 10 ms. Counted is what the loop's thread computed between
two turns, which other programs on the machine cannot lengthen. Beside it stand what the whole
process computed meanwhile (another thread may have had the interpreter) and the clock on the wall.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from bcp.service.cli.commands_run import configure_logs
from bcp.service.daemon import Daemon
from bcp.service.house import House
from bcp.service.web import Extras
from benchmarks.frame import Row
from tests.large_plan import write
from tests.service_process import free_port

LIMIT = 0.010
_STEP = 0.001


@dataclass
class Sampler:
    """Looks every millisecond for how long the loop did not turn. Seconds."""

    worst: float = 0.0
    """Computed by the loop's thread between two turns."""
    worst_process: float = 0.0
    """Computed by all our threads while the loop did not turn."""
    worst_wall: float = 0.0
    """By the clock on the wall, other programs included."""
    over: list[tuple[float, float]] = field(default_factory=list)
    """When (since `begin`) and how long, of all over the limit."""
    begin: float = field(default_factory=time.monotonic)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            wall, process, thread = time.monotonic(), time.process_time(), time.thread_time()
            await asyncio.sleep(_STEP)
            held = time.monotonic() - wall - _STEP
            ours = min(held, time.thread_time() - thread)
            if ours > LIMIT:
                self.over.append((wall - self.begin, ours))
            self.worst = max(self.worst, ours)
            self.worst_process = max(self.worst_process, min(held, time.process_time() - process))
            self.worst_wall = max(self.worst_wall, held)


def rewrite(plan: Path, checks: int) -> None:
    """Every check changed: in a process of its own, writing is no part of what is measured."""
    write(plan, checks, host="127.0.0.2")


async def reloads(folder: Path, checks: int) -> tuple[Sampler, float, float]:
    """Two reloads of a large plan over a small one and itself: lag, seconds, lag as exported."""
    configure_logs()
    plan, houses = write(folder / "plan", 10), list[House]()

    def extras(house: House) -> Extras:
        houses.append(house)
        return Extras()

    daemon = Daemon(plan, folder / "data", port=free_port(), extras=extras)
    sampler = Sampler()
    async with asyncio.TaskGroup() as group:
        group.create_task(daemon.run())
        await daemon.ready.wait()
        house = houses[0]
        await house.workers.process(int)  # the worker's own start is not a reload's
        await asyncio.sleep(1.0)
        await house.workers.thread(write, plan, checks)
        sampling = asyncio.create_task(sampler.run())
        begin = time.monotonic()
        await daemon.reload(house)
        seconds = time.monotonic() - begin
        await house.exposition.render()
        await house.workers.process(rewrite, plan, checks)
        await daemon.reload(house)
        await house.exposition.gzipped()
        await asyncio.sleep(1.0)
        sampling.cancel()
        daemon.stopping.set()
    return sampler, seconds, house.lag.worst


def measure() -> list[Row]:
    """The frame's entry."""
    with (
        tempfile.TemporaryDirectory() as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        sampler, seconds, _exported = runner.run(reloads(Path(folder), 10_000))
    return [
        Row("reload of 10,000 checks: loop held", sampler.worst * 1e3, 10.0, "ms", "limit"),
        Row("reload of 10,000 checks: until in force", seconds, 30.0, "s", "limit"),
    ]
