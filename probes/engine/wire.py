"""One connection, plain or TLS: an asyncio Protocol with a small awaitable face.

Whatever happens (an answer, a Trouble, the caller's cancellation) the socket is closed when
`connect` is left: aborted, never lingering, so a hung target cannot collect our sockets.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import cast

from OpenSSL import SSL

from bcp.kit.language import Text
from bcp.watch.check import Env
from probes.engine import redact, tls
from probes.engine.resolve import addresses
from probes.engine.trouble import Stopwatch, Trouble, from_os

_HEAD = 16 << 10
"""Bytes of a proxy's answer that are read."""
_HIGH_WATER = 1 << 18
"""Bytes held back before reading is paused: a flood costs memory only up to here."""


class Wire(asyncio.Protocol):
    """Bytes to and from one peer. One reader at a time."""

    __slots__ = (
        "_buffer",
        "_ended",
        "_error",
        "_paused",
        "_session",
        "_transport",
        "_waiter",
        "address",
        "peer",
    )

    def __init__(self, session: tls.Session | None = None) -> None:
        self._session = session
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self._ended = False
        self._paused = False
        self.address = ""
        self.peer: tls.Peer | None = None
        """What the TLS handshake showed; None on a plain connection."""

    # -- called by the loop --

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._session is not None:
            self._session.shake()
            self._flush()

    def data_received(self, data: bytes) -> None:
        if self._session is not None:
            try:
                data = self._session.feed(data)
                self._ended = self._ended or self._session.ended
            except SSL.Error as error:
                self._error = error
                data = b""
            self._flush()  # also after an error: our alert tells the other side why
        self._buffer += data
        if len(self._buffer) > _HIGH_WATER and not self._paused and self._transport:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self._ended = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        if exc is not None and self._error is None:
            self._error = exc
        self._wake()

    # -- called by the probe --

    def _flush(self) -> None:
        if self._session is None or self._transport is None or self._transport.is_closing():
            return
        out = self._session.pending()
        if out:
            self._transport.write(out)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _change(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    async def handshake(self) -> tls.Peer:
        """Finish TLS (begun by `connect` or `start_tls`). Raises `Trouble`."""
        session = self._session
        assert session is not None
        while not session.done:
            self._raise("tls")
            if self._ended:
                text = Text("TLSの途中で切られました", "closed during the TLS handshake")
                raise Trouble(text, "tls")
            await self._change()
        self.peer = session.peer()
        return self.peer

    def verified_path(self) -> tuple[bytes, ...]:
        """DER of the certificates from the server's own up to the trusted authority."""
        return self._session.path() if self._session is not None else ()

    @property
    def own_address(self) -> str:
        """The address of this machine the connection leaves from."""
        name = self._transport.get_extra_info("sockname") if self._transport else None
        return str(name[0]) if name else ""

    def start_tls(self, session: tls.Session) -> None:
        """Begin TLS on a plain connection (after STARTTLS). Raises `Trouble` when something has
        been said already: anyone on the way could have put it in, to be read as protected."""
        if self._buffer:
            text = Text("TLSの前に余計な応答があります", "it said more before TLS began")
            raise Trouble(text, "tls")
        self._session = session
        session.shake()
        self._flush()

    def _raise(self, phase: str) -> None:
        error = self._error
        if isinstance(error, SSL.Error):
            raise tls.refused(error) from error
        if isinstance(error, OSError) and not self._buffer:
            raise from_os(error, "tls" if phase == "tls" else "answer", self.address) from error

    def send(self, data: bytes) -> None:
        """Queue bytes; what cannot be sent shows at the next `receive`."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._session is None:
            self._transport.write(data)
        else:
            self._session.write(data)
            self._flush()

    async def receive(self) -> bytes:
        """The next bytes, `b""` at the end. Raises `Trouble`."""
        while not self._buffer:
            self._raise("answer")
            if self._ended:
                return b""
            await self._change()
        data = bytes(self._buffer)
        self._buffer.clear()
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return data

    def close(self) -> None:
        """Drop the connection now."""
        if self._transport is not None:
            self._transport.abort()


def _same(wire: Wire) -> Wire:
    return wire


async def _dial(
    env: Env, host: str, port: int, session: tls.Session | None, watch: Stopwatch
) -> Wire:
    """Connect to the first address of `host` that accepts. Raises `Trouble`.

    Of several addresses, one that refused proves more than one we had no route to.
    """
    watch.enter("resolve")
    found = await addresses(env, host, port)
    watch.enter("connect")
    loop = asyncio.get_running_loop()
    worst: Trouble | None = None
    for index, address in enumerate(found):
        wire = Wire(session)
        wire.address = f"{address} port {port}"
        try:
            if index == len(found) - 1:
                await loop.create_connection(partial(_same, wire), address, port)
            else:  # a silent first address must not eat the whole time of those behind it
                async with asyncio.timeout(2.0):
                    await loop.create_connection(partial(_same, wire), address, port)
            return wire
        except TimeoutError:
            silent = OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
            trouble = from_os(silent, "connect", wire.address)
        except OSError as error:
            trouble = from_os(error, "connect", wire.address)
        except BaseException:
            wire.close()
            raise
        if worst is None or (worst.ours and not trouble.ours):
            worst = trouble
    assert worst is not None
    try:
        raise worst
    finally:  # its trace names this frame: kept here, the two would be a circle nobody frees
        del worst, trouble


async def _tunnel(wire: Wire, host: str, port: int) -> None:
    """Ask a proxy for a way to the server. Raises `Trouble` with the proxy's own words."""
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    wire.send(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _HEAD:
        data = await wire.receive()
        if not data:
            break
        head += data
    first = head.split(b"\r\n", 1)[0].split(b" ", 2)
    if not (len(first) > 1 and first[0].startswith(b"HTTP/1.") and first[1][:1] == b"2"):
        shown = redact.line(head[:120].decode("latin-1")) or "-"
        text = Text("プロキシが通しませんでした", "the proxy did not let us through")
        raise Trouble(text, "connect", ours=True, evidence=(f"proxy: {shown}",))


@asynccontextmanager
async def connect(
    env: Env,
    host: str,
    port: int,
    watch: Stopwatch,
    *,
    server_name: str | None = None,
    secure: bool = False,
    legacy: bool = False,
    client: str | None = None,
    proxy: tuple[str, int] | None = None,
    alpn: tuple[bytes, ...] = (),
) -> AsyncIterator[Wire]:
    """An open connection (TLS finished when `secure`), closed on leaving. Raises `Trouble`.

    `server_name` is sent and verified instead of `host`. `Wire.peer` holds what TLS showed; its
    faults are for the caller to judge. `alpn`: protocols offered inside TLS. `client`: a PEM file with the certificate and key we show.
    Through `proxy` TLS goes by a tunnel (RFC 9110 section 9.3.6); what is plain is the caller's to
    address.
    """
    session = None
    if secure:
        context = await tls.context(env, legacy=legacy, client=client)
        session = tls.Session(context, server_name or host, alpn)
    to, at = proxy or (host, port)
    try:
        wire = await _dial(env, to, at, None if proxy else session, watch)
    except Trouble as trouble:
        trouble.ours = trouble.ours or proxy is not None  # of the server nothing is known
        raise
    try:
        if session is not None and proxy is not None:
            await _tunnel(wire, host, port)
            wire.start_tls(session)
        if secure:
            watch.enter("tls")
            await wire.handshake()
        watch.enter("answer")
        yield wire
    finally:
        wire.close()
