"""Kind `mail`: does the mail server (SMTP, IMAP or POP3) answer, with a good certificate."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from bcp.kit.language import Text
from bcp.plan.types import Duration
from bcp.watch.check import Env, Fact
from bcp.watch.values import Outcome, Pillar, Status
from probes.engine import mail, redact, verdict
from probes.engine.fields import Host, Port, place
from probes.engine.reaching import REACH_FACTS, Reaching
from probes.engine.reading import Reading, part
from probes.engine.starttls import upgrade
from probes.engine.tally import Tally
from probes.engine.trouble import Stopwatch, Trouble
from probes.engine.wire import Wire, connect

_PORTS = {"smtp": (25, 465), "imap": (143, 993), "pop3": (110, 995)}

Capability = Annotated[str, Field(pattern=r"^[!-~]+( [!-~]+)*$", max_length=100)]


class MailCheck(Reaching):
    """Greets a mail server, asks what it offers, and leaves; never logs in, never sends mail."""

    pillar: ClassVar[Pillar] = Pillar.AVAILABILITY
    title: ClassVar[Text] = Text(
        "メールサーバーの応答 (SMTP・IMAP・POP3)", "Mail server answers (SMTP, IMAP, POP3)"
    )
    facts: ClassVar[Mapping[str, Fact]] = {
        **verdict.PHASE_FACTS,
        **verdict.TLS_FACTS,
        **REACH_FACTS,
    }

    kind: Literal["mail"] = "mail"
    host: Host
    protocol: Literal["smtp", "imap", "pop3"]
    port: Port | None = None
    """Without it the usual one: 25, 143 or 110; with `tls: implicit` 465, 993 or 995."""
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    """`starttls`: the server must offer it, and the rest is said behind it."""
    capabilities: tuple[Capability, ...] = Field((), max_length=16)
    """Must all be offered (behind TLS), for example `AUTH PLAIN` or `IDLE`."""
    verify: bool = True
    """The certificate must be trusted and for this host."""
    server_name: Host | None = None
    warn_days: int = Field(30, ge=0, le=3650)
    legacy_tls: bool = False
    slow_after: Duration | None = None

    @property
    def target(self) -> str:
        return place(*self.reached)

    @property
    def reached(self) -> tuple[str, int]:
        return self.host, self.port or _PORTS[self.protocol][self.tls == "implicit"]

    async def look(self, env: Env, watch: Stopwatch) -> Outcome:
        tally = Tally()
        async with connect(
            env,
            *self.reached,
            watch,
            server_name=self.server_name,
            secure=self.tls == "implicit",
            legacy=self.legacy_tls,
        ) as wire:
            reading = Reading(wire, mail.CAP)
            talk = mail.TALKS[self.protocol](wire, reading)
            try:
                await self._talk(env, watch, wire, reading, talk, tally)
            except Trouble:
                await part(wire, talk.goodbye, watch, self.timeout)
                raise
            spent = watch.stop()
            await part(wire, talk.goodbye, watch, self.timeout)
        fine = _fine(spent["total"], secure=self.tls != "none")
        return tally.outcome(self.target, spent, fine, slow_after=self.slow_after)

    async def _talk(
        self,
        env: Env,
        watch: Stopwatch,
        wire: Wire,
        reading: Reading,
        talk: mail.Talk,
        tally: Tally,
    ) -> None:
        """From the greeting to what the server offers. Raises `Trouble`."""
        if not self._trusts(env, wire, tally):
            return
        tally.evidence.append(await talk.greeting())
        offered = await talk.capabilities()
        if self.tls == "starttls":
            if not mail.offers(offered, talk.tls_word):
                tally.evidence += offered
                text = Text(f"{talk.tls_word}が使えない", f"does not offer {talk.tls_word}")
                tally.bad(Status.FAILED, text)
                return
            await talk.start_tls()
            name = self.server_name or self.host
            await upgrade(env, wire, reading, name, watch, legacy=self.legacy_tls)
            if not self._trusts(env, wire, tally):
                return
            offered = await talk.capabilities()  # what was said before TLS anyone may have said
        tally.evidence.append(", ".join(offered))
        for wanted in self.capabilities:
            if not mail.offers(offered, wanted):
                shown = redact.line(wanted)
                tally.bad(Status.FAILED, Text(f"機能 {shown} が無い", f"does not offer {shown}"))

    def _trusts(self, env: Env, wire: Wire, tally: Tally) -> bool:
        now = env.clock.utc()
        return tally.certificate(wire.peer, now, self.warn_days, verify=self.verify)


def _fine(total: float, *, secure: bool) -> Text:
    milliseconds = timedelta(seconds=total) / timedelta(milliseconds=1)
    if secure:
        return Text(
            f"応答あり、TLSで保護 ({milliseconds:.0f}ミリ秒)",
            f"answers, protected by TLS ({milliseconds:.0f} ms)",
        )
    return Text(f"応答あり ({milliseconds:.0f}ミリ秒)", f"answers ({milliseconds:.0f} ms)")
