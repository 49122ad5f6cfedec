"""A name that only IPv6 knows, none at all, and a resolver that is mute: for kinds that talk lines."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bcp.watch.check import Env
from bcp.watch.values import Status
from probes.engine import ber
from tests.probes.conftest import Look
from tests.probes.servers import Handler, dialogue, serve
from tests.probes.test_ldap import BOUND, answers, message, result

SMTP = {"EHLO": b"250-x\r\n250 SIZE 9\r\n", "QUIT": b"221 bye\r\n"}
FOUND = message(0x64, ber.octets("cn=x"), ber.element(ber.SEQUENCE), number=2)
KINDS: Mapping[str, tuple[str, Mapping[str, Any], Handler]] = {
    "smtp": ("mail", {"protocol": "smtp", "tls": "none"}, dialogue(b"220 x\r\n", SMTP)),
    "ldap": ("ldap", {"tls": "none"}, answers(BOUND, FOUND + result(0x65, 0, number=2))),
    "tcp": ("tcp", {"dialogue": [{"expect": "220"}]}, dialogue(b"220 x\r\n", {})),
}


@pytest.mark.parametrize("name", KINDS)
async def test_a_name_with_an_ipv6_address_only_is_reached(look: Look, env: Env, name: str) -> None:
    kind, fields, handler = KINDS[name]

    async def six(host: str, port: int) -> list[str]:
        return ["::1"]

    async with serve(handler, None, "::1") as port:
        outcome = await look(
            kind, env=replace(env, resolve=six), host="six.example", port=port, **fields
        )

    assert outcome.status is Status.OK, outcome


async def test_an_smtp_server_is_told_our_ipv6_address(look: Look) -> None:
    seen: list[str] = []
    async with serve(dialogue(b"220 x\r\n", SMTP, None, seen), None, "::1") as port:
        await look("mail", host="::1", protocol="smtp", tls="none", port=port)

    assert seen == ["EHLO [IPv6:::1]", "QUIT"]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(
    ("error", "status"),
    [(socket.EAI_NONAME, Status.FAILED), (socket.EAI_AGAIN, Status.UNKNOWN)],
)
async def test_a_name_that_is_gone_is_down_and_a_mute_resolver_is_ours(
    look: Look, env: Env, name: str, error: int, status: Status
) -> None:
    kind, fields, _handler = KINDS[name]

    async def no(host: str, port: int) -> list[str]:
        raise socket.gaierror(error, "x")

    outcome = await look(kind, env=replace(env, resolve=no), host="gone.example", port=9, **fields)

    assert outcome.status is status
    assert "名前" in outcome.sentence.ja
