"""Keeping the garbage collector and the interpreter's lock from holding the event loop.

A full collection walks every object alive: a tenth of a second in a plan of ten thousand checks.
None comes by itself here, and none is needed: a plan that was replaced, a request, a connection, a
scrape and a run of a check are all freed by the counting of references, or young. Tests hold that
(`test_memory`, `live/test_garbage`): who writes a circle that outlives its work finds out there.
What was built at the start and in a reload is frozen, so that young collections stay short.

`Keeper.watch_over` is for what no test found: should memory ever grow by 256 MB between two reloads, one
full collection is the lesser evil. It says how long it held the loop.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Iterator

import structlog

from bcp.kit.clock import Clock

LOG = structlog.get_logger("memory")
SWITCH_SECONDS = 0.0005
"""How long a thread may compute before the loop gets the interpreter back (Python: 5 ms)."""
_NEVER = 1_000_000
_LOOK = 60.0
GROWN = 256 << 20
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Keeper:
    """Owner of the collector's settings and of the size this process had when all was built."""

    def __init__(self) -> None:
        self._size = resident()

    def settle(self) -> None:
        """At the start, once everything stands: collect, freeze; no full collection from now on."""
        sys.setswitchinterval(SWITCH_SECONDS)
        gc.collect()
        gc.freeze()
        young, middle, _old = gc.get_threshold()
        gc.set_threshold(young, middle, _NEVER)
        self._size = resident()

    @contextlib.contextmanager
    def building(self) -> Iterator[None]:
        """While a plan is taken over: what is made stays, so it is not walked but frozen at the end."""
        gc.disable()
        try:
            yield
        finally:
            gc.freeze()
            gc.enable()
            self._size = resident()

    async def watch_over(self, clock: Clock) -> None:
        """A full collection should memory have grown by `GROWN` since everything was built."""
        while True:
            await clock.sleep_until(clock.monotonic() + _LOOK)
            if resident() - self._size >= GROWN:
                self._collect(clock)

    def _collect(self, clock: Clock) -> None:
        begun = clock.monotonic()
        gc.unfreeze()  # also what a reload left behind
        found = gc.collect()
        gc.freeze()
        self._size = resident()
        held = round(clock.monotonic() - begun, 3)
        LOG.warning("collected", objects=found, held_seconds=held, resident=self._size)


def resident() -> int:
    """Bytes of memory this process uses now."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - not a file of ours
        return int(file.read().split()[1]) * _PAGE
