"""What beside the ladder needs a person: `backup/SET/REPOSITORY/care`, one check per copy. Pure but the shell.

Names that are not what they say, a copy that was to be immutable and is not, copies that differ or lag,
locks of other hosts, an unusual change that holds forget and prune, retention that stopped unseen, side
checks that are overdue: each a sentence, the gravest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from pydantic import PrivateAttr

from backups import retention
from backups.acts import SideCheck, What
from backups.custody import CopyState
from backups.files.model import FilesSet
from backups.ladder import LOOK
from backups.model import AnySet, ProvenCopy, ProvenSet, proven_sets
from backups.record import Result
from backups.room import BackupRoom
from bcp.kit.errors import UsageError
from bcp.kit.language import Text, text
from bcp.kit.units import duration_ja, format_duration
from bcp.watch.check import Check, Confirm, Env, Fact
from bcp.watch.values import Outcome, Pillar, Status

_LATE = 2
"""A side check not done for so many of its intervals no longer counts."""

_GRAVITY = (Status.FAILED, Status.DEGRADED, Status.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing a person must know."""

    status: Status
    word: str
    sentence: Text


def concerns(
    one: ProvenSet, copy: ProvenCopy, state: CopyState, foreign_locks: int, now: datetime
) -> tuple[Concern, ...]:
    """Everything beside the ladder that is not as it should be, the gravest first."""
    found = [
        *_held(state),
        *_side(
            What.NAMES, one.names_every if copy.folder else None, copy, state, now, _reread(one)
        ),
        *_side(What.CANARY, one.canary_every if copy.immutable else None, copy, state, now),
        *_agreement(one, state),
        *_rotation(copy, state, now),
        *_escrow(one.verify.escrow, state, now),
    ]
    if foreign_locks:
        words = text("backups.care_locks", count=foreign_locks)
        found.append(Concern(Status.DEGRADED, "locks", words))
    late = retention.overdue(one.retention, state, now)
    if late is not None:
        days = timedelta(days=late.days)
        words = text("backups.care_retention", age=duration_ja(days), age_en=format_duration(days))
        found.append(Concern(Status.DEGRADED, "retention", words))
    return tuple(sorted(found, key=lambda concern: _GRAVITY.index(concern.status)))


def _held(state: CopyState) -> Iterator[Concern]:
    held = state.held
    if held is not None:
        why = [text(f"backups.unusual_{word}") for word in held.reasons]
        words = text(
            "backups.care_held",
            score=held.score,
            why="、".join(one.ja for one in why),
            why_en=", ".join(one.en for one in why),
        )
        yield Concern(Status.FAILED, "held", words)


def _reread(one: ProvenSet) -> str:
    """What the names check is called where there are no objects with names."""
    return "digests" if isinstance(one, FilesSet) else What.NAMES.value


def _side(
    what: What,
    every: timedelta | None,
    copy: ProvenCopy,
    state: CopyState,
    now: datetime,
    said: str = "",
) -> Iterator[Concern]:
    word = said or what.value
    if every is None or not state.custody:
        return
    last = state.checks.get(what)
    if last is not None and not last.good:
        count = last.facts.get(last.reason, 0)
        why = text(f"backups.side_{last.reason}")
        facts = {"why": why.ja, "why_en": why.en, "count": count}
        words = text(f"backups.care_{word}_bad", **facts)
        yield Concern(Status.FAILED, what.value, words)
    elif not copy.offline and (last is None or now - last.at > every * _LATE):
        words = text(f"backups.care_{word}_late")
        yield Concern(Status.UNKNOWN, what.value, words)


def _agreement(one: ProvenSet, state: CopyState) -> Iterator[Concern]:
    last: SideCheck | None = state.checks.get(What.AGREE)
    if last is None or len(one.repositories) < 2:
        return
    if not last.good:
        count = last.facts.get("differing", 0)
        yield Concern(Status.FAILED, "agree", text("backups.care_agree_bad", count=count))
    lag = timedelta(seconds=last.facts.get("lag_s", 0))
    if one.rpo is not None and lag > one.rpo:
        words = text("backups.care_lag", age=duration_ja(lag), age_en=format_duration(lag))
        yield Concern(Status.DEGRADED, "lag", words)


def _rotation(copy: ProvenCopy, state: CopyState, now: datetime) -> Iterator[Concern]:
    """入替: the offline copy was not attached for too long."""
    seen = state.good.get(1)
    if copy.offline and seen is not None and now - seen.at > copy.rotate:
        age = timedelta(days=(now - seen.at).days)
        words = text("backups.care_rotation", age=duration_ja(age), age_en=format_duration(age))
        yield Concern(Status.FAILED, "rotation", words)


