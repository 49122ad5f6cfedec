"""`/break-glass`: number, code and one's own name open a session of staff, without an account.

Reached from the login page, by address, without script, DNS or a right clock. Neither the code nor
the name ever comes back in a refusal's address or log.
"""

from __future__ import annotations

from aiohttp import web

from bcp.kit.errors import BcpError, Busy, Refused, UsageError
from bcp.kit.language import text
from bcp.service.access.identity import TooFast
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.respond import Answer, Page, Pages
from bcp.service.pages.visit import Visit


def routes(pages: Pages) -> list[Route]:
    """The form and its answer."""

    async def form(visit: Visit) -> Answer:
        return _page(visit, None, visit.query.get("number", "")[:12])

    async def enter(request: web.Request) -> web.StreamResponse:
        visit = await pages.visit(request)
        codes, number = visit.house.codes, visit.field("number")
        wait = 0
        try:
            signed = await codes.enter(
                number,
                visit.field("code"),
                visit.field("name"),
                visit.address,
                str(visit.form.get("passphrase", "")),
            )
        except TooFast as error:
            page, wait = _page(visit, error, number, 429), error.seconds
        except Busy as error:
            page = _page(visit, error, number, 503)
        except (Refused, UsageError) as error:
            page = _page(visit, error, number, 400)
        else:
            if signed is not None:
                response = web.Response(status=303, headers={"Location": "/disaster"})
                pages.doors.let_in(request, response, signed.token)
                return response
            page = _page(visit, BcpError(text("access.code_wrong").pick(visit.lang)), number, 401)
        answer = await pages.answer(request, visit, page)
        if wait:
            answer.headers["Retry-After"] = str(wait)
        return answer

    return [
        pages.route("GET", "/break-glass", Permission.PUBLIC, form),
        Route("POST", "/break-glass", Permission.PUBLIC, enter),
    ]


def _page(visit: Visit, error: BcpError | None, number: str, status: int = 200) -> Page:
    hours = int(visit.house.codes.life.total_seconds() // 3600)
    values = {"error": error, "number": number[:12], "name": visit.field("name")[:60]}
    return Page("break_glass.html", {**values, "hours": hours}, status, live=False)
