"""Which words of named people stand in an event: 目視, 業務確認, and those typed in later. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from runbooks.proofstate import Word
from runbooks.state import LATE_SECONDS, Incident

LATE = timedelta(seconds=LATE_SECONDS)
"""Typed later than this after it happened: 後入力."""


def spoken(
    incident: Incident, system: str, level: str, typed_before: int | None = None
) -> Word | None:
    """The first word that still stands for this level or a higher one."""
    standing = []
    for key, all_said in incident.words.items():
        kind, id, rung = (*key.split(":"), "")[:3]
        if kind != "system" or id != system or rung < level:
            continue
        said = [word for word in all_said if typed_before is None or word.seq < typed_before]
        if said and said[-1].counts:
            standing.append(next(word for word in said if word.counts))
    return min(standing, key=lambda word: (word.at, word.seq), default=None)


def late_word(incident: Incident, system: str, level: str) -> Word | None:
    """The word that attained this level, where it was typed in later (後入力)."""
    if testified(incident, system, level):
        return None
    word = spoken(incident, system, level)
    return word if word is not None and word.late(LATE) else None


def testified(incident: Incident, system: str, level: str) -> bool:
    """Whether a check ever said that this level or a higher one stands."""
    rungs = incident.levels.get(system, {})
    return any(spells for rung, spells in rungs.items() if rung >= level)


def confirmed(incident: Incident, key: str) -> datetime | None:
    """業務確認 of `service:ID` or `system:ID` at any level: when, while nobody took it back."""
    times = [
        said[-1].at
        for name, said in incident.words.items()
        if (name == key or name.startswith(key + ":"))
        and said[-1].kind == "confirmed"
        and said[-1].counts
    ]
    return max(times, default=None)


def owner_word(incident: Incident, service: str) -> Word | None:
    """The standing word of its business owner; asked only where no check can tell."""
    said = incident.words.get(f"service:{service}", ())
    return said[-1] if said and said[-1].counts else None
