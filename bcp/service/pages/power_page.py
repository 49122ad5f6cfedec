"""`/disaster/power/SITE`: how long the power lasts there, and what to stop first (R-68, R-69).

The page only counts and puts in order. Stopping is done by people at the machines; that a system was
stopped is recorded where every stop is (自主停止), so that nobody is paged for it.
"""

from __future__ import annotations

from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.event import desk_of, event_of
from bcp.service.pages.respond import Absent, Answer, Page, Pages
from bcp.service.pages.visit import Visit
from runbooks.damagestate import SiteDamage
from runbooks.power import shed_order, supply, unread


def routes(pages: Pages) -> list[Route]:
    """Real and drill: the same handler."""
    return [
        pages.route("GET", base + "/power/{site}", Permission.READ, power)
        for base in ("/disaster", "/drills/{drill}")
    ]


async def power(visit: Visit) -> Answer:
    """One site: the gauge as it was read, the time from then on, the order of stopping."""
    incident, site = event_of(visit), visit.house.city.site(visit.parts["site"])
    if incident is None or site is None:
        raise Absent
    city = (await desk_of(visit).frozen(incident)).city
    known = incident.damage.get(site.id, SiteDamage())
    values = {
        "incident": incident,
        "site": site,
        "supply": supply(site.id, known),
        "unread": unread(known),
        "order": await visit.house.workers.thread(shed_order, incident, city, site.id, visit.now),
        "names": visit.called,
    }
    return Page("power.html", values)
