"""What the judge has seen coming over minutes, kept over a restart: who flaps, which outages run,
and what people have heard. Losable.

One small file, replaced whole when something changed, by a task of its own: a disk that hangs holds back
no alert. If we die here: the last seconds are lost, and flapping must be seen again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from bcp.kit.clock import Clock
from bcp.kit.durable import write_atomic
from bcp.kit.errors import Unwritable
from bcp.kit.workers import Workers

LOG = structlog.get_logger("judge")
_EVERY = 2.0


def read(path: Path) -> dict[str, Any]:
    """What was kept. Blocks. A missing or damaged file is nothing remembered."""
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        LOG.error(
            "what was judged before cannot be read", where=str(path), why=type(error).__name__
        )
        return {}
    return found if isinstance(found, dict) else {}


class Remembered:
    """Writes `memo()` when it changed."""

    def __init__(
        self, path: Path, workers: Workers, clock: Clock, memo: Callable[[], dict[str, Any]]
    ) -> None:
        self._path, self._workers, self._clock, self._memo = path, workers, clock, memo
        self._written = b""
        self._ok = True

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._clock.sleep_until(self._clock.monotonic() + _EVERY)
            await self.keep()

    async def keep(self) -> None:
        """Write now what changed; where the disk refuses, again later."""
        data = json.dumps(self._memo(), separators=(",", ":"), sort_keys=True).encode()
        if data == self._written:
            return
        try:
            await self._workers.thread(write_atomic, self._path, data)
        except Unwritable as error:
            if self._ok:
                LOG.error("what was judged is in memory only", why=str(error))
            self._ok = False
        else:
            self._written, self._ok = data, True
