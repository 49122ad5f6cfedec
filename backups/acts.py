"""More of what enters the log about a copy: ended acts, side checks, measures of change. Pure.

Kinds: `backup.act` (an announced forget, prune, tag, key or copy ended: what it did and how the
repository stands after it, so that from here on every further difference is an alarm again),
`backup.check` (a check that is no rung: names, canary, agreement, locks), `backup.change` (how much a
backup differs from the one before, and whether that is unusual enough to hold forget and prune).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from backups.record import MOST_NAMES, Action, Result
from bcp.journal.canonical import Json
from bcp.journal.entry import Entry, NewEntry

ACT, CHECK, CHANGE = "backup.act", "backup.check", "backup.change"


@dataclass(frozen=True, slots=True)
class Act:
    """How an announced act ended."""

    set: str
    repository: str
    action: Action
    run: str
    result: Result
    at: datetime
    reason: str = ""
    removed: tuple[str, ...] = ()
    """Snapshots that are gone by it (forget)."""
    objects: str | None = None
    """Digest of the list of objects that must exist from here on; None: no new list."""
    listed: str | None = None
    config: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, int] = field(default_factory=dict)
    said: str = ""
    seq: int = -1

    def entry(self) -> NewEntry:
        """The log entry."""
        detail: dict[str, Json] = {
            "set": self.set,
            "repository": self.repository,
            "action": self.action.value,
            "run": self.run,
            "result": self.result.value,
            "reason": self.reason,
            "removed": list(self.removed[:MOST_NAMES]),
            "objects": self.objects,
            "listed": self.listed,
            "config": self.config,
            "keys": dict(self.keys),
            "facts": dict(self.facts),
        }
        values = {"said": self.said} if self.said else {}
        files = (self.objects,) if self.objects else ()
        return NewEntry(ACT, _subject(self), detail, None, self.at, values, evidence=files)


class What(StrEnum):
    """A check of a copy that is no rung of the ladder."""

    NAMES = "names"
    CANARY = "canary"
    AGREE = "agree"
    LOCKS = "locks"


@dataclass(frozen=True, slots=True)
class SideCheck:
    """One of them, done."""

    set: str
    repository: str
    what: What
    result: Result
    at: datetime
    reason: str = ""
    facts: Mapping[str, int] = field(default_factory=dict)
    findings: str | None = None
    """Digest of the list of findings, one a line, in the evidence store."""
    said: str = ""
    seq: int = -1

    @property
    def good(self) -> bool:
        """Proven good."""
        return self.result is Result.GOOD

    def entry(self) -> NewEntry:
        """The log entry."""
        detail: dict[str, Json] = {
            "set": self.set,
            "repository": self.repository,
            "what": self.what.value,
            "result": self.result.value,
            "reason": self.reason,
            "facts": dict(self.facts),
            "findings": self.findings,
        }
        values = {"said": self.said} if self.said else {}
        files = (self.findings,) if self.findings else ()
        return NewEntry(CHECK, _subject(self), detail, None, self.at, values, evidence=files)


@dataclass(frozen=True, slots=True)
class Change:
    """How a backup differs from the one before it."""

    set: str
    repository: str
    run: str
    at: datetime
    score: int
    """0 (as ever) to 100."""
    held: bool
    """Over the threshold: forget and prune wait for a person."""
    reasons: tuple[str, ...] = ()
    """Bounded words, the heaviest first."""
    facts: Mapping[str, int] = field(default_factory=dict)
    """The signals, in thousandths where they are shares."""
    seq: int = -1

    def entry(self) -> NewEntry:
        """The log entry."""
        detail: dict[str, Json] = {
            "set": self.set,
            "repository": self.repository,
            "run": self.run,
            "score": self.score,
            "held": self.held,
            "reasons": list(self.reasons),
            "facts": dict(self.facts),
        }
        return NewEntry(CHANGE, _subject(self), detail, None, self.at)


Aside = Act | SideCheck | Change


def _subject(record: Aside) -> str:
    return f"backup/{record.set}/{record.repository}"


def read(entry: Entry) -> Aside | None:
    """The record in an entry; None for kinds of others."""
    d: Mapping[str, Any] = entry.detail
    at, seq = entry.occurred_at, entry.seq
    if entry.kind == ACT:
        same = {k: d[k] for k in ("reason", "objects", "listed", "config", "keys", "facts")}
        return Act(
            d["set"],
            d["repository"],
            Action(d["action"]),
            d["run"],
            Result(d["result"]),
            at,
            removed=tuple(d["removed"]),
            seq=seq,
            **same,
        )
    if entry.kind == CHECK:
        what, result = What(d["what"]), Result(d["result"])
        rest = d["reason"], d["facts"], d["findings"]
        return SideCheck(d["set"], d["repository"], what, result, at, *rest, seq=seq)
    if entry.kind == CHANGE:
        score, held, reasons = d["score"], d["held"], tuple(d["reasons"])
        where = d["set"], d["repository"], d["run"]
        return Change(*where, at, score, held, reasons, d["facts"], seq)
    return None
