"""`/disaster`, `/disaster/wall`, `/disaster/systems/ID`, `/disaster/command`: the live recovery board.

The board only shows: services first, then systems, least slack first. What one can do to the event as
a whole stands on a page of its own (`/disaster/command`), so that the board may refresh itself under
anybody's eyes without taking a half-typed reason along. The wall is the same board for a screen across
the room: large, without forms, refreshed by the browser alone where there is no script.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bcp.kit.units import whole
from bcp.service import announced
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.event import desk_of, event_of
from bcp.service.pages.pictures.svg import Picture
from bcp.service.pages.pictures.timeline import Mark, timeline
from bcp.service.pages.recovery import Board, board, tracks
from bcp.service.pages.respond import Absent, Answer, Go, Page, Pages
from bcp.service.pages.visit import Visit
from runbooks.attention import papers, teams, wanted
from runbooks.breaches import next_due
from runbooks.desk import Situation
from runbooks.holding import holds
from runbooks.notices.state import Due, due
from runbooks.power import Supply, supplies, unread
from runbooks.state import Incident
from runbooks.targets import unproven

_ROWS, _SERVICES, _NEXT = 10, 14, 5
"""Lines on one page: it must come through 128 kbit/s."""
_WALL_SERVICES, _WALL_SYSTEMS = 10, 14
_DRAWN_SERVICES, _DRAWN_SYSTEMS = 6, 10


def routes(pages: Pages) -> list[Route]:
    """Real and drill: the same handlers."""
    return [
        route
        for base in ("/disaster", "/drills/{drill}")
        for route in (
            pages.route("GET", base, Permission.READ, overview, shared=True),
            pages.route("GET", base + "/wall", Permission.READ, wall, shared=True),
            pages.route("GET", base + "/systems/{id}", Permission.READ, system_page),
            pages.route("GET", base + "/command", Permission.STEP, command_page),
        )
    ]


async def overview(visit: Visit) -> Answer:
    """The board of the event, or how to begin one."""
    desk, incident = desk_of(visit), event_of(visit)
    if incident is None or (not incident.active and not visit.query.get("incident")):
        past = sorted(desk.state.items.values(), key=lambda i: i.declared_at, reverse=True)
        drills = {} if visit.drill else visit.house.drills.all()
        return Page("disaster_none.html", {"past": past, "drills": drills})
    values = await _values(visit, incident)
    systems, services = values["board"].systems, values["board"].services
    start = _start(visit, "from", len(systems), _ROWS)
    first = _start(visit, "sfrom", len(services), _SERVICES)
    values |= {
        "systems": systems[start : start + _ROWS],
        "pages": _pages(len(systems), start, _ROWS),
        "services": services[first : first + _SERVICES],
        "spages": _pages(len(services), first, _SERVICES),
        "start": start,
        "first": first,
        "gates": [gate for gate in values["s"].gates if gate.open],
        "holds": holds(incident),
        "earlier": [
            (one, system.name if system else one.system)
            for one in values["s"].joint
            if one.counts is not None and one.counts.incident != incident.id
            for system in [values["s"].city.system(one.system)]
        ],
    }
    return Page("disaster.html", values)


async def wall(visit: Visit) -> Answer:
    """The same, large, for a screen on the wall; the last event when none runs."""
    incident = event_of(visit)
    if incident is None:
        return Page("disaster_none.html", {"past": [], "drills": {}})
    values = await _values(visit, incident)
    found: Board = values["board"]
    values |= {
        "services": found.services[:_WALL_SERVICES],
        "systems": found.systems[:_WALL_SYSTEMS],
        "left_out": max(0, len(found.services) - _WALL_SERVICES)
        + max(0, len(found.systems) - _WALL_SYSTEMS),
    }
    return Page("wall.html", values)


async def command_page(visit: Visit) -> Answer:
    """Everything that is done to the event as a whole, and what staff writes down."""
    incident = event_of(visit)
    if incident is None:
        return Go(visit.base)
    seen = await desk_of(visit).situation(incident)
    wanting = frozenset(unproven(incident, seen.city))
    values = {
        "s": seen,
        "incident": incident,
        "level_name": visit.house.city.disaster.level_name(incident.level),
        "services": seen.services,
        "levels": visit.house.city.disaster.levels,
        "addable": [book for book in seen.book if book.id not in incident.runbooks],
        "gates": seen.gates,
        "wanting": [one for one in seen.city.systems if one.id in wanting],
        "unsaid": unsaid(visit, seen),
        "calls": [one for one in incident.calls if visit.identity and one.by != visit.identity.id],
        "open_changes": sum(i.closed_at is None for i in incident.changes.values()),
        "names": visit.called,
    }
    return Page("command.html", values, live=False)


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
        "stage": seen.states.get(system.id),
        "joint": {one.level: one for one in seen.joint if one.system == system.id},
        "drilled": visit.house.desks["real"].state.drilled,
        "books": [(seen.book.get(id), [s for s in steps if s.runbook.id == id]) for id in books],
        "names": visit.called,
    }
    return Page("disaster_system.html", values)


async def _values(visit: Visit, incident: Incident) -> dict[str, Any]:
    """What both boards are drawn from; the deriving is done in a worker."""
    desk = desk_of(visit)
    seen = await desk.situation(incident)
    work = visit.house.workers.thread
    found = await work(board, seen, visit.called)
    others = [one for one in desk.state.items.values() if one.active and one.id != incident.id]
    return {
        "s": seen,
        "incident": incident,
        "level_name": visit.house.city.disaster.level_name(incident.level),
        "board": found,
        "services": found.services,
        "picture": await work(picture, found, seen, visit),
        "next": seen.next[:_NEXT],
        "more": max(0, len(seen.next) - _NEXT),
        "wanted": wanted(seen),
        "teams": teams(seen),
        "papers": papers(seen),
        "due": await next_update(visit),
        "breach": next_due(incident.breaches),
        "unsaid": unsaid(visit, seen),
        "others": others,
        "dark": _dark(visit, incident),
        "names": visit.called,
        "commander": visit.called(incident.commander or incident.declared_by),
    }


def picture(found: Board, seen: Situation, visit: Visit) -> Picture | None:
    """The time line from onset: the most urgent services and systems that have a deadline."""
    services, systems = tracks(found, _DRAWN_SERVICES, _DRAWN_SYSTEMS)
    if not services and not systems:
        return None
    incident = seen.incident
    marks = [Mark(incident.declared_at, "declared")]
    marks += [Mark(one.at, "handed") for one in incident.hand_overs]
    return timeline(
        [*services, *systems],
        incident.onset,
        seen.now,
        visit.lang,
        marks,
        (
            (visit.word("pages.services"), len(services)),
            (visit.word("pages.systems"), len(systems)),
        ),
    )


def _dark(visit: Visit, incident: Incident) -> list[tuple[str, str, Supply | None]]:
    """(site, its name, what carries it) of those without mains power; None: nobody read the hours."""
    city, found = visit.house.city, [(one.site, one) for one in supplies(incident.damage)]
    blind = [(id, None) for id, known in incident.damage.items() if unread(known)]
    return [(id, s.name if (s := city.site(id)) else id, one) for id, one in (*found, *blind)]


def unsaid(visit: Visit, seen: Situation) -> tuple[Due, ...]:
    """未発信: what the steps that are done ask to be said, and was not."""
    return due(announced.noticed(desk_of(visit).journal), seen.incident, seen.steps.values())


async def next_update(visit: Visit) -> datetime | None:
    """次の更新: the earliest promise of what stands announced; None without one."""
    journal = desk_of(visit).journal if visit.drill else visit.house.journal
    if not journal.size:
        return None
    standing = await announced.current(journal)
    return min((one.next_update for one in standing if one.next_update), default=None)


def _start(visit: Visit, name: str, count: int, rows: int) -> int:
    """The first line of the page asked for."""
    asked = whole(visit.query.get(name, "")) or 0
    return min(asked, max(0, count - 1)) // rows * rows


def _pages(count: int, start: int, rows: int) -> list[tuple[int, str, bool]]:
    """Where each page of the table begins, what it holds, whether it is this one; none for one."""
    if count <= rows:
        return []
    return [
        (begin, f"{begin + 1}–{min(begin + rows, count)}", begin == start)
        for begin in range(0, count, rows)
    ]
