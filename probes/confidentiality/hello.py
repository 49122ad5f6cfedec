"""A raw TLS ClientHello and what a server says to it. Pure bytes, no TLS library.

The library of this host cannot even ask for SSL 3.0, RC4, 3DES or EXPORT, so it would call a server
clean that still offers them. A hello asks for one family; the answer's first messages are in the
clear up to TLS 1.2 and prove what was chosen. Nothing is finished: the connection is then dropped.
Formats: RFC 6101 (SSL 3.0), RFC 5246 (TLS 1.2).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

SSL3, TLS1_0, TLS1_1, TLS1_2 = 0x0300, 0x0301, 0x0302, 0x0303

NULL = (0x0001, 0x0002, 0x003B, 0xC001, 0xC006, 0xC00B, 0xC010)
ANONYMOUS = (
    *(0x0018, 0x001B, 0x0034, 0x003A, 0x006C, 0x006D, 0x00A6, 0x00A7),
    *(0xC015, 0xC016, 0xC017, 0xC018, 0xC019),
)
EXPORT = (
    *(0x0003, 0x0006, 0x0008, 0x000B, 0x000E, 0x0011, 0x0014),
    *(0x0017, 0x0019, 0x0062, 0x0064),
)
RC4 = (0x0004, 0x0005, 0xC002, 0xC007, 0xC00C, 0xC011)
TRIPLE_DES = (0x000A, 0x000D, 0x0010, 0x0013, 0x0016, 0xC003, 0xC008, 0xC00D, 0xC012)
STATIC_RSA = (
    *(0x009D, 0x009C, 0x003D, 0x003C, 0x0035, 0x002F, 0x0084, 0x0041, 0x00C0, 0x00BA),
    *(0xC09C, 0xC09D, 0xC0A0, 0xC0A1, 0x0096),
)
DHE = (
    *(0x009F, 0x009E, 0xCCAA, 0x006B, 0x0067, 0x0039, 0x0033, 0x0088, 0x0045),
    *(0x00A3, 0x00A2, 0x006A, 0x0040, 0x0038, 0x0032, 0x0016, 0x0013),
)
ECDHE = (
    *(0xC02C, 0xC02B, 0xC030, 0xC02F, 0xCCA9, 0xCCA8, 0xC024, 0xC023, 0xC028, 0xC027),
    *(0xC00A, 0xC009, 0xC014, 0xC013),
)
MODERN = (*ECDHE, *DHE, *STATIC_RSA)
ANY = (*MODERN, *TRIPLE_DES, *RC4)

_GROUPS = (29, 23, 24, 25)  # no ffdhe: the server then shows its own DH parameters
_SIGNATURES = (
    *(0x0403, 0x0503, 0x0603, 0x0807, 0x0804, 0x0805, 0x0806),
    *(0x0401, 0x0501, 0x0601, 0x0203, 0x0201, 0x0402, 0x0202),
)
_CAP = 1 << 17


def _vector(items: Iterable[int]) -> bytes:
    body = b"".join(struct.pack("!H", item) for item in items)
    return struct.pack("!H", len(body)) + body


def _extension(number: int, body: bytes) -> bytes:
    return struct.pack("!HH", number, len(body)) + body


def client_hello(
    version: int, ciphers: Sequence[int], host: str | None, random: bytes | None = None
) -> bytes:
    """The record to send. `host` goes into server_name (None for an address)."""
    body = struct.pack("!H", version) + (random or os.urandom(32)) + b"\0"
    body += _vector((*ciphers, 0x00FF)) + b"\x01\x00"
    if version > SSL3:
        extensions = b""
        if host is not None:
            name = host.encode("ascii", "ignore")
            entry = b"\0" + struct.pack("!H", len(name)) + name
            extensions += _extension(0, struct.pack("!H", len(entry)) + entry)
        extensions += _extension(10, _vector(_GROUPS)) + _extension(11, b"\x01\x00")
        if version >= TLS1_2:
            extensions += _extension(13, _vector(_SIGNATURES))
        body += struct.pack("!H", len(extensions)) + extensions
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16" + struct.pack("!HH", min(version, TLS1_0), len(message)) + message


@dataclass(frozen=True, slots=True)
class Reply:
    """`hello`: version and cipher chosen; `refused`: an alert or a close; `odd`: not TLS."""

    kind: Literal["hello", "refused", "odd"]
    version: int = 0
    cipher: int = 0
    dh_bits: int | None = None
    """Size of the server's Diffie-Hellman prime, when it sent one."""
    note: str = ""