def _escrow(every: timedelta | None, state: CopyState, now: datetime) -> Iterator[Concern]:
    """封印物: tried, good, signed by a second person, and not too long ago."""
    trial, signed = state.escrow, state.escrow_signed
    if every is None or not state.custody:
        return
    if trial is not None and trial.result is Result.BAD:
        words = text("backups.care_escrow_bad", reason=trial.reason)
        yield Concern(Status.FAILED, "escrow", words)
    elif signed is None or now - signed.at > every:
        waits = trial is not None and trial is not signed and now - trial.at <= every
        words = text("backups.care_escrow_sign" if waits else "backups.care_escrow")
        yield Concern(Status.DEGRADED, "escrow", words)


def of(room: BackupRoom, set_id: str, repository: str) -> tuple[Concern, ...]:
    """The concerns of one copy now. Sync and quick. Raises `UsageError`."""
    key = (set_id, repository)
    one = next((one for one in proven_sets(room.sets) if one.id == set_id), None)
    copy = one.repository(repository) if one is not None else None
    if one is None or copy is None:
        raise UsageError("計画にないバックアップです / no such backup", got="/".join(key))
    locks = sum(seen.suspicious for seen in room.upkeep.locks.get(key, ()))
    return concerns(one, copy, room.custody(*key), locks, room.tools.clock.utc())


def _elsewhere(room: BackupRoom, set_id: str, repository: str) -> bool:
    """Whether the copy lies in no folder of this host: then nobody checks its names from here."""
    found = (one.repository(repository) for one in proven_sets(room.sets) if one.id == set_id)
    return any(copy is not None and copy.folder is None for copy in found)


class BackupCare(Check):
    """What beside the ladder needs a person."""

    pillar: ClassVar[Pillar] = Pillar.INTEGRITY
    title: ClassVar[Text] = Text(
        "バックアップの手当て (計画の backups: から作られる)",
        "What a copy needs beside the ladder (made from backups: of the plan)",
    )
    facts: ClassVar[Mapping[str, Fact]] = {
        "concerns": Fact("1", Text("手当てが要ること", "things that need a person")),
    }
    weight: ClassVar[str] = "light"

    kind: Literal["backup_care"] = "backup_care"
    set: str
    repository: str
    _room: BackupRoom | None = PrivateAttr(None)

    @property
    def target(self) -> str:
        """`SET/REPOSITORY`."""
        return f"{self.set}/{self.repository}"

    async def run(self, env: Env) -> Outcome:
        """Read what is known; nothing is started."""
        try:
            if self._room is None:
                raise UsageError("-")
            found = of(self._room, self.set, self.repository)
            never = not self._room.custody(self.set, self.repository).custody
            elsewhere = _elsewhere(self._room, self.set, self.repository)
        except UsageError:  # a reload took the copy out of the plan a moment ago
            return Outcome(Status.UNKNOWN, text("backups.never_1"), {})
        if never:
            return Outcome(Status.UNKNOWN, text("backups.unknown_never"), {"concerns": 0})
        if not found:
            words = text("backups.care_none_elsewhere" if elsewhere else "backups.care_none")
            return Outcome(Status.OK, words, {"concerns": 0})
        rest = tuple(one.sentence.ja for one in found[1:])
        first = found[0]
        return Outcome(first.status, first.sentence, {"concerns": len(found)}, evidence=rest)


def care_ids(sets: Iterable[AnySet]) -> tuple[str, ...]:
    """Their ids, for the references in a plan."""
    return tuple(
        f"backup/{one.id}/{copy.id}/care" for one in proven_sets(sets) for copy in one.repositories
    )


def care_checks(sets: Iterable[AnySet], room: BackupRoom) -> tuple[BackupCare, ...]:
    """One for every copy of the plan."""
    return tuple(_check(one, copy, room) for one in proven_sets(sets) for copy in one.repositories)


def _check(one: ProvenSet, copy: ProvenCopy, room: BackupRoom) -> BackupCare:
    made = BackupCare(
        id=f"backup/{one.id}/{copy.id}/care",
        kind="backup_care",
        system=one.system,
        site=copy.site,
        name=f"{one.name or one.id} → {copy.id}: {text('backups.care').ja}",
        every=LOOK,
        timeout=LOOK,
        confirm=Confirm(failures=1),
        set=one.id,
        repository=copy.id,
    )
    made._room = room
    return made
