"""Where a system stands on its way back: 停止 … 平常 (R-18, R-25). Pure, derived, never stored.

"Restored" is not "recovered": what the checks prove is 技術復旧(検証待ち) until its business owner has
confirmed it. Stopped on purpose is a state of its own, neither a failure nor a recovery (R-67).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from bcp.plan.model import City, System
from bcp.watch.values import Status
from runbooks.contradiction import Reading
from runbooks.progress import Stand, Standing
from runbooks.state import Incident
from runbooks.targets import attained, confirmed, required_level


class SystemState(StrEnum):
    """In the order of the way back; the last three stand beside it."""

    STOPPED = "stopped"
    ALTERNATE = "alternate"
    RECOVERING = "recovering"
    TECHNICAL = "technical"
    CONFIRMED = "confirmed"
    NORMAL = "normal"
    VOLUNTARY = "voluntary"
    PLANNED = "planned"
    UNKNOWN = "unknown"


_WORKED = frozenset({Stand.RUNNING, Stand.WAITING, Stand.DONE, Stand.FAILED})


def system_states(
    incident: Incident,
    city: City,
    steps: Iterable[Standing],
    readings: Mapping[str, Reading] | None = None,
) -> Mapping[str, SystemState]:
    """Every system in scope; `readings`: what the board says of the proving checks now."""
    worked = {
        one.runbook.system
        for one in steps
        if one.runbook.purpose == "recover" and one.stand in _WORKED
    }
    on_paper = {id for id, one in incident.alternates.items() if one.until is None}
    carried = {
        need.system for service in city.services if service.id in on_paper for need in service.needs
    }
    return {
        system.id: _state(
            incident,
            system,
            worked=system.id in worked,
            carried=system.id in carried,
            red=_red(incident, system, readings or {}),
        )
        for system in city.systems
        if incident.in_scope(system.id)
    }


def _state(
    incident: Incident, system: System, *, worked: bool, carried: bool, red: bool
) -> SystemState:
    stop = incident.stops.get(system.id)
    if stop is not None and stop.ended_at is None:
        return SystemState(stop.kind)
    wanted = required_level(system, incident.nature)
    _at, held, _lost = (
        attained(incident, system.id, wanted) if wanted is not None else (None, False, False)
    )
    if held:
        if _untouched(incident, system):
            return SystemState.NORMAL
        if confirmed(incident, f"system:{system.id}") is None:
            return SystemState.TECHNICAL
        full = attained(incident, system.id, system.targets[-1].level)[1]
        return SystemState.NORMAL if full and not carried else SystemState.CONFIRMED
    if worked:
        return SystemState.RECOVERING
    if carried:
        return SystemState.ALTERNATE
    return SystemState.STOPPED if red or _seen_down(incident, system) else SystemState.UNKNOWN


def _untouched(incident: Incident, system: System) -> bool:
    """影響なし: the highest level was held before onset and never lost."""
    spells = incident.levels.get(system.id, {}).get(system.targets[-1].level, ())
    return len(spells) == 1 and spells[0].until is None and spells[0].since <= incident.onset


def _red(incident: Incident, system: System, readings: Mapping[str, Reading]) -> bool:
    """A check that proves the wanted level, or one below it, fails now."""
    wanted = required_level(system, incident.nature)
    checks = {
        check
        for rung in system.targets
        if wanted is None or rung.level <= wanted
        for check in rung.proven_by
    }
    return any(id in readings and readings[id].status is Status.FAILED for id in checks)


def _seen_down(incident: Incident, system: System) -> bool:
    """A check or a person said so; silence is 未確認."""
    lost = any(
        spells and spells[-1].until is not None
        for spells in incident.levels.get(system.id, {}).values()
    )
    said = any(
        not words[-1].works
        for key, words in incident.words.items()
        if key.startswith(f"system:{system.id}:")
    )
    return lost or said
