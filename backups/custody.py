"""The custody record: which snapshots must exist, and what was proven of them. Pure.

`FOLD` makes the state from the log's entries; `anomaly.compare` holds it against a repository.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from backups import acts, statements
from backups.acts import Act, Aside, Change, SideCheck, What
from backups.record import (
    Action,
    Custody,
    Destroyed,
    Disagreement,
    Evidence,
    Intent,
    Restore,
    Result,
    read,
)
from backups.statements import Attestation, Escrow
from bcp.journal.entry import Entry
from bcp.journal.folding import Fold

MEASURED = 10
"""So many restore tests are remembered for their speed."""

_UNFINISHED = 8
"""So many announced backups without a snapshot are remembered."""

_CHANGES = 20
"""So many measures of change are remembered: what is usual for this set."""

ACTS = (Action.FORGET, Action.PRUNE, Action.TAG, Action.KEY, Action.COPY)
"""Acts that end with a `backup.act`; until then their intent is open and excuses what it announces."""


@dataclass(frozen=True, slots=True)
class Demand:
    """How the repository must look: by the last custody record and the acts ended since."""

    seq: int
    """The entry that demands it."""
    repository_id: str
    objects: str | None
    listed: str | None
    config: str | None
    keys: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CopyState:
    """What the log says of one set in one repository."""

    custody: tuple[Custody, ...] = ()
    """In the order they were recorded."""
    intents: tuple[Intent, ...] = ()
    evidence: Mapping[int, Evidence] = field(default_factory=dict)
    """The newest conclusive evidence of each level."""
    good: Mapping[int, Evidence] = field(default_factory=dict)
    """The newest good evidence of each level, whatever came after."""
    parts: Mapping[tuple[int, int], datetime] = field(default_factory=dict)
    """When part n of t was last read and found good (rung 3)."""
    whole: Evidence | None = None
    """The newest good restore test of a whole snapshot (rung 4)."""
    measured: tuple[Evidence, ...] = ()
    """The last good restore tests: what restoring is measured by, newest last."""
    restores: tuple[Restore, ...] = ()
    """Restores for real, newest last: begun, or how they ended."""
    last_job: Evidence | None = None
    anomalies: tuple[str, ...] = ()
    acts: tuple[Act, ...] = ()
    """Ended since the last custody record."""
    retained: Mapping[Action, Act] = field(default_factory=dict)
    """The newest forget and prune that ended well."""
    forgotten: frozenset[str] = frozenset()
    """Snapshots that an announced act removed: they must not be there any more."""
    checks: Mapping[What, SideCheck] = field(default_factory=dict)
    """The newest conclusive side check of each kind."""
    changes: tuple[Change, ...] = ()
    """The newest measures of change, oldest first."""
    escrow: Escrow | None = None
    """The newest trial of the sealed things, signed or not."""
    escrow_signed: Escrow | None = None
    """The newest good trial with all its signatures; its time is that of the trial."""
    escrow_signatures: tuple[Escrow, ...] = ()
    """Under the newest trial, so far."""
    held: Change | None = None
    """An unusual change nobody has cleared: forget and prune wait."""

    @property
    def kept(self) -> tuple[Custody, ...]:
        """The snapshots that must exist: on record and not forgotten by an ended act."""
        return tuple(one for one in self.custody if one.snapshot not in self.forgotten)

    @property
    def demand(self) -> Demand | None:
        """How the repository must look now; None: nothing is on record."""
        if not self.custody:
            return None
        last = self.custody[-1]
        found = Demand(
            last.seq, last.repository_id, last.objects, last.listed, last.config, last.keys
        )
        for act in self.acts:
            if act.objects is not None:
                found = replace(found, seq=act.seq, objects=act.objects, listed=act.listed)
            if act.keys:
                found = replace(found, keys=act.keys, config=act.config)
        return found

    @property
    def open_acts(self) -> Mapping[str, Intent]:
        """Acts announced and not ended, by run."""
        return {one.run: one for one in self.intents if one.action in ACTS}

    @property
    def newest(self) -> Custody | None:
        """The newest complete snapshot on record (by its own time)."""
        return max(
            (one for one in self.kept if one.complete), key=lambda one: one.time, default=None
        )

    def of(self, snapshot: str) -> Custody | None:
        """The record of a snapshot."""
        return next((one for one in reversed(self.custody) if one.snapshot == snapshot), None)

    @property
    def unfinished(self) -> Mapping[str, Intent]:
        """Backups announced that have no custody record, by run: a snapshot with such a run's tag may
        be adopted, even late (a restic that outlived us writes it after our restart)."""
        ended = {one.run for one in self.custody[-64:]}  # intents are few and recent
        return {
            one.run: one
            for one in self.intents
            if one.action is Action.BACKUP and one.run not in ended
        }

    @property
    def open_backups(self) -> Mapping[str, Intent]:
        """Those of them whose end is not on record in any way."""
        last = self.last_job.run if self.last_job is not None else ""
        return {run: one for run, one in self.unfinished.items() if run != last}

    def since(self, seq: int, *actions: Action) -> tuple[Intent, ...]:
        """Intents of these kinds announced after an entry."""
        return tuple(one for one in self.intents if one.seq > seq and one.action in actions)


@dataclass(frozen=True, slots=True)
class CustodyState:
    """Every copy, by (set, repository)."""

    copies: Mapping[tuple[str, str], CopyState] = field(default_factory=dict)
    paused: bool = False
    """A person holds verification back."""
    attested: Mapping[str, Attestation] = field(default_factory=dict)
    """By set: the report whose period ends last (申告)."""

    def copy(self, set_id: str, repository: str) -> CopyState:
        """One copy; an empty one when nothing is on record."""
        return self.copies.get((set_id, repository), CopyState())

    def siblings(self, set_id: str, repository: str, repository_id: str) -> frozenset[str]:
        """Snapshots that other sets have on record in the same repository: not foreign."""
        return frozenset(
            one.snapshot
            for key, copy in self.copies.items()
            if key != (set_id, repository)
            for one in copy.custody
            if one.repository_id == repository_id
        )

    def running(self) -> frozenset[str]:
        """Runs announced and not ended, of any copy."""
        return frozenset(run for copy in self.copies.values() for run in copy.open_backups)


def apply(state: CustodyState, entry: Entry) -> CustodyState:
    """The state after one entry."""
    if entry.kind == "backup.paused":
        return replace(state, paused=bool(entry.detail["paused"]))
    said = statements.read(entry)
    if isinstance(said, Attestation):
        known = state.attested.get(said.set)
        if known is not None and known.end > said.end:
            return state
        return replace(state, attested={**state.attested, said.set: said})
    record = said or read(entry) or acts.read(entry)
    if record is None or isinstance(record, Destroyed):
        return state
    key = (record.set, record.repository)
    copy = state.copies.get(key, CopyState())
    if isinstance(record, Custody):
        copy = replace(copy, custody=(*copy.custody, record), acts=())
    elif isinstance(record, Escrow):
        copy = _tried(copy, record)
    elif isinstance(record, Intent) and record.action is Action.CLEAR:
        copy = replace(copy, held=None)
    elif isinstance(record, Intent):
        copy = replace(copy, intents=_bounded(copy, record))
    elif isinstance(record, Aside):
        copy = _aside(copy, record)
    elif isinstance(record, Restore):
        kept = [one for one in copy.restores if one.run != record.run]
        copy = replace(copy, restores=(*kept, record)[-MEASURED:])
    elif isinstance(record, Disagreement):
        copy = replace(copy, anomalies=record.kinds)
    else:
        copy = _proven(copy, record)
    return replace(state, copies={**state.copies, key: copy})


def _tried(copy: CopyState, record: Escrow) -> CopyState:
    trial = copy.escrow
    if not record.signs:
        return replace(copy, escrow=record, escrow_signatures=())
    if trial is None or trial.run != record.run or trial.result is not Result.GOOD:
        return copy
    copy = replace(copy, escrow_signatures=(*copy.escrow_signatures, record))
    return replace(copy, escrow_signed=trial) if record.last else copy


def _aside(copy: CopyState, record: Aside) -> CopyState:
    if isinstance(record, Change):
        changes = (*copy.changes, record)[-_CHANGES:]
        return replace(copy, changes=changes, held=record if record.held else copy.held)
    if isinstance(record, SideCheck):
        if record.result is Result.INCONCLUSIVE:
            return copy
        return replace(copy, checks={**copy.checks, record.what: record})
    retained = copy.retained
    if record.result is Result.GOOD:
        retained = {**retained, record.action: record}
    return replace(
        copy,
        # An ended act excuses nothing more: what it did is stated, the rest is an alarm again.
        intents=tuple(one for one in copy.intents if one.run != record.run),
        acts=(*copy.acts, record),
        retained=retained,
        forgotten=copy.forgotten | frozenset(record.removed),
    )


def _bounded(copy: CopyState, new: Intent) -> tuple[Intent, ...]:
    """Ended backups need no intent any more: hourly backups of years must not pile up."""
    unfinished = tuple(copy.unfinished)[-_UNFINISHED:]
    kept = (i for i in copy.intents if i.action is not Action.BACKUP or i.run in unfinished)
    return (*kept, new)


def _proven(copy: CopyState, record: Evidence) -> CopyState:
    if record.level == 0:
        copy = replace(copy, last_job=record)
    if record.result is Result.INCONCLUSIVE:
        return copy
    copy = replace(copy, evidence={**copy.evidence, record.level: record})
    if record.good:
        copy = replace(copy, good={**copy.good, record.level: record})
        if record.level == 4:
            whole = copy.whole if record.facts.get("sampled") else record
            measured = (*copy.measured, record)[-MEASURED:]
            copy = replace(copy, whole=whole, measured=measured)
        if record.level == 3:
            part = (record.facts.get("part", 1), record.facts.get("parts", 1))
            copy = replace(copy, parts={**copy.parts, part: record.at})
    return copy


FOLD: Fold[CustodyState] = Fold(CustodyState(), apply, ("backup.",))
"""Hand it to `Journal.open(folds={"backups": FOLD})`."""
