"""The little of PostgreSQL's protocol 3.0 that one login and reading statements need.

Source: PostgreSQL documentation, chapter 55 "Frontend/Backend Protocol".
"""

from __future__ import annotations

import hashlib
import struct

from bcp.kit.language import Text
from bcp.watch.check import Env
from probes.engine import redact, rows, tls
from probes.engine.login import Attempt
from probes.engine.reading import Reading, spoken
from probes.engine.rows import Limits, Row, Value
from probes.engine.scram import Scram
from probes.engine.trouble import Stopwatch, Trouble
from probes.engine.wire import Wire

NAME = "PostgreSQL"
_TLS = struct.pack("!II", 8, 80877103)
_WHOLE, _REAL, _TRUTH = {20, 21, 23, 26}, {700, 701, 1700}, 16
"""Object ids of types."""

REPLICATION = """SELECT CASE WHEN NOT pg_is_in_recovery() THEN NULL
WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()
 AND EXISTS (SELECT 1 FROM pg_stat_wal_receiver WHERE pid IS NOT NULL) THEN 0
ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END AS age"""
"""Seconds a standby is behind; NULL: no standby. A dead receiver has nothing left to replay, too, so
only a living one may say 0."""


class Postgres:
    """One session on an open `Wire`."""

    def __init__(self, wire: Wire) -> None:
        self._wire, self._reading = wire, Reading(wire, rows.CAP)
        self.version = ""

    async def secure(self, env: Env, watch: Stopwatch, host: str, *, legacy: bool) -> tls.Peer:
        """Ask for TLS and begin it. Raises `Trouble`."""
        session = tls.Session(await tls.context(env, legacy=legacy), host)
        self._wire.send(_TLS)
        answer = await self._reading.exactly(1)
        if answer == b"S" and not self._reading.held:
            watch.enter("tls")
            self._wire.start_tls(session)
            peer = await self._wire.handshake()
            watch.enter("answer")
            return peer
        if answer == b"N":
            raise Trouble(Text("相手がTLSを使えません", "it does not offer TLS"), "tls")
        with spoken(NAME):
            raise ValueError(answer)

    async def login(
        self, env: Env, attempt: Attempt, user: str, password: str, database: str | None
    ) -> None:
        """Raises `Trouble`; `Refused` when the server said no."""
        words = {"user": user, "application_name": "ict-bcp", "client_encoding": "UTF8"}
        words |= {"database": database} if database else {}
        body = struct.pack("!I", 196608)
        body += b"".join(_text(k) + _text(v) for k, v in words.items()) + b"\0"
        self._wire.send(struct.pack("!I", len(body) + 4) + body)
        with spoken(NAME):
            await self._prove(env, attempt, user, password)
            attempt.accepted()
            while True:
                kind, body = await self._message()
                if kind == b"Z":
                    return
                if kind == b"S":
                    name, value, _end = body.split(b"\0")
                    if name == b"server_version":
                        self.version = redact.line(value.decode("utf-8", "replace"), limit=60)

    async def _prove(self, env: Env, attempt: Attempt, user: str, password: str) -> None:
        scram: Scram | None = None
        while True:
            kind, body = await self._message(attempt)
            if kind != b"R":
                raise ValueError(kind)
            (wanted,) = struct.unpack_from("!I", body)
            rest = body[4:]
            if wanted == 0:
                if scram is not None:
                    raise _impostor()
                return
            attempt.sent()
            if wanted == 3 and self._wire.peer is not None:
                attempt.sent()
                self._send(b"p", _text(password))
            elif wanted == 5:
                attempt.sent()
                self._send(b"p", _text(_md5(_md5(password + user).encode() + rest[:4])))
            elif wanted == 10 and b"SCRAM-SHA-256" in rest.split(b"\0"):
                scram = Scram()
                first = scram.first
                self._send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!I", len(first)) + first)
            elif wanted == 11 and scram is not None:
                proof = await env.workers.thread(scram.proof, password, rest)
                attempt.sent()
                self._send(b"p", proof)
            elif wanted == 12 and scram is not None and scram.knows(rest):
                scram = None
            elif wanted == 12:
                raise _impostor()
            else:
                raise _unsupported(wanted)

    async def ask(self, statement: str, limits: Limits) -> list[Row]:
        """Rows of one statement in a transaction that cannot write. Raises `Trouble`.

        The transaction says so itself: a pooler in between may drop what is set for the session.
        One statement by the protocol: with Parse the server refuses a second one.
        """
        most = max(1, int(limits.statement.total_seconds() * 1000))
        begin = f"BEGIN TRANSACTION READ ONLY; SET LOCAL statement_timeout = {most}"
        self._send(b"Q", _text(begin))
        with spoken(NAME):
            await self._answers()
            self._send(b"P", b"\0" + _text(statement) + b"\0\0")
            self._send(b"B", b"\0\0" + bytes(6))
            self._send(b"D", b"P\0")
            self._send(b"E", b"\0" + struct.pack("!I", rows.ROWS))
            self._send(b"S", b"")
            found = await self._answers()
            self._send(b"Q", _text("ROLLBACK"))
            await self._answers()
            return found

    def leave(self) -> None:
        """Say goodbye."""
        self._send(b"X", b"")

    async def _answers(self) -> list[Row]:
        columns: list[tuple[str, int]] = []
        found: list[Row] = []
        while True:
            kind, body = await self._message()
            if kind == b"Z":
                return found
            if kind == b"T":
                columns = _columns(body)
            elif kind == b"D" and len(found) < rows.ROWS:
                found.append(_row(body, columns))
            elif kind in b"GHW":
                raise ValueError("copy")

    def _send(self, kind: bytes, body: bytes) -> None:
        self._wire.send(kind + struct.pack("!I", len(body) + 4) + body)

    async def _message(self, attempt: Attempt | None = None) -> tuple[bytes, bytes]:
        """The next message that matters; an error is raised."""
        while True:
            kind, length = struct.unpack("!cI", await self._reading.exactly(5))
            if not length >= 4 or not kind.isalnum():
                raise ValueError(length)
            body = await self._reading.exactly(length - 4)
            if kind == b"E":
                state, message = _error(body)
                trouble = rows.said(state, "", message)
                if attempt is not None and attempt.shown and state.startswith("28"):
                    raise attempt.refused(*trouble.evidence)
                raise trouble
            if kind not in (b"N", b"A", b"K", b"v"):
                return kind, body


