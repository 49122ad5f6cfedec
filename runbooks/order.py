"""What to do next, for whom and why; and where one may stop and call the vendor. Pure.

Order: 初動 first; then what others depend on and can be begun (preconditions hold); then least slack
against the earliest deadline it serves; then class. Only steps that can be worked on are listed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bcp.kit.language import Text, text
from bcp.kit.units import duration_ja, format_duration
from bcp.plan.model import City, System
from runbooks.book import Book
from runbooks.form import Runbook
from runbooks.limits import class_at
from runbooks.progress import OPEN, Stand, Standing, standings
from runbooks.state import Incident
from runbooks.targets import LevelTarget, attained, level_targets

_CONDITION = re.compile(r"system\.(?P<system>[A-Za-z0-9_.-]+)\s*>=\s*(?P<level>L[0-9])")
_WORKABLE = frozenset({Stand.READY, Stand.RUNNING, Stand.WAITING, Stand.FAILED})
_NEVER = timedelta(days=36500)
_CLASSES = "SABCD"


@dataclass(frozen=True, slots=True)
class Next:
    """One step somebody can work on now."""

    standing: Standing
    role: str
    """Role (id, name or `vendor:SYSTEM`)."""
    people: tuple[str, ...]
    """Who to ask, in the order of succession (person ids)."""
    deadline: datetime | None
    """The earliest unattained deadline it serves, its dependants included."""
    serves: tuple[str, str] | None
    """(system, level) of that deadline."""
    slack: timedelta | None
    """Deadline minus now minus the p50 way still to go: negative = cannot be held any more."""
    unmet: tuple[str, ...]
    """Preconditions of the runbook that the log does not show as met."""
    unlocks: int
    """Open steps that wait for it, directly or not."""
    serves_name: str = ""
    """Name of the system that deadline belongs to."""

    @property
    def why(self) -> Text:
        """Why this is next: one sentence a tired person can check."""
        return _why(self)

    @property
    def stop(self) -> Text | None:
        """When to stop and call the vendor."""
        return _stop(self.standing)


def next_steps(
    incident: Incident,
    city: City,
    book: Book,
    now: datetime,
    found: Mapping[str, Standing] | None = None,
) -> tuple[Next, ...]:
    """Every workable step, the first one first. `found`: the standings, where they are known."""
    found = found if found is not None else standings(incident, book)
    systems = {system.id: system for system in city.systems}
    roles = {name: role for role in city.roles for name in (role.name, role.id)}
    goals = _goals(incident, city, book, now)
    below = _below(found, book)
    unmet: dict[str, tuple[str, ...]] = {}
    made = []
    for item in found.values():
        if item.stand not in _WORKABLE:
            continue
        runbook = item.runbook
        if runbook.id not in unmet:
            lines = preconditions(incident, runbook)
            unmet[runbook.id] = tuple(line for line, met in lines if met is False)
        goal = goals.get(runbook.system or "")
        deadline = goal.deadline if goal is not None else None
        left = _to_go(item, found, below[item.step.id], book) if deadline else timedelta()
        name = runbook.role_of(item.step, incident.hours)
        role = roles.get(name)
        made.append(
            Next(
                item,
                role.name if role is not None else name,
                role.succession if role is not None else (),
                deadline,
                (goal.system, goal.level) if goal is not None else None,
                deadline - now - left if deadline else None,
                unmet[runbook.id],
                len(below[item.step.id]),
                systems[goal.system].name if goal is not None else "",
            )
        )
    return tuple(sorted(made, key=lambda item: _rank(item, systems, now)))


def preconditions(incident: Incident, runbook: Runbook) -> tuple[tuple[str, bool | None], ...]:
    """Each precondition with whether the log shows it met; None = a person must look."""
    return tuple((line, _holds(incident, line)) for line in runbook.preconditions)


def _holds(incident: Incident, line: str) -> bool | None:
    match = _CONDITION.fullmatch(line.strip())
    if match is None:
        return None
    if not incident.in_scope(match["system"]):
        return True
    return attained(incident, match["system"], match["level"])[1]


def _goals(incident: Incident, city: City, book: Book, now: datetime) -> Mapping[str, LevelTarget]:
    """Per system: the earliest unattained deadline of it and of what cannot do without it.

    Only rungs with checks of their own count: a level on paper is not reached by these steps.
    """
    own: dict[str, list[LevelTarget]] = {}
    for target in level_targets(incident, city, book, now):
        if target.deadline is not None and not target.held and target.proven_by:
            own.setdefault(target.system, []).append(target)
    inherited: dict[str, LevelTarget] = {}
    moved = True
    while moved:  # a chain is at most as long as there are systems; deadlines only get earlier
        moved = False
        for system in city.systems:
            for need in system.depends_on:
                if need.kind == "soft":
                    continue
                mine = [t for t in own.get(system.id, ()) if need.needed_at(t.level)]
                mine += [inherited[system.id]] if system.id in inherited else []
                best = min(mine, key=_deadline, default=None)
                known = inherited.get(need.system)
                if best is not None and (known is None or _deadline(best) < _deadline(known)):
                    inherited[need.system], moved = best, True
    return {
        system.id: min(found, key=_deadline)
        for system in city.systems
        if (
            found := [
                *own.get(system.id, ()),
                *([inherited[system.id]] if system.id in inherited else ()),
            ]
        )
    }


def _deadline(target: LevelTarget) -> datetime:
    assert target.deadline is not None
    return target.deadline


def _below(found: Mapping[str, Standing], book: Book) -> Mapping[str, frozenset[str]]:
    """Step -> open steps of its runbook that wait for it, directly or not."""
    after: dict[str, set[str]] = {id: set() for id in found}
    for id, item in found.items():
        graph = book.graphs[item.runbook.id]
        before = (*graph.needs[id], *(source for source, _what in graph.starters.get(id, ())))
        for need in before:
            if need in after and item.stand in OPEN and found[need].runbook is item.runbook:
                after[need].add(id)
    known: dict[str, frozenset[str]] = {}

    def collect(id: str, seen: frozenset[str]) -> frozenset[str]:
        if id not in known:
            out: set[str] = set()
            for follower in after[id] - seen:
                out |= {follower} | collect(follower, seen | {id})
            known[id] = frozenset(out)
        return known[id]

    return {id: collect(id, frozenset()) for id in reversed(list(found))}


def _to_go(
    item: Standing, found: Mapping[str, Standing], below: frozenset[str], book: Book
) -> timedelta:
    """The p50 way still to go in its runbook, as one person would walk it."""
    off_way = book.graphs[item.runbook.id].on_failure
    way = [item.step, *(found[id].step for id in below)]
    return sum(
        (step.duration.p50 for step in way if step.duration and step.id not in off_way), timedelta()
    )


def _why(item: Next) -> Text:
    if item.unmet:
        return text("runbooks.why_unmet", conditions="、".join(item.unmet))
    if item.standing.runbook.purpose == "initial":
        return text("runbooks.why_initial")
    if item.serves is None or item.slack is None:
        return text("runbooks.why_order", waiting=item.unlocks)
    return text(
        "runbooks.why_late" if item.slack < timedelta() else "runbooks.why_slack",
        name=item.serves_name,
        system=item.serves[0],
        level=item.serves[1],
        slack=duration_ja(item.slack),
        slack_en=format_duration(timedelta(minutes=int(abs(item.slack).total_seconds()) // 60)),
        waiting=item.unlocks,
    )


def _stop(item: Standing) -> Text | None:
    """Where to stop: said by the runbook; a step that belongs to others says so itself."""
    if item.step.owner == "要ベンダー":
        return text("runbooks.stop_vendor", stop=item.runbook.stop or "")
    if item.step.owner == "要上位判断":
        return text("runbooks.stop_above", stop=item.runbook.stop or "")
    return text("runbooks.stop_at", stop=item.runbook.stop) if item.runbook.stop else None


def _rank(
    item: Next, systems: Mapping[str, System], now: datetime
) -> tuple[bool, bool, timedelta, int]:
    system = systems.get(item.standing.runbook.system or "")
    priority = (class_at(system, now) if system is not None else None) or "D"
    return (
        bool(item.unmet),
        item.standing.runbook.purpose != "initial",
        item.slack if item.slack is not None else _NEVER,
        _CLASSES.index(priority),
    )
