"""Kinds `tcp`, `tls`, `dns`, `ping`, `command` and `observed`."""

from __future__ import annotations

import errno
import socket
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bcp.watch.check import Env, Statement
from bcp.watch.values import Status
from probes.availability.command import CommandCheck
from probes.engine.trouble import from_os, from_resolver
from tests.fakes import START, ManualClock
from tests.probes.conftest import Look
from tests.probes.pki import DAY, NOW, Authority
from tests.probes.servers import Dns, dead_port, hang, says, serve

LOCAL = {"host": "127.0.0.1"}


async def test_a_dialogue_is_held_in_turns(look: Look) -> None:
    talk = says(b"220 mail ready\r\n", b"250 hello\r\n", read_first=False, pause=0.05)
    async with serve(talk) as port:
        dialogue = [{"expect": "220"}, {"send": "EHLO x\r\n", "expect": "250"}]
        good = await look("tcp", **LOCAL, port=port, dialogue=dialogue)
        bad = await look("tcp", **LOCAL, port=port, dialogue=[{"expect": "SSH-2.0"}])

    assert good.status is Status.OK
    assert bad.status is Status.FAILED
    assert "SSH-2.0" in bad.sentence.ja
    assert any("220 mail ready" in line for line in bad.evidence)


async def test_an_open_port_leaves_no_empty_line_of_evidence(look: Look) -> None:
    async with serve(hang) as port:
        outcome = await look("tcp", **LOCAL, port=port)

    assert (outcome.status, outcome.evidence) == (Status.OK, ())


async def test_a_refused_port_is_failed(look: Look) -> None:
    outcome = await look("tcp", **LOCAL, port=dead_port())

    assert outcome.status is Status.FAILED
    assert "接続を拒否されました" in outcome.sentence.ja


@pytest.mark.parametrize(
    ("number", "ours"),
    [
        (errno.ECONNREFUSED, False),
        (errno.ETIMEDOUT, False),
        (errno.EHOSTUNREACH, False),
        (errno.ENETUNREACH, True),
        (errno.EMFILE, True),
        (errno.EACCES, True),
        (errno.EIO, True),
    ],
)
def test_only_what_proves_a_fault_of_the_target_is_failed(number: int, ours: bool) -> None:
    outcome = from_os(OSError(number, "x"), "connect", "h").outcome("h")

    assert outcome.status is (Status.UNKNOWN if ours else Status.FAILED)


def test_a_missing_name_is_failed_and_a_mute_resolver_is_unknown() -> None:
    gone = from_resolver(socket.gaierror(socket.EAI_NONAME, "x"), "h").outcome("h")
    mute = from_resolver(socket.gaierror(socket.EAI_AGAIN, "x"), "h").outcome("h")

    assert (gone.status, mute.status) == (Status.FAILED, Status.UNKNOWN)


async def test_the_next_address_is_tried(look: Look, env: Env) -> None:
    async def two(host: str, port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]

    async with serve(hang) as port:  # listens on 127.0.0.1 only
        outcome = await look("tcp", env=replace(env, resolve=two), host="two.example", port=port)

    assert outcome.status is Status.OK


CERTIFICATES: dict[str, tuple[dict[str, Any], Status, str]] = {
    "good": ({}, Status.OK, "有効"),
    "soon": ({"end": NOW + 10 * DAY}, Status.DEGRADED, "期限が近い"),
    "expired": ({"begin": NOW - 9 * DAY, "end": NOW - DAY}, Status.FAILED, "期限切れ"),
    "not-yet": ({"begin": NOW + DAY}, Status.FAILED, "まだ有効期間に入っていない"),
    "wrong-name": ({"names": ("other.example",)}, Status.FAILED, "名前が違う"),
    "no-name": ({"names": ()}, Status.FAILED, "名前が違う"),
    "self-signed": ({"self_signed": True}, Status.FAILED, "自己署名"),
}


@pytest.mark.parametrize("label", CERTIFICATES)
async def test_certificates_are_told_apart(look: Look, authority: Authority, label: str) -> None:
    how, status, said = CERTIFICATES[label]
    async with serve(hang, authority.server(label, **how)) as port:
        outcome = await look("tls", host="localhost", port=port)

    assert outcome.status is status, outcome.sentence.ja
    assert said in outcome.sentence.ja
    end = how.get("end", NOW + 90 * DAY)
    assert outcome.facts["not_after"] == int(end.timestamp())
    assert any("証明書 certificate" in line for line in outcome.evidence)


async def test_an_unknown_authority_is_not_trusted(
    look: Look, env: Env, authority: Authority
) -> None:
    async with serve(hang, authority.server("private")) as port:
        stranger = await look("tls", env=replace(env, ca_file=None), **LOCAL, port=port)
        broken = await look("tls", env=replace(env, ca_file=authority.folder), **LOCAL, port=port)

    assert stranger.status is Status.FAILED
    assert "信頼" in stranger.sentence.ja
    assert broken.status is Status.UNKNOWN
    assert "node.ca_file" in broken.sentence.ja


