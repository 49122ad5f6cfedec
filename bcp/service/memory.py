"""Keeping the garbage collector and the interpreter's lock from holding the event loop.

A full collection walks every object alive: a tenth of a second in a plan of ten thousand checks.
What was built is therefore frozen (never walked again), full collections do not come by themselves,
and `keep_tidy` does one when memory has grown, else once a day. Young garbage goes as ever.
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
_LOOK, _DAY = 60.0, 24 * 3600.0
_GROWN = 64 << 20
_PAGE = os.sysconf("SC_PAGE_SIZE")


def settle() -> None:
    """At the start, once everything stands: collect, freeze, and leave the rest to `keep_tidy`."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    young, middle, _old = gc.get_threshold()
    gc.set_threshold(young, middle, _NEVER)


@contextlib.contextmanager
def building() -> Iterator[None]:
    """While a plan is taken over: what is made stays, so it is not walked but frozen at the end."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


async def keep_tidy(clock: Clock) -> None:
    """A full collection when memory grew by 64 MB since the last, else daily."""
    last, size = clock.monotonic(), resident()
    while True:
        await clock.sleep_until(clock.monotonic() + _LOOK)
        now = clock.monotonic()
        if resident() - size < _GROWN and now - last < _DAY:
            continue
        gc.unfreeze()  # also what a reload left behind
        found = gc.collect()
        gc.freeze()
        held = clock.monotonic() - now
        LOG.info("collected", objects=found, held_seconds=round(held, 3), resident=resident())
        last, size = now, resident()


def resident() -> int:
    """Bytes of memory this process uses now."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - not a file of ours
        return int(file.read().split()[1]) * _PAGE
