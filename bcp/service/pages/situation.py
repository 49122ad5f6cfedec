"""`/disaster/situation`: 状況報告 第n報, one A4. The draft as of now, and every one that was issued.

An issued one is drawn from the bytes kept at that moment (`/disaster/situation/3?form=json` gives
them, `?form=text` the same words for FAX or mail), so it says for ever what it said then.
"""

from __future__ import annotations

from aiohttp import web

from bcp.kit.units import whole
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.commanding import draft_situation, issue_situation, issued_situation
from bcp.service.pages.disaster import next_update
from bcp.service.pages.event import actor, desk_of, event_of, operation
from bcp.service.pages.respond import Absent, Answer, Go, Page, Pages
from bcp.service.pages.visit import Visit
from runbooks.state import Incident


def routes(pages: Pages) -> list[Route]:
    """Real and drill: the same handlers."""
    return [
        route
        for base in ("/disaster", "/drills/{drill}")
        for route in (
            pages.route("GET", base + "/situation", Permission.READ, draft),
            pages.route("POST", base + "/situation", Permission.COMMAND, issue),
            pages.route("GET", base + "/situation/{id}", Permission.READ, one),
        )
    ]


def _event(visit: Visit) -> Incident:
    incident = event_of(visit)
    if incident is None:
        raise Absent
    return incident


async def draft(visit: Visit) -> Answer:
    """What would be issued now, marked as a draft."""
    incident = _event(visit)
    told = await draft_situation(desk_of(visit), incident, await next_update(visit))
    values = {
        "incident": incident,
        "told": told.named(visit.called),
        "issued": None,
        "remark": "",
        "digest": "",
    }
    return Page("situation.html", values, live=False)


async def issue(visit: Visit) -> Answer:
    """Keep it, tell it, show it."""
    incident = _event(visit)
    number, _told = await issue_situation(
        desk_of(visit),
        incident,
        actor(visit),
        operation(visit),
        remark=visit.field("remark"),
        due=await next_update(visit),
    )
    return Go(f"{visit.base}/situation/{number}?incident={incident.id}")


async def one(visit: Visit) -> Answer:
    """第n報 as it was told."""
    incident, number = _event(visit), whole(visit.parts["id"])
    if number is None or all(given.number != number for given in incident.situations):
        raise Absent
    issued, told, remark = await issued_situation(desk_of(visit), incident, number)
    form = visit.query.get("form")
    if form == "json":
        return web.Response(body=told.data(), content_type="application/json")
    if form == "text":
        return web.Response(text=told.text(), content_type="text/plain", charset="utf-8")
    values = {
        "incident": incident,
        "told": told.named(visit.called),
        "issued": issued,
        "remark": remark,
        "digest": issued.digest,
        "by": visit.called(issued.by),
    }
    return Page("situation.html", values, live=False)
