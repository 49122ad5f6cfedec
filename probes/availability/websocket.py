"""Kind `websocket`: does the server switch to WebSocket (RFC 6455), and is someone there."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from bcp.kit.language import Text
from bcp.plan.types import Duration
from bcp.watch.check import Env, Fact
from bcp.watch.values import Outcome, Pillar
from probes.engine import redact, secrets, verdict
from probes.engine.fields import Host
from probes.engine.frames import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    Message,
    Messages,
    accept_of,
    frame,
)
from probes.engine.http import Answer, Url, exchange, parse_url, request
from probes.engine.reaching import REACH_FACTS, Reaching
from probes.engine.tally import Tally
from probes.engine.trouble import Stopwatch, Trouble
from probes.engine.wire import Wire, connect

_MESSAGE_CAP = 64 << 10
_FLOOD_CAP = 256 << 10
"""Bytes heard without what we wait for; more is a stream that never gives it."""
_PROTOCOL = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$"


class WebSocketCheck(Reaching):
    """Opens a WebSocket and waits for a pong or an expected message."""

    pillar: ClassVar[Pillar] = Pillar.AVAILABILITY
    title: ClassVar[Text] = Text("WebSocketの応答", "WebSocket answers")
    facts: ClassVar[Mapping[str, Fact]] = {
        **verdict.PHASE_FACTS,
        **verdict.TLS_FACTS,
        **REACH_FACTS,
        "status": Fact("", Text("HTTP状態コード", "HTTP status")),
    }

    kind: Literal["websocket"] = "websocket"
    url: str
    """`ws://` or `wss://`."""
    origin: str | None = Field(None, pattern=r"^https?://[!-~]{1,253}$")
    """The `Origin` a browser would send; some servers refuse without it."""
    subprotocol: str | None = Field(None, pattern=_PROTOCOL)
    """Asked for; the server must choose it."""
    bearer_file: str | None = None
    """A file holding a token in one line."""
    send: str | None = Field(None, max_length=4096)
    """A text message to say first. Only what reads: it is sent on every run."""
    expect: str | None = Field(None, min_length=1, max_length=1024)
    """Must stand in a message within the timeout. Without it a ping must be answered."""
    connect_to: Host | None = None
    """Contact this host instead of the URL's (a stand-by site), name and certificate unchanged."""
    verify: bool = True
    """The certificate must be trusted and for this host."""
    warn_days: int = Field(30, ge=0, le=3650)
    legacy_tls: bool = False
    slow_after: Duration | None = None

    @field_validator("url")
    @classmethod
    def _url(cls, value: str) -> str:
        _parsed(value)
        return value

    @property
    def target(self) -> str:
        return "ws" + _parsed(self.url).shown.removeprefix("http")

    @property
    def reached(self) -> tuple[str, int]:
        url = _parsed(self.url)
        return self.connect_to or url.host, url.port

    async def look(self, env: Env, watch: Stopwatch) -> Outcome:
        url, secret = _parsed(self.url), tuple[str, ...]()
        if self.bearer_file is not None:
            secret = (await secrets.read(env, self.bearer_file),)
        try:
            return await self._talk(env, watch, url, secret)
        except Trouble as trouble:
            trouble.evidence = redact.lines(trouble.evidence, secret)
            told = trouble.text  # a server may throw the token back as its subprotocol
            trouble.text = Text(redact.text(told.ja, secret), redact.text(told.en, secret))
            raise

    async def _talk(self, env: Env, watch: Stopwatch, url: Url, secret: tuple[str, ...]) -> Outcome:
        tally = Tally()
        async with connect(
            env,
            *self.reached,
            watch,
            server_name=url.host,
            secure=url.secure,
            legacy=self.legacy_tls,
        ) as wire:
            now = env.clock.utc()
            if tally.certificate(wire.peer, now, self.warn_days, verify=self.verify):
                answer = await self._switch(wire, watch, url, secret)
                tally.facts["status"] = answer.status
                tally.evidence += [*answer.evidence, await self._hear(wire, answer.rest)]
        spent = watch.stop()
        fine = _fine(spent["total"])
        return tally.outcome(self.target, spent, fine, slow_after=self.slow_after, secret=secret)

    async def _switch(
        self, wire: Wire, watch: Stopwatch, url: Url, secret: tuple[str, ...]
    ) -> Answer:
        """The opening handshake (section 4.1). Raises `Trouble` when the server did not switch."""
        key = base64.b64encode(os.urandom(16)).decode()
        headers = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": key,
        }
        headers |= {"Origin": self.origin} if self.origin else {}
        headers |= {"Sec-WebSocket-Protocol": self.subprotocol} if self.subprotocol else {}
        headers |= {"Authorization": f"Bearer {secret[0]}"} if secret else {}
        sent = request("GET", url, headers)
        answer = await exchange(wire, sent, watch, cap=_MESSAGE_CAP, head=False)
        if (text := _refused(answer, key, self.subprotocol)) is not None:
            raise Trouble(text, "answer", evidence=answer.evidence)
        return answer

    async def _hear(self, wire: Wire, first: bytes) -> str:
        """What proved that someone is there. Raises `Trouble`."""
        token = os.urandom(8)
        if self.send is not None:
            wire.send(frame(TEXT, self.send.encode("utf-8")))
        if self.expect is None:
            wire.send(frame(PING, token))
        messages, heard, data = Messages(_MESSAGE_CAP), 0, first
        while True:
            heard += len(data)
            for message in _read(messages, data):
                if self._proves(message, token):
                    wire.send(frame(CLOSE, (1000).to_bytes(2)))
                    return "pong" if self.expect is None else f"受信 heard: {_shown(message)}"
                if message.opcode == PING:
                    wire.send(frame(PONG, message.payload))
                elif message.opcode == CLOSE:
                    code = message.close_code
                    raise Trouble(
                        Text(f"相手が閉じました (コード {code})", f"closed with code {code}"),
                        "answer",
                    )
            if heard > _FLOOD_CAP:
                raise Trouble(
                    Text("待つ応答が来ないまま大量に送られました", "a flood without the answer"),
                    "answer",
                )
            data = await wire.receive()
            if not data:
                raise Trouble(Text("途中で切られました", "closed before the answer"), "answer")

    def _proves(self, message: Message, token: bytes) -> bool:
        if self.expect is None:
            return message.opcode == PONG and message.payload == token
        wanted = self.expect.encode("utf-8")
        return message.opcode in (TEXT, BINARY) and wanted in message.payload


