"""`/events`: tells open pages that something moved. Carries no content: pages fetch themselves anew.

What people did (an entry of an event or an announcement) is told at once, what the checks saw at most
once a second; a beat every 15 s lets a page tell a quiet city from a dead stream. A reader that went
away is no error.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from aiohttp import ClientConnectionResetError, web

from bcp.journal.entry import Entry
from bcp.kit.clock import Clock
from bcp.kit.units import whole
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route

_BEAT = 15.0
_PACE = 1.0
"""Seconds between two changes seen by checks."""
_AT_ONCE = 0.1
"""Seconds between two changes made by people: a burst is one."""
_PEOPLES = ("incident.", "announcement.")
MAX_STREAMS = 400


class Hub:
    """Counts changes and wakes the streams. `poke` is cheap and may be called on every change."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._version = 0
        self._acts = 0
        """The version of the last thing people did."""
        self._moved = asyncio.Event()
        self._closed = False
        self.streams = 0

    def poke(self, _what: object = None) -> None:
        """Something people see has changed (fits `Board.subscribe`)."""
        self._version += 1
        self._moved.set()
        self._moved = asyncio.Event()

    def hear(self, entries: Sequence[Entry]) -> None:
        """Entries are durable (fits `Journal.listen`): what people did is told at once."""
        if any(entry.kind.startswith(_PEOPLES) for entry in entries):
            self._acts = self._version + 1
        self.poke()

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
        seen, told = self._version if known is None else known, -_PACE
        await response.write(b"retry: 3000\nevent: beat\ndata: \n\n")
        while not self._closed:
            moved = self._moved
            if seen == self._version:
                if not await self._wait(moved, _BEAT):
                    await response.write(b"event: beat\ndata: \n\n")
                continue
            pace = _AT_ONCE if self._acts > seen else _PACE
            rest = told + pace - self._clock.monotonic()
            if rest > 0:
                await self._wait(moved, rest)
                continue
            seen, told = self._version, self._clock.monotonic()
            await response.write(b"id: %d\nevent: change\ndata: \n\n" % seen)

    async def _wait(self, moved: asyncio.Event, seconds: float) -> bool:
        """Whether something moved within so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await moved.wait()
                return True
        return False
