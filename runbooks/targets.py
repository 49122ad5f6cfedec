"""Deadlines per service, system and level, counted from onset; attained by evidence only. Pure.

Called by page, metric and report alike, with the frozen city. `rto_disaster` counts in a large-scale
disaster, `rto` otherwise (R-35); one never stands in for the other. A level is attained at the first
instant from which its proving checks held for `hold` without a break; holding a higher level holds
the lower ones too. A level that was never lost since onset counts from onset (影響なし); once it was
lost it must be attained again. A level lost after it was attained shows as 再発; no clock is reset.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from bcp.plan.model import City, Service, System
from runbooks.book import Book
from runbooks.limits import due, limit
from runbooks.limits import rto_of as rto_of
from runbooks.proofstate import Word
from runbooks.state import Incident, Nature, Spell


class Goal(StrEnum):
    """達成・未達・超過・未設定・未確認."""

    ATTAINED = "attained"
    PENDING = "pending"
    OVERDUE = "overdue"
    UNSET = "unset"
    UNPROVEN = "unproven"
    """No check proves this level: nobody can tell until somebody looks."""


Evidence = Literal["probe", "seen", "confirmed"]
"""実測 (checks held), 目視 (a named person saw it), 業務確認 (its owner accepts it)."""


@dataclass(frozen=True, slots=True)
class LevelTarget:
    """One rung of one system."""

    system: str
    level: str
    name: str
    rto: timedelta | None
    deadline: datetime | None
    goal: Goal
    attained_at: datetime | None
    """First green time of the proving checks; None while not attained by evidence."""
    held: bool
    """Whether it is held now (by the log)."""
    relapsed: bool
    """It was attained and lost again, at least once."""
    slack: timedelta | None
    """Deadline minus attained (or now): negative = 超過."""
    rpo: timedelta | None
    rpo_attained: timedelta | None
    """Onset minus time of the verified snapshot that was restored."""
    proven_by: tuple[str, ...]
    unconfirmed: bool
    contract_rto: timedelta | None = None
    system_name: str = ""
    season: str = ""
    """The season that set this RTO; empty: none did."""
    business_time: bool = False
    """The RTO counts business hours only."""
    evidence: Evidence | None = None
    """What attained it."""
    confirmed_at: datetime | None = None
    """業務確認 by its owner; technically restored is not confirmed (R-18)."""

    @property
    def late(self) -> bool:
        """Attained, but after its deadline."""
        return self.attained_at is not None and self.slack is not None and self.slack < timedelta()


@dataclass(frozen=True, slots=True)
class ServiceTarget:
    """One 業務: restored when every system it needs stands at the level it needs."""

    service: str
    name: str
    rto: timedelta | None
    deadline: datetime | None
    goal: Goal
    attained_at: datetime | None
    slack: timedelta | None
    mtpd_at: datetime | None
    on_paper: bool
    """紙で対応中."""
    on_paper_since: datetime | None
    missing: tuple[tuple[str, str], ...]
    """(system, level) still wanting."""
    unconfirmed: bool
    season: str = ""
    business_time: bool = False
    confirmed_at: datetime | None = None


def proving(system: System, level: str, book: Book) -> tuple[tuple[str, ...], timedelta]:
    """The checks that prove a level, and how long they must hold.

    `proven_by` of the plan; where it names none, the probes of the verify steps that attain it.
    """
    rung = system.target(level)
    if rung is not None and rung.proven_by:
        return rung.proven_by, rung.hold
    probes = [
        step.probe
        for runbook in book.of_system(system.id)
        for step in runbook.steps
        if step.attains == level and step.probe is not None
    ]
    hold = max((probe.hold for probe in probes), default=timedelta())
    return tuple(dict.fromkeys(probe.id for probe in probes)), hold


def required_level(system: System, nature: Nature) -> str | None:
    """The level at which a system counts as restored: the highest with an RTO, else the lowest."""
    with_rto = [rung.level for rung in system.targets if rto_of(rung, nature) is not None]
    return with_rto[-1] if with_rto else (system.targets[0].level if system.targets else None)


def attained(incident: Incident, system: str, level: str) -> tuple[datetime | None, bool, bool]:
    """(attained at, held now, relapsed) of a level, from the log alone.

    Checks first. Where none has ever testified, the word of a named person counts (目視 or 業務確認)
    until he takes it back or a proving check is seen red.
    """
    rungs = incident.levels.get(system, {})
    spells = [spell for rung, items in rungs.items() if rung >= level for spell in items]
    if not spells:
        word = spoken(incident, system, level)
        return (None, False, False) if word is None else (max(word.at, incident.onset), True, False)
    held = any(spell.until is None for spell in spells)
    real = [s for s in _merged(spells) if s.until is None or s.since > incident.onset]
    first = min((max(spell.since, incident.onset) for spell in real), default=None)
    lost = any(spell.until is not None for spell in real)
    return first, held, lost


def spoken(incident: Incident, system: str, level: str) -> Word | None:
    """The first word that still stands for this level or a higher one."""
    standing = []
    for key, said in incident.words.items():
        kind, id, rung = (*key.split(":"), "")[:3]
        if kind == "system" and id == system and rung >= level and said[-1].counts:
            standing.append(next(word for word in said if word.counts))
    return min(standing, key=lambda word: (word.at, word.seq), default=None)


def confirmed(incident: Incident, key: str) -> datetime | None:
    """業務確認 of `service:ID` or `system:ID` at any level: when, while nobody took it back."""
    times = [
        said[-1].at
        for name, said in incident.words.items()
        if (name == key or name.startswith(key + ":"))
        and said[-1].kind == "confirmed"
        and said[-1].counts
    ]
    return max(times, default=None)


def _merged(spells: Iterable[Spell]) -> list[Spell]:
    """Spells of several levels as one line of time: overlapping ones become one."""
    merged: list[Spell] = []
    for spell in sorted(spells, key=lambda item: (item.since, item.seq)):
        last = merged[-1] if merged else None
        if last is None or (last.until is not None and last.until < spell.since):
            merged.append(spell)
        elif last.until is not None and (spell.until is None or spell.until > last.until):
            merged[-1] = Spell(last.since, spell.until, spell.checks, last.seq)
    return merged


def _goal(
    deadline: datetime | None, at: datetime | None, held: bool, provable: bool, now: datetime
) -> Goal:
    """Where a target stands. Evidence first; a limit that is not set cannot be missed."""
    if at is not None and held:
        return Goal.OVERDUE if deadline is not None and at > deadline else Goal.ATTAINED
    if not provable:
        return Goal.UNPROVEN
    if deadline is None:
        return Goal.UNSET
    return Goal.OVERDUE if now > deadline else Goal.PENDING


def level_targets(
    incident: Incident, city: City, book: Book, now: datetime
) -> tuple[LevelTarget, ...]:
    """Every rung of every system in scope, in the order of the plan."""
    return tuple(
        _rung(incident, city, system, level, book, now)
        for system in city.systems
        if incident.in_scope(system.id)
        for level in (rung.level for rung in system.targets)
    )


def _rung(
    incident: Incident, city: City, system: System, level: str, book: Book, now: datetime
) -> LevelTarget:
    rung = system.target(level)
    assert rung is not None
    rto, season = limit(system, rung, incident.nature, incident.onset)
    deadline = due(system, rto, incident.onset, city)
    at, held, relapsed = attained(incident, system.id, level)
    checks, _hold = proving(system, level, book)
    provable = _provable(system, level, book)
    snapshot = incident.snapshots.get(system.id)
    return LevelTarget(
        system.id,
        level,
        rung.name,
        rto,
        deadline,
        _goal(deadline, at, held, provable, now),
        at if held else None,
        held,
        relapsed,
        deadline - (at if at is not None and held else now) if deadline is not None else None,
        rung.rpo,
        incident.onset - snapshot if snapshot is not None else None,
        checks,
        rung.unconfirmed or system.unconfirmed,
        system.vendor.contract_rto if system.vendor else None,
        system.name,
        season.name if season is not None else "",
        system.calendar == "business_hours",
        _evidence(incident, system.id, level, held=held),
        confirmed(incident, f"system:{system.id}"),
    )


def _evidence(incident: Incident, system: str, level: str, *, held: bool) -> Evidence | None:
    if not held:
        return None
    rungs = incident.levels.get(system, {})
    if any(spells for rung, spells in rungs.items() if rung >= level):
        return "probe"
    word = spoken(incident, system, level)
    return word.kind if word is not None else None


def _provable(system: System, level: str, book: Book) -> bool:
    """Whether some check can prove this level or a higher one."""
    rungs = (rung.level for rung in system.targets if rung.level >= level)
    return any(proving(system, rung, book)[0] for rung in rungs)


def service_targets(
    incident: Incident, city: City, book: Book, now: datetime
) -> tuple[ServiceTarget, ...]:
    """Every service in scope, in the order of the plan."""
    return tuple(
        _service(incident, service, city, book, now)
        for service in city.services
        if incident.service_in_scope(service.id)
    )


def _service(
    incident: Incident, service: Service, city: City, book: Book, now: datetime
) -> ServiceTarget:
    rto, season = limit(service, None, incident.nature, incident.onset)
    deadline = due(service, rto, incident.onset, city)
    times, missing, provable = [], [], bool(service.needs)
    for need in service.needs:
        system = city.system(need.system)
        level = need.level or (system.targets[0].level if system and system.targets else "")
        at, held, _lost = attained(incident, need.system, level) if level else (None, False, False)
        if at is not None and held:
            times.append(at)
        else:
            missing.append((need.system, level))
            provable = provable and system is not None and _provable(system, level, book)
    done = bool(service.needs) and not missing
    at = max(times) if done else None
    paper = incident.alternates.get(service.id)
    on_paper = paper is not None and paper.until is None
    return ServiceTarget(
        service.id,
        service.name,
        rto,
        deadline,
        _goal(deadline, at, done, provable, now),
        at,
        deadline - (at or now) if deadline is not None else None,
        incident.onset + service.mtpd if service.mtpd is not None else None,
        on_paper,
        paper.since if paper is not None and on_paper else None,
        tuple(missing),
        service.unconfirmed,
        season.name if season is not None else "",
        service.calendar == "business_hours",
        confirmed(incident, f"service:{service.id}"),
    )


def unproven(incident: Incident, city: City) -> tuple[str, ...]:
    """Systems in scope that are not proven to stand at their required level (nor waived)."""
    wanting = []
    for system in city.systems:
        if not incident.in_scope(system.id) or system.id in incident.waivers:
            continue
        level = required_level(system, incident.nature)
        if level is None or not attained(incident, system.id, level)[1]:
            wanting.append(system.id)
    return tuple(wanting)
