"""One drawing for everybody who asks for the same page at the same moment.

Two hundred open boards fetch themselves anew within the same blink when a step is ticked. What they
get is the same for all who may see the same: it is derived, drawn and compressed once. Nothing of a
person is in it (no name, no token of a session): `Pages` draws it for nobody in particular. The key
holds the size of the log, so that nobody is shown what stood before the change he was told of.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass

from bcp.kit.clock import Clock

KEEP_SECONDS = 0.5
"""What the checks see may be so much older on a refreshed page."""
_MOST = 64


@dataclass(frozen=True, slots=True)
class Drawn:
    """A page's bytes, plain and compressed."""

    plain: bytes
    packed: bytes

    @classmethod
    def of(cls, plain: bytes) -> Drawn:
        """Compress it. Blocking: some milliseconds."""
        return cls(plain, gzip.compress(plain, 5, mtime=0))


@dataclass(slots=True)
class _Held:
    future: asyncio.Future[Drawn | None]
    at: float


class Shared:
    """The pages drawn a moment ago."""

    def __init__(self) -> None:
        self._held: dict[Hashable, _Held] = {}

    async def get(self, key: Hashable, clock: Clock, make: Callable[[], Awaitable[Drawn]]) -> Drawn:
        """What `make` gives, made once for all who ask meanwhile. Raises what `make` raises."""
        while True:
            held = self._held.get(key)
            if held is None or (held.future.done() and clock.monotonic() - held.at > KEEP_SECONDS):
                return await self._make(key, clock, make)
            drawn = await asyncio.shield(held.future)
            if drawn is not None:
                return drawn

    async def _make(
        self, key: Hashable, clock: Clock, make: Callable[[], Awaitable[Drawn]]
    ) -> Drawn:
        mine = _Held(asyncio.get_running_loop().create_future(), clock.monotonic())
        while len(self._held) >= _MOST:
            del self._held[next(iter(self._held))]
        self._held.pop(key, None)
        self._held[key] = mine
        drawn: Drawn | None = None
        try:
            drawn = await make()
        finally:
            if drawn is None and self._held.get(key) is mine:
                del self._held[key]
            mine.future.set_result(drawn)  # None: whoever waited tries it himself
        return drawn
