"""`/paper/copies`: which printed sets lie where, who keeps them, and which must be printed again."""

from __future__ import annotations

from datetime import date

from bcp.kit.errors import UsageError
from bcp.kit.language import text
from bcp.service import copying
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.event import actor, operation
from bcp.service.pages.respond import Answer, Go, Page, Pages
from bcp.service.pages.visit import Visit
from bcp.service.press import printing
from runbooks.paper.copies import FOLD_NAME, Copies
from runbooks.paper.sets import TITLES


def routes(pages: Pages) -> list[Route]:
    """The register and its two acts."""
    return [
        pages.route("GET", "/paper/copies", Permission.READ_PERSONAL, register),
        pages.route("POST", "/paper/copies", Permission.READ_PERSONAL, act),
    ]


async def register(visit: Visit) -> Answer:
    """Stale ones first."""
    house = visit.house
    found = await copying.standing(house.journal, house.workers, printing(house), visit.now)
    state: Copies = house.journal.state(FOLD_NAME)
    values = {
        "standing": sorted(found, key=lambda one: (not one.why, one.copy.due)),
        "gone": [copy for copy in state.items.values() if copy.ended is not None],
        "titles": TITLES,
        "city": house.city,
        "without": [
            site
            for site in house.city.sites
            if site.kind != "cloud" and site.id not in {one.copy.site for one in found}
        ],
    }
    return Page("copies.html", values)


async def act(visit: Visit) -> Answer:
    """A set was printed and handed out, or came to its end."""
    house, op = visit.house, operation(visit)
    if visit.field("do") == "end":
        await copying.end(
            house.journal,
            visit.field("copy"),
            visit.field("how"),
            visit.field("note"),
            visit.now,
            actor=actor(visit),
            op=op,
        )
        return Go("/paper/copies")
    name = visit.field("set")
    asked = copying.Asked(
        (name,) if name else (),
        visit.field("site"),
        visit.field("holder"),
        _day(visit),
        visit.field("role") or None,
        visit.field("only_site") or None,
    )
    await copying.issue(
        house.journal,
        house.workers,
        printing(house),
        asked,
        visit.now,
        actor=actor(visit),
        op=op,
    )
    return Go("/paper/copies")


def _day(visit: Visit) -> date | None:
    given = visit.field("due")
    try:
        return date.fromisoformat(given) if given else None
    except ValueError as error:
        raise UsageError(
            text("pages.bad_time").pick(visit.lang), got=given, expected="2027-04-30"
        ) from error
