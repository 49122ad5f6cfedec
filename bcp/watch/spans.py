"""Time in a state: cut into hours and days, drawn as bars, sealed as a daily digest. Pure.

What no span covers is blind time. It is never stored: it is what is left of an hour.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from bcp.kit.units import JST, from_us, to_us
from bcp.watch.values import Status
from bcp.watch.view import Span

Unit = Literal["hour", "day"]
HOUR = timedelta(hours=1)


def hour_of(instant: datetime) -> int:
    """Hours since 1970 UTC. Japan's hours begin where these do."""
    return to_us(instant) // 3_600_000_000


def day_of(instant: datetime) -> date:
    """The city's day (JST)."""
    return instant.astimezone(JST).date()


def hour_start(hour: int) -> datetime:
    """The instant an hour begins."""
    return from_us(hour * 3_600_000_000)


def day_start(day: date) -> datetime:
    """The instant a day of the city begins, UTC."""
    return datetime.combine(day, time(), JST).astimezone(UTC)


def split(span: Span) -> Iterator[tuple[int, int]]:
    """(hour, microseconds) of each hour the span touches; together exactly its length."""
    start = span.start
    while start < span.end:
        hour = hour_of(start)
        end = min(span.end, hour_start(hour + 1))
        yield hour, to_us(end) - to_us(start)
        start = end


@dataclass(frozen=True, slots=True)
class Bar:
    """One stroke of the picture: so long in each state, the rest not observed."""

    start: datetime
    length: float
    """Seconds of it that have passed."""
    seconds: Mapping[Status, float]

    @property
    def blind(self) -> float:
        """Seconds not observed."""
        return max(0.0, self.length - sum(self.seconds.values()))


def starts(unit: Unit, count: int, now: datetime) -> list[datetime]:
    """When the last `count` hours or days began, oldest first; the last one is running."""
    if unit == "hour":
        return [hour_start(hour_of(now) - back) for back in reversed(range(count))]
    return [day_start(day_of(now) - timedelta(days=back)) for back in reversed(range(count))]


def bars(
    unit: Unit,
    count: int,
    now: datetime,
    stored: Mapping[tuple[datetime, Status], int],
    tail: Span | None = None,
) -> tuple[Bar, ...]:
    """Bars from stored microseconds by (start, status), plus the running span not yet stored."""
    begun = starts(unit, count, now)
    sums: dict[tuple[datetime, Status], int] = dict(stored)
    if tail is not None:
        for hour, micros in split(tail):
            start = hour_start(hour)
            key = (start if unit == "hour" else day_start(day_of(start)), tail.status)
            sums[key] = sums.get(key, 0) + micros
    result = []
    for index, start in enumerate(begun):
        end = begun[index + 1] if index + 1 < len(begun) else now
        found = {status: sums.get((start, status), 0) / 1e6 for status in Status}
        seconds = {status: value for status, value in found.items() if value > 0}
        result.append(Bar(start, max(0.0, (end - start).total_seconds()), seconds))
    return tuple(result)


@dataclass(frozen=True, slots=True)
class Digest:
    """What one day's samples come to; its hash goes into the integrity log."""

    day: date
    rows: tuple[tuple[str, Status, int], ...]
    """(subject, state, whole seconds), sorted."""

    @property
    def sha256(self) -> str:
        """Over one line of JSON per row: the same rows give the same digest anywhere."""
        lines = [
            json.dumps([subject, status.value, seconds], ensure_ascii=False)
            for subject, status, seconds in self.rows
        ]
        text = "\n".join([self.day.isoformat(), *lines])
        return hashlib.sha256(text.encode()).hexdigest()


def digest_of(day: date, rows: Iterable[tuple[str, Status, int]]) -> Digest:
    """From stored microseconds."""
    return Digest(day, tuple(sorted((s, status, us // 1_000_000) for s, status, us in rows)))
