"""Kind `tcp` with `starttls`: how each protocol asks for TLS, and what may go wrong before it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bcp.watch.values import Outcome, Status
from probes import kinds
from probes.engine import ber
from tests.probes.conftest import Look
from tests.probes.pki import DAY, NOW, Authority
from tests.probes.servers import Handler, dialogue, hang, says, serve

LOCAL = {"host": "127.0.0.1"}
OFFERS: Mapping[str, tuple[bytes, Mapping[str, bytes]]] = {
    "smtp": (b"220 x\r\n", {"EHLO": b"250-x\r\n250 STARTTLS\r\n", "STARTTLS": b"220 go\r\n"}),
    "imap": (
        b"* OK\r\n",
        {
            "CAPABILITY": b"* CAPABILITY STARTTLS\r\n%tag OK\r\n",
            "STARTTLS": b"%tag OK\r\n",
        },
    ),
    "pop3": (b"+OK\r\n", {"CAPA": b"+OK\r\nSTLS\r\n.\r\n", "STLS": b"+OK\r\n"}),
}


def ldap_says(code: int, number: int = 1, tag: int = 0x78, why: str = "why") -> bytes:
    """A server's answer to an extended request."""
    result = ber.integer(code, ber.ENUMERATED) + ber.octets("") + ber.octets(why)
    return ber.element(ber.SEQUENCE, ber.integer(number), ber.element(tag, result))


