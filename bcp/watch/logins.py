"""Remembers how logins ended, so that no check ever locks an account.

A refused login is not repeated until the password's file changed (`touch` is enough) or the daemon
started anew. One whose answer never came may have been counted as a wrong one over there: after
three of them in a row there is one every ten minutes. Checks of one account log in one by one, so
that ten of them with one wrong password make one attempt and not ten.

Memory only: whoever starts the daemon again and again makes one attempt each time.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal
from weakref import WeakValueDictionary

_PATIENCE = 3
_PAUSE = 600.0
"""Seconds. Accounts are commonly locked by some five wrong passwords within half an hour."""

Stamp = tuple[int, ...]
"""Tells one state of a password's file from another."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a server knows."""

    kind: str
    host: str
    port: int
    user: str


@dataclass(frozen=True, slots=True)
class _Past:
    stamp: Stamp
    refused: bool
    unanswered: int
    at: float


class Logins:
    """What became of the logins of each account. Seconds are monotonic."""

    def __init__(self) -> None:
        self._past: dict[Account, _Past] = {}
        self._turns: WeakValueDictionary[Account, asyncio.Lock] = WeakValueDictionary()

    def turn(self, account: Account) -> asyncio.Lock:
        """Held by the one that logs in now."""
        return self._turns.setdefault(account, asyncio.Lock())

    def held(
        self, account: Account, stamp: Stamp, now: float
    ) -> Literal["refused", "unanswered"] | None:
        """Why there may be no attempt now; None when there may."""
        past = self._past.get(account)
        if past is None or past.stamp != stamp:
            return None
        if past.refused:
            return "refused"
        if past.unanswered >= _PATIENCE and now - past.at < _PAUSE:
            return "unanswered"
        return None

    def accepted(self, account: Account) -> None:
        """The server let us in."""
        self._past.pop(account, None)

    def refused(self, account: Account, stamp: Stamp, now: float) -> None:
        """The server turned these credentials away."""
        self._past[account] = _Past(stamp, True, 0, now)

    def unanswered(self, account: Account, stamp: Stamp, now: float) -> None:
        """The password was sent and no answer came."""
        past = self._past.get(account)
        before = past.unanswered if past is not None and past.stamp == stamp else 0
        self._past[account] = _Past(stamp, False, before + 1, now)
