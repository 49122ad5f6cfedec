"""The series of INTERFACE about backups, and the values pages draw from. Pure over a room's state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from backups import care
from backups.acts import What
from backups.care import Concern
from backups.custody import CopyState
from backups.digits import Digit, Ground, digits
from backups.ledger import Coverage
from backups.model import AttestedSet, ProvenCopy, ProvenSet, proven_sets
from backups.record import Action, Custody, Restore, Result
from backups.restic.parsing import Progress
from backups.room import BackupRoom
from backups.speed import Estimate, of_set
from backups.standing import Rung, good_copy
from backups.statements import Escrow
from bcp.kit.errors import BcpError
from bcp.watch.exposition import Family, Sample


@dataclass(frozen=True, slots=True)
class CopyStatus:
    """One copy as a page shows it."""

    repository: ProvenCopy
    rungs: tuple[Rung, ...]
    newest: Custody | None
    anomalies: tuple[str, ...]
    coverage: Coverage | None
    busy: str
    """`0` a backup, `2` to `4` that rung, `restore`; empty: nothing is in hand."""
    progress: Progress | None
    left: timedelta | None = None
    """Time left of the work in hand, where its speed so far says so."""
    concerns: tuple[Concern, ...] = ()
    """What beside the ladder needs a person."""
    last_restore: Restore | None = None
    listing: str | None = None
    """Root of the listing on record: what the copy held."""
    unsigned: Escrow | None = None
    """A good trial of the sealed things without all its signatures."""
    unsigned_roles: tuple[str, ...] = ()
    """The roles whose signature is missing; empty: any second person's."""
    restorable: tuple[Custody, ...] = ()
    """The snapshots on record, the newest first."""
    ordered: bool = False
    """A restore was asked for and has not ended."""
    not_begun: BcpError | None = None
    """Why the last restore asked for could not be carried out."""


@dataclass(frozen=True, slots=True)
class SetStatus:
    """One set as a page shows it."""

    set: ProvenSet
    copies: tuple[CopyStatus, ...]
    digits: tuple[Digit, ...]
    estimate: Estimate | None
    """How long restoring its newest copy would take."""


@dataclass(frozen=True, slots=True)
class Status:
    """The whole page: what is measured, and apart from it what is only attested (申告)."""

    sets: tuple[SetStatus, ...]
    attested: tuple[AttestedSet, ...]
    paused: str | None


def status(room: BackupRoom, ground: Ground | None = None) -> Status:
    """Everything about backups, now. Sync and quick."""
    sets = []
    for one in proven_sets(room.sets):
        copies = tuple(_copy(room, one, copy) for copy in one.repositories)
        ladders = {copy.repository.id: copy.rungs for copy in copies}
        states = [room.custody(one.id, copy.id) for copy in one.repositories]
        sets.append(SetStatus(one, copies, digits(one, ladders, ground), of_set(states)))
    attested = tuple(one for one in room.sets if isinstance(one, AttestedSet))
    return Status(tuple(sets), attested, room.paused)


def _copy(room: BackupRoom, one: ProvenSet, copy: ProvenCopy) -> CopyStatus:
    key = one.id, copy.id
    memory, state = room.memory(*key), room.custody(*key)
    return CopyStatus(
        copy,
        room.rungs(*key),
        state.newest,
        state.anomalies,
        memory.coverage,
        memory.busy,
        room.progress(*key) or room.upkeep.names.get(key),
        room.left(*key),
        care.of(room, *key),
        state.restores[-1] if state.restores else None,
        state.demand.listed if state.demand else None,
        state.escrow if _waits(state) else None,
        _missing(one, state) if _waits(state) else (),
        tuple(one for one in reversed(state.custody) if one.complete),
        room.orders.waiting(key) is not None,
        room.orders.refused(key),
    )


def _missing(one: ProvenSet, state: CopyState) -> tuple[str, ...]:
    signed = {signature.role for signature in state.escrow_signatures}
    return tuple(role for role in one.verify.escrow_roles if role not in signed)