def asked(size: int, reply: bytes, tls: ssl.SSLContext | None = None) -> Handler:
    """Reads a request of `size` bytes, replies, and after TLS answers `PING` with `PONG`."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(size)
        writer.write(reply)
        if tls is not None:
            await writer.start_tls(tls)
            await reader.readexactly(4)
            writer.write(b"PONG")
        await reader.read()

    return handler


LDAP_SIZE, POSTGRES_SIZE = 31, 8


def _server(protocol: str, context: ssl.SSLContext) -> Handler:
    if protocol == "ldap":
        return asked(LDAP_SIZE, ldap_says(0), context)
    if protocol == "postgres":
        return asked(POSTGRES_SIZE, b"S", context)
    greeting, replies = OFFERS[protocol]
    return dialogue(greeting, {**replies, "PING": b"PONG\r\n"}, context)


async def _look(look: Look, protocol: str, context: ssl.SSLContext) -> Outcome:
    talk = [{"send": "PING\r\n", "expect": "PONG"}]
    async with serve(_server(protocol, context)) as port:
        outcome: Outcome = await look(
            "tcp", **LOCAL, port=port, starttls=protocol, dialogue=talk, timeout="3s"
        )
    return outcome


PROTOCOLS = ("smtp", "imap", "pop3", "ldap", "postgres")


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_the_dialogue_is_held_behind_tls(
    look: Look, authority: Authority, protocol: str
) -> None:
    outcome = await _look(look, protocol, authority.server("starttls"))

    assert outcome.status is Status.OK, outcome
    assert outcome.facts["tls_version"] == "TLSv1.3"
    assert any("PONG" in line for line in outcome.evidence)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_behind_a_bad_certificate_nothing_is_said(
    look: Look, authority: Authority, protocol: str
) -> None:
    old = authority.server("starttls-old", begin=NOW - 30 * DAY, end=NOW - DAY)

    outcome = await _look(look, protocol, old)

    assert outcome.status is Status.FAILED
    assert "期限切れ" in outcome.sentence.ja
    assert not any("PONG" in line for line in outcome.evidence)


BAD: Mapping[str, tuple[str, Handler, str]] = {
    "smtp without": ("smtp", dialogue(b"220 x\r\n", {"EHLO": b"250 x\r\n"}), "STARTTLSが使えない"),
    "pop without": ("pop3", dialogue(b"+OK\r\n", {"CAPA": b"-ERR\r\n"}), "STLSが使えない"),
    "postgres without": ("postgres", asked(POSTGRES_SIZE, b"N"), "TLSが使えない"),
    "postgres injected": ("postgres", asked(POSTGRES_SIZE, b"SR\0\0"), "余計な応答"),
    "postgres cut": ("postgres", says(), "切られ"),
    "postgres silent": ("postgres", hang, "待っても"),
    "ldap refuses": ("ldap", asked(LDAP_SIZE, ldap_says(2)), "STARTTLS で断られました (コード 2)"),
    "ldap leaves": (
        "ldap",
        asked(LDAP_SIZE, ldap_says(52, 0)),
        "切断の通知 (コード 52 使えない状態です)",
    ),
    "ldap other": ("ldap", asked(LDAP_SIZE, ldap_says(0, 7)), "LDAPとして読めない"),
    "ldap another kind": ("ldap", asked(LDAP_SIZE, ldap_says(0, 1, 0x61)), "LDAPとして読めない"),
    "ldap injected": ("ldap", asked(LDAP_SIZE, ldap_says(0) + b"0"), "余計な応答"),
    "ldap huge": ("ldap", asked(LDAP_SIZE, b"\x30\x84\x7f\xff\xff\xff"), "LDAPとして読めない"),
    "ldap endless length": ("ldap", asked(LDAP_SIZE, b"\x30\xff"), "LDAPとして読めない"),
    "ldap cut": ("ldap", says(b"\x30\x0c\x02\x01", read_first=False), "切られ"),
    "ldap slow drip": ("ldap", says(*[b"0"] * 20, pause=0.3, read_first=False), "待っても"),
    "ldap is a web server": ("ldap", says(b"HTTP/1.1 400 Bad\r\n\r\n"), "LDAPとして読めない"),
    "ldap without tls behind": ("ldap", asked(LDAP_SIZE, ldap_says(0)), "待っても"),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_server_that_does_not_agree_fails_and_is_told(look: Look, name: str) -> None:
    protocol, handler, words = BAD[name]
    async with serve(handler) as port:
        outcome = await look("tcp", **LOCAL, port=port, starttls=protocol, timeout="1s")

    assert outcome.status is Status.FAILED
    assert words in outcome.sentence.ja


async def test_kind_tls_looks_behind_starttls_too(look: Look, authority: Authority) -> None:
    good = authority.server("starttls-tls")
    async with serve(_server("smtp", good)) as port:
        outcome = await look("tls", **LOCAL, port=port, starttls="smtp")
    async with serve(dialogue(b"220 x\r\n", {"EHLO": b"250 x\r\n"})) as port:
        without = await look("tls", **LOCAL, port=port, starttls="smtp")

    assert outcome.status is Status.OK, outcome
    assert "証明書は有効" in outcome.sentence.ja
    assert (without.status, "STARTTLSが使えない" in without.sentence.ja) == (Status.FAILED, True)
    with pytest.raises(ValidationError, match="port"):
        kinds()["tls"].model_validate({"id": "t", "kind": "tls", **LOCAL, "starttls": "smtp"})


def test_one_way_to_tls_is_enough() -> None:
    fields: dict[str, Any] = {"id": "t", "kind": "tcp", **LOCAL, "port": 25, "tls": True}
    with pytest.raises(ValidationError, match="どちらか一つ"):
        kinds()["tcp"].model_validate({**fields, "starttls": "smtp"})


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=300)), max_size=5))
def test_elements_read_back(parts: list[tuple[int, bytes]]) -> None:
    sent = b"".join(ber.element(tag, content) for tag, content in parts)

    assert list(ber.elements(sent)) == parts


@given(st.integers(0, 2**62))
def test_numbers_read_back(value: int) -> None:
    ((tag, content),) = ber.elements(ber.integer(value))

    assert (tag, ber.number(content)) == (ber.INTEGER, value)


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    try:
        found = list(ber.elements(data))
    except ValueError:
        return
    assert sum(len(content) for _tag, content in found) <= len(data)
