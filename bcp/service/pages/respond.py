"""From handler to answer: wraps a page handler, turns errors into pages in plain words.

A handler gets a `Visit` and returns a `Page` (rendered in a worker thread), a `Go` (303 after a
write) or a finished response. Errors of ours are caught here and nowhere else in this room:
`Refused` is 409 (the state does not allow it), `Unwritable` 503 (nothing was recorded), `Missing`
404; anything unforeseen is our bug: logged with an id, shown as one sentence.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from aiohttp import web

from bcp.kit.errors import BcpError, Busy, Refused, Unwritable, UsageError
from bcp.kit.language import Lang
from bcp.service.access.guard import Doors, identity_of
from bcp.service.access.identity import Identity
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.alarms import alarms, events
from bcp.service.pages.house import House
from bcp.service.pages.render import Words, render
from bcp.service.pages.shared import Drawn, Shared
from bcp.service.pages.typed import Typed, typed
from bcp.service.pages.visit import Visit

_LOG = structlog.get_logger("pages")
LANGUAGE_COOKIE = "bcp_lang"
PUBLIC = "/status"


@dataclass(frozen=True, slots=True)
class Page:
    """A page to draw."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    live: bool = True
    """Refreshes itself where there is script. Not for pages one reads or types on."""


@dataclass(frozen=True, slots=True)
class Go:
    """Post, redirect, get: reloading never repeats an act."""

    to: str


class Absent(Exception):
    """The address names something that is not there."""


Answer = Page | Go | web.StreamResponse
PageHandler = Callable[[Visit], Awaitable[Answer]]
Lent = Callable[[Visit], Awaitable[bool]]
"""Whether what a page shows is lent to the visiting helper who asks."""


