"""The doors: who is asking, may they, did the request come from our own page, and how to answer.

One middleware around every request. Order: identify, permit, then (for writes) origin and CSRF;
security headers on everything, refusals included. The cookie is HttpOnly and SameSite=Strict, and
Secure when the connection is TLS: in a disaster people type an IP address without it (R-81).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote, urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware

from bcp.kit.errors import UsageError
from bcp.kit.language import text
from bcp.service.access.accounts import Accounts
from bcp.service.access.identity import Identity
from bcp.service.access.roles import Permission, decide
from bcp.service.access.routes import Handler, Route, route_of

IDENTITY: web.RequestKey[Identity | None] = web.RequestKey("bcp_identity", object)  # type: ignore[arg-type]
CSRF_FIELD = "_csrf"
CSRF_HEADER = "X-CSRF-Token"
MAX_STRANGE_BODY = 16 << 10
"""Bytes somebody without an account may send; the login form needs a few hundred."""

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # not "no-referrer": browsers would then send `Origin: null` with our own forms
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), camera=(self)",
}

SLOWEST_BODY = 30.0
"""Seconds for the body of a write: minutes of typing happen before it is sent."""

SLOWEST_UPLOAD = 900.0
"""Seconds for a photo: 10 MB at 128 kbit/s."""
FORM_BYTES = 64 << 10
"""What comes with a file: the other fields and the borders between them."""

Refuse = Callable[[web.Request, int, str], Awaitable[web.StreamResponse]]
"""Draws a refusal for people: request, status, key of the sentence (`access.…`)."""


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")


async def plain_refusal(_request: web.Request, status: int, key: str) -> web.StreamResponse:
    """Where there are no pages."""
    return web.Response(status=status, text=key + "\n")


def _nothing(_account: str, _stage: str) -> frozenset[Permission]:
    return frozenset()


@dataclass(frozen=True, slots=True)
class Bearer:
    """A program's key: a token in a file (as Prometheus' `bearer_token_file`), and what it opens."""

    name: str
    digest: bytes
    permissions: frozenset[Permission]

    @classmethod
    def read(cls, name: str, path: Path, permissions: frozenset[Permission]) -> Bearer:
        """Raises `UsageError` when the file is unreadable or its token too short."""
        try:
            token = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"トークンのファイルが読めません / cannot read the token file: {error}",
                where=str(path),
            ) from error
        if len(token) < 20:
            raise UsageError(
                "トークンが短すぎます / the token is too short",
                where=str(path),
                expected=">= 20",
                next_step="openssl rand -hex 32 > FILE",
            )
        return cls(name, hashlib.sha256(token.encode()).digest(), permissions)

    def fits(self, token: str) -> bool:
        """Compared in constant time."""
        return hmac.compare_digest(hashlib.sha256(token.encode()).digest(), self.digest)


@dataclass(slots=True)
class Doors:
    """`install` it on the application; the login page uses the rest."""

    accounts: Accounts
    bearers: tuple[Bearer, ...] = ()
    behind_proxy: bool = False
    """Believe X-Forwarded-For and -Proto (last hop); only where a proxy of ours sets them."""
    refuse: Refuse = field(default=plain_refusal)
    max_upload: int = 10 << 20
    """Bytes of one file."""
    entrusted: Callable[[str, str], frozenset[Permission]] = field(default=_nothing)
    """(account, stage) -> what an event gave somebody beside his roles: the command handed over."""

    def install(self, app: web.Application) -> None:
        """Before any other middleware; headers also on errors and streams."""
        app.middlewares.insert(0, self._door())
        app.on_response_prepare.append(_add_headers)

    def _door(self) -> Middleware:
        @web.middleware
        async def door(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._pass(request, handler)

        return door

    async def _pass(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        identity = self._with_trust(request, await self._identify(request))
        request[IDENTITY] = identity
        route = route_of(request)
        wanted = route.permission if route else Permission.OWN  # unknown: not for outsiders either
        machine = route.machine if route else request.path.startswith(("/api/", "/-/", "/metrics"))
        match decide(identity.permissions if identity else None, wanted):
            case "who":
                return self._ask(request, machine)
            case "no":
                return await self._refuse(request, 403, "access.not_permitted", machine)
            case "yes":
                pass
        if identity is not None and identity.helper and not _lent(route, wanted):
            if request.path == "/":  # where everybody starts
                return web.Response(status=303, headers={"Location": "/helper"})
            return await self._refuse(request, 403, "access.helper_only", machine)
        if route is None:
            error = request.match_info.http_exception
            status = 404 if error is None else error.status
            return await self._refuse(request, status, "access.missing", machine)
        if route.writes and identity is None and not _small(request):
            # plain: drawing a page would read what was sent
            return web.Response(status=413, text=text("access.too_large").ja + "\n")
        if route.uploads:
            most = self.max_upload + FORM_BYTES
            if (request.content_length or 0) > most:
                return await self._refuse(request, 413, "access.upload_large", machine)
            request = request.clone(client_max_size=most)
        if route.writes and not await _read_in_time(request, slow=route.uploads):
            return web.Response(status=408, text=text("access.too_slow").ja + "\n")
        if route.writes and (why := await self._forged(request, identity)):
            return await self._refuse(request, 403, why, machine)
        return await handler(request)

    async def _identify(self, request: web.Request) -> Identity | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            for bearer in self.bearers:
                if bearer.fits(token.strip()):
                    name = f"token:{bearer.name}"
                    return Identity(name, name, name, frozenset(), bearer.permissions, "", "")
            return None
        return await self.accounts.identify(request.cookies.get(self.cookie, ""))

    def _with_trust(self, request: web.Request, identity: Identity | None) -> Identity | None:
        if identity is None or identity.helper or not identity.may(Permission.STEP):
            return identity
        more = self.entrusted(identity.id, request.match_info.get("drill", "real"))
        if more <= identity.permissions:
            return identity
        return replace(identity, permissions=identity.permissions | more)

    async def _forged(self, request: web.Request, identity: Identity | None) -> str | None:
        """Why a write is not believed to come from our own page; None when it does."""
        if identity is not None and not identity.digest:
            return None  # a bearer token is never sent by a browser on its own
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != self.host(request):
            return "access.foreign_origin"
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            return "access.foreign_origin"
        if identity is None:
            return None  # the login form: there is no session to abuse yet
        given = request.headers.get(CSRF_HEADER)
        if given is None:
            given = str((await request.post()).get(CSRF_FIELD, ""))
        if not hmac.compare_digest(given.encode(), identity.csrf.encode()):
            return "access.stale_form"
        return None

    def _ask(self, request: web.Request, machine: bool) -> web.StreamResponse:
        if machine:
            return web.json_response(
                {"error": "NotSignedIn", "what": "sign in, or send a bearer token"},
                status=401,
                headers={"WWW-Authenticate": 'Bearer realm="ict-bcp"'},
            )
        after = request.path_qs if request.method in ("GET", "HEAD") else request.path
        return web.Response(status=303, headers={"Location": f"/login?next={quote(after)}"})

    async def _refuse(
        self, request: web.Request, status: int, key: str, machine: bool
    ) -> web.StreamResponse:
        if machine:
            name = "NotFound" if status == 404 else "NotPermitted"
            return web.json_response({"error": name, "what": str(text(key))}, status=status)
        return await self.refuse(request, status, key)

    # --- for the login page ---------------------------------------------------------------------

    @property
    def cookie(self) -> str:
        """Cookies do not know ports: each instance has its own name."""
        return f"bcp_{self.accounts.instance}"

    def host(self, request: web.Request) -> str:
        """The name people typed."""
        return request.host

    def secure(self, request: web.Request) -> bool:
        """Whether the browser speaks TLS (to us, or to the proxy before us)."""
        if self.behind_proxy and (proto := request.headers.get("X-Forwarded-Proto")):
            return proto.rpartition(",")[2].strip() == "https"
        return request.secure

    def address(self, request: web.Request) -> str:
        """Where the request comes from."""
        if self.behind_proxy and (chain := request.headers.get("X-Forwarded-For")):
            return chain.rpartition(",")[2].strip()
        return request.remote or "?"

    def let_in(self, request: web.Request, response: web.StreamResponse, token: str) -> None:
        """Give the browser its session."""
        response.set_cookie(
            self.cookie,
            token,
            max_age=int(self.accounts.life.total_seconds()),
            httponly=True,
            samesite="Strict",
            secure=self.secure(request),
            path="/",
        )

    def let_out(self, response: web.StreamResponse) -> None:
        """Take the session away."""
        response.del_cookie(self.cookie, path="/")


def _lent(route: Route | None, wanted: Permission) -> bool:
    """Whether a visiting helper may knock here at all; the page asks what exactly is lent."""
    own = wanted in (Permission.PUBLIC, Permission.OWN)
    return route is not None and (own or route.lent)


async def _read_in_time(request: web.Request, *, slow: bool = False) -> bool:
    """Read what was sent; False when it drips in: no connection is held by a slow sender."""
    try:
        async with asyncio.timeout(SLOWEST_UPLOAD if slow else SLOWEST_BODY):
            await (request.post() if _in_parts(request) else request.read())
    except TimeoutError:
        return False
    return True


def _in_parts(request: web.Request) -> bool:
    return request.content_type.startswith("multipart/")


def _small(request: web.Request) -> bool:
    """A body whose length is told beforehand (as every browser does) and is that of a form."""
    length = request.content_length
    return not request.can_read_body or (length is not None and length <= MAX_STRANGE_BODY)


def identity_of(request: web.Request) -> Identity | None:
    """Who is asking; None on public pages without an account."""
    return request.get(IDENTITY)


def safe_next(target: str) -> str:
    """A place on this server to go on to after signing in; `/` for anything else."""
    fits = target.startswith("/") and not target.startswith(("//", "/\\"))
    clean = all(" " < ch < "\x7f" and ch != "\\" for ch in target)
    return target if fits and clean else "/"
