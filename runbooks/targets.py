"""Deadlines per service, system and level, counted from onset; attained by evidence only. Pure.

Called by page, metric and report alike, with the frozen city. `rto_disaster` counts in a large-scale
disaster, `rto` otherwise (R-35); one never stands in for the other. A level is attained at the first
instant from which its proving checks held for `hold` without a break; holding a higher level holds
the lower ones too. A level that was never lost since onset counts from onset (影響なし); once it was
lost it must be attained again. A level lost after it was attained shows as 再発; no clock is reset.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from bcp.plan.model import City, Service, System
from runbooks.book import Book
from runbooks.limits import due, limit
from runbooks.limits import rto_of as rto_of
from runbooks.proofstate import Word
from runbooks.said import LATE, late_word, owner_word, testified
from runbooks.said import confirmed as confirmed
from runbooks.said import spoken as spoken
from runbooks.state import Incident, Nature, Spell
from runbooks.targetstate import Evidence as Evidence
from runbooks.targetstate import Goal as Goal
from runbooks.targetstate import LateWord
from runbooks.targetstate import LevelTarget as LevelTarget
from runbooks.targetstate import ServiceTarget as ServiceTarget


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


Standing = tuple[datetime | None, bool, bool]
"""(attained at, held now, relapsed)."""


def attained(
    incident: Incident, system: str, level: str, typed_before: int | None = None
) -> Standing:
    """Where a level stands, from the log alone; `typed_before`: without words from this entry on.

    Checks first. Where none has ever testified, the word of a named person counts (目視 or 業務確認)
    until he takes it back or a proving check is seen red.
    """
    rungs = incident.levels.get(system, {})
    spells = [spell for rung, items in rungs.items() if rung >= level for spell in items]
    if not spells:
        word = spoken(incident, system, level, typed_before)
        return (None, False, False) if word is None else (max(word.at, incident.onset), True, False)
    held = any(spell.until is None for spell in spells)
    real = [s for s in _merged(spells) if s.until is None or s.since > incident.onset]
    first = min((max(spell.since, incident.onset) for spell in real), default=None)
    lost = any(spell.until is not None for spell in real)
    return first, held, lost


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
        _judged_anew(incident, system.id, level, deadline, provable) if held else None,
        _said_earlier(incident, system.id, level, at) if held else None,
    )


def _said_earlier(
    incident: Incident, system: str, level: str, at: datetime | None
) -> datetime | None:
    """When a named person saw it, where the checks testified later only: shown beside them."""
    word = spoken(incident, system, level)
    earlier = word is not None and at is not None and word.at < at
    return max(word.at, incident.onset) if word is not None and earlier else None


def _judged_anew(
    incident: Incident, system: str, level: str, deadline: datetime | None, provable: bool
) -> LateWord | None:
    word = late_word(incident, system, level)
    if word is None or word.recorded_at is None:
        return None
    at, held, _lost = attained(incident, system, level, word.seq)
    typed = word.recorded_at
    return LateWord(typed, _goal(deadline, at, held, provable, typed))


def _evidence(incident: Incident, system: str, level: str, *, held: bool) -> Evidence | None:
    if not held:
        return None
    if testified(incident, system, level):
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
    times, missing, silent = [], [], []
    wanted = _needs(service, city)
    for system, id, level in wanted:
        at, held, _lost = attained(incident, id, level) if level else (None, False, False)
        if at is not None and held:
            times.append(at)
        else:
            missing.append((id, level))
            if system is None or not _provable(system, level, book):
                silent.append(id)
    provable = bool(service.needs) and not silent
    asked = bool(missing) and len(silent) == len(missing)  # no check can tell: its owner can
    said = owner_word(incident, service.id) if asked else None
    done = bool(service.needs) and (not missing or said is not None)
    at = max([*times, *([max(said.at, incident.onset)] if said else [])]) if done else None
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
        _service_anew(incident, wanted, deadline, said) if done else None,
    )


def _needs(service: Service, city: City) -> list[tuple[System | None, str, str]]:
    """(system, its id, the level it must have) of what a service needs."""
    found = []
    for need in service.needs:
        system = city.system(need.system)
        first = system.targets[0].level if system and system.targets else ""
        found.append((system, need.system, need.level or first))
    return found


def _service_anew(
    incident: Incident,
    wanted: list[tuple[System | None, str, str]],
    deadline: datetime | None,
    owner: Word | None,
) -> LateWord | None:
    """What stood before the last of the late words that attained a service."""
    words = [word for _s, id, level in wanted if (word := late_word(incident, id, level))]
    words += [owner] if owner is not None and owner.late(LATE) else []
    last = max(words, key=lambda word: word.seq, default=None)
    if last is None or last.recorded_at is None:
        return None
    stood = [attained(incident, id, level, last.seq) for _s, id, level in wanted]
    times = [at for at, held, _lost in stood if at is not None and held]
    at = max(times) if len(times) == len(wanted) and owner is not last else None
    typed = last.recorded_at
    return LateWord(typed, _goal(deadline, at, at is not None, owner is None, typed))


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
