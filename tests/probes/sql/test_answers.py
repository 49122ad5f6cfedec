"""Kind `sql` against servers that answer wrongly, and its parts against any bytes."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bcp.kit.clock import SystemClock
from bcp.kit.workers import Workers
from bcp.watch.check import Env
from bcp.watch.logins import Account
from bcp.watch.values import Status
from probes import kinds
from probes.engine.login import Attempt
from probes.engine.mysql import MySql
from probes.engine.postgres import Postgres
from probes.engine.resolve import SystemResolver
from probes.engine.rows import Limits, number
from probes.engine.scram import Scram
from probes.engine.trouble import Stopwatch, Trouble
from probes.engine.wire import connect
from tests.probes.conftest import Look
from tests.probes.databases import Database
from tests.probes.pki import Authority
from tests.probes.servers import Handler, dead_port, hang, says, serve
from tests.probes.sql.conftest import LOCAL, Ask, my_of, pg_of, real_maria, real_postgres

GREETING = (
    b"\x0a8.0.36\0\x07\0\0\0saltsalt\0\xff\xf7\x2d\x02\0\xff\xdf\x15" + bytes(10)
    + b"saltsaltsalt\0mysql_native_password\0"
)  # fmt: skip


def packet(body: bytes, number_: int = 0) -> bytes:
    return len(body).to_bytes(3, "little") + bytes((number_,)) + body


FLOOD = b"D" + struct.pack("!I", 200_000) + bytes(200_000)


@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
@pytest.mark.parametrize(
    ("handler", "status"),
    [
        (says(b"HTTP/1.1 200 OK\r\n\r\n"), Status.FAILED),
        (says(b""), Status.FAILED),
        (says(b"R\0\0\0\x08\0\0\0\0" + FLOOD * 4, read_first=False), Status.FAILED),
        (says(b"E\xff\xff\xff\xff" + bytes(64)), Status.FAILED),
        (says(b"R\0\0\0\x08\0\0", read_first=False), Status.FAILED),
        (says(packet(GREETING)[:20], read_first=False), Status.FAILED),
        (hang, Status.FAILED),
    ],
)
async def test_an_answer_that_is_none_is_told_in_time(
    ask: Ask, engine: str, handler: Handler, status: Status
) -> None:
    async with serve(handler) as port:
        begin = asyncio.get_running_loop().time()
        outcome = await ask(engine=engine, port=port, tls=False, timeout="1s")
        assert asyncio.get_running_loop().time() - begin < 1.5
    assert outcome.status is status, outcome


@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
async def test_nothing_there_and_no_such_name(ask: Ask, engine: str) -> None:
    refused = await ask(engine=engine, port=dead_port(), tls=False)
    assert (refused.status, "接続を拒否" in refused.sentence.ja) == (Status.FAILED, True)
    nowhere = await ask(engine=engine, host="no-such-name.invalid", timeout="5s")
    assert nowhere.status is Status.FAILED, "who types the name gets nowhere either"
    assert "名前" in nowhere.sentence.ja, nowhere
    assert "no-such-name.invalid" in nowhere.sentence.ja


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes a word, then throws the connection away (RST)."""
    await reader.read(1)
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def reset_unasked(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The same before anything was said: MySQL lets the server speak first."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize(
    ("engine", "handler"),
    [("postgresql", reset), ("mysql", reset_unasked), ("mariadb", reset_unasked)],
)
async def test_a_connection_thrown_away_is_said_to_be_broken(
    ask: Ask, engine: str, handler: Handler
) -> None:
    async with serve(handler) as port:
        outcome = await ask(engine=engine, port=port, tls=False, timeout="3s")
    assert outcome.status is Status.FAILED, outcome
    assert "切られました" in outcome.sentence.ja