def _parsed(url: str) -> Url:
    """Raises ValueError (bilingual) when it is not a WebSocket URL."""
    if not url.startswith(("ws://", "wss://")):
        raise ValueError("ws:// か wss:// で始まるURLを書く / write a ws:// or wss:// URL")
    return parse_url("http" + url.removeprefix("ws"))


def _refused(answer: Answer, key: str, subprotocol: str | None) -> Text | None:
    """Why the answer is no switch to WebSocket (RFC 6455 section 4.1, points 1 to 6)."""
    if answer.status != 101:
        return Text(
            f"WebSocketに切り替わらず、応答 {answer.status}",
            f"did not switch to WebSocket, answered {answer.status}",
        )
    if (answer.header("Upgrade") or "").lower() != "websocket":
        return Text("WebSocket以外に切り替わりました", "switched to another protocol")
    if (answer.header("Sec-WebSocket-Accept") or "").strip() != accept_of(key):
        return Text("WebSocketの確認の値が違います", "a wrong Sec-WebSocket-Accept")
    chosen = answer.header("Sec-WebSocket-Protocol")
    if chosen != subprotocol:
        wanted, got = subprotocol or "-", redact.line(chosen or "-", limit=60)
        return Text(
            f"サブプロトコルが {got} (期待 {wanted})", f"subprotocol {got}, expected {wanted}"
        )
    return None


def _read(messages: Messages, data: bytes) -> Iterator[Message]:
    try:
        yield from messages.feed(data)
    except ValueError as error:
        raise Trouble(
            Text("WebSocketとして読めない応答です", f"not WebSocket: {error}"), "answer"
        ) from error


def _shown(message: Message) -> str:
    return message.payload.decode("utf-8", "replace")


def _fine(total: float) -> Text:
    milliseconds = timedelta(seconds=total) / timedelta(milliseconds=1)
    return Text(f"応答あり ({milliseconds:.0f}ミリ秒)", f"answers in {milliseconds:.0f} ms")
