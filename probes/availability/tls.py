"""Kind `tls`: is the certificate good, for how long, and was it taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from bcp.kit.language import Text
from bcp.kit.units import jst
from bcp.plan.types import Duration
from bcp.watch.check import Env, Fact
from bcp.watch.values import Outcome, Pillar, Status
from probes.engine import verdict
from probes.engine.fields import Host, Port, place
from probes.engine.http import parse_url
from probes.engine.reaching import REACH_FACTS, Reaching
from probes.engine.reading import Reading
from probes.engine.revocation import ask
from probes.engine.starttls import Protocol, upgrade
from probes.engine.starttls import ask as begin
from probes.engine.trouble import Stopwatch
from probes.engine.wire import connect

_CAP = 64 << 10


class TlsCheck(Reaching):
    """Finishes one TLS handshake and judges the certificate: dates, chain, name, revocation."""

    pillar: ClassVar[Pillar] = Pillar.AVAILABILITY
    title: ClassVar[Text] = Text("TLS証明書の有効性と期限", "TLS certificate valid, and until when")
    facts: ClassVar[dict[str, Fact]] = {
        **verdict.PHASE_FACTS,
        **verdict.TLS_FACTS,
        **REACH_FACTS,
        "revocation": Fact("", Text("失効の確認", "revocation: good, revoked or unknown")),
    }

    kind: Literal["tls"] = "tls"
    host: Host
    port: Port = 443
    starttls: Protocol | None = None
    """Begins in the clear and asks for TLS as this protocol does. Write `port`, too."""
    server_name: Host | None = None
    """Sent and verified instead of `host`."""
    warn_days: int = Field(30, ge=0, le=3650)
    """低下 when the certificate ends within this many days."""
    legacy_tls: bool = False
    """Also speak TLS 1.0/1.1, for an old device that cannot do better."""
    revocation: Literal["off", "ocsp", "crl"] = "off"
    """Ask the authority whether it took the certificate back. Where it cannot be asked (closed
    network), the answer is 「失効は未確認」, not a failure."""
    revocation_url: str | None = None
    """The city's own responder or mirror, instead of what the certificate names."""
    every: Duration = timedelta(minutes=15)

    @model_validator(mode="after")
    def _url_is_used(self) -> TlsCheck:
        if self.revocation_url is not None:
            if self.revocation == "off":
                raise ValueError("revocation_url には revocation が要ります / it needs revocation")
            parse_url(self.revocation_url)
        return self

    @model_validator(mode="after")
    def _port_of_the_protocol(self) -> TlsCheck:
        if self.starttls is not None and self.port == 443:
            raise ValueError("starttls には port を書く / write the port of starttls")
        return self

    @property
    def target(self) -> str:
        return place(self.host, self.port)

    @property
    def reached(self) -> tuple[str, int]:
        return self.host, self.port

    async def look(self, env: Env, watch: Stopwatch) -> Outcome:
        async with connect(
            env,
            self.host,
            self.port,
            watch,
            server_name=self.server_name,
            secure=self.starttls is None,
            legacy=self.legacy_tls,
        ) as wire:
            if self.starttls is not None:
                reading, name = Reading(wire, _CAP), self.server_name or self.host
                await begin(self.starttls, wire, reading)
                await upgrade(env, wire, reading, name, watch, legacy=self.legacy_tls)
            peer, path = wire.peer, wire.verified_path()
        assert peer is not None
        status, text = verdict.certificate(peer, env.clock.utc(), self.warn_days)
        if text is None:
            until = jst(peer.leaf.not_after, "%Y-%m-%d %H:%M")
            days = (peer.leaf.not_after - env.clock.utc()).days
            text = Text(
                f"証明書は有効 (あと{days}日、{until} まで)",
                f"certificate valid for {days} more days ({until} JST)",
            )
        facts, evidence = verdict.tls_facts(peer) | watch.stop(), peer.evidence
        if self.revocation != "off" and peer.trusted:  # else the address to ask is anybody's word
            told = await ask(env, path, self.revocation, self.revocation_url)
            facts["revocation"], evidence = told.standing, (*evidence, *told.evidence)
            revoked = told.standing == "revoked"
            status = Status.FAILED if revoked else status
            text = told.text if revoked else verdict.joined([text, told.text])
        sentence = Text(f"{self.target}: {text.ja}", f"{self.target}: {text.en}")
        return Outcome(status, sentence, facts, evidence=evidence)
