"""Kind `smb` against a real Samba, and against servers that answer wrongly."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bcp.watch.values import Status
from probes import kinds
from probes.engine import smb
from probes.engine.reading import Reading
from probes.engine.trouble import Trouble
from tests.probes.conftest import Look
from tests.probes.samba import PASSWORD, USER, FileServer, real_samba, samba
from tests.probes.servers import Handler, dead_port, hang, says, serve

LOCAL = {"host": "127.0.0.1"}


@pytest.fixture
def secret(tmp_path: Path) -> str:
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    return str(file)


@pytest.fixture
async def server() -> AsyncIterator[FileServer]:
    async with samba() as found:
        yield found


@real_samba
async def test_a_real_server_says_how_it_speaks_lets_us_in_and_opens_the_share(
    look: Look, server: FileServer, secret: str
) -> None:
    mine = {**LOCAL, "port": server.port, "user": USER, "password_file": secret}
    asked = await look("smb", **LOCAL, port=server.port)
    inside = await look("smb", **mine)
    shared = await look("smb", **mine, share="soumu")

    assert (asked.status, asked.facts["dialect"]) == (Status.OK, "3.1.1"), asked
    assert (inside.status, "ログインできました" in inside.sentence.ja) == (Status.OK, True), inside
    assert (shared.status, "共有につながりました" in shared.sentence.ja) == (Status.OK, True), (
        shared
    )
    assert PASSWORD not in repr((asked, inside, shared))


@real_samba
@pytest.mark.parametrize("dialect", ["SMB2_10", "SMB3_00", "SMB3_02", "SMB3_11"])
async def test_every_dialect_signs_so_that_the_server_believes_us_and_we_it(
    look: Look, secret: str, dialect: str
) -> None:
    only = (f"server max protocol = {dialect}", "server signing = mandatory")
    async with samba(*only) as server:
        outcome = await look(
            "smb", **LOCAL, port=server.port, user=USER, password_file=secret, share="soumu"
        )
    assert outcome.status is Status.OK, outcome
    assert outcome.facts["signing_required"] == 1
    spoken = str(outcome.facts["dialect"]).replace(".", "")
    assert dialect.removeprefix("SMB").replace("_", "").startswith(spoken[:2])


@real_samba
@pytest.mark.parametrize(
    ("share", "words", "status"),
    [
        ("gone", "共有がありません", Status.FAILED),
        ("closed", "権限がないか", Status.UNKNOWN),
        ("soumu", "つながりました", Status.OK),
    ],
)
async def test_a_share_that_is_not_there_or_not_ours_is_told_apart(
    look: Look, server: FileServer, secret: str, share: str, words: str, status: Status
) -> None:
    outcome = await look(
        "smb", **LOCAL, port=server.port, user=USER, password_file=secret, share=share
    )
    assert (outcome.status, words in outcome.sentence.ja) == (status, True), outcome


@real_samba
async def test_a_refused_log_in_is_unknown_and_never_repeated(
    look: Look, server: FileServer, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("not-this-one\n")
    fields = {**LOCAL, "port": server.port, "user": USER, "password_file": str(wrong)}
    first = await look("smb", **fields)
    second = await look("smb", **fields)

    assert first.status is second.status is Status.UNKNOWN
    assert "ログインを断られました" in first.sentence.ja
    assert any("0xC000006D" in line for line in first.evidence)
    assert not second.evidence, "nothing was sent"
    assert "not-this-one" not in repr((first, second))


@real_samba
async def test_a_guest_has_not_logged_in(look: Look, secret: str) -> None:
    async with samba("map to guest = bad user", share="guest ok = yes") as server:
        outcome = await look(
            "smb", **LOCAL, port=server.port, user="nobody-here", password_file=secret
        )
    assert outcome.status is Status.UNKNOWN
    assert any("ゲスト" in line for line in outcome.evidence)


@real_samba
async def test_only_encrypted_sessions_are_told_as_such(look: Look, secret: str) -> None:
    async with samba("server smb encrypt = required") as server:
        outcome = await look(
            "smb", **LOCAL, port=server.port, user=USER, password_file=secret, share="soumu"
        )
    assert outcome.status is Status.UNKNOWN, "it is we who cannot look"
    assert "暗号化した接続だけ" in outcome.sentence.ja, outcome


def framed(body: bytes, command: int = 0, status: int = 0, number: int = 0) -> bytes:
    """An answer as a server frames it."""
    head = smb._HEADER.pack(b"\xfeSMB", 64, 0, status, command, 1, 1, 0, number, 0, 0, 0, bytes(16))
    return struct.pack(">I", 64 + len(body)) + head + body


def hello(dialect: int = 0x0311, size: int = 65, offset: int = 0, length: int = 0) -> bytes:
    return (
        struct.pack("<HHH", size, 1, dialect) + bytes(50) + struct.pack("<HHI", offset, length, 0)
    )


async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for byte in framed(hello()):
        writer.write(bytes([byte]))
        await asyncio.sleep(0.3)


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(10)
    writer.transport.abort()


BAD: dict[str, tuple[Handler, str]] = {
    "another protocol": (says(b"220 welcome\r\n" * 20), "SMBではない"),
    "old": (says(struct.pack(">I", 36) + b"\xffSMB" + bytes(32)), "古いSMB1"),
    "cut": (says(framed(hello())[:40]), "途中で切られました"),
    "no sense": (says(framed(hello(size=7))), "SMBとして読めない"),
    "unknown dialect": (says(framed(hello(0x02FF))), "SMBとして読めない"),
    "buffer outside": (says(framed(hello(offset=9, length=9))), "SMBとして読めない"),
    "another answer": (says(framed(hello(), number=9)), "SMBとして読めない"),
    "refuses": (says(framed(b"", status=0xC00000BB)), "こちらの方式を受けません"),
    "pending for ever": (says(framed(b"", status=0x103) * 5000), "終わらない応答"),
    "silence": (hang, "待っても応答がありません"),
    "slow drip": (slowly, "待っても応答がありません"),
    "reset": (reset, "切られました"),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_server_that_answers_wrongly_has_failed(look: Look, name: str) -> None:
    handler, words = BAD[name]
    async with serve(handler) as port:
        outcome = await look("smb", **LOCAL, port=port, timeout="1s")
    assert (outcome.status, words in outcome.sentence.ja) == (Status.FAILED, True), outcome


async def test_nobody_there_and_a_name_nobody_knows(look: Look) -> None:
    refused = await look("smb", **LOCAL, port=dead_port())
    unknown = await look("smb", host="no-such-host.invalid")
    assert (refused.status, "接続を拒否" in refused.sentence.ja) == (Status.FAILED, True)
    assert unknown.status in (Status.FAILED, Status.UNKNOWN)
    assert "名前解決" in unknown.sentence.ja


@real_samba
async def test_the_password_is_tried_once_where_the_server_falls_silent(
    look: Look, secret: str
) -> None:
    heard: list[bytes] = []

    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(4096))
        writer.write(framed(hello()))
        heard.append(await reader.read(4096))
        await asyncio.sleep(30)

    async with serve(half) as port:
        outcome = await look(
            "smb", **LOCAL, port=port, user="x", password_file=secret, timeout="1s"
        )
    assert outcome.status is Status.FAILED
    assert len(heard) == 2
    assert PASSWORD.encode() not in b"".join(heard)
    assert PASSWORD.encode("utf-16-le") not in b"".join(heard)


@given(data=st.binary(max_size=400), command=st.sampled_from([0, 1, 3]))
def test_no_answer_breaks_the_reader(data: bytes, command: int) -> None:
    class Line:
        """A wire that says what it was given, then ends."""

        def __init__(self) -> None:
            self.parts = [framed(data, command), b""]

        def send(self, said: bytes) -> None:
            assert said[4:8] == b"\xfeSMB"

        async def receive(self) -> bytes:
            return self.parts.pop(0) if self.parts else b""

    wire: Any = Line()

    async def talk() -> smb.Hello | None:
        try:
            return await smb.Session(wire, Reading(wire, smb.CAP)).negotiate()
        except Trouble:
            return None

    found = asyncio.run(talk())
    assert found is None or found.dialect in smb.DIALECTS.values()


@given(token=st.binary(max_size=300), raw=st.booleans())
def test_no_offer_of_a_server_breaks_the_log_in(token: bytes, raw: bool) -> None:
    offer = (
        token
        if raw
        else b"`\x82" + len(token).to_bytes(2) + b"\x06\x06+\x06\x01\x05\x05\x02" + token
    )
    context = smb.client("127.0.0.1", "x", "y")

    def answer(heard: bytes) -> bytes | None:
        try:
            return smb._step(context, heard)
        except Trouble:
            return None

    first = answer(offer)
    second = answer(b"NTLMSSP\0\x02\0\0\0" + token) if first is not None else None
    assert {type(first), type(second)} <= {bytes, type(None)}


@pytest.mark.parametrize(
    "fields",
    [
        {"user": "x"},
        {"password_file": "/p"},
        {"share": "soumu"},
        {"share": r"a\b", "user": "x", "password_file": "/p"},
        {"share": "a/b", "user": "x", "password_file": "/p"},
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        kinds()["smb"].model_validate({"id": "t", "kind": "smb", **LOCAL, **fields})
