"""The control socket believes the kernel, not the caller; one left behind is replaced."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from bcp.kit.errors import Unwritable
from bcp.service import control


async def seen_by(data: Path) -> int:
    app = web.Application()

    async def who(request: web.Request) -> web.Response:
        return web.Response(text=str(control.peer_uid(request)))

    app.router.add_get("/who", who)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await control.listen(runner, data)
        mode = stat.S_IMODE((data / control.SOCKET_NAME).stat().st_mode)
        assert mode == 0o600
        connector = aiohttp.UnixConnector(str(data / control.SOCKET_NAME))
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get("http://daemon/who", headers={"X-Uid": "12345"}) as answer,
        ):
            return int(await answer.text())
    finally:
        await runner.cleanup()


async def test_the_uid_comes_from_the_kernel(tmp_path: Path) -> None:
    assert await seen_by(tmp_path) == os.getuid()


async def test_a_socket_left_by_a_killed_daemon_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(str(tmp_path / control.SOCKET_NAME))

    assert await seen_by(tmp_path) == os.getuid()


async def test_a_folder_that_is_not_there_is_unwritable(tmp_path: Path) -> None:
    runner = web.AppRunner(web.Application())
    await runner.setup()
    with pytest.raises(Unwritable):
        await control.listen(runner, tmp_path / "nowhere")
    await runner.cleanup()


def test_root_and_ourselves_may_and_nobody_else() -> None:
    assert control.allowed(0)
    assert control.allowed(os.geteuid())
    assert not control.allowed(os.geteuid() + 4711)
    assert not control.allowed(None)
    assert control.actor(1000).id == "uid:1000"
