"""Operations from the command line: through the running daemon, else with the folder's lock."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp

from bcp.kit.errors import BcpError, UsageError
from bcp.service.control import SOCKET_NAME

_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=3)


async def ask_daemon(
    data: Path, path: str, parameters: dict[str, Any], *, writes: bool
) -> dict[str, Any] | None:
    """The daemon's answer; None when no daemon listens on this data folder.

    Raises the daemon's refusal as a `BcpError` with its own words and exit code.
    """
    socket = data / SOCKET_NAME
    try:
        if not socket.exists():
            return None
    except OSError as error:
        raise _closed(socket) from error
    connector = aiohttp.UnixConnector(str(socket))
    async with aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT) as session:
        try:
            if writes:
                reply = session.post(f"http://daemon{path}", json=parameters)
            else:
                query = {k: str(v) for k, v in parameters.items() if v is not None}
                reply = session.get(f"http://daemon{path}", params=query)
            async with reply as response:
                document: dict[str, Any] = json.loads(await response.read())
        except (aiohttp.ClientConnectorError, FileNotFoundError, ConnectionRefusedError) as error:
            if isinstance(getattr(error, "os_error", None), PermissionError):
                raise _closed(socket) from error
            return None  # a socket left behind by a killed daemon
        except (aiohttp.ClientError, json.JSONDecodeError) as error:
            raise BcpError(
                "常駐プログラムの答えが読めません / cannot read the daemon's answer",
                where=str(socket),
                got=type(error).__name__,
            ) from error
    if response.status >= 400:
        raise _refusal(document, response.status)
    return document


def _refusal(document: dict[str, Any], status: int) -> BcpError:
    kind = UsageError if status in (400, 403, 404, 409, 422) else BcpError
    return kind(
        str(document.get("what") or document.get("error") or status),
        where=document.get("where"),
        expected=document.get("expected"),
        got=document.get("got"),
        next_step=document.get("next"),
    )


def _closed(socket: Path) -> UsageError:
    return UsageError(
        "この利用者には開けません / this user may not open it",
        where=str(socket),
        next_step="root か常駐プログラムの利用者で行う (sudo) / as root or the daemon's own user",
    )
