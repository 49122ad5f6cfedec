"""What the rules need beyond the files: what the log, the plan's backups and the paper room know.

Handed in by the service. Every part may be None: then the rules that need it say "not checked"
(`unchecked`), which is never the same as "nothing found".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Copies:
    """One backup set as the rules see it (the room `backups` owns it)."""

    system: str | None
    every: timedelta | None
    """Between two runs; for an attested set the age its provider attests. None = not known."""
    sites: tuple[str | None, ...]
    """Where its copies stand; None = not written down."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The world on one day. `now` is when newest copies were looked at."""

    today: date | None = None
    copies: Mapping[str, Copies] | None = None
    verified: Mapping[str, datetime | None] | None = None
    """Set -> time of the newest copy that reached the rung the plan asks for (None = none has)."""
    now: datetime | None = None
    drilled: Mapping[str, date] | None = None
    """Runbook -> the last day it was walked in a drill or for real; one that is absent never was."""
    observed: Mapping[str, int] | None = None
    """Step -> how often it was done with a start and an end; absent = never."""
    reviews: Mapping[str, tuple[tuple[date, str], ...]] | None = None
    """Runbook -> (day of review, digest without the review) of each accepted plan, oldest first."""
    printed: Mapping[str, str] | None = None
    """Runbook -> digest of the edition last printed or carried out; absent = never."""


UNKNOWN = Facts()

_NEEDS: Mapping[str, str] = {
    "E008": "verified",
    "W102": "drilled",
    "W105": "today",
    "W107": "printed",
    "W108": "copies",
    "W109": "observed",
}


def unchecked(facts: Facts) -> tuple[str, ...]:
    """The rules that could not be looked at, or not wholly, for want of facts."""
    return tuple(rule for rule, name in _NEEDS.items() if getattr(facts, name) is None)
