"""How long the event loop was held: a sampler, its maximum and its 99th percentile."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime

from bcp.kit.clock import Clock
from bcp.watch.exposition import Family, Sample

_STEP = 0.005
"""Seconds between samples: a hold is seen with at most this much of it missing, so that one of over
10 ms always shows as more than 5. A sample costs some 15 µs: 0.3 % of one processor."""


class LoopLag:
    """Samples over the last `window` seconds. `run()` belongs into the daemon's TaskGroup."""

    def __init__(self, clock: Clock, window: float = 60.0) -> None:
        self._clock = clock
        self._lags: deque[float] = deque(maxlen=max(1, round(window / _STEP)))

    async def run(self) -> None:
        """Sample until cancelled."""
        while True:
            due = self._clock.monotonic() + _STEP
            await self._clock.sleep_until(due)
            self._lags.append(max(0.0, self._clock.monotonic() - due))

    @property
    def worst(self) -> float:
        """Longest lag in the window, seconds."""
        return max(self._lags, default=0.0)

    @property
    def p99(self) -> float:
        """99 % of the samples in the window were not longer, seconds."""
        ordered = sorted(self._lags)
        return ordered[max(0, -(-len(ordered) * 99 // 100) - 1)] if ordered else 0.0

    def families(self, _now: datetime) -> Iterator[Family]:
        """For `Exposition.register`."""
        yield Family(
            "ict_bcp_loop_lag_seconds",
            "gauge",
            "Longest time the event loop was held in the last minute (seen short by at most 5 ms).",
            (Sample(self.worst),),
        )
        yield Family(
            "ict_bcp_loop_lag_p99_seconds",
            "gauge",
            "99th percentile of the lag of the event loop in the last minute.",
            (Sample(self.p99),),
        )
