"""Two hundred people follow one event; and every disaster page over 200 systems and 2,000 steps.

A tick counts as *on every board* when each follower heard of it by SSE **and** has fetched a board that
shows it. Server and followers share one machine and one process here (real sockets, a real log with
fsync), so the figure holds the followers' own work too: it is an upper bound.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from aiohttp import ClientSession, TCPConnector

from backups.model import Backups
from bcp.journal.entry import Actor
from bcp.kit.clock import SystemClock
from benchmarks.frame import Row
from benchmarks.runbooks_fold import _book, _city
from runbooks import commands as c
from tests.bcp.service.pages.sample import Town, Visitor, serving, town

FOLLOWERS, TICKS = 200, 10
LIMIT_MS, PAGE_MS = 500.0, 100.0
NAME = "u-0001"
STAFF = Actor(NAME, "commander")
PAGES = (
    "", "/wall", "/command", "/situation", "/handover", "/chronology", "/systems/s000",
    "/steps/S000-05", "/report",
)  # fmt: skip


async def _one(client: ClientSession, root: str, cookie: str, done: asyncio.Queue[str]) -> None:
    """Follow the stream; on every change fetch the board and hand it over."""
    headers = {"Cookie": cookie, "X-Refresh": "1"}
    async with client.get(root + "/events", headers=headers, timeout=None) as stream:
        await done.put("")
        async for line in stream.content:
            if line.startswith(b"event: change"):
                async with client.get(root + "/disaster", headers=headers) as answer:
                    await done.put(await answer.text())


async def followed(made: Town, root: str, cookie: str) -> list[float]:
    """Seconds from the command to each board that shows it, over all ticks and followers."""
    incident = made.desk.current()
    assert incident is not None
    took, done = list[float](), asyncio.Queue[str]()

    async with ClientSession(connector=TCPConnector(limit=0)) as client:
        tasks = [asyncio.create_task(_one(client, root, cookie, done)) for _ in range(FOLLOWERS)]
        for _ in range(FOLLOWERS):
            await done.get()
        for tick in range(TICKS):
            begun = time.perf_counter()
            step = c.StartStep(incident=incident.id, step=f"S{tick:03}-00")
            await made.desk.do(step, STAFF, f"tick-{tick}")
            seen = 0
            while seen < FOLLOWERS:  # a board drawn from before the tick does not count
                if f"S{tick:03}-00</a> " + NAME in await done.get():
                    took.append(time.perf_counter() - begun)
                    seen += 1
            await asyncio.sleep(0.3)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return took


async def measured(folder: Path) -> list[Row]:
    """Both promises, one after the other."""
    rows = []
    async with town(folder, SystemClock(), city=(_city(), _none())) as made:
        made.desk.adopt(_city(), _book())
        declared = c.Declare(level=3, onset=made.clock.utc(), reason="停電", capacity="on_site")
        await made.desk.do(declared, STAFF, "declare")
        async with serving(made) as server, Visitor.open(made, server) as visitor:
            await visitor.sign_in("commander")
            for path in PAGES:
                best = computed = 9.9
                for _ in range(3):
                    await asyncio.sleep(1.1)  # what was derived for another page is stale by then
                    begun, used = time.perf_counter(), time.process_time()
                    status, page = await visitor.get("/disaster" + path)
                    best = min(best, time.perf_counter() - begun)
                    computed = min(computed, time.process_time() - used)
                    assert status == 200, (path, status, page[-400:])
                name = f"/disaster{path}, 200 systems, 2,000 steps"
                rows.append(Row(name, best * 1e3, PAGE_MS, "ms", "limit"))
                rows.append(Row("… time of a processor", computed * 1e3, PAGE_MS, "ms", "limit"))
            cookie = "; ".join(f"{one.key}={one.value}" for one in visitor.client.cookie_jar)
            took = sorted(await followed(made, visitor.root, cookie))
    p99 = took[int(len(took) * 0.99)]
    rows.append(Row(f"a tick on {FOLLOWERS} boards, p99", p99 * 1e3, LIMIT_MS, "ms", "limit"))
    return rows


def _none() -> Backups:
    return ()


def measure() -> list[Row]:
    """The frame's entry."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measured(Path(folder) / "data"))
