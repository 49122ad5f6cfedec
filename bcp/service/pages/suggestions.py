"""提案: what people say, and the three answers [発動][見送り][後で]. It never declares."""

from __future__ import annotations

from datetime import timedelta

from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.event import actor, operation, parse_time
from bcp.service.pages.respond import Answer, Go, Pages
from bcp.service.pages.visit import Visit
from runbooks import commands as c
from runbooks.commands.suggest import CYBER_REPORTS
from runbooks.intensity import SCALE, level_of

LATER = timedelta(minutes=30)


def routes(pages: Pages) -> list[Route]:
    """What people say, and what they answer."""
    return [
        pages.route("POST", "/disaster/suggest", Permission.DECLARE, suggest),
        pages.route("POST", "/disaster/later", Permission.DECLARE, later),
        pages.route("POST", "/disaster/dismiss", Permission.COMMAND, dismiss),
    ]


async def suggest(visit: Visit) -> Answer:
    """A report in words: 「プリンターから脅迫文が出る」."""
    kind = visit.field("kind")
    disaster, felt = visit.house.city.disaster, visit.field("intensity")
    levels = tuple(level.number for level in disaster.levels)
    command = c.Suggest(
        rule="report",
        kind=kind or "other",
        level=level_of(felt if felt in SCALE else "", disaster.intensity, levels),
        intensity=felt,
        nature="cyber" if kind in CYBER_REPORTS else "disaster",
        onset=parse_time(visit.field("onset"), visit.lang) or visit.now,
        text=visit.field("reason"),
    )
    await visit.house.desks["real"].do(command, actor(visit), operation(visit))
    return Go("/disaster/declare#suggested")


async def later(visit: Visit) -> Answer:
    """後で: it comes back by itself."""
    command = c.PutOff(suggestion=visit.field("suggestion"), until=visit.now + LATER)
    await visit.house.desks["real"].do(command, actor(visit), operation(visit))
    return Go("/")


async def dismiss(visit: Visit) -> Answer:
    """見送り, with the reason."""
    command = c.Dismiss(suggestion=visit.field("suggestion"), reason=visit.field("reason"))
    await visit.house.desks["real"].do(command, actor(visit), operation(visit))
    return Go("/")
