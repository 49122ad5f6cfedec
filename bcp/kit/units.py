"""Durations, instants and sizes: parse, print, round. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

JST = ZoneInfo("Asia/Tokyo")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PART = re.compile(r"(\d+)(ms|s|m|h|d|w)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_ERAS = (
    (date(2019, 5, 1), "令和", "R"),
    (date(1989, 1, 8), "平成", "H"),
    (date(1926, 12, 25), "昭和", "S"),
)


def whole(given: str) -> int | None:
    """A whole number as somebody typed it; None when it is none or has more than 18 digits.

    `isdigit` is true for `²`, and `int` refuses thousands of digits: both come in addresses.
    """
    return int(given) if given.isdecimal() and len(given) <= 18 else None


def parse_duration(text: str) -> timedelta:
    """`90s 15m 4h 2d 1h30m` -> timedelta. Raises ValueError with the accepted form."""
    parts = _PART.findall(text)
    if not parts or "".join(n + u for n, u in parts) != text:
        raise ValueError(f"'{text}' is not a duration: write 90s, 15m, 4h, 2d or 1h30m")
    return timedelta(seconds=sum(int(n) * _SECONDS[u] for n, u in parts))


def format_duration(value: timedelta) -> str:
    """The shortest form `parse_duration` reads back to the same value."""
    milliseconds = round(value.total_seconds() * 1000)
    if milliseconds == 0:
        return "0s"
    sign, milliseconds = ("-" if milliseconds < 0 else ""), abs(milliseconds)
    out = ""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, milliseconds = divmod(milliseconds, size)
        if count:
            out += f"{count}{unit}"
    return sign + out


def duration_ja(value: timedelta) -> str:
    """`3時間20分`, for people: two units at the most, never negative (callers say 超過)."""
    seconds = abs(int(value.total_seconds()))
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, secs = divmod(rest, 60)
    if days:
        return f"{days}日{hours}時間" if hours else f"{days}日"
    if hours:
        return f"{hours}時間{minutes:02d}分" if minutes else f"{hours}時間"
    if minutes:
        return f"{minutes}分"
    return f"{secs}秒"


def to_us(instant: datetime) -> int:
    """Microseconds since 1970 UTC, exact. Integers of this size stay exact in every JSON reader."""
    if instant.tzinfo is None:
        raise ValueError("an instant without a time zone")
    delta = instant - _EPOCH
    return (delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_us(microseconds: int) -> datetime:
    """The inverse of `to_us`."""
    return _EPOCH + timedelta(microseconds=microseconds)


def jst(instant: datetime, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """An instant as the city reads it (JST)."""
    return instant.astimezone(JST).strftime(form)


def jst_short(instant: datetime, now: datetime) -> str:
    """`10:32` today, `11/22 10:32` otherwise."""
    local, today = instant.astimezone(JST), now.astimezone(JST)
    return local.strftime("%H:%M" if local.date() == today.date() else "%m/%d %H:%M")


def wareki(day: date) -> str:
    """令和8年11月23日; 元年 for the first year of an era. For paper and screens only."""
    for start, name, _letter in _ERAS:
        if day >= start:
            year = day.year - start.year + 1
            return f"{name}{'元' if year == 1 else year}年{day.month}月{day.day}日"
    return f"{day.year}年{day.month}月{day.day}日"


def size(count: int) -> str:
    """Bytes for people: `12.3 MiB`."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"
