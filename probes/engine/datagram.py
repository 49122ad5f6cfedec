"""One question over UDP, asked again when it may have been lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from probes.engine.fields import place
from probes.engine.trouble import from_os

T = TypeVar("T")
_TRIES = 3
_FIRST_WAIT = 0.8


class _Listener(asyncio.DatagramProtocol, Generic[T]):
    """Hands over the first datagram that answers; others (spoofed, late) are left."""

    def __init__(self, accept: Callable[[bytes], T | None]) -> None:
        self._accept = accept
        self.heard: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, _address: object) -> None:
        reply = self._accept(data)
        if reply is not None and not self.heard.done():
            self.heard.set_result(reply)

    def error_received(self, error: Exception) -> None:
        if not self.heard.done():
            self.heard.set_exception(error)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.heard.done():
            self.heard.cancel()


async def ask(
    address: str, port: int, packet: Callable[[], bytes], accept: Callable[[bytes], T | None]
) -> T:
    """Send up to three packets and wait for one that is accepted, without end: the caller's
    deadline ends it. `accept` runs the moment a datagram comes. Raises `Trouble`."""
    loop = asyncio.get_running_loop()
    where = place(address, port)
    try:
        transport, listener = await loop.create_datagram_endpoint(
            lambda: _Listener(accept), remote_addr=(address, port)
        )
    except OSError as error:
        raise from_os(error, "answer", where) from error
    try:
        for turn in range(_TRIES - 1):
            transport.sendto(packet())
            try:
                async with asyncio.timeout(_FIRST_WAIT * 2**turn):
                    return await asyncio.shield(listener.heard)
            except TimeoutError:
                continue
        transport.sendto(packet())
        return await asyncio.shield(listener.heard)
    except OSError as error:
        raise from_os(error, "answer", where) from error
    finally:
        transport.abort()
        if listener.heard.done() and not listener.heard.cancelled():
            listener.heard.exception()  # looked at, whoever was waiting
