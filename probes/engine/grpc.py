"""The little of gRPC that one health question needs: one call over HTTP/2, two fields of protobuf.

Sources: gRPC over HTTP2 (PROTOCOL-HTTP2.md), gRPC Health Checking Protocol (grpc.health.v1). Frames and
header compression are the library's (`h2`); it never touches a socket.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from bcp.kit.language import Text
from probes.engine import redact
from probes.engine.trouble import Trouble
from probes.engine.wire import Wire

ALPN = (b"h2",)
_CAP = 256 << 10
"""Bytes a server may say in one call."""
_PATH = "/grpc.health.v1.Health/Check"


@dataclass(slots=True)
class Reply:
    """What came back: headers and trailers by name, the message's bytes."""

    headers: dict[str, str] = field(default_factory=dict)
    trailers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def code(self) -> int | None:
        """grpc-status; it stands in the headers where there was no message."""
        said = self.trailers.get("grpc-status") or self.headers.get("grpc-status", "")
        return int(said) if said.isascii() and said.isdigit() and len(said) < 4 else None

    @property
    def message(self) -> str:
        """grpc-message, as it was sent; may hold anything."""
        return self.trailers.get("grpc-message") or self.headers.get("grpc-message", "")

    @property
    def serving(self) -> int:
        """HealthCheckResponse.ServingStatus. Raises ValueError for bytes that are none."""
        if not self.body:
            raise ValueError("no message")
        packed, length = self.body[0], int.from_bytes(self.body[1:5], "big")
        data = self.body[5 : 5 + length]
        if packed or len(data) != length:
            raise ValueError("not one plain message")
        return status_of(data)


def question(service: str) -> bytes:
    """HealthCheckRequest in its gRPC frame."""
    name = service.encode()
    message = b"\x0a" + varint(len(name)) + name if name else b""
    return b"\0" + struct.pack("!I", len(message)) + message


def varint(number: int) -> bytes:
    """A number as protobuf writes it."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*out, number))


def status_of(data: bytes) -> int:
    """Field 1 of a message; 0 where it is absent. Raises ValueError."""
    found = at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = _varint(data, at)
            found = value if tag >> 3 == 1 else found
        elif kind == 2:
            size, at = _varint(data, at)
            at += size
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            raise ValueError(f"wire type {kind}")
    if at != len(data):
        raise ValueError("cut")
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("varint")
        value |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 0x80:
            return value, at


async def call(
    wire: Wire, authority: str, service: str, seconds: int, metadata: Mapping[str, str]
) -> Reply:
    """Ask once. Raises `Trouble` for what is no HTTP/2 or no answer."""
    config = h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
    connection = h2.connection.H2Connection(config)
    connection.initiate_connection()
    headers = [
        (":method", "POST"),
        (":scheme", "https" if wire.peer is not None else "http"),
        (":path", _PATH),
        (":authority", authority),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", "ict-bcp (availability check)"),
        ("grpc-timeout", f"{seconds}S"),
        *metadata.items(),
    ]
    connection.send_headers(1, headers)
    connection.send_data(1, question(service), end_stream=True)
    wire.send(connection.data_to_send())
    reply, left = Reply(), _CAP
    while True:
        data = await wire.receive()
        left -= len(data)
        if not data:
            raise Trouble(Text("応答の途中で切られました", "closed before the answer"), "answer")
        if left < 0:
            raise Trouble(Text("応答が大きすぎます", "the answer is too large"), "body")
        try:
            if data.startswith(b"HTTP/1"):  # else it would be taken for a frame of megabytes
                raise ValueError("HTTP/1")
            done = _heard(connection, connection.receive_data(data), reply)
        except (h2.exceptions.H2Error, ValueError) as error:
            shown = redact.line(data[:60].decode("latin-1"))
            text = Text("HTTP/2として読めない応答です", "the answer is not HTTP/2")
            raise Trouble(text, "answer", evidence=(type(error).__name__, shown)) from error
        wire.send(connection.data_to_send())
        if done:
            connection.close_connection()
            wire.send(connection.data_to_send())
            return reply


def _heard(
    connection: h2.connection.H2Connection, events: list[h2.events.Event], reply: Reply
) -> bool:
    """Take in what was said; True when the call is over. Raises `Trouble`."""
    for event in events:
        if isinstance(event, h2.events.ResponseReceived):
            reply.headers.update(_texts(event.headers))
        elif isinstance(event, h2.events.TrailersReceived):
            reply.trailers.update(_texts(event.headers))
        elif isinstance(event, h2.events.DataReceived):
            reply.body += event.data or b""
            connection.acknowledge_received_data(event.flow_controlled_length or 0, 1)
        elif isinstance(event, h2.events.StreamEnded):
            return True
        elif isinstance(event, h2.events.StreamReset | h2.events.ConnectionTerminated):
            text = Text(f"断られました (HTTP/2 {event.error_code})", f"reset ({event.error_code})")
            raise Trouble(text, "answer")
    return False


def _texts(headers: object) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers or ():  # type: ignore[attr-defined]
        found[_text(name)] = _text(value)
    return found


def _text(value: bytes | str) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