class Pages:
    """Binds page handlers to the house and the doors."""

    def __init__(self, house: Callable[[], House], doors: Doors) -> None:
        self._house, self.doors = house, doors
        self._offered: set[str] = set()
        self._shared = Shared()
        doors.refuse = self.refuse

    def route(
        self,
        method: str,
        path: str,
        permission: Permission,
        handler: PageHandler,
        *,
        uploads: bool = False,
        shared: bool = False,
        lent: Lent | None = None,
    ) -> Route:
        """A route for `bcp.service.access.routes.mount`.

        `lent`: asks whether a visiting helper may see it; without it none may.
        `shared`: the page holds nothing of a person, so that all who refresh it get one drawing.
        """
        if method == "GET":
            self._offered.add(path)

        async def handle(request: web.Request) -> web.StreamResponse:
            asking = identity_of(request)
            helper = asking is not None and asking.helper
            together = shared and not helper  # what is lent differs from person to person
            if together and (drawn := await self._together(request, handler)) is not None:
                return drawn
            visit = await self.visit(request)
            own = permission in (Permission.PUBLIC, Permission.OWN)
            try:
                if helper and not own and not (lent is not None and await lent(visit)):
                    return await self.refuse(request, 403, "access.helper_only")
                answer = await handler(visit)
                if helper and isinstance(answer, Go) and not own:
                    answer = Go("/helper")
            except Absent:
                answer = _error(404, "missing")
            except BcpError as error:
                answer = _explain(
                    error, typed(visit, error.lacks if isinstance(error, Refused) else ())
                )
            except web.HTTPException:
                raise
            except Exception:  # our bug: one page breaks, the daemon goes on watching
                _LOG.exception("page failed", path=request.path)
                answer = _error(500, "broken")
            return await self.answer(request, visit, answer)

        return Route(method, path, permission, handle, uploads=uploads, lent=lent is not None)

    async def visit(self, request: web.Request, seen_as: Identity | None = None) -> Visit:
        """The request as handlers see it; `seen_as`: for somebody else's eyes, without alarms."""
        house = self._house()
        identity = seen_as or identity_of(request)
        form = dict(await request.post()) if request.method == "POST" else {}
        visit = Visit(
            house=house,
            identity=identity,
            lang=_language(request),
            now=house.clock.utc(),
            path=request.path,
            query=request.query,
            parts=request.match_info,
            form=form,
            address=self.doors.address(request),
            offered=self._offered,
        )
        if (
            identity is None or request.path == PUBLIC or seen_as
        ):  # what citizens see has no state of ours
            return visit
        if identity.helper:  # nothing of the city's troubles but the event he came for
            return visit.with_alarms(events(visit))
        return visit.with_alarms(await alarms(visit))

    async def _together(
        self, request: web.Request, handler: PageHandler
    ) -> web.StreamResponse | None:
        """A refresh: the page as all see it who may see the same; None: draw it for this one."""
        identity, house = identity_of(request), self._house()
        if "X-Refresh" not in request.headers or identity is None or identity.must_change:
            return None
        stage = request.match_info.get("drill", "real")
        desk = house.desks.get(stage)
        if desk is None:
            return None
        visit = await self.visit(request, nobody(identity))
        rights = tuple(sorted(identity.permissions))
        key = (request.path_qs, visit.lang, rights, desk.journal.size, house.journal.size)

        async def make() -> Drawn:
            known = visit.with_alarms(await alarms(visit))
            answer = await handler(known)
            if not isinstance(answer, Page):
                raise Absent
            body = await _draw(known, answer)
            return await house.workers.thread(Drawn.of, body)

        try:
            drawn = await self._shared.get(key, house.clock, make)
        except Exception:  # whatever it was: the page drawn for this one says it in its own words
            return None
        packed = "gzip" in request.headers.get("Accept-Encoding", "")
        headers = {"Content-Language": visit.lang, "Vary": "Accept-Encoding"}
        headers |= {"Content-Encoding": "gzip"} if packed else {}
        body = drawn.packed if packed else drawn.plain
        return web.Response(body=body, headers=headers, content_type="text/html", charset="utf-8")

    async def refuse(self, request: web.Request, status: int, key: str) -> web.StreamResponse:
        """The doors' refusals, in plain words."""
        visit = await self.visit(request)
        page = Page(
            "error.html",
            {"status": status, "key": key, "error": None, "typed": None},
            status,
            live=False,
        )
        return await self.answer(request, visit, page)

    async def answer(
        self, request: web.Request, visit: Visit, answer: Answer
    ) -> web.StreamResponse:
        """Draw it."""
        if isinstance(answer, Go):
            return web.Response(status=303, headers={"Location": answer.to})
        if not isinstance(answer, Page):
            return answer
        try:
            body = await _draw(visit, answer)
        except Exception:  # our bug in a template: say so in words, the daemon goes on
            _LOG.exception("drawing failed", template=answer.template)
            answer = _error(500, "broken")
            body = await _draw(visit, answer)
        response = web.Response(
            body=body, status=answer.status, content_type="text/html", charset="utf-8"
        )
        response.headers["Content-Language"] = visit.lang
        if request.query.get("lang") in ("ja", "en"):
            response.set_cookie(
                LANGUAGE_COOKIE, visit.lang, max_age=31_536_000, samesite="Lax", path="/"
            )
        if len(body) > 2048:
            response.enable_compression()
        return response


def nobody(identity: Identity) -> Identity:
    """Somebody with the same rights and nothing else: for a page that many are shown."""
    return replace(identity, id="", login="", name="", csrf="")


async def _draw(visit: Visit, page: Page) -> bytes:
    values = {"v": visit, "live": page.live, **page.values}
    words = Words(visit.lang, visit.now)
    return await visit.house.workers.thread(render, page.template, words, values)


def _language(request: web.Request) -> Lang:
    asked = request.query.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
    return "en" if asked == "en" else "ja"


def _error(
    status: int, key: str, error: BcpError | None = None, typed: Typed | None = None
) -> Page:
    values = {"status": status, "key": f"pages.{key}", "error": error, "typed": typed}
    return Page("error.html", values, status, live=False)


def _explain(error: BcpError, typed: Typed | None) -> Page:
    match error:
        case Unwritable():
            return _error(503, "not_recorded", error, typed)
        case Busy():
            return _error(503, "busy", error, typed)
        case Refused():
            return _error(409, "refused", error, typed)
        case UsageError():
            return _error(400, "unfit", error, typed)
        case _:
            return _error(500, "broken", error, typed)
