"""Messages to everybody on call, until somebody answers. Frozen values and their fold. Pure.

A declaration that goes out by every route and reaches nobody must not look like one that was heard
(R-95). It counts as answered by whatever another person records in the event: taking a step shows
it better than a button; 「確認しました」 is for who has nothing to record yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bcp.journal.entry import Entry

CALLS = frozenset({"declared", "relapsed", "level_changed"})
"""Kinds of entries that everybody on call must hear of."""
OLD = timedelta(minutes=15)
"""What was typed in later than this after it happened is old news: nobody is called for it."""
_MACHINES = frozenset({"system", "node"})


@dataclass(frozen=True, slots=True)
class Call:
    """One message nobody has answered yet."""

    seq: int
    """Its entry."""
    word: str
    at: datetime
    by: str
    """Who caused it: his own acts are no answer."""


def called(calls: tuple[Call, ...], word: str, entry: Entry) -> tuple[Call, ...]:
    """What is still unanswered after one more entry."""
    who = entry.actor.id
    left = calls if who in _MACHINES else tuple(one for one in calls if one.by == who)
    if word in CALLS and entry.recorded_at - entry.occurred_at <= OLD:
        return (*left, Call(entry.seq, word, entry.recorded_at, who))
    return left


def key(what: str, id: str) -> str:
    """Under which what was told is remembered."""
    return f"{what}:{id}"
