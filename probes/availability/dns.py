"""Kind `dns`: does a name server answer, and with the right records."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import partial
from typing import ClassVar, Literal

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.reversename
from pydantic import Field, field_validator

from bcp.kit.language import Text
from bcp.plan.types import Duration
from bcp.watch.check import Check, Env, Fact
from bcp.watch.values import FactValue, Outcome, Pillar, Status
from probes.engine import redact, verdict
from probes.engine.datagram import ask
from probes.engine.fields import Host, Port, is_address, place
from probes.engine.resolve import addresses
from probes.engine.trouble import Stopwatch, Trouble, look
from probes.engine.wire import Wire, connect


class DnsCheck(Check):
    """Asks one name server one question and compares the answer."""

    pillar: ClassVar[Pillar] = Pillar.AVAILABILITY
    title: ClassVar[Text] = Text("DNSの応答と内容", "DNS answers, with the right records")
    facts: ClassVar[Mapping[str, Fact]] = {
        **{name: verdict.PHASE_FACTS[name] for name in ("resolve", "connect", "answer", "total")},
        "rcode": Fact("", Text("応答コード", "response code")),
        "answers": Fact("", Text("応答の数", "number of records")),
        "ttl": Fact("seconds", Text("最小のTTL", "smallest TTL")),
        "transport": Fact("", Text("使った通信", "udp or tcp")),
    }

    kind: Literal["dns"] = "dns"
    server: Host
    port: Port = 53
    query: str = Field(min_length=1, max_length=253)
    """The name to ask for (an address is asked as its PTR name)."""
    type: Literal["A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT", "CAA"] = "A"
    expect: tuple[str, ...] = ()
    """Records that must all be there, as in a zone file (`192.0.2.1`, `10 mail.example.jp.`)."""
    exact: bool = False
    """No other records may be there."""
    rcode: Literal["NOERROR", "NXDOMAIN", "REFUSED"] = "NOERROR"
    """NXDOMAIN or REFUSED for a name that must not be answered."""
    recursion: bool = True
    tcp: bool = False
    """Ask over TCP only; else UDP, and TCP when the answer was cut."""
    slow_after: Duration | None = None

    @field_validator("query")
    @classmethod
    def _name(cls, value: str) -> str:
        try:
            _question(value)
        except (dns.exception.DNSException, UnicodeError) as error:
            raise ValueError(f"DNSの名前ではありません / not a DNS name: {error}") from error
        return value

    @property
    def target(self) -> str:
        return f"{self.query} {self.type} @{place(self.server, self.port)}"

    @property
    def endpoint_host(self) -> str | None:
        return self.server

    async def run(self, env: Env) -> Outcome:
        return await look(
            self.target, self.timeout, env.clock, lambda watch: self._look(env, watch)
        )

    async def _look(self, env: Env, watch: Stopwatch) -> Outcome:
        address = (await addresses(env, self.server, self.port))[0]
        question = dns.message.make_query(_question(self.query), self.type)
        if not self.recursion:
            question.flags &= ~dns.flags.RD
        reply, transport = None, "udp"
        if not self.tcp:
            watch.enter("answer")
            reply = await ask(address, self.port, question.to_wire, partial(_answers, question))
        if reply is None or reply.flags & dns.flags.TC:
            transport = "tcp"
            reply = await _by_tcp(env, address, self.port, question, watch)
        return self._judge(reply, transport, watch.stop())

    def _judge(
        self, reply: dns.message.Message, transport: str, spent: dict[str, float]
    ) -> Outcome:
        rcode = dns.rcode.to_text(reply.rcode())
        kind = dns.rdatatype.from_text(self.type)
        sets = [rrset for rrset in reply.answer if rrset.rdtype == kind]
        records = sorted(record.to_text() for rrset in sets for record in rrset)
        facts: dict[str, FactValue] = {
            "rcode": rcode,
            "answers": len(records),
            "transport": transport,
            **{name: spent[name] for name in spent if name in self.facts},
        }
        if sets:
            facts["ttl"] = min(rrset.ttl for rrset in sets)
        evidence = (
            f"{rcode} ({transport})",
            *(redact.line(f"{self.query} {self.type} {record}") for record in records[:10]),
        )
        fault = self._fault(rcode, records)
        status = Status.FAILED if fault else Status.OK
        if fault is None:
            shown = ", ".join(records[:3]) or rcode
            fault = verdict.slow(spent["total"], self.slow_after)
            status = Status.DEGRADED if fault else Status.OK
            fault = fault or Text(f"応答 {shown}", f"answered {shown}")
        sentence = Text(
            redact.line(f"{self.target}: {fault.ja}", limit=400),
            redact.line(f"{self.target}: {fault.en}", limit=400),
        )
        return Outcome(status, sentence, facts, evidence=evidence)

    def _fault(self, rcode: str, records: list[str]) -> Text | None:
        if rcode != self.rcode:
            return Text(
                f"応答コード {rcode} (期待 {self.rcode})", f"{rcode}, expected {self.rcode}"
            )
        if self.rcode != "NOERROR":
            return None
        seen, wanted = {_plain(r) for r in records}, {_plain(r) for r in self.expect}
        got = ", ".join(records[:5]) or "無し none"
        if missing := sorted(wanted - seen):
            names = ", ".join(missing[:5])
            return Text(f"{names} がない (応答 {got})", f"{names} is missing, got {got}")
        if self.exact and (extra := sorted(seen - wanted)):
            names = ", ".join(extra[:5])
            return Text(f"余分な記録 {names}", f"unexpected records {names}")
        if not records:
            return Text(f"{self.type} の記録がない", f"no {self.type} record")
        return None


def _plain(record: str) -> str:
    """Without what does not matter: case, the last dot, quotes of a TXT."""
    return record.lower().rstrip(".").strip('"')


def _question(name: str) -> dns.name.Name:
    if is_address(name):
        return dns.reversename.from_address(name)
    return dns.name.from_text(name)


def _answers(question: dns.message.Message, data: bytes) -> dns.message.Message | None:
    """The reply these bytes hold, None when they do not answer the question."""
    try:
        reply = dns.message.from_wire(data, ignore_trailing=True)
    except (dns.exception.DNSException, ValueError):
        return None
    return reply if question.is_response(reply) else None


async def _by_tcp(
    env: Env, address: str, port: int, question: dns.message.Message, watch: Stopwatch
) -> dns.message.Message:
    """Ask over TCP. Raises `Trouble`."""
    async with connect(env, address, port, watch) as wire:
        data = question.to_wire()
        wire.send(struct.pack("!H", len(data)) + data)
        reader = _Exact(wire)
        (length,) = struct.unpack("!H", await reader.take(2))
        data = await reader.take(length)
    try:
        reply = dns.message.from_wire(data)
    except (dns.exception.DNSException, ValueError) as error:
        raise _garbled() from error
    if not question.is_response(reply):
        raise _garbled()
    return reply


def _garbled() -> Trouble:
    return Trouble(Text("DNSとして読めない応答です", "the answer is not DNS"), "answer")


class _Exact:
    """Reads counted bytes off a wire."""

    def __init__(self, wire: Wire) -> None:
        self._wire, self._held = wire, b""

    async def take(self, count: int) -> bytes:
        """Exactly `count` bytes. Raises `Trouble` when the connection ends before."""
        while len(self._held) < count:
            data = await self._wire.receive()
            if not data:
                raise _garbled()
            self._held += data
        taken, self._held = self._held[:count], self._held[count:]
        return taken
