"""Entries about what restores leave: begun and ended for real, residents' data destroyed. Pure.

Kinds: `backup.restore_begun`, `backup.restore_ended`, `backup.destroyed`. Where it was restored to is a
value (erasable); the entry holds its digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from bcp.journal.canonical import Json
from bcp.journal.entry import Entry, NewEntry
from bcp.kit.units import from_us, to_us

RESTORE_BEGUN, RESTORE_ENDED = "backup.restore_begun", "backup.restore_ended"
DESTROYED = "backup.destroyed"
KINDS = frozenset({RESTORE_BEGUN, RESTORE_ENDED, DESTROYED})


class Result(StrEnum):
    """Of one verification. Inconclusive is neither."""

    GOOD = "good"
    BAD = "bad"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Destroyed:
    """Restored residents' data was destroyed after a test (or some could not be: `gone` is false)."""

    set: str
    repository: str
    at: datetime
    gone: bool
    snapshot: str | None = None
    """None: left by a process that was killed, destroyed at the next start."""
    things: int = 1
    seq: int = -1

    def entry(self) -> NewEntry:
        """The log entry."""
        detail: dict[str, Json] = {
            "set": self.set,
            "repository": self.repository,
            "snapshot": self.snapshot,
            "gone": self.gone,
            "things": self.things,
        }
        return NewEntry(DESTROYED, _subject(self), detail, None, self.at)


@dataclass(frozen=True, slots=True)
class Restore:
    """A restore for real: begun (`result` None), or ended. The target is a value; its digest tells
    whether the same place is meant."""

    set: str
    repository: str
    at: datetime
    run: str
    snapshot: str
    snapshot_time: datetime
    place: str
    """SHA-256 of the target's path."""
    result: Result | None = None
    reason: str = ""
    facts: Mapping[str, int] = field(default_factory=dict)
    target: str = ""
    seq: int = -1

    def entry(self) -> NewEntry:
        """The log entry."""
        detail: dict[str, Json] = {
            "set": self.set,
            "repository": self.repository,
            "run": self.run,
            "snapshot": self.snapshot,
            "snapshot_us": to_us(self.snapshot_time),
            "place": self.place,
        }
        if self.result is None:
            values = {"target": self.target} if self.target else {}
            return NewEntry(RESTORE_BEGUN, _subject(self), detail, None, self.at, values)
        detail |= {"result": self.result.value, "reason": self.reason, "facts": dict(self.facts)}
        return NewEntry(RESTORE_ENDED, _subject(self), detail, None, self.at)


def _subject(record: Destroyed | Restore) -> str:
    return f"backup/{record.set}/{record.repository}"


def read(entry: Entry) -> Destroyed | Restore:
    """The record in an entry of one of `KINDS`."""
    d: Mapping[str, Any] = entry.detail
    key, at = (d["set"], d["repository"]), entry.occurred_at
    if entry.kind == DESTROYED:
        return Destroyed(*key, at, d["gone"], d["snapshot"], d["things"], entry.seq)
    return Restore(
        *key,
        at,
        d["run"],
        d["snapshot"],
        from_us(d["snapshot_us"]),
        d["place"],
        Result(d["result"]) if entry.kind == RESTORE_ENDED else None,
        d.get("reason", ""),
        d.get("facts", {}),
        seq=entry.seq,
    )
