"""Kind `mail` against aiosmtpd and against IMAP, POP3 and SMTP servers that answer wrongly."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP as SMTPServer
from hypothesis import given
from hypothesis import strategies as st

from bcp.watch.check import Env
from bcp.watch.values import Outcome, Status
from probes import kinds
from probes.engine import mail
from probes.engine.reading import Reading
from probes.engine.trouble import Trouble
from tests.probes.conftest import Look
from tests.probes.pki import DAY, NOW, Authority
from tests.probes.servers import dead_port, dialogue, hang, says, serve

SMTP = {"host": "127.0.0.1", "protocol": "smtp"}
IMAP = {"host": "127.0.0.1", "protocol": "imap"}


class Server(SMTPServer):
    """Remembers its connections: after STARTTLS it leaves them open when the other side goes."""

    open: list[Any]

    def connection_made(self, transport: Any) -> None:
        self.open.append(transport)
        super().connection_made(transport)


class Post:
    """Keeps what aiosmtpd was told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    async def handle_EHLO(
        self, _server: Any, session: Any, _envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        self.said.append(f"EHLO {hostname}")
        session.host_name = hostname
        return responses

    async def handle_QUIT(self, _server: Any, _session: Any, _envelope: Any) -> str:
        self.said.append("QUIT")
        return "221 Bye"

    async def handle_MAIL(self, *_all: Any) -> str:
        self.said.append("MAIL")
        return "550 no"


@contextmanager
def aiosmtpd(**options: Any) -> Iterator[tuple[int, list[str]]]:
    """In a thread with a loop of its own: its STARTTLS wants the standard one."""
    post, loop = Post(), asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()

    opened: list[Any] = []

    def one() -> Server:
        server = Server(post, hostname="mail", loop=loop, **options)
        server.open = opened
        return server

    async def begin() -> asyncio.Server:
        return await loop.create_server(one, "127.0.0.1", 0)

    async def end() -> None:
        server.close()
        for transport in opened:
            transport.abort()
        await asyncio.sleep(0.1)

    server = asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
    try:
        yield server.sockets[0].getsockname()[1], post.said
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def test_a_real_smtp_server_is_greeted_and_left_politely(
    look: Look, authority: Authority
) -> None:
    with aiosmtpd(tls_context=authority.server("smtp")) as (port, said):
        outcome = await look("mail", **SMTP, port=port, capabilities=["size", "8BITMIME"])
        plain = await look("mail", **SMTP, port=port, tls="none", capabilities=["AUTH PLAIN"])

    assert outcome.status is Status.OK, outcome
    assert outcome.facts["tls_version"] == "TLSv1.3"
    assert "TLSで保護" in outcome.sentence.ja
    assert plain.status is Status.FAILED
    assert "AUTH PLAIN が無い" in plain.sentence.ja
    assert said == ["EHLO [127.0.0.1]"] * 2 + ["QUIT", "EHLO [127.0.0.1]", "QUIT"]


async def test_tls_from_the_start(look: Look, authority: Authority) -> None:
    seen: list[str] = []
    replies = {"EHLO": b"250-x\r\n250 SIZE 9\r\n", "QUIT": b"221 bye\r\n"}
    async with serve(
        dialogue(b"220 hi\r\n", replies, None, seen), authority.server("smtps")
    ) as port:
        outcome = await look("mail", **SMTP, port=port, tls="implicit", capabilities=["SIZE"])

    assert outcome.status is Status.OK, outcome
    assert "not_after" in outcome.facts
    assert seen == ["EHLO [127.0.0.1]", "QUIT"]


async def test_a_real_smtp_server_without_starttls_fails(look: Look) -> None:
    with aiosmtpd() as (port, said):
        outcome = await look("mail", **SMTP, port=port)

    assert outcome.status is Status.FAILED
    assert "STARTTLSが使えない" in outcome.sentence.ja
    assert said[-1] == "QUIT"


OFFERS = {
    "CAPABILITY": b"* CAPABILITY IMAP4rev1 STARTTLS IDLE AUTH=PLAIN\r\n%tag OK done\r\n",
    "STARTTLS": b"%tag OK begin\r\n",
    "LOGOUT": b"* BYE\r\n%tag OK bye\r\n",
}


async def _imap(look: Look, tls: ssl.SSLContext, seen: list[str], **fields: Any) -> Outcome:
    async with serve(dialogue(b"* OK ready\r\n", OFFERS, tls, seen)) as port:
        outcome: Outcome = await look("mail", **IMAP, port=port, **fields)
    return outcome


async def test_imap_is_asked_again_behind_tls_and_left_by_logout(
    look: Look, authority: Authority
) -> None:
    seen: list[str] = []
    good = authority.server("imap")

    outcome = await _imap(look, good, seen, capabilities=["IDLE", "AUTH=PLAIN"])
    missing = await _imap(look, good, [], capabilities=["QUOTA"])

    assert outcome.status is Status.OK, outcome
    assert seen == ["a1 CAPABILITY", "a2 STARTTLS", "a3 CAPABILITY", "bye LOGOUT"]
    assert (missing.status, "QUOTA が無い" in missing.sentence.ja) == (Status.FAILED, True)


async def test_a_bad_certificate_behind_starttls_fails_and_nothing_more_is_asked(
    look: Look, authority: Authority
) -> None:
    seen: list[str] = []
    expired = authority.server("imap-old", begin=NOW - 30 * DAY, end=NOW - DAY)
    named = authority.server("imap-other", names=("other.example",))
    soon = authority.server("imap-soon", end=NOW + 5 * DAY)

    old = await _imap(look, expired, seen)
    other = await _imap(look, named, [])
    ending = await _imap(look, soon, [])
    unverified = await _imap(look, named, [], verify=False)

    assert (old.status, "期限切れ" in old.sentence.ja) == (Status.FAILED, True)
    assert seen == ["a1 CAPABILITY", "a2 STARTTLS", "bye LOGOUT"]
    assert (other.status, "名前が違う" in other.sentence.ja) == (Status.FAILED, True)
    assert (ending.status, unverified.status) == (Status.DEGRADED, Status.OK)


POP = {
    "CAPA": b"+OK\r\nTOP\r\nSTLS\r\nSASL PLAIN\r\n.\r\n",
    "STLS": b"+OK begin\r\n",
    "QUIT": b"+OK\r\n",
}


async def test_pop3_is_asked_again_behind_tls_and_left_by_quit(
    look: Look, authority: Authority
) -> None:
    seen: list[str] = []
    fields = {"host": "127.0.0.1", "protocol": "pop3", "capabilities": ["SASL PLAIN"]}
    async with serve(dialogue(b"+OK hi\r\n", POP, authority.server("pop"), seen)) as port:
        good = await look("mail", **fields, port=port)
    old = {**POP, "CAPA": b"-ERR what\r\n"}
    async with serve(dialogue(b"+OK hi\r\n", old)) as port:
        bare = await look("mail", host="127.0.0.1", protocol="pop3", tls="none", port=port)

    assert good.status is Status.OK, good
    assert seen == ["CAPA", "STLS", "CAPA", "QUIT"]
    assert bare.status is Status.OK, "a server without CAPA serves"


EHLO = {"EHLO": b"250-x\r\n250 STARTTLS\r\n"}
BAD = {
    "not welcome": ("smtp", dialogue(b"554 go away\r\n", {}), "あいさつ で断られました (554)"),
    "busy": ("smtp", dialogue(b"421-x\r\n421 busy\r\n", {}), "(421)"),
    "no ehlo": ("smtp", dialogue(b"220 x\r\n", {"EHLO": b"502 no\r\n"}), "EHLO で断られました"),
    "no tls now": (
        "smtp",
        dialogue(b"220 x\r\n", {**EHLO, "STARTTLS": b"454 later\r\n"}),
        "STARTTLS で断られました (454)",
    ),
    "words before tls": (
        "smtp",
        dialogue(b"220 x\r\n", {**EHLO, "STARTTLS": b"220 go\r\n250 AUTH\r\n"}),
        "余計な応答",
    ),
    "no tls behind": (
        "smtp",
        dialogue(b"220 x\r\n", {**EHLO, "STARTTLS": b"220 go\r\n", "": b""}),
        "待っても",
    ),
    "not smtp": ("smtp", says(b"SSH-2.0-x\r\n", read_first=False), "SMTPとして読めない"),
    "bare": ("smtp", says(b"\r\n", read_first=False), "SMTPとして読めない"),
    "endless lines": ("smtp", says(b"220-x\r\n" * 9000, read_first=False), "SMTPとして読めない"),
    "one long line": ("smtp", says(b"220 " + b"x" * 20000, read_first=False), "一行が長すぎ"),
    "cut": ("smtp", says(b"220-x\r\n22", read_first=False), "切られ"),
    "slow drip": ("smtp", says(*[b"2"] * 20, pause=0.3, read_first=False), "待っても"),
    "silence": ("smtp", hang, "待っても"),
    "let in": ("imap", dialogue(b"* PREAUTH root\r\n", OFFERS), "(PREAUTH)"),
    "bye": ("imap", dialogue(b"* BYE busy\r\n", {}), "(BYE)"),
    "pop says no": ("pop3", dialogue(b"-ERR busy\r\n", {}), "あいさつ で断られました (-ERR)"),
    "not pop": ("pop3", dialogue(b"220 x\r\n", {}), "POP3として読めない"),
    "pop without tls": (
        "pop3",
        dialogue(b"+OK\r\n", {**POP, "CAPA": b"+OK\r\n.\r\n"}),
        "STLSが使えない",
    ),
    "pop not now": ("pop3", dialogue(b"+OK\r\n", {**POP, "STLS": b"-ERR\r\n"}), "STLS で断られ"),
    "pop flood": ("pop3", dialogue(b"+OK\r\n", {"CAPA": b"+OK\r\n" * 9000}), "POP3として"),
    "not imap": ("imap", dialogue(b"+OK pop\r\n", {}), "IMAPとして読めない"),
    "no": ("imap", dialogue(b"* OK\r\n", {"CAPABILITY": b"%tag BAD what\r\n"}), "(BAD)"),
    "another tag": ("imap", dialogue(b"* OK\r\n", {"CAPABILITY": b"z9 OK\r\n"}), "IMAPとして"),
    "flood": ("imap", dialogue(b"* OK\r\n", {"CAPABILITY": b"* X\r\n" * 9000}), "IMAPとして"),
    "nothing offered": ("imap", dialogue(b"* OK\r\n", {"CAPABILITY": b"%tag OK\r\n"}), "使えない"),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_server_fails_and_says_how(look: Look, name: str) -> None:
    protocol, handler, words = BAD[name]
    async with serve(handler) as port:
        fields = {"host": "127.0.0.1", "protocol": protocol, "port": port}
        outcome = await look("mail", **fields, timeout="1s")

    assert outcome.status is Status.FAILED
    assert words in outcome.sentence.ja


async def test_a_closed_port_is_told(look: Look) -> None:
    outcome = await look("mail", **SMTP, port=dead_port())

    assert (outcome.status, "拒否" in outcome.sentence.ja) == (Status.FAILED, True)


def test_the_usual_ports(env: Env) -> None:
    def port(protocol: str, tls: str) -> str:
        fields = {"id": "t", "kind": "mail", "host": "m.example", "protocol": protocol, "tls": tls}
        return kinds()["mail"].model_validate(fields).target.rpartition(":")[2]

    assert [port("smtp", "starttls"), port("smtp", "implicit")] == ["25", "465"]
    assert [port("imap", "none"), port("imap", "implicit")] == ["143", "993"]
    assert [port("pop3", "none"), port("pop3", "implicit")] == ["110", "995"]


@given(st.lists(st.text(max_size=20), max_size=5))
def test_what_is_offered_is_found_in_any_order_and_case(parameters: list[str]) -> None:
    words = [w for p in parameters for w in p.split()]
    offered = ("size 10", " ".join(["Auth", *words]))

    assert mail.offers(offered, "SIZE")
    assert mail.offers(offered, " ".join(["AUTH", *reversed(words)]))
    assert not mail.offers(offered, "AUTH PLAIN-NOT-THERE-AT-ALL")
    assert not mail.offers((), "X")


class _Deaf:
    """A wire to nowhere that gives these bytes."""

    own_address = "::1"

    def __init__(self, chunks: list[bytes]) -> None:
        self.chunks = chunks

    def send(self, data: bytes) -> None:
        assert data.endswith(b"\r\n")

    async def receive(self) -> bytes:
        return self.chunks.pop(0) if self.chunks else b""


@given(
    st.lists(
        st.sampled_from([b"250-", b"250 ", b"\r\n", b"* ", b"OK", b"a1 ", b"+", b".", b"\xff"])
    )
)
def test_no_bytes_break_the_readers(chunks: list[bytes]) -> None:
    for kind in mail.TALKS.values():
        wire: Any = _Deaf(list(chunks))
        talk: Any = kind(wire, Reading(wire, mail.CAP))
        with pytest.raises((StopIteration, Trouble)) as end:  # the wire never waits
            talk.capabilities().send(None)
        assert not isinstance(end.value, Trouble) or not end.value.ours
