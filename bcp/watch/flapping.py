"""不安定: a check that goes down and comes back again and again is told once, not each time.

Counted are changes between "people can work" and "they cannot". It begins with six within an hour and
ends after ten minutes without any; in between, one message has said so and the single changes are held
back. The board, the log and the probing show every change; what is down when it ends is told then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bcp.journal.entry import NewEntry
from bcp.kit.language import text
from bcp.kit.units import from_us, to_us
from bcp.watch.announcing import Announcement
from bcp.watch.sites import News
from bcp.watch.values import Severity, Transition
from bcp.watch.view import WORKS

BEGINS = 6
"""From so many changes within `WITHIN` on it flaps."""
WITHIN = timedelta(hours=1)
_HALFWAY = BEGINS // 2
"""Fewer changes than this are not kept over a restart."""
QUIET = timedelta(minutes=10)
"""So long without a change and it has settled: a failure that stays is held back no longer than this."""


class Flapping:
    """Owner of who flaps now."""

    def __init__(self) -> None:
        self.since: dict[str, datetime] = {}
        """Checks that flap now, and since when."""
        self._changes: dict[str, deque[datetime]] = {}
        self._news: list[News] = []

    def note(self, transition: Transition) -> None:
        """One confirmed change."""
        if (transition.old in WORKS) is (transition.new in WORKS):
            return
        changes = self._changes.setdefault(transition.check, deque(maxlen=4 * BEGINS))
        changes.append(transition.at)

    def refresh(self, now: datetime) -> Mapping[str, int]:
        """Who flaps, and how often within the hour. A clock set back only makes it forget later."""
        found: dict[str, int] = {}
        for check, changes in list(self._changes.items()):
            quiet = now - changes[-1] > QUIET
            while changes and now - changes[0] > WITHIN:
                changes.popleft()
            count = len(changes)
            if not count or (quiet and check in self.since):
                del self._changes[check]
            if check in self.since:
                if quiet:
                    del self.since[check]
                    self._news.append(_news(check, count, now, over=True))
                else:
                    found[check] = count
            elif count >= BEGINS and not quiet:
                self.since[check] = now
                self._news.append(_news(check, count, now, over=False))
                found[check] = count
        return found

    def memo(self) -> dict[str, Any]:
        """What a restart must not forget: who flaps, and who is halfway there."""
        return {
            "since": {check: to_us(at) for check, at in self.since.items()},
            "changes": {
                check: [to_us(at) for at in changes]
                for check, changes in self._changes.items()
                if check in self.since or len(changes) >= _HALFWAY
            },
        }

    def restore(self, memo: Mapping[str, Any]) -> None:
        """The inverse of `memo`. Raises TypeError, ValueError, KeyError for what is none."""
        changes = {
            str(check): deque((from_us(int(at)) for at in times), maxlen=4 * BEGINS)
            for check, times in memo["changes"].items()
            if times
        }
        since = {str(check): from_us(int(at)) for check, at in memo["since"].items()}
        self._changes = changes
        self.since = {check: at for check, at in since.items() if check in changes}

    def take(self) -> list[News]:
        """What is to be told now, once."""
        news, self._news = self._news, []
        return news


def _news(check: str, count: int, now: datetime, *, over: bool) -> News:
    key = "watch.flapping_over" if over else "watch.flapping_begins"
    detail = {"new": "settled" if over else "flapping", "changes": count}
    entry = NewEntry("check.flapping", check, detail, None, now)
    message = Announcement(
        kind="daemon",
        severity=Severity.LOW if over else Severity.HIGH,
        title=text(key, check=check, count=count),
        at=now,
        check=check,
        resolved=over,
    )
    return News(entry, f"flapping-{check}-{to_us(now)}", message)
