"""RTO, RPO and RLO attained, against target and against contract; per linked event. Pure.

Every target keeps two verdicts where they differ: what was on record when its deadline passed, and
what is known now (未達 → 達成(後入力)). First green and the owner's confirmation stand side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from runbooks.amended import amended
from runbooks.copies import Copies
from runbooks.frozen import Frozen
from runbooks.report.goalrows import Contract, Goals, LevelRow, LinkedRow, ServiceRow, SystemRow
from runbooks.report.material import LATE, Material, whole
from runbooks.state import Incident, Phase, Spell
from runbooks.targets import (
    Goal,
    LevelTarget,
    ServiceTarget,
    attained,
    level_targets,
    proving,
    required_level,
    service_targets,
    spoken,
)
from runbooks.together import joint


def goals(
    material: Material, frozen: Frozen, others: Mapping[str, Frozen], copies: Copies | None
) -> Goals:
    """Measured at the end of the event (or the last entry), never by a clock."""
    incident, end = whole(material.incident), material.end
    recorded = {entry.seq: entry.recorded_at for entry in material.own}
    targets = level_targets(incident, frozen.city, frozen.book, end)
    wanted = {
        system.id: required_level(system, incident.nature) or "" for system in frozen.city.systems
    }
    levels = tuple(
        _level(incident, one, wanted[one.system], frozen, recorded, end) for one in targets
    )
    return Goals(
        levels,
        tuple(_systems(material, levels, wanted, copies)),
        tuple(
            _service(incident, one, frozen, recorded, end)
            for one in service_targets(incident, frozen.city, frozen.book, end)
        ),
        _linked(material, targets, wanted, others),
    )


def _level(
    incident: Incident,
    one: LevelTarget,
    wanted: str,
    frozen: Frozen,
    recorded: Mapping[int, datetime],
    end: datetime,
) -> LevelRow:
    known = _known(incident, one.system, one.level, one.attained_at, recorded)
    system = frozen.city.system(one.system)
    hold = proving(system, one.level, frozen.book)[1] if system is not None else timedelta()
    spells = sorted(
        {
            (max(spell.since, incident.onset), spell.until)
            for rung, items in incident.levels.get(one.system, {}).items()
            if rung >= one.level
            for spell in items
            if spell.until is None or spell.until > incident.onset
        },
        key=lambda pair: (pair[0], pair[1] or end),
    )
    then = _then(one.goal, one.deadline, one.attained_at, known, hold)
    return LevelRow(one, one.level == wanted, known, then, tuple(spells))


def _known(
    incident: Incident,
    system: str,
    level: str,
    at: datetime | None,
    recorded: Mapping[int, datetime],
) -> datetime | None:
    """When the evidence of an attained level entered the log."""
    if at is None:
        return None
    spells: list[Spell] = [
        spell
        for rung, items in incident.levels.get(system, {}).items()
        if rung >= level
        for spell in items
        if max(spell.since, incident.onset) == at
    ]
    if spells:
        return recorded.get(min(spell.seq for spell in spells))
    word = spoken(incident, system, level)
    return recorded.get(word.seq) if word is not None else None


def _then(
    goal: Goal,
    deadline: datetime | None,
    at: datetime | None,
    known: datetime | None,
    hold: timedelta,
) -> Goal:
    """The verdict on record when the deadline passed; the hold of a probe is no late entry."""
    if goal is not Goal.ATTAINED or deadline is None or at is None or known is None:
        return goal
    return Goal.OVERDUE if known > deadline and known - at > hold + LATE else goal


def _systems(
    material: Material,
    levels: Sequence[LevelRow],
    wanted: Mapping[str, str],
    copies: Copies | None,
) -> list[SystemRow]:
    by: dict[str, list[LevelRow]] = {}
    for row in levels:
        by.setdefault(row.target.system, []).append(row)
    return [_system(material, id, wanted[id], rows, copies) for id, rows in by.items()]


def _system(
    material: Material,
    id: str,
    wanted: str,
    rows: Sequence[LevelRow],
    copies: Copies | None,
) -> SystemRow:
    incident = material.incident
    target = next((row.target for row in rows if row.required), rows[-1].target)
    held = [row.target.level for row in rows if row.target.held]
    at, taken = target.attained_at, incident.snapshots.get(id)
    end = incident.ended.get(f"system:{id}")
    elapsed = at - incident.onset if at is not None else None
    contract: Contract | None = None
    if target.contract_rto is not None:
        over = elapsed is not None and elapsed > target.contract_rto
        contract = "open" if elapsed is None else "over" if over else "within"
    return SystemRow(
        id,
        target.system_name,
        wanted,
        held[-1] if held else "",
        target.goal,
        elapsed,
        target.confirmed_at - incident.onset if target.confirmed_at is not None else None,
        target.contract_rto,
        contract,
        material.events.drilled.get((id, wanted)),
        target.rpo,
        target.rpo_attained,
        taken is not None and copies is not None and copies.proven(taken) is not None,
        id in incident.waivers,
        end.at if end is not None else None,
    )


def _service(
    incident: Incident,
    one: ServiceTarget,
    frozen: Frozen,
    recorded: Mapping[int, datetime],
    end: datetime,
) -> ServiceRow:
    service = next(item for item in frozen.city.services if item.id == one.service)
    known, hold = None, timedelta()
    if one.attained_at is not None:
        for need in service.needs:
            system = frozen.city.system(need.system)
            level = need.level or (system.targets[0].level if system and system.targets else "")
            at = attained(incident, need.system, level)[0]
            entered = _known(incident, need.system, level, at, recorded)
            known = max((t for t in (known, entered) if t is not None), default=None)
            if system is not None:
                hold = max(hold, proving(system, level, frozen.book)[1])
    paper = incident.alternates.get(one.service)
    return ServiceRow(
        one,
        known,
        _then(one.goal, one.deadline, one.attained_at, known, hold),
        one.attained_at - incident.onset if one.attained_at is not None else None,
        one.confirmed_at - incident.onset if one.confirmed_at is not None else None,
        paper.since if paper is not None else None,
        paper.until if paper is not None else None,
        paper.back_entry if paper is not None else "none",
    )


def _linked(
    material: Material,
    own: tuple[LevelTarget, ...],
    wanted: Mapping[str, str],
    others: Mapping[str, Frozen],
) -> tuple[LinkedRow, ...]:
    """Under every event that ran at the same time and whose plan was handed in."""
    me = material.incident
    events: list[tuple[str, datetime, tuple[LevelTarget, ...]]] = [(me.id, me.onset, own)]
    for id, frozen in sorted(others.items()):
        other = material.events.get(id)
        if other is None or not _together(me, other, material.end):
            continue
        end = _end_of(other)
        book = amended(frozen.book, other)
        targets = level_targets(whole(other), frozen.city, book, end or material.end)
        events.append((id, other.onset, targets))
    at = {
        (id, one.system, one.level): one.attained_at
        for id, _onset, targets in events
        for one in targets
    }
    return tuple(
        LinkedRow(
            one.system,
            one.level,
            under.incident,
            under.onset,
            under.deadline,
            at.get((under.incident, one.system, one.level)),
            under.goal,
            one.counts is under,
        )
        for one in joint(events)
        if wanted.get(one.system) == one.level
        for under in one.under
        if any(each.incident == me.id for each in one.under)
    )


def _end_of(incident: Incident) -> datetime | None:
    over = incident.phase in (Phase.STOOD_DOWN, Phase.REVIEWED, Phase.CANCELLED)
    return incident.phase_since if over else None


def _together(me: Incident, other: Incident, end: datetime) -> bool:
    """They ran at the same time, or one was declared as linked to the other."""
    if other.id in me.links or me.id in other.links:
        return True
    its_end = _end_of(other)
    return other.declared_at <= end and (its_end is None or its_end >= me.declared_at)
