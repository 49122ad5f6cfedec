"""Kind `tcp`: does the port answer, and does it speak as expected."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from bcp.kit.language import Text
from bcp.plan.types import Duration, Model
from bcp.watch.check import Env, Fact
from bcp.watch.values import Outcome, Pillar
from probes.engine import redact, verdict
from probes.engine.fields import Host, Port, place
from probes.engine.reaching import REACH_FACTS, Reaching
from probes.engine.reading import Reading
from probes.engine.starttls import Protocol, ask, upgrade
from probes.engine.tally import Tally
from probes.engine.trouble import Stopwatch, Trouble
from probes.engine.wire import Wire, connect

_CAP = 64 << 10


class Turn(Model):
    """One turn of a dialogue: what we say (line ends written out), what must then be heard."""

    send: str | None = Field(None, max_length=4096)
    expect: str | None = Field(None, min_length=1, max_length=1024)


class TcpCheck(Reaching):
    """Connects to a port and, if asked, holds a short dialogue of send and expect."""

    pillar: ClassVar[Pillar] = Pillar.AVAILABILITY
    title: ClassVar[Text] = Text("TCPポートの応答", "TCP port answers")
    facts: ClassVar[dict[str, Fact]] = {**verdict.PHASE_FACTS, **verdict.TLS_FACTS, **REACH_FACTS}

    kind: Literal["tcp"] = "tcp"
    host: Host
    port: Port
    dialogue: tuple[Turn, ...] = Field((), max_length=16)
    """Send and expect in turns, for example `{expect: "220"}`, `{send: "QUIT\\r\\n"}`."""
    tls: bool = False
    starttls: Protocol | None = None
    """Begins in the clear and asks for TLS as this protocol does; the dialogue is held behind it."""
    verify: bool = True
    """With TLS: the certificate must be trusted and for this host."""
    server_name: Host | None = None
    warn_days: int = Field(30, ge=0, le=3650)
    legacy_tls: bool = False
    slow_after: Duration | None = None

    @model_validator(mode="after")
    def _one_way(self) -> TcpCheck:
        if self.tls and self.starttls:
            raise ValueError("tls と starttls はどちらか一つ / tls or starttls, not both")
        return self

    @property
    def target(self) -> str:
        return place(self.host, self.port)

    @property
    def reached(self) -> tuple[str, int]:
        return self.host, self.port

    async def look(self, env: Env, watch: Stopwatch) -> Outcome:
        tally = Tally()
        async with connect(
            env,
            self.host,
            self.port,
            watch,
            server_name=self.server_name,
            secure=self.tls,
            legacy=self.legacy_tls,
        ) as wire:
            if self.starttls is not None:
                reading, name = Reading(wire, _CAP), self.server_name or self.host
                await ask(self.starttls, wire, reading)
                await upgrade(env, wire, reading, name, watch, legacy=self.legacy_tls)
            now = env.clock.utc()
            if tally.certificate(wire.peer, now, self.warn_days, verify=self.verify):
                for turn in self.dialogue:
                    tally.evidence += await _say(wire, turn)
        spent = watch.stop()
        fine = _fine(spent["total"], bool(self.dialogue))
        return tally.outcome(self.target, spent, fine, slow_after=self.slow_after)


def _fine(total: float, spoke: bool) -> Text:
    milliseconds = timedelta(seconds=total) / timedelta(milliseconds=1)
    if spoke:
        return Text(
            f"期待どおりの応答 ({milliseconds:.0f}ミリ秒)",
            f"answers as expected ({milliseconds:.0f} ms)",
        )
    return Text(
        f"接続できる ({milliseconds:.0f}ミリ秒)", f"accepts connections ({milliseconds:.0f} ms)"
    )


async def _say(wire: Wire, turn: Turn) -> list[str]:
    """One turn. Raises `Trouble` with what was heard instead."""
    if turn.send is not None:
        wire.send(turn.send.encode("utf-8"))
    if turn.expect is None:
        return []
    wanted, heard = turn.expect.encode("utf-8"), b""
    while wanted not in heard:
        data = await wire.receive()
        heard += data
        if not data or len(heard) > _CAP:
            shown = redact.line(heard[:200].decode("utf-8", "replace")) or "-"
            expected = redact.line(turn.expect, limit=60)
            text = Text(
                f"「{expected}」を期待しましたが、違う応答です",
                f"expected '{expected}', heard something else",
            )
            raise Trouble(text, "answer", evidence=(f"受信 heard: {shown}",))
    return [f"受信 heard: {redact.line(heard.decode('utf-8', 'replace'))}"]