def _text(value: str) -> bytes:
    return value.encode() + b"\0"


def _md5(value: str | bytes) -> str:
    data = value.encode() if isinstance(value, str) else value
    return ("md5" if isinstance(value, bytes) else "") + hashlib.md5(
        data, usedforsecurity=False
    ).hexdigest()


def _error(body: bytes) -> tuple[str, str]:
    fields = {part[:1]: part[1:].decode("utf-8", "replace") for part in body.split(b"\0") if part}
    return redact.line(fields.get(b"C", "?"), limit=5), fields.get(b"M", "")


def _columns(body: bytes) -> list[tuple[str, int]]:
    (count,), at = struct.unpack_from("!H", body), 2
    found = []
    for _column in range(count):
        end = body.index(b"\0", at)
        (kind,) = struct.unpack_from("!I", body, end + 7)
        found.append((body[at:end].decode("utf-8", "replace"), kind))
        at = end + 19
    return found


def _row(body: bytes, columns: list[tuple[str, int]]) -> Row:
    (count,), at = struct.unpack_from("!H", body), 2
    if count != len(columns):
        raise ValueError(count)
    row: Row = {}
    for name, kind in columns:
        (size,) = struct.unpack_from("!i", body, at)
        at += 4
        if size < 0:
            row[name] = None
            continue
        row[name] = _value(body[at : at + size].decode("utf-8", "replace"), kind)
        at += size
    return row


def _value(text: str, kind: int) -> Value:
    if kind == _TRUTH:
        return text == "t"
    return rows.number(text, kind in _WHOLE) if kind in _WHOLE | _REAL else text


def _impostor() -> Trouble:
    text = Text(
        "相手がパスワードを知っている証明をしません", "it does not prove to know the password"
    )
    return Trouble(text, "answer")


def _unsupported(wanted: int) -> Trouble:
    if wanted == 3:
        text = Text(
            "TLSなしでパスワードをそのまま送れという相手です(送りません)",
            "it wants the password in the clear without TLS (not sent)",
        )
    else:
        text = Text(
            f"知らないログインの方法です (種類 {wanted})", f"unknown authentication (type {wanted})"
        )
    return Trouble(text, "answer", ours=True)
