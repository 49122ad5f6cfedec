"""The only place that reads a clock.

Instants are aware UTC `datetime`; durations come from the monotonic clock, so a stepped wall clock
never shortens a deadline. A suspicious clock is *recorded*, it never refuses a person.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import functools
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

_STEP_SUSPECT_US = 2_000_000
"""The wall clock moved more than this against the monotonic one since the last reading."""

_STA_UNSYNC = 0x0040


@dataclass(frozen=True, slots=True)
class ClockReading:
    """What is known of the clock at one instant; stored in every entry of the integrity log."""

    offset_us: int | None
    """Estimated error against the reference in microseconds; None = not known."""
    synced: bool | None
    """True when the kernel says the clock is disciplined; None = cannot tell."""
    boot: str
    """Boot id: instants of the monotonic clock compare only within one boot."""
    monotonic_us: int
    suspect: bool
    """The wall clock jumped, or stands before this program was built."""


class Clock(Protocol):
    """Time as the program sees it; tests hand in a manual one."""

    def utc(self) -> datetime:
        """Now, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never step back; for durations only."""
        ...

    async def sleep_until(self, monotonic: float) -> None:
        """Wake when `monotonic()` has reached the given value."""
        ...

    def reading(self) -> ClockReading:
        """What is known of the clock's quality now."""
        ...


class _Timex(ctypes.Structure):
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("_rest", ctypes.c_byte * 256),
    )


@functools.cache
def _libc() -> ctypes.CDLL:
    """Loaded once: every loading leaves a circle of objects behind."""
    return ctypes.CDLL(None, use_errno=True)


def _kernel_sync() -> tuple[int | None, bool | None]:
    """Ask the kernel (adjtimex, read only) for the estimated error and whether it is synced."""
    try:
        timex = _Timex(modes=0)
        if _libc().adjtimex(ctypes.byref(timex)) < 0:
            return None, None
    except (OSError, AttributeError):
        return None, None
    synced = not timex.status & _STA_UNSYNC
    return (int(timex.esterror) if synced else None), synced


def _boot_id() -> str:
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return "unknown"


class SystemClock:
    """The machine's clock. One per process; keeps the last pair to notice a step."""

    def __init__(self) -> None:
        self._boot = _boot_id()
        self._last: tuple[int, int] | None = None

    def utc(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep_until(self, monotonic: float) -> None:
        await asyncio.sleep(max(0.0, monotonic - time.monotonic()))

    def reading(self) -> ClockReading:
        wall, mono = time.time_ns() // 1000, time.monotonic_ns() // 1000
        suspect = wall < 1_760_000_000_000_000  # before this program existed: RTC lost its battery
        if self._last is not None:
            drift = (wall - self._last[0]) - (mono - self._last[1])
            suspect = suspect or abs(drift) > _STEP_SUSPECT_US
        self._last = (wall, mono)
        offset, synced = _kernel_sync()
        return ClockReading(offset, synced, self._boot, mono, suspect)