class Reader:
    """Takes the bytes of a server's first flight as they come; `reply` is set when it is told."""

    def __init__(self, *, want_dh: bool = False) -> None:
        self._want_dh = want_dh
        self._data = b""
        self._messages = b""
        self._hello: tuple[int, int] | None = None
        self.reply: Reply | None = None

    def feed(self, data: bytes) -> None:
        """More bytes; `b""` means that the server closed."""
        if self.reply is not None:
            return
        if not data:
            self._close()
            return
        self._data += data
        if len(self._data) > _CAP:
            self.reply = Reply("odd", note="too long")
        while self.reply is None and len(self._data) >= 5:
            kind, major, _minor, length = struct.unpack("!BBBH", self._data[:5])
            if kind not in (20, 21, 22, 23) or major != 3 or length > 1 << 15:
                self.reply = self._told() or Reply("odd", note="not TLS")
                return
            if len(self._data) < 5 + length:
                return
            body, self._data = self._data[5 : 5 + length], self._data[5 + length :]
            if kind == 21:
                note = f"alert {body[1]}" if len(body) >= 2 else "alert"
                self.reply = self._told() or Reply("refused", note=note)
            elif kind == 22:
                self._messages += body
                self._handshake()

    def _close(self) -> None:
        if self._data and self._hello is None and self._data[:1] not in b"\x15\x16":
            self.reply = Reply("odd", note="not TLS")
        else:
            self.reply = self._told() or Reply("refused", note="closed")

    def _told(self, dh_bits: int | None = None) -> Reply | None:
        if self._hello is None:
            return None
        return Reply("hello", *self._hello, dh_bits)

    def _handshake(self) -> None:
        while self.reply is None and len(self._messages) >= 4:
            kind, length = self._messages[0], int.from_bytes(self._messages[1:4], "big")
            if len(self._messages) < 4 + length:
                if length > _CAP:
                    self.reply = self._told() or Reply("odd", note="message too long")
                return
            body, self._messages = self._messages[4 : 4 + length], self._messages[4 + length :]
            if kind == 2:
                self._server_hello(body)
            elif kind == 12 and self._hello is not None:
                bits = dh_bits(body) if self._hello[1] in DHE else None
                self.reply = self._told(bits)
            elif kind == 14:
                self.reply = self._told() or Reply("odd", note="no ServerHello")

    def _server_hello(self, body: bytes) -> None:
        session = body[34] if len(body) > 34 else 255
        if len(body) < 35 + session + 2:
            self.reply = Reply("odd", note="broken ServerHello")
            return
        version = int.from_bytes(body[:2], "big")
        cipher = int.from_bytes(body[35 + session : 37 + session], "big")
        self._hello = (version, cipher)
        if not (self._want_dh and cipher in DHE):
            self.reply = self._told()  # nothing more is needed to know


def dh_bits(body: bytes) -> int | None:
    """Bits of the prime in a ServerKeyExchange of DHE."""
    length = int.from_bytes(body[:2], "big")
    if len(body) < 2 + length or not length:
        return None
    return int.from_bytes(body[2 : 2 + length], "big").bit_length()


def name_of(version: int) -> str:
    """`TLS 1.0`."""
    return {SSL3: "SSL 3.0", TLS1_0: "TLS 1.0", TLS1_1: "TLS 1.1", TLS1_2: "TLS 1.2"}.get(
        version, f"{version:#06x}"
    )
