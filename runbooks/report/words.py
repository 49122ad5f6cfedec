"""How the report writes instants, durations, people and words of the catalogue. Pure; Japanese."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache

from bcp.kit.language import catalogue, text
from bcp.kit.units import duration_ja, jst
from runbooks.told import person

NONE = "—"
SHOWN = 12
"""Of a list inside one cell; how many more there are is said."""


def word(kind: str, value: str) -> str:
    """A word of the runbooks' page; an unknown one shows itself."""
    key = f"runbooks.{kind}_{value}"
    return text(key).ja if key in catalogue() else value


def said(key: str, **values: object) -> str:
    """A sentence of the report's own page."""
    return text(f"report.{key}", **values).ja


@lru_cache(8192)
def at(instant: datetime | None) -> str:
    """`11/23 10:02`."""
    return jst(instant, "%m/%d %H:%M") if instant is not None else NONE


def long(value: timedelta | None) -> str:
    """A duration."""
    return duration_ja(value) if value is not None else NONE


def signed(value: timedelta | None) -> str:
    """Early `−`, late `+`."""
    if value is None:
        return NONE
    return ("−" if value < timedelta() else "+") + duration_ja(value)


def who(*ids: str) -> str:
    """People as pseudonyms, marked so that a page may call them by name."""
    return "、".join(person(id) for id in ids if id) or NONE


def some(items: Iterable[str], most: int = SHOWN) -> str:
    """A list for one cell, cut with the number of the rest."""
    found = list(items)
    more = said("more", count=len(found) - most) if len(found) > most else ""
    return "、".join(found[:most]) + more if found else NONE
