"""計画停止・自主停止・定期保守: times in which a stop is no failure (R-67). Pure.

Several may cover one system, once or again and again, each in its own time zone. A window holds back
alerts and is told apart in every figure; it stops no probe, hides no state and makes nothing good. What
is still down when it ends is told then, with the time it really began.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import Field, field_validator, model_validator

from bcp.plan.types import CheckId, Day, Duration, Id, Model

Kind = Literal["planned", "voluntary", "maintenance"]
"""計画停止, 自主停止, 定期保守."""
_LONGEST = timedelta(days=14)
_ANY = datetime(2026, 1, 1, tzinfo=UTC)


class Window(Model):
    """One line of the plan's `windows`: what is stopped, when, and why.

    Once with `from` and `until` (local times as `2026-12-05T22:00`), or again and again with `cron` (when
    it begins, five fields) and `duration`.
    """

    id: Id
    name: str = Field(min_length=1)
    """Why, in words people see: 「サーバ更新」."""
    kind: Kind = "planned"
    systems: tuple[Id, ...] = ()
    sites: tuple[Id, ...] = ()
    """Checks of a site, and systems whose machines stand there."""
    checks: tuple[CheckId, ...] = ()
    begin: str | None = Field(None, alias="from")
    until: str | None = None
    cron: str | None = Field(None, max_length=100)
    duration: Duration | None = None
    first: Day | None = None
    """A recurring one begins on this day at the earliest …"""
    last: Day | None = None
    """… and on this one at the latest."""
    time_zone: str = "Asia/Tokyo"

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, OSError, LookupError) as error:
            raise ValueError(f"知らない時間帯です / unknown time zone: {value}") from error
        return value

    @field_validator("begin", "until")
    @classmethod
    def _local(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                found = datetime.fromisoformat(value)
            except ValueError as error:
                raise ValueError("2026-12-05T22:00 の形で書く / write 2026-12-05T22:00") from error
            if found.tzinfo is not None:
                raise ValueError("時間帯は time_zone に書く / the zone belongs into time_zone")
        return value

    @field_validator("cron")
    @classmethod
    def _five(cls, value: str | None) -> str | None:
        if value is not None:
            if len(value.split()) != 5:
                raise ValueError("cron は5つの欄で書く (分 時 日 月 曜日) / write five fields")
            try:
                next(CronSim(value, _ANY))
            except (CronSimError, StopIteration) as error:
                raise ValueError(f"cron として読めません / not a crontab time: {error}") from error
        return value

    @model_validator(mode="after")
    def _one_way(self) -> Window:
        once, again = (self.begin, self.until), (self.cron, self.duration)
        if (None in once and None in again) or (any(once) and any(again)):
            raise ValueError(
                "from と until、または cron と duration / from and until, or cron and duration"
            )
        if self.cron is None and (self.first or self.last):
            raise ValueError("first と last は cron だけ / first and last go with cron")
        if not (self.systems or self.sites or self.checks):
            raise ValueError(
                "systems, sites, checks のどれかを書く / name systems, sites or checks"
            )
        length = self.length
        if length <= timedelta() or length > _LONGEST:
            raise ValueError(
                "長さは14日まで、終わりは始まりより後 / longer than 0, at most 14 days"
            )
        return self

    @property
    def length(self) -> timedelta:
        """From its begin to its end, in real time."""
        if self.duration is not None:
            return self.duration
        assert self.begin is not None
        assert self.until is not None
        return self._at(self.until) - self._at(self.begin)

    def spans(self, begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Every time it was or will be on that touches [begin, end), whole, oldest first; UTC."""
        if self.cron is None:
            assert self.begin is not None
            assert self.until is not None
            start, stop = self._at(self.begin), self._at(self.until)
            if start < end and stop > begin:
                yield start, stop
            return
        length = self.length
        zone = ZoneInfo(self.time_zone)
        before = (begin - length - timedelta(minutes=1)).astimezone(zone)
        for found in CronSim(self.cron, before):
            start = found.astimezone(UTC)
            if start >= end:
                return
            day = found.date()
            if (self.first and day < self.first) or start + length <= begin:
                continue
            if self.last and day > self.last:
                return
            yield start, start + length

    def active(self, now: datetime) -> datetime | None:
        """Its end, where it is on now (the last one of several)."""
        return max((stop for _start, stop in self.spans(now, now + _TICK)), default=None)

    def _at(self, local: str) -> datetime:
        return (
            datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(self.time_zone)).astimezone(UTC)
        )


_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Stopped:
    """One time in which something was stopped on purpose."""

    start: datetime
    end: datetime
    kind: Kind
    name: str


def concerns(
    window: Window, check: str, system: str | None, site: str | None, stands: Iterable[str]
) -> bool:
    """Whether a window speaks of a check. `stands`: sites where machines of its system stand."""
    if check in window.checks or (system is not None and system in window.systems):
        return True
    return site in window.sites if site is not None else any(one in window.sites for one in stands)


def stops_of(
    windows: Iterable[Window],
    begin: datetime,
    end: datetime,
    *,
    system: str | None = None,
    check: str = "",
    site: str | None = None,
    stands: Iterable[str] = (),
) -> tuple[Stopped, ...]:
    """What was stopped on purpose within [begin, end), clipped, oldest first. They may overlap."""
    places = tuple(stands)
    found = [
        Stopped(max(start, begin), min(stop, end), window.kind, window.name)
        for window in windows
        if concerns(window, check, system, site, places)
        for start, stop in window.spans(begin, end)
    ]
    return tuple(sorted(found, key=lambda one: (one.start, one.end)))
