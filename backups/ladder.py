"""Rungs as checks on the common road: `backup/SET/REPOSITORY/LEVEL`, made from the plan.

The check only *reads* what is proven (the room's own tasks do the proving, which may take hours), so a
rung is light, is looked at often, and a proof that expires shows within seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import PrivateAttr

from backups.model import AnySet, ProvenSet, proven_sets
from backups.record import Evidence
from backups.room import BackupRoom
from backups.standing import Rung
from bcp.kit.errors import UsageError
from bcp.kit.language import Text, text
from bcp.watch.check import Check, Confirm, Env, Fact
from bcp.watch.values import Outcome, Pillar, Status

__all__ = ["BackupLevel", "Evidence", "Rung", "derived_checks", "derived_ids"]

LOOK = timedelta(seconds=5)
"""How often a rung is read."""


class BackupLevel(Check):
    """One rung of the evidence of one copy, as it is proven now."""

    pillar: ClassVar[Pillar] = Pillar.INTEGRITY
    title: ClassVar[Text] = Text(
        "バックアップの証拠の段 (計画の backups: から作られる)",
        "A rung of backup evidence (made from backups: of the plan)",
    )
    facts: ClassVar[Mapping[str, Fact]] = {
        "level": Fact("1", Text("証拠の段", "rung of evidence")),
        "proven_at": Fact("s", Text("証明した日時(UNIX秒)", "when it was proven, Unix time")),
        "snapshot_at": Fact("s", Text("控えの日時(UNIX秒)", "time of the snapshot, Unix time")),
        "files": Fact("1", Text("ファイル数", "files")),
        "size": Fact("bytes", Text("大きさ", "size")),
        "restore_seconds": Fact("s", Text("復元の所要時間", "time the restore took")),
    }
    weight: ClassVar[str] = "light"

    kind: Literal["backup_level"] = "backup_level"
    set: str
    repository: str
    level: int
    _room: BackupRoom | None = PrivateAttr(None)

    @property
    def target(self) -> str:
        """`SET/REPOSITORY`."""
        return f"{self.set}/{self.repository}"

    async def run(self, env: Env) -> Outcome:
        """Read the rung; nothing is started."""
        if self._room is None:
            return _outcome(
                Status.UNKNOWN, text(f"backups.never_{self.level}"), {"level": self.level}
            )
        try:
            rung = self._room.rung(self.set, self.repository, self.level)
        except UsageError:  # a reload took the copy out of the plan a moment ago
            words = text("backups.never_1")
            return _outcome(Status.UNKNOWN, words, {"level": self.level})
        return _outcome(rung.status, rung.sentence, _facts(rung), rung)


def _facts(rung: Rung) -> Mapping[str, int | float]:
    facts: dict[str, int | float] = {"level": rung.level}
    if rung.at is not None:
        facts["proven_at"] = int(rung.at.timestamp())
    if rung.snapshot_time is not None:
        facts["snapshot_at"] = int(rung.snapshot_time.timestamp())
    if rung.evidence is not None:
        known = rung.evidence.facts
        facts |= {name: known[name] for name in ("files", "size") if name in known}
        if "restore_ms" in known:
            facts["restore_seconds"] = known["restore_ms"] / 1000
    return facts


def _outcome(
    status: Status, words: Text, facts: Mapping[str, int | float], rung: Rung | None = None
) -> Outcome:
    said = rung.evidence.said if rung is not None and rung.evidence is not None else ""
    shown = tuple(said.splitlines()[-10:]) if status is not Status.OK else ()
    snapshot = (f"snapshot {rung.snapshot}",) if rung is not None and rung.snapshot else ()
    return Outcome(status, words, dict(facts), evidence=(*snapshot, *shown))


def derived_checks(sets: Iterable[AnySet], room: BackupRoom) -> tuple[BackupLevel, ...]:
    """The rungs of every copy of the plan."""
    return tuple(_check(one, copy, level, room) for one, copy, level in _each(sets))


def derived_ids(sets: Iterable[AnySet]) -> tuple[str, ...]:
    """Their ids, without a room: for the references in a plan."""
    return tuple(f"backup/{one.id}/{copy}/{level}" for one, copy, level in _each(sets))


def _each(sets: Iterable[AnySet]) -> Iterator[tuple[ProvenSet, str, int]]:
    for one in proven_sets(sets):
        for copy in one.repositories:
            for level in one.levels:
                if level < 5 or one.required_level == 5:
                    yield one, copy.id, level


def _check(one: ProvenSet, copy: str, level: int, room: BackupRoom) -> BackupLevel:
    repository = one.repository(copy)
    made = BackupLevel(
        id=f"backup/{one.id}/{copy}/{level}",
        kind="backup_level",
        system=one.system,
        site=repository.site if repository else None,
        name=f"{one.name or one.id} → {copy}: {text(f'backups.rung_{level}').ja}",
        every=LOOK,
        timeout=LOOK,
        # The proof itself is confirmed by hashes: seen once is enough.
        confirm=Confirm(failures=1),
        set=one.id,
        repository=copy,
        level=level,
    )
    made._room = room
    return made