async def test_a_plain_port_is_not_tls(look: Look) -> None:
    async with serve(says(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        outcome = await look("tls", **LOCAL, port=port)

    assert outcome.status is Status.FAILED
    assert "TLSではない" in outcome.sentence.ja


ZONE = {
    ("city.example.", "A"): ["192.0.2.1", "192.0.2.2"],
    ("city.example.", "MX"): ["10 mail.city.example."],
    ("1.2.0.192.in-addr.arpa.", "PTR"): ["city.example."],
}


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"query": "city.example"}, Status.OK, "192.0.2.1"),
        ({"query": "city.example", "expect": ["192.0.2.2"]}, Status.OK, ""),
        ({"query": "city.example", "expect": ["192.0.2.9"]}, Status.FAILED, "192.0.2.9 がない"),
        ({"query": "city.example", "expect": ["192.0.2.1"], "exact": True}, Status.FAILED, "余分"),
        (
            {"query": "city.example", "type": "MX", "expect": ["10 mail.city.example"]},
            Status.OK,
            "",
        ),
        ({"query": "192.0.2.1", "type": "PTR"}, Status.OK, "city.example."),
        ({"query": "city.example", "type": "AAAA"}, Status.FAILED, "記録がない"),
        ({"query": "gone.example"}, Status.FAILED, "NXDOMAIN"),
        ({"query": "gone.example", "rcode": "NXDOMAIN"}, Status.OK, ""),
        ({"query": "city.example", "tcp": True}, Status.OK, ""),
    ],
)
async def test_names_are_judged_by_their_records(
    look: Look, fields: dict[str, Any], status: Status, said: str
) -> None:
    async with Dns(ZONE).up() as port:
        outcome = await look("dns", server="127.0.0.1", port=port, **fields)

    assert outcome.status is status, outcome.sentence.ja
    assert said in outcome.sentence.ja


async def test_a_cut_answer_is_asked_again_over_tcp(look: Look) -> None:
    server = Dns(ZONE, cut=True)
    async with server.up() as port:
        outcome = await look("dns", server="127.0.0.1", port=port, query="city.example")

    assert (outcome.status, outcome.facts["transport"]) == (Status.OK, "tcp")
    assert server.asked == ["udp", "tcp"]


async def test_a_lost_datagram_is_asked_again(look: Look) -> None:
    server = Dns(ZONE, drop=1)
    async with server.up() as port:
        outcome = await look("dns", server="127.0.0.1", port=port, query="city.example")

    assert outcome.status is Status.OK
    assert server.asked == ["udp", "udp"]


async def test_ping_says_which_setting_forbids_it_or_answers(look: Look) -> None:
    outcome = await look("ping", **LOCAL, count=2, gap="10ms")

    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP):
            pass
    except PermissionError:
        assert outcome.status is Status.UNKNOWN
        assert "net.ipv4.ping_group_range" in outcome.sentence.ja
    else:
        assert outcome.status is Status.OK
        assert outcome.facts["loss"] == 0


@pytest.mark.parametrize(
    ("code", "status"),
    [(0, Status.OK), (1, Status.DEGRADED), (2, Status.FAILED), (3, Status.UNKNOWN)],
)
async def test_exit_codes_mean_what_the_plan_says(look: Look, code: int, status: Status) -> None:
    outcome = await look(
        "command",
        argv=["/bin/sh", "-c", f"echo state {code}; exit {code}"],
        degraded=[1],
        unknown=[3],
    )

    assert outcome.status is status
    assert f"state {code}" in outcome.sentence.ja


async def test_a_command_gets_no_shell_and_nothing_of_our_environment(
    look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESTIC_PASSWORD_COMMAND", "leak")
    plain = await look("command", argv=["/bin/echo", "$(id)", ";", "id"])
    inside = await look("command", argv=["/usr/bin/env"])

    assert plain.evidence == ("$(id) ; id",)
    assert "leak" not in repr(inside)


async def test_a_killed_command_could_not_tell(look: Look) -> None:
    outcome = await look("command", argv=["/bin/sh", "-c", "kill -9 $$"])

    assert outcome.status is Status.UNKNOWN


def test_a_relative_program_is_refused() -> None:
    with pytest.raises(ValueError, match="絶対パス"):
        CommandCheck(id="t", kind="command", argv=("echo",))


@pytest.mark.parametrize(
    ("age", "seen", "status", "said"),
    [
        (timedelta(hours=1), Status.OK, Status.OK, "使えることを確認"),
        (timedelta(hours=1), Status.FAILED, Status.FAILED, "使えないことを確認"),
        (timedelta(hours=5), Status.OK, Status.UNKNOWN, "目視の期限切れ"),
        (-timedelta(minutes=1), Status.OK, Status.OK, "使えることを確認"),  # a stepped clock
    ],
)
async def test_what_a_person_saw_counts_until_it_expires(
    look: Look, env: Env, age: timedelta, seen: Status, status: Status, said: str
) -> None:
    word = Statement("t", seen, START - age, "u-7f", note="佐藤さんが見た")
    there = replace(env, clock=ManualClock(), statement=lambda _check: word)
    outcome = await look("observed", env=there, function="証明書発行", counter="市民課1番")

    assert outcome.status is status
    assert said in outcome.sentence.ja
    assert "佐藤" not in repr(outcome)


async def test_nobody_has_looked_yet_is_unknown(look: Look) -> None:
    outcome = await look("observed", function="証明書発行", counter="市民課1番")

    assert outcome.status is Status.UNKNOWN
