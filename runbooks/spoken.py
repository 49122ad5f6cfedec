"""Times and people as they are said over a radio or written on paper. Pure, no clock."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from bcp.kit.language import Text, text
from bcp.kit.units import JST
from bcp.plan.model import City
from runbooks.context import FUTURE

CLOCK = re.compile(r"(\d{1,2})(?::|時)(\d{2})(?:分)?|(\d{3,4})|(\d{1,2})時")
DAY = re.compile(r"(\d{1,2})[/月](\d{1,2})日?")
_TITLE = re.compile(r"(さん|氏|様|課長|係長|主査|主事|室長|部長|支所長|職員)$")
PERSON = re.compile(r"担当\d+|.{1,12}(さん|氏|課長|係長|主査|主事|室長|部長|支所長)")
"""A person by the look of it, also one the plan does not know (a helper, a vendor)."""
BACK = {"今日": 0, "本日": 0, "昨日": 1, "前日": 1, "一昨日": 2, "おととい": 2}


def hour_minute(clock: re.Match[str]) -> tuple[int, int]:
    if clock[3]:
        return int(clock[3][:-2]), int(clock[3][-2:])
    return int(clock[1] or clock[4]), int(clock[2] or 0)


def month_day(month: int, day: int) -> date | None:
    try:
        return date(2000, month, day)  # a leap year; the year is found in `instant`
    except ValueError:
        return None


def people(city: City, known: Mapping[str, str]) -> dict[str, str]:
    """Everything a person or role may be called; a family name only where it is one's own."""
    found = {same(name): one.id for one in city.roles for name in (one.name, one.id)}
    families: dict[str, list[str]] = {}
    for person in city.people:
        found |= {same(person.name): person.id, same(person.id): person.id}
        family = person.name.replace("　", " ").split()[0]
        families.setdefault(same(family), []).append(person.id)
    alone = {name: ids[0] for name, ids in families.items() if len(ids) == 1}
    return alone | {same(name): id for name, id in known.items()} | found


def person_of(name: str, names: Mapping[str, str]) -> str | None:
    """The id behind a name as it was said (さん, 課長 … left out)."""
    return names.get(same(name)) or names.get(same(_TITLE.sub("", name)))


def instant_of(clock: str, day: date, now: datetime) -> tuple[datetime | None, Text | None]:
    """The instant of a time written on paper of a known day; what is wrong with it."""
    plain = unicodedata.normalize("NFKC", clock).strip()
    found = CLOCK.fullmatch(re.sub(r"(頃|ごろ|ころ|くらい)$", "", plain))
    if found is None:
        return None, text("scribe.no_clock", got=plain or "-", expected="04:10 / 0410")
    hour, minute = hour_minute(found)
    if hour > 23 or minute > 59:
        return None, text("scribe.no_clock", got=plain, expected="04:10 / 0410")
    at = _at(day, (hour, minute))
    return at, (text("scribe.in_future") if at > now + FUTURE else None)


def same(name: str) -> str:
    return unicodedata.normalize("NFKC", name).replace(" ", "").upper()


def instant(
    clock: tuple[int, int] | None, day: date | None, now: datetime
) -> tuple[datetime | None, Text | None]:
    """The last time it was so late, unless a day was said."""
    if clock is None:
        return None, (text("scribe.day_alone", expected="昨日23:50") if day else None)
    hour, minute = clock
    if hour > 23 or minute > 59:
        return None, text("scribe.no_clock", got=f"{hour}:{minute:02d}", expected="04:10 / 0410")
    today = now.astimezone(JST).date()
    if day is None:
        at = _at(today, clock)
        return (at if at <= now + FUTURE else at - timedelta(days=1)), None
    if day.year == 1:
        return _at(today - timedelta(days=(day - date.min).days), clock), None
    for year in (today.year, today.year - 1):
        try:
            at = _at(day.replace(year=year), clock)
        except ValueError:  # 29 February
            continue
        if at <= now + FUTURE:
            return at, None
    return None, text("scribe.in_future")


def next_at(clock: tuple[int, int], after: datetime) -> datetime:
    at = _at(after.astimezone(JST).date(), (min(clock[0], 23), min(clock[1], 59)))
    return at if at > after else at + timedelta(days=1)


def _at(day: date, clock: tuple[int, int]) -> datetime:
    return datetime(day.year, day.month, day.day, *clock, tzinfo=JST)
