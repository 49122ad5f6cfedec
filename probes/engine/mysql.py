"""The little of MySQL's protocol (MariaDB, MySQL) that one login and reading statements need.

Sources: MariaDB "Client/Server Protocol"; MySQL "Client/Server Protocol", connection phase.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from bcp.kit.language import Text
from bcp.watch.check import Env
from probes.engine import redact, rows, tls
from probes.engine.login import Attempt
from probes.engine.reading import Reading, spoken
from probes.engine.rows import Limits, Row, Value
from probes.engine.trouble import Stopwatch, Trouble
from probes.engine.wire import Wire

NAME = "MySQL"
_SSL = 1 << 11
_CAPABILITIES = 1 | 1 << 9 | 1 << 13 | 1 << 15 | 1 << 19
"""LONG_PASSWORD, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH. Neither several
statements in one nor files of ours (LOCAL INFILE): the server must not ask for them."""
_UTF8 = 45
_MOST = 1 << 16
_NATIVE, _SHA2, _CLEAR = "mysql_native_password", "caching_sha2_password", "mysql_clear_password"
_WHOLE, _REAL = {1, 2, 3, 8, 9, 13}, {0, 4, 5, 246}
"""Types of columns."""
_REFUSED = {"1045", "1698", "1820", "1862", "3118", "3878", "4151"}
"""Wrong password, no such user, expired, locked."""
_NO_REPLICA_WORD = "1064"


@dataclass(frozen=True, slots=True)
class _Greeting:
    version: str
    salt: bytes
    capabilities: int
    plugin: str


class MySql:
    """One session on an open `Wire`."""

    def __init__(self, wire: Wire) -> None:
        self._wire, self._reading = wire, Reading(wire, rows.CAP)
        self._next = 0
        self._greeting: _Greeting | None = None

    @property
    def version(self) -> str:
        """What it says it is."""
        return self._greeting.version if self._greeting else ""

    @property
    def maria(self) -> bool:
        """MariaDB, which names some things otherwise."""
        return "mariadb" in self.version.lower()

    async def greeting(self) -> _Greeting:
        """What the server says first. Raises `Trouble`."""
        if self._greeting is None:
            with spoken(NAME):
                self._greeting = _greeting(await self._packet())
        return self._greeting

    async def secure(self, env: Env, watch: Stopwatch, host: str, *, legacy: bool) -> tls.Peer:
        """Ask for TLS and begin it. Raises `Trouble`."""
        session = tls.Session(await tls.context(env, legacy=legacy), host)
        told = await self.greeting()
        if not told.capabilities & _SSL:
            raise Trouble(Text("相手がTLSを使えません", "it does not offer TLS"), "tls")
        if self._reading.held:
            raise Trouble(Text("TLSの前に余計な応答です", "it spoke out of turn before TLS"), "tls")
        watch.enter("tls")
        self._send(self._head(_CAPABILITIES | _SSL))
        self._wire.start_tls(session)
        peer = await self._wire.handshake()
        watch.enter("answer")
        return peer

    async def login(
        self, env: Env, attempt: Attempt, user: str, password: str, database: str | None
    ) -> None:
        """Raises `Trouble`; `Refused` when the server said no."""
        told = await self.greeting()
        plugin = told.plugin if told.plugin in (_NATIVE, _SHA2) else _NATIVE
        flags = _CAPABILITIES | (_SSL if self._wire.peer is not None else 0)
        proof = _proof(plugin, password, told.salt)
        body = self._head(flags) + _text(user) + bytes((len(proof),)) + proof
        body += _text(plugin)
        attempt.sent()
        self._send(body)
        with spoken(NAME):
            await self._prove(attempt, plugin, password)
            attempt.accepted()
            if database:  # asked for by itself: then a wrong name is not taken for a wrong password
                self._next = 0
                self._send(b"\x02" + database.encode())
                await self._packet()

    async def _prove(self, attempt: Attempt, plugin: str, password: str) -> None:
        for _turn in range(5):
            packet = await self._packet(attempt)
            if packet[0] == 0x00:
                return
            if packet[0] == 0xFE and len(packet) > 1:
                name, _, salt = packet[1:].partition(b"\0")
                plugin = name.decode("ascii")
                self._send(self._switched(attempt, plugin, password, salt.removesuffix(b"\0")))
            elif packet[:2] == b"\x01\x04" and plugin == _SHA2:
                if self._wire.peer is None:
                    raise _needs_tls(attempt)
                self._send(_text(password))
            elif packet[:2] != b"\x01\x03":
                raise ValueError(packet[0])
        raise ValueError("turns")

    def _switched(self, attempt: Attempt, plugin: str, password: str, salt: bytes) -> bytes:
        """The answer to another way of logging in."""
        if plugin in (_NATIVE, _SHA2):
            return _proof(plugin, password, salt)
        if plugin != _CLEAR:
            attempt.withdrawn()
            shown = redact.line(plugin, limit=40)
            raise Trouble(
                Text(f"知らないログインの方法です ({shown})", f"unknown login plugin {shown}"),
                "answer",
                ours=True,
            )
        if self._wire.peer is None:
            raise _needs_tls(attempt)
        return _text(password)

    async def ask(self, statement: str, limits: Limits) -> list[Row]:
        """Rows of one statement in a transaction that cannot write. Raises `Trouble`."""
        seconds = limits.statement.total_seconds()
        limit = (
            f"max_statement_time = {seconds:.3f}"
            if self.maria
            else f"max_execution_time = {max(1, int(seconds * 1000))}"
        )
        with spoken(NAME):
            await self._query(f"SET SESSION {limit}")
            await self._query("START TRANSACTION READ ONLY")
            found = await self._query(statement)
            await self._query("ROLLBACK")
            return found

    async def replication(self, limits: Limits) -> list[Row]:
        """The state of a replica; no row: it is none. Raises `Trouble`."""
        if self.maria:
            return await self.ask("SHOW SLAVE STATUS", limits)
        try:
            return await self.ask("SHOW REPLICA STATUS", limits)
        except Trouble as trouble:  # before 8.0.22 it does not know the word
            if _NO_REPLICA_WORD not in trouble.text.en:
                raise
            return await self.ask("SHOW SLAVE STATUS", limits)

    def leave(self) -> None:
        """Say goodbye."""
        self._next = 0
        self._send(b"\x01")

    async def _query(self, statement: str) -> list[Row]:
        self._next = 0
        self._send(b"\x03" + statement.encode())
        first = await self._packet()
        if first[0] == 0x00:
            return []
        count, _at = _length(first, 0)
        columns = [_column(await self._packet()) for _c in range(count)]
        found: list[Row] = []
        await self._packet()
        while True:
            packet = await self._packet()
            if packet[0] == 0xFE and len(packet) < 9:
                return found
            if len(found) < rows.ROWS:
                found.append(_row(packet, columns))

    def _head(self, flags: int) -> bytes:
        return struct.pack("<IIB23x", flags, _MOST, _UTF8)

    def _send(self, body: bytes) -> None:
        self._wire.send(struct.pack("<I", len(body))[:3] + bytes((self._next,)) + body)
        self._next = (self._next + 1) % 256

    async def _packet(self, attempt: Attempt | None = None) -> bytes:
        """The next packet, never empty; an error is raised."""
        head = await self._reading.exactly(4)
        size, self._next = int.from_bytes(head[:3], "little"), (head[3] + 1) % 256
        body = await self._reading.exactly(size)
        if not body:
            raise ValueError("empty")
        if body[0] == 0xFF:
            code, state, message = _error(body)
            trouble = rows.said(state, code, message)
            if attempt is not None and code in _REFUSED:
                raise attempt.refused(*trouble.evidence)
            if attempt is not None:  # it answered, and not about the password
                attempt.withdrawn()
            raise trouble
        return body


def _text(value: str) -> bytes:
    return value.encode() + b"\0"


def _proof(plugin: str, password: str, salt: bytes) -> bytes:
    """What shows that we know the password; the salt keeps it from being used again."""
    salt, word = salt[:20], password.encode()
    if plugin == _NATIVE:
        once = hashlib.sha1(word, usedforsecurity=False).digest()
        twice = hashlib.sha1(once, usedforsecurity=False).digest()
        mask = hashlib.sha1(salt + twice, usedforsecurity=False).digest()
    else:
        once = hashlib.sha256(word).digest()
        mask = hashlib.sha256(
            hashlib.sha256(hashlib.sha256(word).digest()).digest() + salt
        ).digest()
    return bytes(a ^ b for a, b in zip(once, mask, strict=True))


def _greeting(packet: bytes) -> _Greeting:
    if packet[0] != 10:
        raise ValueError(packet[0])
    end = packet.index(b"\0", 1)
    version = redact.line(packet[1:end].decode("utf-8", "replace"), limit=60)
    at = end + 5
    low, _charset, _status, high, size = struct.unpack_from("<HBHHB", packet, at + 9)
    rest = at + 9 + 8 + 10
    more = max(13, size - 8)
    salt = packet[at : at + 8] + packet[rest : rest + more].removesuffix(b"\0")
    plugin = packet[rest + more :].partition(b"\0")[0].decode("ascii")
    if len(salt) < 20:
        raise ValueError("salt")
    return _Greeting(version, salt, low | high << 16, plugin)


def _error(packet: bytes) -> tuple[str, str, str]:
    (code,) = struct.unpack_from("<H", packet, 1)
    state, message = "HY000", packet[3:]
    if message[:1] == b"#":
        state, message = redact.line(message[1:6].decode("latin-1"), limit=5), message[6:]
    return str(code), state, message.decode("utf-8", "replace")


def _length(data: bytes, at: int) -> tuple[int, int]:
    """A length-encoded integer and where it ends."""
    first = data[at]
    if first < 0xFB:
        return first, at + 1
    size = {0xFC: 2, 0xFD: 3, 0xFE: 8}.get(first)
    if size is None or at + 1 + size > len(data):
        raise ValueError(first)
    return int.from_bytes(data[at + 1 : at + 1 + size], "little"), at + 1 + size


def _string(data: bytes, at: int) -> tuple[str, int]:
    size, at = _length(data, at)
    if at + size > len(data):
        raise ValueError(size)
    return data[at : at + size].decode("utf-8", "replace"), at + size


def _column(packet: bytes) -> tuple[str, int]:
    at, name = 0, ""
    for position in range(6):
        text, at = _string(packet, at)
        name = text if position == 4 else name
    return name, packet[at + 7]


def _row(packet: bytes, columns: list[tuple[str, int]]) -> Row:
    row: Row = {}
    at = 0
    for name, kind in columns:
        if packet[at] == 0xFB:
            row[name], at = None, at + 1
            continue
        text, at = _string(packet, at)
        row[name] = _value(text, kind)
    return row


def _value(text: str, kind: int) -> Value:
    return rows.number(text, kind in _WHOLE) if kind in _WHOLE | _REAL else text


def _needs_tls(attempt: Attempt) -> Trouble:
    attempt.withdrawn()
    text = Text(
        "TLSなしでパスワードをそのまま送れという相手です(送りません)",
        "it wants the password in the clear without TLS (not sent)",
    )
    return Trouble(text, "answer", ours=True)
