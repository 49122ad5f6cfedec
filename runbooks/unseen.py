"""Systems that the log shows as restored while their checks cannot tell today. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from bcp.plan.model import City
from bcp.watch.values import Status
from runbooks.contradiction import Reading
from runbooks.state import Incident
from runbooks.targets import required_level

Read = Callable[[Iterable[str]], Mapping[str, Reading]]


def unseen(incident: Incident | None, city: City, read: Read) -> frozenset[str]:
    """Asked before 復旧 only; `read` gives what the board says now of some checks."""
    if incident is None:
        return frozenset()
    found: set[str] = set()
    for system in city.systems:
        level = required_level(system, incident.nature)
        rungs = incident.levels.get(system.id, {}) if level is not None else {}
        open_ = [spells[-1] for rung, spells in rungs.items() if spells and rung >= str(level)]
        proofs = [spell.checks for spell in open_ if spell.until is None]
        told = any(_tells(read(checks), checks) for checks in proofs)
        if incident.in_scope(system.id) and proofs and not told:
            found.add(system.id)
    return frozenset(found)


def _tells(readings: Mapping[str, Reading], checks: tuple[str, ...]) -> bool:
    """Whether every check of a proof has a verdict now; one the plan dropped has none."""
    return all(id in readings and readings[id].status is not Status.UNKNOWN for id in checks)