def _waits(state: CopyState) -> bool:
    trial = state.escrow
    return trial is not None and trial.result is Result.GOOD and trial is not state.escrow_signed


def families(room: BackupRoom, _now: datetime) -> Iterator[Family]:
    """`functools.partial(families, room)` is a producer for the exposition."""
    good, verified, restores, anomalies, limits = [], [], [], [], []
    side: dict[str, list[Sample]] = {name: [] for name in _SIDE}
    for one in proven_sets(room.sets):
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
            for name, value in _beside(state, memory.coverage, copy.immutable):
                side[name].append(Sample(value, labels))
    yield from _attested(room)
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
    yield Family(
        "ict_bcp_backup_restore_estimate_seconds",
        "gauge",
        "Time to restore the newest copies of a system by measured speeds; absent = not measured.",
        tuple(_estimates(room)),
    )
    for name, help, samples in (*rows, *((n, h, side[n]) for n, h in _SIDE.items())):
        yield Family(f"ict_bcp_backup_{name}", "gauge", help, tuple(samples))


_SIDE = {
    "oldest_read_timestamp_seconds": "Oldest reading among the packs; 0 = some pack was never read.",
    "names_timestamp_seconds": "Last names check that found every object good; 0 = the last did not.",
    "immutable": "1 overwrite and delete were refused, 0 one was allowed; absent while unknown.",
    "lag_seconds": "How far this copy is behind the newest of its set.",
    "unusual_score": "How unusual the last backup was, 0 to 100.",
    "held": "1 while forget and prune wait for a person.",
    "retention_timestamp_seconds": "Last forget that ended well; 0 = there was none.",
}


def _beside(
    state: CopyState, read: Coverage | None, immutable: bool
) -> Iterator[tuple[str, float]]:
    """The series of one copy beside the ladder; what is not known is absent."""
    if read is not None and read.packs:
        yield "oldest_read_timestamp_seconds", read.oldest.timestamp() if read.oldest else 0
    names, canary = state.checks.get(What.NAMES), state.checks.get(What.CANARY)
    if names is not None:
        yield "names_timestamp_seconds", names.at.timestamp() if names.good else 0
    if canary is not None and immutable:  # of others it was never said
        yield "immutable", int(canary.good)
    agree = state.checks.get(What.AGREE)
    if agree is not None:
        yield "lag_seconds", agree.facts.get("lag_s", 0)
    if state.changes:
        yield "unusual_score", state.changes[-1].score
    yield "held", int(state.held is not None)
    done = state.retained.get(Action.FORGET)
    yield "retention_timestamp_seconds", done.at.timestamp() if done else 0


def _attested(room: BackupRoom) -> Iterator[Family]:
    """申告, in series of its own: never beside what was measured."""
    ends, due = [], []
    for one in room.sets:
        said = room.attestation(one.id) if isinstance(one, AttestedSet) else None
        if isinstance(one, AttestedSet) and said is not None:
            labels = {"set": one.id, "system": one.system or ""}
            ends.append(Sample(said.end.timestamp(), labels))
            due.append(Sample((said.end + one.report_within).timestamp(), labels))
    for name, help, samples in (
        ("end", "End of the period of the last report taken over (attested, not measured).", ends),
        ("due", "When that report stops counting and the next one must be here.", due),
    ):
        name = f"ict_bcp_backup_attested_{name}_timestamp_seconds"
        yield Family(name, "gauge", help, tuple(samples))


def _estimates(room: BackupRoom) -> Iterator[Sample]:
    systems = dict.fromkeys(one.system for one in proven_sets(room.sets) if one.system)
    for system in systems:
        found = room.estimate(system)
        if found is not None:
            ground = "measured" if found.measured else "estimated"
            for bound, length in (("low", found.low), ("high", found.high)):
                labels = {"system": system, "bound": bound, "ground": ground}
                yield Sample(length.total_seconds(), labels)
