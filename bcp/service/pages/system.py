"""`/systems/ID` and `/services/ID`: everything known of one of them, in the order one asks."""

from __future__ import annotations

from datetime import datetime, timedelta

from backups.digits import ground_of
from backups.systems import protection
from bcp.kit.language import text
from bcp.plan.model import City, Hosting, System
from bcp.plan.windows import Stopped, stops_of
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.backups_page import set_rows
from bcp.service.pages.board import node, now_of, whom
from bcp.service.pages.city_now import CityNow, SystemNow, needs_of
from bcp.service.pages.pictures.graph import Node, around, graph
from bcp.service.pages.pictures.svg import Picture
from bcp.service.pages.render import Words
from bcp.service.pages.respond import Absent, Answer, Page, Pages
from bcp.service.pages.strips import strips
from bcp.service.pages.visit import Visit


def routes(pages: Pages) -> list[Route]:
    """The two pages."""
    return [
        pages.route("GET", "/systems/{id}", Permission.READ, system_page),
        pages.route("GET", "/services/{id}", Permission.READ, service_page),
    ]


async def system_page(visit: Visit) -> Answer:
    """One system."""
    city, words = visit.house.city, Words(visit.lang, visit.now)
    now = now_of(visit)
    mine = now.systems.get(visit.parts["id"])
    if mine is None:
        raise Absent
    system = mine.system
    checks = [view for view in mine.checks if not view.id.startswith("backup/")]
    drawn = await strips(visit, [view.id for view in checks])
    day = visit.now.date()
    values = {
        "now": mine,
        "system": system,
        "hostings": [_hosting(h, city, words) for h in system.hosted(day) or system.hosting],
        "owner": _name(city, system.owner_role),
        "hit_by": [now.systems[id].system for id in mine.hit_by] if mine.suffers else [],
        "bars": drawn,
        "graph": surroundings(now, mine, visit),
        "used_by": [s for s in now.services if any(n.system == system.id for n in s.service.needs)],
        "runbooks": visit.house.book.of_system(system.id),
        "sets": set_rows(visit, system.id),
        "guarded": protection(system, visit.house.room, visit.now, ground_of(city, visit.now)),
        "drilled": visit.house.desks["real"].state.drilled,
        "estimate": visit.house.room.estimate(system.id),
        "checks": checks,
        "stops": _stops(city, system, visit.now),
    }
    return Page("system.html", values)


async def service_page(visit: Visit) -> Answer:
    """One service."""
    city, words = visit.house.city, Words(visit.lang, visit.now)
    now = now_of(visit)
    mine = next((s for s in now.services if s.service.id == visit.parts["id"]), None)
    if mine is None:
        raise Absent
    needed = [(n, now.systems[n.system]) for n in mine.service.needs if n.system in now.systems]
    subject = f"service:{mine.service.id}"
    values = {
        "now": mine,
        "service": mine.service,
        "needed": needed,
        "whom": whom(mine.service, city, words),
        "day": (await strips(visit, [subject], wide=True))[subject],
        "days": (await strips(visit, [subject], wide=True, days=True))[subject],
        "runbook": visit.house.book.get(mine.service.alternate_runbook or ""),
    }
    return Page("service.html", values)


def surroundings(now: CityNow, mine: SystemNow, visit: Visit) -> Picture | None:
    """What it needs and what needs it; None for a system that stands alone."""
    needs = needs_of(visit.house.city)
    ids = around(mine.system.id, needs)
    shown = [id for id in now.systems if id in ids]
    services = [s for s in now.services if any(n.system == mine.system.id for n in s.service.needs)]
    if len(shown) + len(services) < 2:
        return None
    nodes = [node(now.systems[id], focus=id == mine.system.id) for id in shown]
    wanted: dict[str, tuple[str, ...]] = {id: needs[id] for id in shown}
    for s in services:
        nodes.append(Node(s.service.id, s.service.name, s.state, kind="service"))
        wanted[s.service.id] = (mine.system.id,)
    return graph(nodes, wanted, visit.lang)


_AHEAD = timedelta(days=14)


def _stops(city: City, system: System, now: datetime) -> tuple[Stopped, ...]:
    """Planned stops that are on or begin within two weeks; at most five."""
    stands = [one.site for one in system.hosted(now.date()) if one.site is not None]
    found = stops_of(city.windows, now, now + _AHEAD, system=system.id, stands=stands)
    return found[:5]


def _hosting(hosting: Hosting, city: City, words: Words) -> str:
    site = city.site(hosting.site) if hosting.site else None
    parts = [words.t(f"hosting_{hosting.kind}"), hosting.provider, site.name if site else None]
    span = "".join(
        [
            f"{hosting.valid_from:%Y/%m/%d}" if hosting.valid_from else "",
            " - " if hosting.valid_from or hosting.valid_until else "",
            f"{hosting.valid_until:%Y/%m/%d}" if hosting.valid_until else "",
        ]
    )
    return " ".join(part for part in [*parts, span] if part)


def _name(city: City, role: str | None) -> str | None:
    found = city.role(role) if role else None
    return found.name if found else role


def class_words(system: System, words: Words) -> str | None:
    """自治体機密性3A・完全性2・可用性2."""
    c = system.classification
    if c is None:
        return None
    said = text("pages.class_words", c=c.confidentiality, i=c.integrity, a=c.availability)
    return said.pick(words.lang)
