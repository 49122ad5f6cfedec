"""A loopback address that serves, refuses or stays silent.

Three states, as in a real server room: *running*; *stopped* (nothing listens: the kernel refuses
at once, as when a program has ended); *cut* (packets vanish: connecting and asking end in a
timeout, as when the line to a site is gone). Cut is done with the accept queue: a listener with a
backlog of 0 that nobody accepts from, filled by one connection of our own; the kernel then drops
every further SYN. `ping` of 127.0.0.0/8 cannot be cut that way, so no site is watched by ping alone.
"""

from __future__ import annotations

import asyncio
import errno
import secrets
import socket
from abc import ABC, abstractmethod
from collections.abc import Iterable
from enum import StrEnum

from bcp.kit.errors import BcpError, Busy

_FIRST_PORT, _LAST_PORT = 20_000, 32_000
"""Below the kernel's ephemeral ports, so that an outgoing connection never sits on one."""
_TRIES = 200


class Mode(StrEnum):
    """What a listener does with a stranger's packet."""

    RUNNING = "running"
    STOPPED = "stopped"
    CUT = "cut"


def bound(host: str, port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    """A bound socket. Raises `Busy` when somebody else has the port."""
    sock = socket.socket(socket.AF_INET, kind)
    try:
        sock.setblocking(False)
        if kind is socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        if error.errno != errno.EADDRINUSE:
            raise BcpError(f"bind: {error.strerror}", where=f"{host}:{port}") from error
        raise Busy(
            "ポートが使われています / the port is in use",
            where=f"{host}:{port}",
            next_step="そのプログラムを止めるか DATA/practice/city.json を消して始め直す / "
            "stop that program, or delete DATA/practice/city.json and start again",
        ) from error
    return sock


def is_free(host: str, port: int) -> bool:
    """Whether both a TCP listener and a UDP socket could be opened there now."""
    try:
        with bound(host, port) as tcp, bound(host, port, socket.SOCK_DGRAM):
            tcp.listen(1)
    except (BcpError, OSError):
        return False
    return True


def free_port(host: str, taken: Iterable[int] = ()) -> int:
    """A port free for TCP and UDP on `host`. Raises `Busy` when none can be found."""
    avoid = set(taken)
    for _try in range(_TRIES):
        port = _FIRST_PORT + secrets.randbelow(_LAST_PORT - _FIRST_PORT)
        if port not in avoid and is_free(host, port):
            return port
    raise Busy("空いているポートがありません / no free port", where=host)


class Listener(ABC):
    """One service of the practice city at one address. Start, stop and cut in any order."""

    def __init__(self, id: str, host: str, port: int) -> None:
        self.id, self.host, self.port = id, host, port
        self.mode = Mode.STOPPED
        self._held: list[socket.socket] = []

    @property
    def address(self) -> str:
        """`127.0.0.1:20123`."""
        return f"{self.host}:{self.port}"

    async def start(self) -> None:
        """Serve; harmless when it already does."""
        if self.mode is Mode.RUNNING:
            return
        await self.stop()
        sock = bound(self.host, self.port)
        try:
            sock.listen(64)
            await self._open(sock)
        except BaseException:
            sock.close()
            raise
        self.mode = Mode.RUNNING

    async def stop(self) -> None:
        """Refuse: nothing listens any more, open connections are closed."""
        if self.mode is Mode.RUNNING:
            await self._close()
        for sock in self._held:
            sock.close()
        self._held.clear()
        self.mode = Mode.STOPPED

    async def cut(self) -> None:
        """Fall silent: nobody gets an answer, not even a refusal."""
        if self.mode is Mode.CUT:
            return
        await self.stop()
        wall = bound(self.host, self.port)
        wall.listen(0)
        self._held.append(wall)
        self._held += self._silence()
        await self._fill()
        self.mode = Mode.CUT

    async def _fill(self) -> None:
        """Take the places of the accept queue until the kernel lets nobody in any more."""
        loop = asyncio.get_running_loop()
        for _place in range(4):
            filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            filler.setblocking(False)
            self._held.append(filler)
            try:
                async with asyncio.timeout(0.1):
                    await loop.sock_connect(filler, (self.host, self.port))
            except TimeoutError:
                return

    def _silence(self) -> list[socket.socket]:
        """Further sockets to hold without reading, so that other protocols fall silent too."""
        return []

    @abstractmethod
    async def _open(self, sock: socket.socket) -> None:
        """Serve on this listening socket."""

    @abstractmethod
    async def _close(self) -> None:
        """Close the socket given to `_open` and everything opened through it."""
