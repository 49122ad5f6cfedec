"""The servers themselves: nobody holds a connection, nobody fills the journal of the machine."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from bcp.service.web import server_of

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _hello(_request: web.Request) -> web.Response:
    return web.Response(text="hello")


@pytest.fixture
async def streams() -> AsyncIterator[Streams]:
    app = web.Application()
    app.router.add_get("/", _hello)
    runner = server_of(app, patience=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0])
    yield reader, writer
    writer.close()
    await runner.cleanup()


async def test_a_request_that_never_ends_loses_its_connection(streams: Streams) -> None:
    reader, writer = streams
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
    async with asyncio.timeout(5):
        assert await reader.read() == b""


async def test_what_is_no_http_is_refused_without_a_word_in_the_log(
    streams: Streams, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = streams
    writer.write(b"GET /?\xff\xfe\x01 NONSENSE\r\n\r\n")
    with caplog.at_level(logging.DEBUG):
        async with asyncio.timeout(5):
            assert (await reader.read()).startswith(b"HTTP/1.0 400")
    assert not [r for r in caplog.records if r.name != "asyncio"]
