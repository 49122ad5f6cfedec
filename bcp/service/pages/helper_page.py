"""`/helper`: the one page of a visiting helper: what he was asked to do, in order, and until when."""

from __future__ import annotations

from bcp.kit.units import from_us
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.event import desk_of, event_of
from bcp.service.pages.lent import covers
from bcp.service.pages.respond import Answer, Page, Pages
from bcp.service.pages.visit import Visit
from runbooks.progress import OPEN


async def _always(_visit: Visit) -> bool:
    return True


def routes(pages: Pages) -> list[Route]:
    """One page."""
    return [pages.route("GET", "/helper", Permission.READ, helper, lent=_always)]


async def helper(visit: Visit) -> Answer:
    """Steps in scope: open ones first; runbooks in scope to read before."""
    incident, limit = event_of(visit), visit.identity.limit if visit.identity else None
    steps = []
    if incident is not None:
        seen = await desk_of(visit).situation(incident)
        steps = [one for one in seen.steps.values() if covers(visit, one.runbook, one.step)]
    values = {
        "incident": incident,
        "open": [one for one in steps if one.stand in OPEN],
        "done": [one for one in steps if one.stand not in OPEN],
        "books": [book for book in visit.house.book if covers(visit, book)],
        "until": from_us(limit.until_us) if limit else None,
    }
    return Page("helper.html", values, live=False)
