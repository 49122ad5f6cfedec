"""Doors for jobs: `/heartbeat/CHECK_ID`, `…/start`, `…/fail`, by POST or GET, with the job's secret.

The secret comes as `Authorization: Bearer SECRET`, or as the last part of the address for programs
that can send nothing else; an address stands in the logs of every proxy on the way, a header does
not. Here neither is written anywhere. Everybody may knock; without the right secret the answer is the
same whether there is such a check or not. HEAD tells nothing: programs that look at links send it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from aiohttp import web

from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.house import House
from bcp.watch.heartbeats import Word
from probes.availability.heartbeat import HeartbeatCheck
from probes.engine.trouble import Trouble

LOG = structlog.get_logger("heartbeats")
_SEATS = 4
"""Signs judged at once: every job of a city may call at the same full hour."""
_WORDS: dict[str, Word] = {"start": "start", "success": "success", "fail": "fail"}


def routes(house: Callable[[], House]) -> list[Route]:
    """One door, two ways to knock."""
    seats = asyncio.Semaphore(_SEATS)

    async def knock(request: web.Request) -> web.StreamResponse:
        if request.method == "HEAD":
            return web.Response(status=405, headers={"Allow": "GET, POST"})
        found = _meant(house(), request.match_info["rest"])
        if found is None:
            return _refused()
        check, word, secret = found
        scheme, _space, header = request.headers.get("Authorization", "").partition(" ")
        token = header.strip() if scheme.lower() == "bearer" else secret
        try:
            if not token or not await check.admits(house().env, token):
                return _refused()
        except Trouble as trouble:  # our file: said on the board too
            LOG.error("heartbeat refused", check=check.id, why=trouble.text.en)
            return _refused()
        await house().heartbeats.hear(check.id, word)
        async with seats:
            await house().look(check)
        return web.Response(text="ok\n")

    return [
        Route(method, "/heartbeat/{rest:.+}", Permission.PUBLIC, knock, machine=True)
        for method in ("GET", "POST")
    ]


def _meant(house: House, rest: str) -> tuple[HeartbeatCheck, Word, str] | None:
    """The check (ids hold slashes, too: the longest that fits), the word and the secret behind it."""
    parts = rest.split("/")
    for count in range(len(parts), max(0, len(parts) - 3), -1):
        id, tail = "/".join(parts[:count]), parts[count:]
        if id not in house.board:
            continue
        check = house.board.view(id).check
        if not isinstance(check, HeartbeatCheck):
            continue
        word: Word = "success"
        if tail and tail[0] in _WORDS:
            word = _WORDS[tail.pop(0)]
        if len(tail) <= 1:
            return check, word, "".join(tail)
    return None


def _refused() -> web.Response:
    said = {"error": "NotPermitted", "what": "合図を受け取れません / not taken"}
    return web.json_response(said, status=403)
