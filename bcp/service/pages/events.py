"""`/events`: tells open pages that something moved. Carries no content: pages fetch themselves anew.

At most one change a second, a beat every 15 s so that a page can tell a quiet city from a dead
stream. A reader that went away is no error.
"""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import ClientConnectionResetError, web

from bcp.kit.clock import Clock
from bcp.kit.units import whole
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route

_BEAT = 15.0
_PACE = 1.0
MAX_STREAMS = 200


class Hub:
    """Counts changes and wakes the streams. `poke` is cheap and may be called on every change."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._version = 0
        self._moved = asyncio.Event()
        self._closed = False
        self.streams = 0

    def poke(self, _what: object = None) -> None:
        """Something people see has changed (fits `Board.subscribe` and `Journal.listen`)."""
        self._version += 1
        self._moved.set()
        self._moved = asyncio.Event()

    def close(self) -> None:
        """Let every stream end, so that the server can stop."""
        self._closed = True
        self._moved.set()

    def routes(self) -> list[Route]:
        """The stream."""
        return [Route("GET", "/events", Permission.READ, self._stream, machine=True)]

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if self.streams >= MAX_STREAMS:
            return web.Response(status=503, headers={"Retry-After": "60"})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        self.streams += 1
        try:
            # a browser whose stream broke asks for what it missed
            await self._feed(response, request.headers.get("Last-Event-ID", ""))
        except (ClientConnectionResetError, ConnectionResetError):
            pass
        finally:
            self.streams -= 1
        return response

    async def _feed(self, response: web.StreamResponse, last: str) -> None:
        known = whole(last)
        seen = self._version if known is None else known
        await response.write(b"retry: 3000\nevent: beat\ndata: \n\n")
        while not self._closed:
            moved = self._moved
            if seen == self._version:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_BEAT):
                        await moved.wait()
            if seen == self._version:
                await response.write(b"event: beat\ndata: \n\n")
                continue
            seen = self._version
            await response.write(b"id: %d\nevent: change\ndata: \n\n" % seen)
            await self._clock.sleep_until(self._clock.monotonic() + _PACE)
