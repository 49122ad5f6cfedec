"""An outage begins with the first failed probe, not with its confirmation some minutes later.

Until it was confirmed that time was counted as working; once it is, it is counted as down. Only what this
run counted itself is moved, and never into a day before: its digest may be in the log already. Pure but
for what was last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from bcp.watch.spans import day_of, day_start
from bcp.watch.values import Status
from bcp.watch.view import WORKS


@dataclass(frozen=True, slots=True)
class Move:
    """From `start` to `end` it was down, and not `was`."""

    subject: str
    was: Status
    begun: datetime
    """When its outage began."""
    start: datetime
    end: datetime


class Backdating:
    """Remembers what the last tick counted."""

    def __init__(self) -> None:
        self._last: Mapping[str, Status] = {}
        self._from: datetime | None = None
        """Since when every tick was counted."""

    def blind(self) -> None:
        """A tick was not counted: what was before it is left as it is."""
        self._last, self._from = {}, None

    def moves(
        self, counted: Mapping[str, Status], outages: Mapping[str, datetime], start: datetime
    ) -> Iterator[Move]:
        """What has to move, for a tick that counts from `start` on. Take them all."""
        if self._from is None or start < self._from:  # the first tick, or a clock set back
            self._last, self._from = {}, start
        last, self._last = self._last, counted
        for subject, begun in outages.items():
            was = last.get(subject)
            if was is None or was not in WORKS or counted.get(subject) is not Status.FAILED:
                continue
            begin = max(begun, self._from, day_start(day_of(start)))
            if begin < start:
                yield Move(subject, was, begun, begin, start)
