"""The series of INTERFACE about backups, and the values pages draw from. Pure over a room's state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from backups.digits import Digit, Zones, digits
from backups.ledger import Coverage
from backups.model import AttestedSet, BackupSet, Repository, restic_sets
from backups.record import Custody
from backups.restic.parsing import Progress
from backups.room import BackupRoom
from backups.standing import Rung, good_copy
from bcp.watch.exposition import Family, Sample


@dataclass(frozen=True, slots=True)
class CopyStatus:
    """One copy as a page shows it."""

    repository: Repository
    rungs: tuple[Rung, ...]
    newest: Custody | None
    anomalies: tuple[str, ...]
    coverage: Coverage | None
    busy: str
    """`0` a backup, `2` to `4` that rung, `restore`; empty: nothing is in hand."""
    progress: Progress | None


@dataclass(frozen=True, slots=True)
class SetStatus:
    """One set as a page shows it."""

    set: BackupSet
    copies: tuple[CopyStatus, ...]
    digits: tuple[Digit, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """The whole page: what is measured, and apart from it what is only attested (申告)."""

    sets: tuple[SetStatus, ...]
    attested: tuple[AttestedSet, ...]
    paused: str | None


def status(room: BackupRoom, zones: Zones | None = None) -> Status:
    """Everything about backups, now. Sync and quick."""
    sets = []
    for one in restic_sets(room.sets):
        copies = tuple(_copy(room, one, copy) for copy in one.repositories)
        ladders = {copy.repository.id: copy.rungs for copy in copies}
        sets.append(SetStatus(one, copies, digits(one, ladders, zones)))
    attested = tuple(one for one in room.sets if isinstance(one, AttestedSet))
    return Status(tuple(sets), attested, room.paused)


def _copy(room: BackupRoom, one: BackupSet, copy: Repository) -> CopyStatus:
    key = one.id, copy.id
    memory, state = room.memory(*key), room.custody(*key)
    return CopyStatus(
        copy,
        room.rungs(*key),
        state.newest,
        state.anomalies,
        memory.coverage,
        memory.busy,
        room.progress(*key),
    )


def families(room: BackupRoom, _now: datetime) -> Iterator[Family]:
    """`functools.partial(families, room)` is a producer for the exposition."""
    good, verified, restores, anomalies, limits = [], [], [], [], []
    for one in restic_sets(room.sets):
        if one.rpo is not None:
            labels = {"set": one.id, "system": one.system or ""}
            limits.append(Sample(one.rpo.total_seconds(), labels))
        for copy in one.repositories:
            key = one.id, copy.id
            labels = {"set": one.id, "repository": copy.id, "system": one.system or ""}
            state, memory = room.custody(*key), room.memory(*key)
            for rung in room.rungs(*key):
                at = good_copy(rung, state)
                stamp = at.timestamp() if at is not None else 0
                good.append(Sample(stamp, {**labels, "evidence": str(rung.level)}))
            if memory.coverage is not None:
                verified.append(Sample(memory.coverage.ratio, labels))
            proof = state.good.get(4)
            if proof is not None:
                restores.append(Sample(proof.facts.get("restore_ms", 0) / 1000, labels))
            anomalies.append(Sample(len(state.anomalies), labels))
    yield Family(
        "ict_bcp_backup_good_timestamp_seconds",
        "gauge",
        "Time of the newest snapshot proven at this level of evidence; 0 = there is none.",
        tuple(good),
    )
    rows = (
        ("rpo_seconds", "How old the newest good copy may be.", limits),
        ("verified_ratio", "Share of the data that was read and hashed within a round.", verified),
        ("restore_seconds", "Measured time of the last good restore test.", restores),
        ("anomalies", "Kinds of disagreement between repository and custody record.", anomalies),
    )
    for name, help, samples in rows:
        yield Family(f"ict_bcp_backup_{name}", "gauge", help, tuple(samples))
