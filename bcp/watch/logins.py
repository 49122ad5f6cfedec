"""Remembers how logins ended, so that no check ever locks an account.

A refused login is not repeated until the password's file changed (`touch` is enough), also by a daemon
that starts anew: one that falls over again and again would lock the account. One whose answer never came may have been counted as a wrong one over there: after
three of them in a row there is one every ten minutes. Checks of one account log in one by one, so
that ten of them with one wrong password make one attempt and not ten.

On disk lies a hash per account and the stamp of its file, nothing else; what stayed unanswered is memory
only. If we die between a refusal and its write (milliseconds), it is tried once more.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from weakref import WeakValueDictionary

import structlog

from bcp.kit.durable import write_atomic
from bcp.kit.errors import Unwritable
from bcp.kit.workers import Workers

LOG = structlog.get_logger("logins")

_PATIENCE = 3
_PAUSE = 600.0
"""Seconds. Accounts are commonly locked by some five wrong passwords within half an hour."""

_MOST = 1000
"""Refusals kept; more accounts no city has."""

Stamp = tuple[int, ...]
"""Tells one state of a password's file from another."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a server knows."""

    kind: str
    host: str
    port: int
    user: str

    @property
    def key(self) -> str:
        """Names it on disk without naming anybody."""
        return hashlib.sha256(
            f"{self.kind}\0{self.host}\0{self.port}\0{self.user}".encode()
        ).hexdigest()


@dataclass(frozen=True, slots=True)
class _Past:
    stamp: Stamp
    unanswered: int
    at: float


class Logins:
    """What became of the logins of each account. Seconds are monotonic. Without a path: memory only."""

    def __init__(self, path: Path | None = None, workers: Workers | None = None) -> None:
        self._path, self._workers = path, workers
        self._past: dict[Account, _Past] = {}
        self._refused: dict[str, Stamp] = {}
        self._writing = asyncio.Lock()
        self._changed = False
        self._turns: WeakValueDictionary[Account, asyncio.Lock] = WeakValueDictionary()

    @classmethod
    def open(cls, path: Path, workers: Workers) -> Logins:
        """Read what was refused before. Blocks. A damaged file is no refusal known."""
        found = cls(path, workers)
        try:
            kept = json.loads(path.read_bytes())
            found._refused = {str(key): tuple(int(n) for n in kept[key]) for key in kept}
        except FileNotFoundError:
            pass
        except (OSError, TypeError, ValueError) as error:
            LOG.error("refused logins cannot be read", where=str(path), why=type(error).__name__)
        return found

    async def keep(self) -> None:
        """Write what changed; in memory only where the disk refuses."""
        if not self._changed or self._path is None or self._workers is None:
            return
        async with self._writing:
            data, self._changed = json.dumps(self._refused).encode(), False
            try:
                await self._workers.thread(write_atomic, self._path, data)
            except Unwritable as error:
                LOG.error("a refused login is kept in memory only", why=str(error))

    def turn(self, account: Account) -> asyncio.Lock:
        """Held by the one that logs in now."""
        return self._turns.setdefault(account, asyncio.Lock())

    def held(
        self, account: Account, stamp: Stamp, now: float
    ) -> Literal["refused", "unanswered"] | None:
        """Why there may be no attempt now; None when there may."""
        if self._refused.get(account.key) == stamp:
            return "refused"
        past = self._past.get(account)
        if past is None or past.stamp != stamp:
            return None
        if past.unanswered >= _PATIENCE and now - past.at < _PAUSE:
            return "unanswered"
        return None

    def accepted(self, account: Account) -> None:
        """The server let us in."""
        self._past.pop(account, None)
        if self._refused.pop(account.key, None) is not None:
            self._changed = True

    def refused(self, account: Account, stamp: Stamp) -> None:
        """The server turned these credentials away."""
        self._past.pop(account, None)
        self._refused.pop(account.key, None)
        self._refused[account.key] = stamp
        while len(self._refused) > _MOST:
            del self._refused[next(iter(self._refused))]
        self._changed = True

    def unanswered(self, account: Account, stamp: Stamp, now: float) -> None:
        """The password was sent and no answer came."""
        past = self._past.get(account)
        before = past.unanswered if past is not None and past.stamp == stamp else 0
        self._past[account] = _Past(stamp, before + 1, now)
