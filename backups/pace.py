"""Reading no faster than the plan allows: a manifest must not take the disk from the people who work."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Stopped(Exception):
    """Nobody waits for what is being read any more."""


class Pace:
    """So many bytes a second over all who share it. `spend` blocks: for worker threads only."""

    def __init__(self, rate: int, monotonic: Callable[[], float]) -> None:
        """`rate` in bytes a second."""
        self._rate, self._monotonic = rate, monotonic
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._due = monotonic()

    def spend(self, count: int) -> None:
        """Wait until `count` bytes more may have been read. Raises `Stopped`."""
        with self._lock:
            now = self._monotonic()
            self._due = max(self._due, now) + count / self._rate
            wait = self._due - now
        if self._stop.wait(wait):
            raise Stopped

    def stop(self) -> None:
        """Let go at once whoever waits."""
        self._stop.set()
