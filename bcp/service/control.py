"""The control socket: operations for whoever the kernel says is on the other end.

`DATA/control.sock` (mode 0600) speaks the API over HTTP. The peer's uid (SO_PEERCRED) is the actor:
root and the daemon's own user may do everything, anybody else is refused.
"""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path

from aiohttp import web

from bcp.journal.entry import Actor
from bcp.kit.durable import unwritable

SOCKET_NAME = "control.sock"
CONSOLE = "console"
"""In which capacity the actor on this machine acts."""
_UCRED = struct.Struct("3i")


def peer_uid(request: web.BaseRequest) -> int | None:
    """The uid of the process on the other end of a Unix socket, from the kernel."""
    transport = request.transport
    peer = transport.get_extra_info("socket") if transport else None
    if peer is None or peer.family != socket.AF_UNIX:
        return None
    _pid, uid, _gid = _UCRED.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(uid)


def allowed(uid: int | None) -> bool:
    """Root and the daemon's own user."""
    return uid is not None and uid in (0, os.geteuid())


def actor(uid: int) -> Actor:
    """The uid as the actor of an entry."""
    return Actor(f"uid:{uid}", CONSOLE)


async def listen(runner: web.AppRunner, data: Path) -> web.UnixSite:
    """Open the socket; one left by a killed daemon is replaced (the folder's lock is ours)."""
    path = data / SOCKET_NAME
    mask = os.umask(0o177)
    try:
        path.unlink(missing_ok=True)
        site = web.UnixSite(runner, str(path))
        await site.start()
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        os.umask(mask)
    return site
