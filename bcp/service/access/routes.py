"""Routes that say what they need, and the seal that finds one that does not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from aiohttp import web

from bcp.kit.errors import BcpError
from bcp.service.access.roles import Permission

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """One door of the HTTP server. `path` in aiohttp's form, `/systems/{id}`."""

    method: str
    path: str
    permission: Permission
    handler: Handler
    machine: bool = False
    """For programs: refusals are JSON and 401, not a page and a redirect."""
    lent: bool = False
    """Opens to visiting helpers (受援) too, for what is lent to them; every other door does not."""
    uploads: bool = False
    """Takes a file: a larger body, and the time a bad line needs for it."""

    @property
    def writes(self) -> bool:
        """Whether CSRF protection applies."""
        return self.method not in ("GET", "HEAD")


ROUTE = web.AppKey("bcp_routes", dict)


def mount(app: web.Application, routes: Iterable[Route]) -> None:
    """Add the routes; HEAD comes with GET. Raises `BcpError` when two claim one door."""
    known: dict[web.AbstractRoute, Route] = app.setdefault(ROUTE, {})
    for route in routes:
        try:
            added = app.router.add_route(route.method, route.path, route.handler)
            known[added] = route
            if route.method == "GET":
                known[app.router.add_route("HEAD", route.path, route.handler)] = route
        except RuntimeError as error:
            raise BcpError(
                f"two handlers for one door: {error}", where=f"{route.method} {route.path}"
            ) from error


def seal(app: web.Application) -> None:
    """Refuse to start with a route nobody declared a permission for."""
    known = app.get(ROUTE, {})
    open_doors = [
        f"{route.method} {route.resource.canonical if route.resource else '?'}"
        for route in app.router.routes()
        if route not in known
    ]
    if open_doors:
        raise BcpError(
            "routes without a permission: " + ", ".join(sorted(open_doors)),
            next_step="add them with bcp.service.access.routes.mount",
        )


def route_of(request: web.Request) -> Route | None:
    """What was declared for the door this request came to; None for an unknown address."""
    found: Route | None = request.app.get(ROUTE, {}).get(request.match_info.route)
    return found
