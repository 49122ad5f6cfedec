"""`/disaster/outbox`: take in what was done offline, from a file, typed over, or sent by the script."""

from __future__ import annotations

from aiohttp import web

from bcp.kit.errors import BcpError, UsageError
from bcp.kit.language import text
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.api import status_of
from bcp.service.outbox import KEPT, Result, read_lines, replay
from bcp.service.pages.event import actor, desk_of
from bcp.service.pages.late import maker
from bcp.service.pages.respond import Answer, Page, Pages
from bcp.service.pages.visit import Visit


def routes(pages: Pages) -> list[Route]:
    """Real and drill."""
    return [
        route
        for base in ("/disaster", "/drills/{drill}")
        for route in (
            pages.route("GET", base + "/outbox", Permission.STEP, form),
            pages.route("POST", base + "/outbox", Permission.STEP, take_in),
        )
    ]


async def form(visit: Visit) -> Answer:
    """Where a file is handed over."""
    desk_of(visit)
    return Page("outbox.html", {"results": None, "kept": KEPT}, live=False)


async def take_in(visit: Visit) -> Answer:
    """Record what was handed over, and show (or, for the script, tell) what became of each line."""
    if visit.field("as") != "json":
        return Page("outbox.html", {"results": await _recorded(visit), "kept": KEPT}, live=False)
    try:
        results = await _recorded(visit)
    except BcpError as error:
        return web.json_response(error.as_dict(), status=status_of(error))
    return web.json_response({"results": [one.as_json() for one in results]})


async def _recorded(visit: Visit) -> list[Result]:
    given = visit.form.get("file")
    data = given.file.read() if isinstance(given, web.FileField) else b""
    items = read_lines(data + b"\n" + visit.field("lines").encode())
    if not items:
        raise UsageError(text("outbox.empty").pick(visit.lang))
    return await replay(desk_of(visit), items, maker(visit.house), actor(visit), visit.called)
