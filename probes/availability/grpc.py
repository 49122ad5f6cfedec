"""Kind `grpc`: does a gRPC server say of itself that it serves (grpc.health.v1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from bcp.kit.language import Text
from bcp.plan.types import Duration
from bcp.watch.check import Env, Fact
from bcp.watch.values import Outcome, Pillar, Status
from probes.engine import grpc, redact, secrets, verdict
from probes.engine.fields import Host, Port, place
from probes.engine.grpc import Reply
from probes.engine.reaching import REACH_FACTS, Reaching
from probes.engine.tally import Tally
from probes.engine.trouble import Stopwatch
from probes.engine.wire import connect

_SAYS: Mapping[int, tuple[Status, Text]] = {
    0: (Status.FAILED, Text("状態が分からないと答えました", "says that it does not know")),
    1: (Status.OK, Text("稼働中と答えました", "says that it serves")),
    2: (Status.FAILED, Text("稼働していないと答えました", "says that it does not serve")),
    3: (Status.FAILED, Text("そのサービスを知らないと答えました", "does not know this service")),
}
_CODES: Mapping[int, tuple[Status, Text]] = {
    4: (Status.FAILED, Text("時間内に答えられませんでした", "deadline exceeded")),
    5: (Status.FAILED, Text("そのサービスを知らないと答えました", "does not know this service")),
    7: (Status.UNKNOWN, Text("見る権限がありません", "we may not ask")),
    12: (Status.UNKNOWN, Text("健康確認の仕組みがありません", "it has no health service")),
    14: (Status.FAILED, Text("使えない状態です", "unavailable")),
    16: (Status.UNKNOWN, Text("認証を求められました", "it wants a token")),
}
"""gRPC status codes that people meet; of the others only the number is said."""


class GrpcCheck(Reaching):
    """Asks a gRPC server's own health service whether it serves."""

    pillar: ClassVar[Pillar] = Pillar.AVAILABILITY
    title: ClassVar[Text] = Text("gRPCサーバーの健康確認", "gRPC health")
    facts: ClassVar[Mapping[str, Fact]] = {
        **verdict.PHASE_FACTS,
        **verdict.TLS_FACTS,
        **REACH_FACTS,
        "grpc_status": Fact("", Text("gRPCの状態コード", "gRPC status code")),
    }

    kind: Literal["grpc"] = "grpc"
    host: Host
    port: Port
    service: str = Field("", max_length=200, pattern=r"^[A-Za-z0-9_.]*$")
    """Which service is asked for; empty: the server as a whole."""
    tls: bool = True
    bearer_file: str | None = None
    """A file holding a token in one line; never sent without TLS."""
    verify: bool = True
    """The certificate must be trusted and for this host."""
    server_name: Host | None = None
    warn_days: int = Field(30, ge=0, le=3650)
    slow_after: Duration | None = None

    @model_validator(mode="after")
    def _token_needs_tls(self) -> GrpcCheck:
        if self.bearer_file is not None and not (self.tls and self.verify):
            raise ValueError("bearer_file には tls と verify が要ります / needs tls and verify")
        return self

    @property
    def target(self) -> str:
        return f"grpc://{place(self.host, self.port)}/{self.service}"

    @property
    def reached(self) -> tuple[str, int]:
        return self.host, self.port

    async def look(self, env: Env, watch: Stopwatch) -> Outcome:
        tally, token = Tally(), ""
        if self.bearer_file is not None:
            token = await secrets.read(env, self.bearer_file)
        async with connect(
            env,
            self.host,
            self.port,
            watch,
            server_name=self.server_name,
            secure=self.tls,
            alpn=grpc.ALPN,
        ) as wire:
            now, said = env.clock.utc(), Text("", "")
            if tally.certificate(wire.peer, now, self.warn_days, verify=self.verify):
                name = place(self.server_name or self.host, self.port)
                seconds = max(1, int(self.timeout.total_seconds()))
                metadata = {"authorization": f"Bearer {token}"} if token else {}
                reply = await grpc.call(wire, name, self.service, seconds, metadata)
                said = self._judge(reply, tally, token)
        spent = watch.stop()
        milliseconds = timedelta(seconds=spent["total"]) / timedelta(milliseconds=1)
        fine = Text(f"{said.ja} ({milliseconds:.0f}ミリ秒)", f"{said.en} ({milliseconds:.0f} ms)")
        return tally.outcome(self.target, spent, fine, slow_after=self.slow_after)

    def _judge(self, reply: Reply, tally: Tally, token: str) -> Text:
        """What it said; anything but good is noted."""
        status = reply.headers.get(":status", "?")
        if status != "200":
            tally.bad(Status.FAILED, Text(f"HTTP {status} の応答", f"answered HTTP {status}"))
            return Text("", "")
        code = reply.code
        if code is None:
            tally.bad(Status.FAILED, Text("gRPCの状態がありません", "no gRPC status came"))
            return Text("", "")
        tally.facts["grpc_status"] = code
        if reply.message:
            shown = redact.text(redact.line(reply.message), (token,) if token else ())
            tally.evidence.append(f"grpc-message: {shown}")
        if code != 0:
            fallback = (Status.FAILED, Text(f"エラー (コード {code})", f"error (code {code})"))
            tally.bad(*_CODES.get(code, fallback))
            return Text("", "")
        try:
            serving = reply.serving
        except ValueError:
            tally.bad(Status.FAILED, Text("答えを読めません", "the answer cannot be read"))
            return Text("", "")
        known, text = _SAYS.get(serving, _SAYS[0])
        if known is not Status.OK:
            tally.bad(known, text)
        return text
