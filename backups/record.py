"""What is written into the integrity log about backups, and read back from it. Pure.

Kinds: `backup.intent` (something is about to be done to a repository: announced first),
`backup.custody` (this snapshot exists, made from this manifest), `backup.evidence` (a rung was proven or
found broken), `backup.anomaly` (repository and record do not agree, or agree again). Instants are
microseconds with names ending in `_us`; free text (what restic said) enters as a commitment only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from backups import restorerecord
from backups.restorerecord import Destroyed, Restore, Result
from bcp.journal.canonical import Json
from bcp.journal.entry import Entry, NewEntry
from bcp.kit.units import from_us, to_us

__all__ = [
    "ANOMALY", "CUSTODY", "EVIDENCE", "INTENT", "MOST_NAMES", "Action", "Custody", "Destroyed",
    "Disagreement", "Evidence", "Intent", "Record", "Restore", "Result", "read", "subject",
]  # fmt: skip

INTENT, CUSTODY = "backup.intent", "backup.custody"
EVIDENCE, ANOMALY = "backup.evidence", "backup.anomaly"
MOST_NAMES = 200
"""Snapshot ids in one entry; an entry has at most 65,535 bytes."""


class Action(StrEnum):
    """What an intent announces."""

    BACKUP = "backup"
    INIT = "init"
    FORGET = "forget"
    PRUNE = "prune"
    TAG = "tag"
    KEY = "key"
    COPY = "copy"
    """Snapshots of another copy of the set are brought here by `restic copy`."""
    CLEAR = "clear"
    """A person has looked at an unusual change: forget and prune need not wait for it any more."""
    ACCEPT = "accept"
    """A person accepts how the repository is now: named snapshots, and its objects as they are."""


@dataclass(frozen=True, slots=True)
class Intent:
    """Announced before it is done."""

    set: str
    repository: str
    action: Action
    run: str
    at: datetime
    snapshots: tuple[str, ...] = ()
    manifest: str | None = None
    """For a backup: the root of the source manifest, so that a snapshot whose custody record we
    did not live to write can be adopted against it."""
    files: int = 0
    size: int = 0
    what: str = ""
    """One bounded word more: for a key act `add`, `passwd` or `remove:ID`; for a copy its source."""
    seq: int = -1
    expected: str | None = None
    """Digest of what the dumps must hold when they are opened; None: the set has no dumps."""

    def entry(self) -> NewEntry:
        """The log entry."""
        detail: dict[str, Json] = {
            "set": self.set,
            "repository": self.repository,
            "action": self.action.value,
            "run": self.run,
            "snapshots": list(self.snapshots[:MOST_NAMES]),
            "manifest": self.manifest,
            "files": self.files,
            "size": self.size,
            "expected": self.expected,
            "what": self.what,
        }
        evidence = tuple(d for d in (self.manifest, self.expected) if d)
        return NewEntry(INTENT, subject(self), detail, None, self.at, evidence=evidence)


@dataclass(frozen=True, slots=True)
class Custody:
    """One snapshot that must exist, and what it was made from."""

    set: str
    repository: str
    repository_id: str
    snapshot: str
    tree: str
    time: datetime
    """The snapshot's own time: what freshness is measured from."""
    manifest: str
    files: int
    size: int
    run: str
    restic: str
    complete: bool
    """False: restic or the manifest could not read everything; never a good copy."""
    unsettled: str | None = None
    """Digest of the list of names that changed while the backup ran; None: nothing did."""
    unsettled_count: int = 0
    objects: str | None = None
    """Digest of the list of objects that must exist; None: the folder cannot be seen from here."""
    listed: str | None = None
    """Root of the listing as it was: a later listing with an older root is a rollback."""
    object_count: int = 0
    config: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    seconds_ms: int = 0
    added: int = 0
    adopted: bool = False
    """Written later, from an intent, because the program died before it could write it."""
    via: str = ""
    """`tag` or `copy`: it came from another snapshot on record, not from a backup."""
    seq: int = -1
    expected: str | None = None
    source: str | None = None
    """Of a copy made by another product: the source's manifest when the generation was entered."""

    def entry(self) -> NewEntry:
        """The log entry."""
        detail: dict[str, Json] = {
            "set": self.set,
            "repository": self.repository,
            "repository_id": self.repository_id,
            "snapshot": self.snapshot,
            "tree": self.tree,
            "time_us": to_us(self.time),
            "manifest": self.manifest,
            "files": self.files,
            "size": self.size,
            "run": self.run,
            "restic": self.restic,
            "complete": self.complete,
            "unsettled": self.unsettled,
            "unsettled_count": self.unsettled_count,
            "objects": self.objects,
            "listed": self.listed,
            "object_count": self.object_count,
            "config": self.config,
            "keys": dict(self.keys),
            "seconds_ms": self.seconds_ms,
            "added": self.added,
            "adopted": self.adopted,
            "expected": self.expected,
            "via": self.via,
        }
        if self.source is not None:
            detail["source"] = self.source
        named = (self.manifest, self.unsettled, self.objects, self.expected, self.source)
        files = tuple(d for d in named if d is not None)
        return NewEntry(CUSTODY, subject(self), detail, None, self.time, evidence=files)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One verification of one rung."""

    set: str
    repository: str
    level: int
    result: Result
    at: datetime
    reason: str = ""
    """One bounded word: a verdict, an anomaly, `differs`."""
    snapshot: str | None = None
    """The snapshot it speaks of; for 2 and 3 the newest that was there."""
    snapshot_time: datetime | None = None
    facts: Mapping[str, int] = field(default_factory=dict)
    run: str = ""
    said: str = ""
    """Last lines of restic; kept as a value (erasable), not in the entry."""
    seq: int = -1

    @property
    def good(self) -> bool:
        """Proven good."""
        return self.result is Result.GOOD

    @property
    def inconclusive(self) -> bool:
        """Neither proven good nor proven bad."""
        return self.result is Result.INCONCLUSIVE

    def entry(self) -> NewEntry:
        """The log entry."""
        detail: dict[str, Json] = {
            "set": self.set,
            "repository": self.repository,
            "level": self.level,
            "result": self.result.value,
            "reason": self.reason,
            "snapshot": self.snapshot,
            "snapshot_us": to_us(self.snapshot_time) if self.snapshot_time else None,
            "facts": dict(self.facts),
            "run": self.run,
        }
        values = {"said": self.said} if self.said else {}
        return NewEntry(EVIDENCE, subject(self), detail, None, self.at, values)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """The anomalies open on one copy at one time; empty: repository and record agree again."""

    set: str
    repository: str
    at: datetime
    kinds: tuple[str, ...]
    subjects: tuple[str, ...] = ()
    seq: int = -1

    def entry(self) -> NewEntry:
        """The log entry."""
        detail: dict[str, Json] = {
            "set": self.set,
            "repository": self.repository,
            "kinds": list(self.kinds),
            "subjects": list(self.subjects[:MOST_NAMES]),
        }
        return NewEntry(ANOMALY, subject(self), detail, None, self.at)


Record = Intent | Custody | Evidence | Disagreement | Destroyed | Restore


def subject(record: Record) -> str:
    """`backup/SET/REPOSITORY`."""
    return f"backup/{record.set}/{record.repository}"


def read(entry: Entry) -> Record | None:
    """The record in an entry; None for kinds of others. A field a later version added is ignored."""
    d: Mapping[str, Any] = entry.detail
    if entry.kind == INTENT:
        return _intent(entry, d)
    if entry.kind == CUSTODY:
        return _custody(entry, d)
    if entry.kind == EVIDENCE:
        at_us = d["snapshot_us"]
        return Evidence(
            d["set"],
            d["repository"],
            d["level"],
            Result(d["result"]),
            entry.occurred_at,
            d["reason"],
            d["snapshot"],
            from_us(at_us) if at_us is not None else None,
            d["facts"],
            d["run"],
            seq=entry.seq,
        )
    if entry.kind in restorerecord.KINDS:
        return restorerecord.read(entry)
    if entry.kind == ANOMALY:
        kinds, subjects = tuple(d["kinds"]), tuple(d["subjects"])
        return Disagreement(
            d["set"], d["repository"], entry.occurred_at, kinds, subjects, entry.seq
        )
    return None


def _intent(entry: Entry, d: Mapping[str, Any]) -> Intent:
    return Intent(
        d["set"],
        d["repository"],
        Action(d["action"]),
        d["run"],
        entry.occurred_at,
        tuple(d["snapshots"]),
        d["manifest"],
        d["files"],
        d["size"],
        d.get("what", ""),
        entry.seq,
        d.get("expected"),
    )


def _custody(entry: Entry, d: Mapping[str, Any]) -> Custody:
    same = {
        name: d[name]
        for name in Custody.__dataclass_fields__
        if name not in ("time", "seq") and name in d
    }
    return Custody(**same, time=from_us(d["time_us"]), seq=entry.seq)
