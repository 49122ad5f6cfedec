"""WebSocket frames (RFC 6455 section 5) without sockets: bytes in, whole messages out. Pure."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
"""Opcodes. 0 continues a message; the others are reserved."""

_CONTROL_MOST = 125
_FRAMES_MOST = 1000
"""Frames read on one connection: thousands of empty ones would hold the event loop."""
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_of(key: str) -> str:
    """The `Sec-WebSocket-Accept` that proves the server read our key (RFC 6455 section 4.2.2)."""
    digest = hashlib.sha1(key.encode() + _MAGIC, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def frame(opcode: int, payload: bytes) -> bytes:
    """One whole frame as a client sends it: final, masked with a fresh mask (section 5.3)."""
    size = len(payload)
    if size <= _CONTROL_MOST:
        head = bytes((0x80 | opcode, 0x80 | size))
    else:
        head = bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2)
    mask = os.urandom(4)
    repeated = (mask * (size // 4 + 1))[:size]
    masked = int.from_bytes(payload) ^ int.from_bytes(repeated)
    return head + mask + masked.to_bytes(size)


@dataclass(frozen=True, slots=True)
class Message:
    """What the server said: a whole text or binary message, or a control frame."""

    opcode: int
    payload: bytes

    @property
    def close_code(self) -> int:
        """The code of a CLOSE; 1005 when it carries none (section 7.1.5)."""
        return int.from_bytes(self.payload[:2]) if len(self.payload) >= 2 else 1005


class Messages:
    """Collects bytes and gives whole messages. `cap`: most bytes of one message."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._held = bytearray()
        self._parts: list[bytes] = []
        self._opcode = 0
        self._size = 0
        self._frames = 0

    def feed(self, data: bytes) -> Iterator[Message]:
        """Messages these bytes complete. Raises ValueError where they break the protocol."""
        self._held += data
        while (taken := self._take()) is not None:
            self._frames += 1
            if self._frames > _FRAMES_MOST:
                raise ValueError(f"more than {_FRAMES_MOST} frames")
            final, opcode, payload = taken
            if opcode >= CLOSE:
                yield Message(opcode, payload)
            elif (message := self._join(final, opcode, payload)) is not None:
                yield message

    def _take(self) -> tuple[bool, int, bytes] | None:
        """The first whole frame, or None while it is not."""
        held = self._held
        if len(held) < 2:
            return None
        final, opcode, size, start = bool(held[0] & 0x80), held[0] & 0x0F, held[1] & 0x7F, 2
        if held[0] & 0x70:
            raise ValueError("reserved bits are set")
        if held[1] & 0x80:
            raise ValueError("a server must not mask")
        if opcode not in (0, TEXT, BINARY, CLOSE, PING, PONG):
            raise ValueError(f"unknown opcode {opcode}")
        if opcode >= CLOSE and (size > _CONTROL_MOST or not final):
            raise ValueError("a control frame is long or in parts")
        if size > _CONTROL_MOST:
            start += 2 if size == 126 else 8
            if len(held) < start:
                return None
            size = int.from_bytes(held[2:start])
        if self._size + size > self._cap:
            raise ValueError(f"a message of more than {self._cap} bytes")
        if len(held) < start + size:
            return None
        payload = bytes(held[start : start + size])
        del held[: start + size]
        return final, opcode, payload

    def _join(self, final: bool, opcode: int, payload: bytes) -> Message | None:
        if bool(opcode) == bool(self._opcode):
            raise ValueError("parts of messages out of order")
        self._opcode = opcode or self._opcode
        self._parts.append(payload)
        self._size += len(payload)
        if not final:
            return None
        message = Message(self._opcode, b"".join(self._parts))
        self._parts, self._opcode, self._size = [], 0, 0
        return message
