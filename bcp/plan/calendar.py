"""開庁日と開庁時間: which hours count as business time (R-36). Pure.

Weekends, the national holidays (国民の祝日に関する法律: computed, with 振替休日 and 国民の休日), the
turn of the year and what the city closes for itself are no business time.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from pydantic import Field

from bcp.kit.units import JST
from bcp.plan.types import Day, Model

_CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"
_FAR = 366 * 3
"""Days looked ahead: a calendar that is never open must not hang."""


class Closure(Model):
    """Days the city closes for itself, both included."""

    first: Day
    last: Day
    name: str = ""


class Calendar(Model):
    """When the offices are open. Times of day are JST, quoted."""

    opens: str = Field("08:30", pattern=_CLOCK)
    closes: str = Field("17:15", pattern=_CLOCK)
    weekend: tuple[int, ...] = (5, 6)
    """Closed days of the week; Monday is 0."""
    national_holidays: bool = True
    year_end: str = Field("12-29", pattern=r"^\d\d-\d\d$")
    year_start: str = Field("01-03", pattern=r"^\d\d-\d\d$")
    """年末年始, both included."""
    closures: tuple[Closure, ...] = ()

    def open_on(self, day: date) -> bool:
        """開庁日."""
        if day.weekday() in self.weekend:
            return False
        at = day.strftime("%m-%d")
        if at >= self.year_end or at <= self.year_start:
            return False
        if self.national_holidays and day in national_holidays(day.year):
            return False
        return not any(item.first <= day <= item.last for item in self.closures)

    def open_at(self, instant: datetime) -> bool:
        """Whether somebody is at work."""
        local = instant.astimezone(JST)
        hours = time.fromisoformat(self.opens) <= local.time() < time.fromisoformat(self.closes)
        return hours and self.open_on(local.date())

    def after(self, start: datetime, length: timedelta) -> datetime | None:
        """The instant at which `length` of business time has passed; None when it never does."""
        left, day = length, start.astimezone(JST).date()
        for _ in range(_FAR):
            opened, closed = self._span(day)
            begin = max(opened, start)
            if self.open_on(day) and begin < closed:
                if left <= closed - begin:
                    return (begin + left).astimezone(UTC)
                left -= closed - begin
            day += timedelta(days=1)
        return None

    def _span(self, day: date) -> tuple[datetime, datetime]:
        opens, closes = time.fromisoformat(self.opens), time.fromisoformat(self.closes)
        return datetime.combine(day, opens, JST), datetime.combine(day, closes, JST)


@lru_cache(maxsize=16)
def national_holidays(year: int) -> frozenset[date]:
    """国民の祝日 of a year, 振替休日 and 国民の休日 included, by the law as of 2022.

    The equinoxes follow the usual formula (valid 1980 to 2099); the day itself is announced in the
    official gazette of the year before.
    """
    spring = int(20.8431 + 0.242194 * (year - 1980) - (year - 1980) // 4)
    autumn = int(23.2488 + 0.242194 * (year - 1980) - (year - 1980) // 4)
    fixed = {(1, 1), (2, 11), (2, 23), (4, 29), (5, 3), (5, 4), (5, 5), (8, 11), (11, 3), (11, 23)}
    days = {date(year, month, day) for month, day in (*fixed, (3, spring), (9, autumn))}
    days |= {_monday(year, month, n) for month, n in ((1, 2), (7, 3), (9, 3), (10, 2))}
    for day in sorted(days):  # 振替休日: the next day that is no holiday
        if day.weekday() == 6:
            free = day + timedelta(days=1)
            while free in days:
                free += timedelta(days=1)
            days.add(free)
    for day in sorted(days):  # 国民の休日: a day between two holidays
        between = day + timedelta(days=1)
        if day + timedelta(days=2) in days and between not in days and between.weekday() != 6:
            days.add(between)
    return frozenset(days)


def _monday(year: int, month: int, number: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(7 - first.weekday()) % 7 + 7 * (number - 1))
