"""Throttling of sign-ins: guessing becomes slow, nobody is ever locked out. Pure.

Waits grow with the failures of the last quarter of an hour and end after a minute at the most.
Three counts: this account from this address, this account from anywhere, this address for any
account. An address from which the account has signed in before is exempt from "anywhere", so a
stranger who guesses all day cannot keep the commander out. Unknown names are counted like known
ones: the answer does not tell which names exist.
"""

from __future__ import annotations

from collections import OrderedDict, deque

_WINDOW = 900.0
_LONGEST = 60.0
_FREE = {"pair": 5, "account": 20, "address": 30}
"""Failures without any wait; a mistyped password is not an attack."""
_KEPT = 10_000
"""Keys remembered; the oldest go first, so that an attacker cannot fill the memory."""

Key = tuple[str, str, str]


class Throttle:
    """Times are seconds of the monotonic clock, given by the caller."""

    def __init__(self) -> None:
        self._failures: OrderedDict[Key, deque[float]] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def wait(self, account: str, address: str, now: float) -> float:
        """Seconds until the next attempt is heard; 0 when it is welcome."""
        known = (account, address) in self._known
        return max(
            self._one(key, now)
            for key in _keys(account, address)
            if not (known and key[0] == "account")
        )

    def failed(self, account: str, address: str, now: float) -> None:
        """A wrong password."""
        for key in _keys(account, address):
            times = self._failures.setdefault(key, deque(maxlen=64))
            times.append(now)
            self._failures.move_to_end(key)
        while len(self._failures) > _KEPT:
            self._failures.popitem(last=False)

    def succeeded(self, account: str, address: str) -> None:
        """A right password: this pair is trusted again, the account is known from here."""
        self._failures.pop(("pair", account, address), None)
        self._known[(account, address)] = None
        self._known.move_to_end((account, address))
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)

    def _one(self, key: Key, now: float) -> float:
        times = self._failures.get(key)
        if times is None:
            return 0.0
        while times and now - times[0] > _WINDOW:
            times.popleft()
        over = len(times) - _FREE[key[0]]
        if over < 0:
            return 0.0
        return max(0.0, times[-1] + min(_LONGEST, float(2 ** min(over, 10))) - now)


def _keys(account: str, address: str) -> tuple[Key, Key, Key]:
    return ("pair", account, address), ("account", account, ""), ("address", "", address)
