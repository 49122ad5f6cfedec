"""稼働報告: how long a system or service worked within a period, with what was not its fault apart. Pure.

Every second of the period is in exactly one place: worked, down, unknown, planned stop, drill, blind
(nobody looked: the daemon was down, late or just begun) or unwatched (before the first look ever).
Availability is up / (up + down) over what was observed outside planned stops and drills, and never
stands without its coverage: where little was seen, the figure says little.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bcp.watch.spans import day_of, day_start
from bcp.watch.values import Status
from bcp.watch.view import WORKS

PLANNED, DRILL = "planned", "drill"
APART = (PLANNED, DRILL)
"""Times that are kept apart: subjects `planned/system:juki`, `drill/system:juki`."""
_TICK = timedelta(microseconds=1)
KEPT = timedelta(days=800)
"""So long the history keeps days; what was before is blind, whether anybody looked or not."""
FULL = 0.9
"""Below this share of the time observed a figure is shown as 参考."""
Sums = Mapping[Status, int]
"""Microseconds per state."""


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of the city, the last one included."""

    first: date
    last: date
    name: str = ""

    @property
    def start(self) -> datetime:
        """The instant it begins."""
        return day_start(self.first)

    @property
    def end(self) -> datetime:
        """The instant it ends."""
        return day_start(self.last + timedelta(days=1))


def month(year: int, number: int) -> Period:
    """A month of the calendar. Raises ValueError for one that is none."""
    first = date(year, number, 1)
    after = date(year + number // 12, number % 12 + 1, 1)
    return Period(first, after - timedelta(days=1), f"{year}年{number}月")


def fiscal_year(year: int) -> Period:
    """年度: April to March."""
    return Period(date(year, 4, 1), date(year + 1, 3, 31), f"{year}年度")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the history holds of one subject within a period."""

    all: Sums
    planned: Sums
    """The part of `all` in planned stops …"""
    drill: Sums
    """… and in drills; no moment is in both."""
    outages: tuple[int, ...] = ()
    """Length of each outage within the period, microseconds; one over midnight is in both days."""
    since: date | None = None
    """The first day it was ever looked at."""


@dataclass(frozen=True, slots=True)
class Uptime:
    """One line of the report; lengths add up to `elapsed`."""

    elapsed: timedelta
    up: timedelta
    down: timedelta
    unknown: timedelta
    planned: timedelta
    drill: timedelta
    blind: timedelta
    unwatched: timedelta
    outages: int
    longest: timedelta
    since: date | None = None

    @property
    def availability(self) -> float | None:
        """up / (up + down); None where neither was seen."""
        seen = self.up + self.down
        return self.up / seen if seen else None

    @property
    def coverage(self) -> float | None:
        """The share of the time outside planned stops, drills and before the first look, in which it was
        known whether it worked; None where there was no such time."""
        owed = self.elapsed - self.planned - self.drill - self.unwatched
        return (self.up + self.down) / owed if owed else None

    @property
    def full(self) -> bool:
        """Whether the figure may stand without 参考."""
        return self.coverage is not None and self.coverage >= FULL


def uptime(period: Period, seen: Seen, now: datetime) -> Uptime:
    """One line: the period up to `now`, every microsecond in one place."""
    end = min(period.end, now)
    elapsed = max(timedelta(), end - period.start)
    begun = end if seen.since is None else day_start(seen.since)
    if seen.since is not None and seen.since <= day_of(now) - KEPT:
        begun = period.start
    before = max(timedelta(), min(end, begun) - period.start)
    room = (elapsed - before) // _TICK
    parts = [_apart(seen, *some) for some in (WORKS, (Status.FAILED,), (Status.UNKNOWN,))]
    up, down, unknown, planned, drill = _fitted(
        [*parts, sum(seen.planned.values()), sum(seen.drill.values())], room
    )
    blind = room - up - down - unknown - planned - drill
    return Uptime(
        elapsed,
        _length(up),
        _length(down),
        _length(unknown),
        _length(planned),
        _length(drill),
        _length(blind),
        before,
        len(seen.outages),
        _length(max(seen.outages, default=0)),
        seen.since,
    )


def per_day(
    rows: Sequence[tuple[str, str, str, int]], now: datetime
) -> Iterator[tuple[str, Status, int]]:
    """(subject, state, microseconds) from rows of (subject, day, state, microseconds).

    A clock set back credits a day twice over: that day is cut to its length, its parts alike, so that
    it cannot fill the blind time of another.
    """
    taken: dict[tuple[str, str], int] = {}
    for subject, day, _status, micros in rows:
        taken[subject, day] = taken.get((subject, day), 0) + micros
    for subject, day, status, micros in rows:
        passed = min(timedelta(days=1), now - day_start(date.fromisoformat(day)))
        room, whole = max(0, passed // _TICK), taken.get((subject.rpartition("/")[2], day), 0)
        yield subject, Status(status), micros if whole <= room else micros * room // whole


def _apart(seen: Seen, *states: Status) -> int:
    """Microseconds in these states together, outside planned stops and drills.

    Together: time taken back from ok may have been counted as degraded (`backdating`).
    """
    apart = sum(part.get(s, 0) for part in (seen.planned, seen.drill) for s in states)
    return max(0, sum(seen.all.get(s, 0) for s in states) - apart)


def _fitted(parts: list[int], room: int) -> list[int]:
    """More credited than has passed: each is cut alike, nothing is invented."""
    taken = sum(parts)
    return parts if taken <= room else [part * room // taken for part in parts]


def _length(micros: int) -> timedelta:
    return timedelta(microseconds=micros)
