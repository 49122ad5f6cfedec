"""Small honest fakes, shared by every room's tests. Nothing here imitates our own code."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta

from bcp.kit.clock import ClockReading

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # 10:00 JST


class ManualClock:
    """Time moves only when a test says so; sleepers wake in the order of their due times."""

    def __init__(self, start: datetime = START) -> None:
        self._start, self._elapsed = start, 0.0
        self._wall_shift = timedelta()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def utc(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed) + self._wall_shift

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep_until(self, monotonic: float) -> None:
        if monotonic <= self._elapsed:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (monotonic, next(self._order), woken))
        await woken

    def reading(self) -> ClockReading:
        return ClockReading(0, True, "test-boot", int(self._elapsed * 1e6), suspect=False)

    def step_wall(self, shift: timedelta) -> None:
        """The wall clock is set; the monotonic one goes on."""
        self._wall_shift += shift

    async def advance(self, seconds: float) -> None:
        """Move time, waking every sleeper at its own due time and letting it run."""
        end = self._elapsed + seconds
        await _settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _order, woken = heapq.heappop(self._sleepers)
            self._elapsed = max(self._elapsed, due)
            if not woken.done():
                woken.set_result(None)
            await _settle()
        self._elapsed = end
        await _settle()


async def _settle() -> None:
    """Let everything that can run now run: a fixed number of turns of the loop, no real time."""
    for _turn in range(12):
        await asyncio.sleep(0)