DRIPS = {
    "postgresql": [bytes((byte,)) for byte in b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"],
    "mysql": [bytes((byte,)) for byte in packet(GREETING)],
}


@pytest.mark.parametrize("engine", DRIPS)
async def test_an_answer_that_drips_does_not_outlive_the_timeout(ask: Ask, engine: str) -> None:
    """Each byte is a sign of life, and right so far; the deadline is one for all of them."""
    async with serve(says(*DRIPS[engine], pause=0.2, read_first=engine == "postgresql")) as port:
        begin = asyncio.get_running_loop().time()
        outcome = await ask(engine=engine, port=port, tls=False, timeout="1s")
        took = asyncio.get_running_loop().time() - begin
    assert took < 1.5
    assert outcome.status is Status.FAILED, outcome
    assert "待っても" in outcome.sentence.ja


REFUSALS = {
    "postgresql": b"E" + struct.pack("!I", 4 + 29) + b"SFATAL\0C57P03\0Mstarting up.\0\0\0",
    "mysql": packet(b"\xff\x10\x04Too many connections"),
}


@pytest.mark.parametrize("engine", REFUSALS)
async def test_a_server_on_ipv6_alone_is_reached_and_heard(ask: Ask, engine: str) -> None:
    handler = says(REFUSALS[engine], read_first=engine == "postgresql")
    async with serve(handler, address="::1") as port:
        there = await ask(engine=engine, host="::1", port=port, tls=False, timeout="3s")
        not_there = await ask(engine=engine, port=port, tls=False, timeout="3s")
    assert there.status is Status.FAILED, there
    assert "接続を拒否" not in there.sentence.ja, "it answered, and said no"
    assert "接続を拒否" in not_there.sentence.ja, "nobody listens on the other family"


async def test_an_authority_nobody_knows_hears_no_word_of_the_login(
    ask: Ask, tmp_path: Path
) -> None:
    (tmp_path / "pki").mkdir()
    stranger, heard = Authority(tmp_path / "pki", "somebody else"), list[bytes]()
    context = stranger.server("sql")

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        writer.write(b"S")
        await writer.start_tls(context)
        heard.append(await reader.read(4096))

    async with serve(handler) as port:
        outcome = await ask(engine="postgresql", port=port, timeout="3s")
    assert outcome.status is Status.FAILED, outcome
    assert "信頼する発行者に届かない" in outcome.sentence.ja
    assert not any(heard)


@real_postgres
@real_maria
async def test_a_real_server_under_an_unknown_authority_is_not_logged_in_to(
    look: Look, safe: Env, secret: Path, tmp_path: Path, pg: Database, my: Database
) -> None:
    (tmp_path / "pki").mkdir()
    elsewhere = replace(safe, ca_file=Authority(tmp_path / "pki", "somebody else").file)
    for fields in (pg_of(pg), my_of(my)):
        outcome = await look("sql", env=elsewhere, password_file=str(secret), **LOCAL, **fields)
        assert outcome.status is Status.FAILED, outcome
        assert "信頼する発行者に届かない" in outcome.sentence.ja
        assert "rows" not in outcome.facts
    my.do("FLUSH HOSTS;")


async def test_a_server_without_tls_gets_no_word_of_the_password(ask: Ask) -> None:
    async with serve(says(b"N")) as port:
        outcome = await ask(engine="postgresql", port=port)
    assert "相手がTLSを使えません" in outcome.sentence.ja


async def test_a_server_that_cannot_prove_the_password_is_not_trusted(ask: Ask) -> None:
    """Who says yes to everything is no database of ours."""
    sasl = b"R" + struct.pack("!II", 23, 10) + b"SCRAM-SHA-256\0\0"
    ok = b"R" + struct.pack("!II", 8, 0)
    async with serve(says(sasl, ok, pause=0.05)) as port:
        outcome = await ask(engine="postgresql", port=port, tls=False, timeout="2s")
    assert outcome.status is Status.FAILED
    assert "証明をしません" in outcome.sentence.ja


async def test_logins_that_nobody_answers_become_rare(ask: Ask, safe: Env) -> None:
    md5 = b"R" + struct.pack("!II", 12, 5) + b"salt"
    attempts = 0

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal attempts
        await reader.read(4096)
        writer.write(md5)
        if b"md5" in await reader.read(4096):
            attempts += 1

    async with serve(mute) as port:
        for _ in range(6):
            outcome = await ask(engine="postgresql", port=port, tls=False, timeout="500ms")
        assert attempts == 3
        assert "10分に1回だけ" in outcome.sentence.ja
    assert safe.logins.held(Account("sql", "127.0.0.1", port, "watch"), (), 0.0) is None


# --- parsers --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fuzz_workers() -> Iterator[Workers]:
    workers = Workers(2)
    yield workers
    workers.close()


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    head=st.sampled_from([b"", b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I", packet(GREETING)]),
    data=st.binary(max_size=300),
    maria_=st.booleans(),
)
async def test_no_bytes_break_a_session(
    fuzz_workers: Workers, head: bytes, data: bytes, maria_: bool
) -> None:
    env = Env(SystemClock(), fuzz_workers, SystemResolver())
    async with (
        asyncio.timeout(5),
        serve(says(head + data, read_first=False)) as port,
        connect(env, "127.0.0.1", port, Stopwatch(env.clock)) as wire,
    ):
        session = MySql(wire) if maria_ else Postgres(wire)
        account = Account("sql", "h", port, "u")
        rows: list[Any] | None = None
        trouble: Trouble | None = None
        try:
            async with Attempt(env, account, "f", (1,)) as attempt:
                await session.login(env, attempt, "u", "secret", None)
                rows = await session.ask("SELECT 1", Limits(timedelta(seconds=1)))
        except Trouble as error:  # nothing else may come out of it
            trouble = error
    assert (rows is None) is not (trouble is None)
    assert trouble is None or (trouble.text.ja and trouble.text.en.isascii())
    assert "secret" not in repr((rows, trouble and trouble.text))


@given(st.text(max_size=60), st.binary(max_size=200))
def test_scram_believes_nobody_without_proof(password: str, said: bytes) -> None:
    talk = Scram(nonce="fyko")
    assert not talk.knows(said)
    try:
        talk.proof(password, said)
    except (ValueError, UnicodeDecodeError):
        return


def test_scram_is_that_of_the_standard() -> None:
    """RFC 7677, section 3."""
    talk = Scram("user", "rOprNGfwEbeRWgbNEkqO")
    server = (
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    )
    assert talk.proof("pencil", server).endswith(b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    assert talk.knows(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    assert not talk.knows(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=")


@pytest.mark.parametrize(
    ("text", "whole", "value"),
    [("12", True, 12), ("1.5", False, 1.5), ("NaN", False, "NaN"), ("x", True, "x")],
)
def test_numbers_are_those_json_knows(text: str, whole: bool, value: object) -> None:
    assert number(text, whole) == value


@pytest.mark.parametrize(
    "query",
    ["DELETE FROM a", "SELECT 1; SELECT 2", "SELECT 1 INTO OUTFILE 'x'", "", "CALL p()", "a\0"],
)
def test_only_one_statement_that_reads_is_taken(query: str) -> None:
    fields = {"id": "t", "kind": "sql", "engine": "mysql", "host": "h", "user": "u"}
    with pytest.raises(ValidationError, match="query"):
        kinds()["sql"].model_validate({**fields, "password_file": "f", "query": query})
