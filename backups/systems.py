"""How a whole system's data is protected: RPO and 3-2-1-1-0 over all of its sets. Pure but `run`.

A system is as well protected as its least protected set. What counts is the newest copy proven at the
level the plan requires, never the end of a job; what a provider states (申告) is never counted here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from pydantic import PrivateAttr

from backups.digits import Digit, Ground, digits, ground_of
from backups.ladder import LOOK
from backups.model import AnySet, ProvenSet, proven_sets
from backups.room import BackupRoom
from backups.standing import good_copy
from bcp.kit.language import Text, text
from bcp.kit.units import duration_ja, format_duration
from bcp.plan.model import City, System
from bcp.watch.check import Check, Confirm, Env, Fact
from bcp.watch.exposition import Family, Sample
from bcp.watch.values import Outcome, Pillar, Status

_WORST = (False, None, True)


@dataclass(frozen=True, slots=True)
class Protection:
    """One system as its sets protect it, at one instant."""

    system: str
    limit: timedelta | None
    """目標復旧時点: how much may be lost; the strictest of the plan."""
    newest: datetime | None
    """Up to here its data can be brought back, proven at the required level; None: nothing is."""
    status: Status
    sentence: Text
    digits: tuple[Digit, ...]

    @property
    def within(self) -> bool | None:
        """Whether the limit holds; None: not known, or no limit."""
        return {Status.OK: True, Status.FAILED: False}.get(self.status)


def limit_of(system: System, sets: Iterable[ProvenSet]) -> timedelta | None:
    """The strictest of the levels' and the sets' limits."""
    named = [target.rpo for target in system.targets] + [one.rpo for one in sets]
    return min((length for length in named if length is not None), default=None)


def protection(
    system: System, room: BackupRoom, now: datetime, ground: Ground | None = None
) -> Protection | None:
    """How a system stands now; None when no set of ours holds its data."""
    sets = [one for one in proven_sets(room.sets) if one.system == system.id]
    if not sets:
        return None
    limit = limit_of(system, sets)
    found = [_newest(one, room) for one in sets]
    newest = min((at for at in found if at is not None), default=None)
    if None in found:
        newest = None
    status, sentence = _judged(limit, newest, now)
    return Protection(system.id, limit, newest, status, sentence, _together(sets, room, ground))


def _newest(one: ProvenSet, room: BackupRoom) -> datetime | None:
    """The newest copy of one set proven at the required level (5 is the owner's word: 4 counts)."""
    level = min(one.required_level, 4)
    times = [
        good_copy(room.rung(one.id, copy.id, level), room.custody(one.id, copy.id))
        for copy in one.repositories
    ]
    return max((at for at in times if at is not None), default=None)


def _judged(limit: timedelta | None, newest: datetime | None, now: datetime) -> tuple[Status, Text]:
    if newest is None:
        return Status.UNKNOWN, text("backups.rpo_none")
    age = timedelta(minutes=max(1, int((now - newest).total_seconds()) // 60))
    words = {"age": duration_ja(age), "age_en": format_duration(age)}
    if limit is None:
        return Status.UNKNOWN, text("backups.rpo_unset", **words)
    key, status = ("rpo_held", Status.OK) if now - newest <= limit else ("rpo_over", Status.FAILED)
    limits = {"limit": duration_ja(limit), "limit_en": format_duration(limit)}
    return status, text(f"backups.{key}", **words, **limits)


def _together(sets: list[ProvenSet], room: BackupRoom, ground: Ground | None) -> tuple[Digit, ...]:
    """Each digit of the set that is worst in it."""
    each = []
    for one in sets:
        ladders = {copy.id: room.rungs(one.id, copy.id) for copy in one.repositories}
        each.append(digits(one, ladders, ground))
    return tuple(min(column, key=rank) for column in zip(*each, strict=True))


def rank(digit: Digit) -> tuple[int, int]:
    """The worst first: of what is to be many the fewest, of errors the most."""
    found = digit.found or 0
    return _WORST.index(digit.holds), found if digit.wanted else -found


def families(city: Callable[[], City], room: BackupRoom, now: datetime) -> Iterator[Family]:
    """RPO and 3-2-1-1-0 of whole systems; bind the first two for the exposition."""
    good, limits, reached = [], [], []
    ground = ground_of(city(), now)
    for system in city().systems:
        found = protection(system, room, now, ground)
        if found is None:
            continue
        labels = {"system": system.id}
        good.append(Sample(found.newest.timestamp() if found.newest else 0, labels))
        if found.limit is not None:
            limits.append(Sample(found.limit.total_seconds(), labels))
        reached += [
            Sample(int(digit.holds), {**labels, "digit": digit.name})
            for digit in found.digits
            if digit.holds is not None
        ]
    for name, help, samples in (
        (
            "good_timestamp_seconds",
            "Up to here its data can be brought back, proven at the required level; 0 = it cannot.",
            good,
        ),
        ("rpo_seconds", "How much of its data may be lost: the strictest limit.", limits),
        (
            "digit",
            "3-2-1-1-0: 1 this digit is proven, 0 it is missed; absent while unknown.",
            reached,
        ),
    ):
        yield Family(f"ict_bcp_backup_system_{name}", "gauge", help, tuple(samples))


class SystemRpo(Check):
    """目標復旧時点 of one system, from proven copies."""

    pillar: ClassVar[Pillar] = Pillar.INTEGRITY
    title: ClassVar[Text] = Text(
        "目標復旧時点を守れる控えがあるか (計画の backups: から作られる)",
        "Is there a copy within the RPO (made from backups: of the plan)",
    )
    facts: ClassVar[Mapping[str, Fact]] = {
        "age": Fact("s", Text("戻せる時点の古さ", "age of the newest good copy")),
        "limit": Fact("s", Text("目標", "limit")),
    }
    weight: ClassVar[str] = "light"

    kind: Literal["backup_rpo"] = "backup_rpo"
    _room: BackupRoom | None = PrivateAttr(None)
    _of: System | None = PrivateAttr(None)

    @property
    def target(self) -> str:
        """The system."""
        return self.system or self.id

    async def run(self, env: Env) -> Outcome:
        """Read what is proven; nothing is started."""
        now = env.clock.utc()
        found = protection(self._of, self._room, now) if self._of and self._room else None
        if found is None:  # a reload took its sets out of the plan a moment ago
            return Outcome(Status.UNKNOWN, text("backups.rpo_none"), {})
        facts: dict[str, int] = {}
        if found.newest is not None:
            facts["age"] = int((now - found.newest).total_seconds())
        if found.limit is not None:
            facts["limit"] = int(found.limit.total_seconds())
        return Outcome(found.status, found.sentence, facts)


def rpo_ids(city: City, sets: Iterable[AnySet]) -> tuple[str, ...]:
    """Their ids, for the references in a plan."""
    return tuple(f"backup-rpo/{system.id}" for system in _limited(city, sets))


def rpo_checks(city: City, sets: Iterable[AnySet], room: BackupRoom) -> tuple[SystemRpo, ...]:
    """One for every system with a limit and a set of ours."""
    return tuple(_check(system, room) for system in _limited(city, sets))


def _limited(city: City, sets: Iterable[AnySet]) -> list[System]:
    ours = list(proven_sets(sets))
    return [
        system
        for system in city.systems
        if (mine := [one for one in ours if one.system == system.id])
        and limit_of(system, mine) is not None
    ]


def _check(system: System, room: BackupRoom) -> SystemRpo:
    made = SystemRpo(
        id=f"backup-rpo/{system.id}",
        kind="backup_rpo",
        system=system.id,
        name=f"{system.name}: {text('backups.rpo').ja}",
        every=LOOK,
        timeout=LOOK,
        confirm=Confirm(failures=1),
    )
    made._room, made._of = room, system
    return made
