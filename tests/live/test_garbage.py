"""No full collection is needed: what is done again and again leaves no circle of objects behind."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import aiohttp
import pytest
import uvloop

from bcp.service.daemon import Daemon
from bcp.service.house import House
from bcp.service.web import Extras
from tests.large_plan import write
from tests.service_process import free_port

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]
CHECKS = 60


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """The daemon sets the collector as it needs it; the other tests get theirs back."""
    thresholds = gc.get_threshold()
    yield
    gc.set_debug(0)
    gc.garbage.clear()
    gc.unfreeze()
    gc.set_threshold(*thresholds)


async def left_behind(work: Callable[[], Awaitable[None]]) -> Counter[str]:
    """Types of what only a full collection finds after some work."""
    for _ in range(2):
        gc.collect()
    gc.freeze()
    await work()
    await asyncio.sleep(0.3)
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    gc.set_debug(0)
    found = Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.garbage)
    gc.garbage.clear()
    return found


class Work:
    """What a daemon does for years: answers, is scraped, checks, takes over plans."""

    def __init__(self, house: House, daemon: Daemon, plan: Path, data: Path) -> None:
        self.house, self.daemon, self.plan, self.data = house, daemon, plan, data
        self.last = 2

    async def answers(self) -> None:
        for _ in range(4):
            async with aiohttp.ClientSession() as web:
                for path in ("/-/ready", "/login", "/status", "/nowhere") * 3:
                    async with web.get(self.daemon.url.rstrip("/") + path) as answer:
                        await answer.read()
                gc.collect(1)  # the open connection is old now, as one of a browser would be

    async def scrapes(self) -> None:
        for _ in range(4):
            connector = aiohttp.UnixConnector(str(self.data / "control.sock"))
            async with aiohttp.ClientSession(connector=connector) as web:
                for path in ("/metrics", "/api/v1/status"):
                    async with web.get(f"http://daemon{path}") as answer:
                        await answer.read()
                gc.collect(1)

    async def checks(self) -> None:
        """Every check fails anew: errors are where circles are born."""
        for id in self.house.board.ids():
            self.house.scheduler.run_now(id)
        gc.collect(1)
        while self.house.scheduler.running or self.house.scheduler.waiting:  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    async def reloads(self) -> None:
        for _ in range(2):
            await self.house.workers.thread(write, self.plan, CHECKS, host=f"127.0.0.{self.last}")
            self.last += 1
            await self.daemon.reload(self.house)
            gc.collect(1)


def test_nothing_that_recurs_needs_a_full_collection(tmp_path: Path) -> None:
    async def scene() -> dict[str, Counter[str]]:
        plan, houses = write(tmp_path / "plan", CHECKS), list[House]()

        def extras(house: House) -> Extras:
            houses.append(house)
            return Extras()

        daemon = Daemon(plan, tmp_path / "data", port=free_port(), extras=extras)
        async with asyncio.TaskGroup() as group:
            group.create_task(daemon.run())
            await daemon.ready.wait()
            house = houses[0]
            while any(view.last is None for view in house.board.walk()):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            work = Work(house, daemon, plan, tmp_path / "data")
            await work.answers()  # caches and templates are filled once
            await work.scrapes()
            await work.reloads()
            recurring = (work.answers, work.scrapes, work.checks, work.reloads)
            found = {one.__name__: await left_behind(one) for one in recurring}
            daemon.stopping.set()
        return found

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(scene())

    assert found == {name: Counter() for name in ("answers", "scrapes", "checks", "reloads")}
