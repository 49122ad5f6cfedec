"""The HTTP servers: pages and API for people and programs, the control socket for this host."""

from __future__ import annotations

import contextlib
import errno
import logging
import ssl
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http import HttpProcessingError

from bcp.kit.errors import Busy, Unwritable, UsageError
from bcp.service import api, control, heartbeats, machine, parts
from bcp.service.access.guard import Doors
from bcp.service.access.routes import Handler, Route, mount, seal
from bcp.service.holders import entrusted
from bcp.service.house import House
from bcp.service.operations.operation import Operation
from bcp.service.pages.all import page_routes
from bcp.service.pages.events import Hub
from bcp.service.pages.respond import Pages
from bcp.service.reload import Reloaded
from bcp.service.sections import Access

_SERVER_LOG = logging.getLogger("ict-bcp.http")
LOG = structlog.get_logger("web")
_MAX_BODY = 256 << 10
"""Bytes: an entry takes 64 KiB; what is larger would only keep the loop busy."""
PATIENCE = 60.0
"""Seconds an idle connection, or one that never ends its request line and headers, is kept."""


@dataclass(frozen=True, slots=True)
class Extras:
    """What the practice city adds: its own pages and operations."""

    routes: Callable[[Pages], list[Route]] = lambda _pages: []
    operations: tuple[Operation[Any], ...] = ()


class Web:
    """The open servers; `start` them, `stop` them."""

    def __init__(
        self,
        house: House,
        operations: Iterable[Operation[Any]],
        reload: Callable[[], Awaitable[Reloaded]],
        extras: Extras,
    ) -> None:
        self._house = house
        self.hub = Hub(house.clock)
        self._undo = [house.board.subscribe(self.hub.poke), house.journal.listen(self.hub.hear)]
        house.drills.listen(self.hub.hear)
        access = house.plan.access
        doors = Doors(house.accounts, parts.bearers(access, house.troubles))
        doors.entrusted = lambda account, stage: entrusted(house.desks, account, stage)
        doors.max_upload = access.photo_bytes
        pages = Pages(lambda: house, doors)
        every = (*operations, *extras.operations)
        calls = api.routes(lambda: house, every)
        programs = machine.routes(lambda: house, reload)
        signs = heartbeats.routes(lambda: house)
        self.site = web.Application(client_max_size=_MAX_BODY)
        doors.install(self.site)
        own = (*page_routes(pages, self.hub), *extras.routes(pages))
        mount(self.site, [*own, *calls, *programs, *signs])
        seal(self.site)
        self.console = web.Application(client_max_size=_MAX_BODY, middlewares=[_by_uid])
        mount(self.console, [*calls, *programs])
        self._runners: list[web.AppRunner] = []

    async def start(self, host: str, port: int) -> str:
        """Listen; the URL to open. Raises `Busy` for a port in use, `UsageError`."""
        console = await self._runner(self.console)
        try:
            await control.listen(console, self._house.places.data)
        except (
            Unwritable
        ) as error:  # a read-only folder: no commands from the terminal, that is all
            LOG.error("no control socket", why=str(error))
            self._house.troubles.append(parts.one_line(error))
        runner = await self._runner(self.site)
        secure = tls(self._house.plan.access)
        site = web.TCPSite(runner, host, port, ssl_context=secure, reuse_address=True)
        try:
            await site.start()
        except OSError as error:
            raise _no_port(error, host, port) from error
        shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - only compared
        return f"{'https' if secure else 'http'}://{shown}:{port}/"

    async def _runner(self, app: web.Application) -> web.AppRunner:
        runner = server_of(app)
        await runner.setup()
        self._runners.append(runner)
        return runner

    async def stop(self) -> None:
        """End the streams, finish what is being answered, close."""
        for undo in self._undo:
            undo()
        self.hub.close()
        for runner in reversed(self._runners):
            await runner.cleanup()
        with contextlib.suppress(OSError):
            (self._house.places.data / control.SOCKET_NAME).unlink(missing_ok=True)


def server_of(app: web.Application, patience: float = PATIENCE) -> web.AppRunner:
    """A server that waits for nobody without end (the library's own patience is an hour)."""
    _SERVER_LOG.addFilter(_no_nonsense)
    return web.AppRunner(
        app,
        access_log=None,
        logger=_SERVER_LOG,
        shutdown_timeout=2.0,
        keepalive_timeout=patience,
    )


def _no_nonsense(record: logging.LogRecord) -> bool:
    """What is no HTTP is answered with 400, not told with a traceback: anybody could fill disks."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError)


@web.middleware
async def _by_uid(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The kernel says who is on the other end; everybody but root and ourselves is refused."""
    if not control.allowed(control.peer_uid(request)):
        what = "root か常駐プログラムの利用者だけが使えます / only root or the daemon's own user"
        return web.json_response({"error": "NotPermitted", "what": what}, status=403)
    return await handler(request)


def tls(access: Access) -> ssl.SSLContext | None:
    """The server's certificate; None: plain HTTP. Raises `UsageError` when it cannot be loaded."""
    if access.tls_certificate_file is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(access.tls_certificate_file, access.tls_key_file)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            "証明書か鍵が読めません / cannot load certificate or key",
            where=access.tls_certificate_file,
            got=str(error.strerror or type(error).__name__),
        ) from error
    return context


def _no_port(error: OSError, host: str, port: int) -> Exception:
    if error.errno == errno.EADDRINUSE:
        return Busy(
            f"ポート {port} は使われています / the port is in use",
            where=f"{host}:{port}",
            next_step="--port で別の番号にするか、使っているものを止める (ss -ltnp) / "
            "choose another with --port, or stop what uses it",
        )
    return UsageError(
        f"待ち受けできません / cannot listen: {error.strerror}",
        where=f"{host}:{port}",
        next_step="access.listen と access.port を確かめる / check access.listen and access.port",
    )
