"""Long work on the event loop in slices of a few milliseconds."""

from __future__ import annotations

from bcp.kit.clock import Clock


class Slices:
    """`if slices.due(): await asyncio.sleep(0)`: the loop is never held longer than `budget`."""

    def __init__(self, clock: Clock, budget: float = 0.002) -> None:
        self._clock, self._budget = clock, budget
        self._begin = clock.monotonic()

    def due(self) -> bool:
        """True when the slice is used up; the next one begins."""
        now = self._clock.monotonic()
        if now - self._begin < self._budget:
            return False
        self._begin = now
        return True
