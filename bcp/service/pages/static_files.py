"""Style sheet, script, icon: read once, addressed by digest, cached for ever."""

from __future__ import annotations

from aiohttp import web

from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.render import STATIC, static_digest

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def routes() -> list[Route]:
    """One route per file: nothing of the disk can be asked for by name."""
    return [_route(path.name, path.read_bytes()) for path in sorted(STATIC.iterdir())]


def _route(name: str, body: bytes) -> Route:
    kind = _TYPES[name[name.rindex(".") :]]

    async def serve(_request: web.Request) -> web.StreamResponse:
        response = web.Response(body=body, content_type=kind, charset="utf-8")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        response.enable_compression()
        return response

    return Route("GET", f"/static/{static_digest(name)}/{name}", Permission.PUBLIC, serve)
