"""Doors for programs: health, readiness, reload, metrics, the log as C2SP tiles."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from bcp.kit.errors import BcpError
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.api import status_of
from bcp.service.house import House
from bcp.service.reload import Reloaded
from bcp.watch.exposition import CONTENT_TYPE


def routes(house: Callable[[], House], reload: Callable[[], Awaitable[Reloaded]]) -> list[Route]:
    """`reload` takes over the plan anew; it raises what is wrong with it."""

    async def healthy(request: web.Request) -> web.StreamResponse:
        return web.Response(text="ok\n")

    async def ready(request: web.Request) -> web.StreamResponse:
        """Plan loaded, log writable, scheduler turning. Depends on no other site."""
        missing = house().not_ready()
        text = "ready\n" if not missing else "\n".join(missing) + "\n"
        return web.Response(text=text, status=503 if missing else 200)

    async def metrics(request: web.Request) -> web.StreamResponse:
        squeezed = "gzip" in request.headers.get("Accept-Encoding", "")
        exposition = house().exposition
        body = await (exposition.gzipped() if squeezed else exposition.render())
        headers = {"Content-Type": CONTENT_TYPE}
        if squeezed:
            headers["Content-Encoding"] = "gzip"
        return web.Response(body=body, headers=headers)

    async def reloading(request: web.Request) -> web.StreamResponse:
        try:
            done = await reload()
        except BcpError as error:
            return web.json_response(error.as_dict(), status=status_of(error))
        found = {"reloaded": done.digest, "needs_restart": list(done.needs_restart)}
        return web.json_response(found)

    async def checkpoint(request: web.Request) -> web.StreamResponse:
        _last, note, _at = house().journal.signed
        if not note:
            return web.Response(status=404, text="no checkpoint was signed yet\n")
        return web.Response(body=note, content_type="text/plain")

    return [
        Route("GET", "/-/healthy", Permission.PUBLIC, healthy, machine=True),
        Route("GET", "/-/ready", Permission.PUBLIC, ready, machine=True),
        Route("POST", "/-/reload", Permission.OPERATE, reloading, machine=True),
        Route("GET", "/metrics", Permission.READ_METRICS, metrics, machine=True),
        Route("GET", "/log/checkpoint", Permission.READ_LOG, checkpoint, machine=True),
    ]
