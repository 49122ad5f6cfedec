"""`/disaster` and `/disaster/systems/ID`: the live recovery board, sorted by slack, not by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bcp.kit.units import whole
from bcp.plan.model import System
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.event import desk_of, event_of
from bcp.service.pages.pictures.svg import Picture
from bcp.service.pages.pictures.timeline import Track, timeline
from bcp.service.pages.respond import Absent, Answer, Page, Pages
from bcp.service.pages.visit import Visit
from runbooks.desk import Situation
from runbooks.gates import gates
from runbooks.order import Next
from runbooks.progress import OPEN, Stand, Standing
from runbooks.targets import Goal, LevelTarget

_TRACKS, _ROWS, _NEXT = 14, 24, 6
_LAST = timedelta(days=9999)


@dataclass(frozen=True, slots=True)
class Way:
    """One system on its way back."""

    system: System
    target: LevelTarget
    """The next level to reach; the highest one when all are reached."""
    proven: str | None
    steps: tuple[Standing, ...]
    expected: datetime | None
    """Now plus the median of the steps still to go; None without a ground."""

    @property
    def now(self) -> Standing | None:
        """What is being done."""
        return next((s for s in self.steps if s.stand in (Stand.RUNNING, Stand.WAITING)), None)

    @property
    def done(self) -> int:
        """Steps that are behind."""
        return sum(s.stand not in OPEN for s in self.steps)

    @property
    def looks(self) -> str:
        """The state as the style sheet knows it."""
        goal = self.target.goal
        if goal is Goal.ATTAINED:
            return "ok"
        if goal is Goal.OVERDUE:
            return "failed"
        return "pending" if goal is Goal.PENDING else "unknown"


def routes(pages: Pages) -> list[Route]:
    """Real and drill: the same handlers."""
    return [
        route
        for base in ("/disaster", "/drills/{drill}")
        for route in (
            pages.route("GET", base, Permission.READ, overview),
            pages.route("GET", base + "/systems/{id}", Permission.READ, system_page),
        )
    ]


async def overview(visit: Visit) -> Answer:
    """The board of the event, or how to begin one."""
    desk, incident = desk_of(visit), event_of(visit)
    if incident is None or (not incident.active and not visit.query.get("incident")):
        past = sorted(desk.state.items.values(), key=lambda i: i.declared_at, reverse=True)
        drills = {} if visit.drill else visit.house.drills.all()
        return Page("disaster_none.html", {"past": past, "drills": drills})
    seen = await desk.situation(incident)
    found = sorted(ways(seen), key=_slack)
    dated = [way for way in found if way.target.deadline is not None]
    start = min(whole(visit.query.get("from", "")) or 0, max(0, len(dated) - 1)) // _ROWS * _ROWS
    values = {
        "s": seen,
        "incident": incident,
        "level_name": level_name(visit, incident.level),
        "ways": dated[start : start + _ROWS],
        "pages": _pages(len(dated), start),
        "total": len(dated),
        "others": [way for way in found if way.target.deadline is None],
        "services": sorted(seen.services, key=lambda t: t.slack or _LAST),
        "next": seen.next[:_NEXT],
        "more": max(0, len(seen.next) - _NEXT),
        "picture": picture(found, visit, incident.onset),
        "levels": visit.house.city.disaster.levels,
        "addable": [book for book in seen.book if book.id not in incident.runbooks],
        "gates": gates(incident, visit.now),
        "names": visit.called,
        "commander": visit.called(incident.commander or incident.declared_by),
        "running": [w.now for w in found if w.now],
    }
    return Page("disaster.html", values)


async def system_page(visit: Visit) -> Answer:
    """One system's way back: levels, runbooks, steps."""
    incident = event_of(visit)
    if incident is None:
        raise Absent
    seen = await desk_of(visit).situation(incident)
    system = seen.city.system(visit.parts["id"])
    if system is None or not incident.in_scope(system.id):
        raise Absent
    steps = [s for s in seen.steps.values() if s.runbook.system == system.id]
    books = list(dict.fromkeys(s.runbook.id for s in steps))
    values = {
        "s": seen,
        "incident": incident,
        "system": system,
        "levels": [t for t in seen.levels if t.system == system.id],
        "books": [(seen.book.get(id), [s for s in steps if s.runbook.id == id]) for id in books],
        "names": visit.called,
    }
    return Page("disaster_system.html", values)


def _pages(count: int, start: int) -> list[tuple[int, str, bool]]:
    """Where each page of the table begins, what it holds, whether it is this one; none for one."""
    if count <= _ROWS:
        return []
    return [
        (begin, f"{begin + 1}–{min(begin + _ROWS, count)}", begin == start)
        for begin in range(0, count, _ROWS)
    ]


def ways(seen: Situation) -> list[Way]:
    """Every system in scope that has levels."""
    found = []
    for system in seen.city.systems:
        rungs = [target for target in seen.levels if target.system == system.id]
        if not rungs:
            continue
        open_ = [rung for rung in rungs if not rung.held]
        target = open_[0] if open_ else rungs[-1]
        proven = max((rung.level for rung in rungs if rung.held), default=None)
        steps = tuple(s for s in seen.steps.values() if s.runbook.system == system.id)
        found.append(Way(system, target, proven, steps, _expected(target, seen.next)))
    return found


def _expected(target: LevelTarget, following: Iterable[Next]) -> datetime | None:
    """The deadline minus the slack of the step that serves it: now plus the way still to go."""
    for step in following:
        runbook = step.standing.runbook
        if runbook.system == target.system and step.deadline and step.slack is not None:
            return step.deadline - step.slack
    return None


def picture(found: list[Way], visit: Visit, onset: datetime) -> Picture | None:
    """The time line of the systems that have a deadline, the most urgent first."""
    tracks = [
        Track(
            way.system.name,
            way.target.level,
            way.target.deadline,
            way.expected,
            min((s.run.started_at for s in way.steps if s.run.started_at), default=None),
            way.target.attained_at,
        )
        for way in found
        if way.target.deadline is not None
    ]
    return timeline(tracks[:_TRACKS], onset, visit.now, visit.lang) if tracks else None


def level_name(visit: Visit, number: int) -> str:
    """段階 in words."""
    levels = visit.house.city.disaster.levels
    return next((level.name for level in levels if level.number == number), str(number))


def _slack(way: Way) -> tuple[bool, timedelta]:
    return way.target.goal is Goal.ATTAINED, (
        way.target.slack if way.target.slack is not None else _LAST
    )
