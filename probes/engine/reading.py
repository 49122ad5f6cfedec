"""What a peer says in lines or counted bytes, with an end to patience; and a polite goodbye."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from bcp.kit.language import Text
from probes.engine import redact
from probes.engine.trouble import Stopwatch, Trouble, patience
from probes.engine.wire import Wire

_FAREWELL = 1.0
"""Seconds a goodbye may take: what was asked has been answered by then."""
_FAREWELL_READS = 32


class Reading:
    """Reads one wire. `cap`: bytes in all that a decent peer needs; more is a flood."""

    def __init__(self, wire: Wire, cap: int) -> None:
        self._wire = wire
        self._left = cap
        self._held = bytearray()

    @property
    def held(self) -> bool:
        """More has been heard than was read."""
        return bool(self._held)

    async def line(self, most: int = 8192) -> bytes:
        """The next line without its end. Raises `Trouble` when it is over `most` bytes."""
        while (end := self._held.find(b"\n")) < 0:
            if len(self._held) > most:
                raise self._trouble("一行が長すぎます", "a line without an end")
            await self._more()
        line = bytes(self._held[:end])
        del self._held[: end + 1]
        return line.removesuffix(b"\r")

    async def exactly(self, count: int) -> bytes:
        """The next `count` bytes. Raises `Trouble`."""
        while len(self._held) < count:
            await self._more()
        taken = bytes(self._held[:count])
        del self._held[:count]
        return taken

    async def _more(self) -> None:
        data = await self._wire.receive()
        self._held += data
        self._left -= len(data)
        if not data:
            raise self._trouble("応答の途中で切られました", "closed before the whole answer")
        if self._left < 0:
            raise self._trouble("終わらない応答です", "an answer without an end")

    def _trouble(self, ja: str, en: str) -> Trouble:
        heard = redact.line(self._held[:200].decode("utf-8", "replace")) or "-"
        return Trouble(Text(ja, en), "answer", evidence=(f"受信 heard: {heard}",))


@contextmanager
def spoken(protocol: str) -> Iterator[None]:
    """Turns bytes that do not parse into the `Trouble` of a wrong answer."""
    try:
        yield
    except (struct.error, IndexError, ValueError) as error:
        text = Text(f"{protocol}として読めない応答です", f"the answer is not {protocol}")
        raise Trouble(text, "answer") from error


async def part(wire: Wire, words: bytes, watch: Stopwatch, timeout: timedelta) -> None:
    """Say goodbye and hear the other side out for a moment: closing while it still speaks would
    stand in its log as a broken connection. Never fails: the verdict is made already."""
    spent = watch.stop()["total"]
    try:
        async with asyncio.timeout(min(_FAREWELL, max(0.0, patience(timeout) - spent) / 2)):
            wire.send(words)
            for _turn in range(_FAREWELL_READS):
                if not await wire.receive():
                    return
    except (TimeoutError, Trouble):
        return
