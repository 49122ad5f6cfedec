"""Why there was no answer, in words; and the one place that decides down against could-not-look."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Literal

from bcp.kit.clock import Clock
from bcp.kit.language import Text
from bcp.watch.values import FactValue, Outcome, Status

Phase = Literal["resolve", "connect", "tls", "answer", "body"]

PHASES: Mapping[str, Text] = {
    "resolve": Text("名前解決", "while resolving the name"),
    "connect": Text("接続", "while connecting"),
    "tls": Text("TLSの確立", "in the TLS handshake"),
    "answer": Text("応答待ち", "while waiting for the answer"),
    "body": Text("本文の受信", "while receiving the body"),
}

_DOWN: Mapping[int, Text] = {
    errno.ECONNREFUSED: Text("接続を拒否されました", "connection refused"),
    errno.ECONNRESET: Text("接続を切られました", "connection reset"),
    errno.ECONNABORTED: Text("接続を切られました", "connection aborted"),
    errno.EPIPE: Text("接続を切られました", "connection closed"),
    errno.ETIMEDOUT: Text("時間内に応答がありません", "no answer in time"),
    errno.EHOSTUNREACH: Text("ホストに届きません", "host unreachable"),
    errno.EHOSTDOWN: Text("ホストが停止しています", "host is down"),
}

_OURS: Mapping[int, Text] = {
    errno.ENETUNREACH: Text("この機械から経路がありません", "no route from this host"),
    errno.ENETDOWN: Text("この機械のネットワークが停止中です", "this host's network is down"),
    errno.EMFILE: Text("この機械の接続数が上限です", "out of file descriptors here"),
    errno.ENFILE: Text("この機械の接続数が上限です", "out of file descriptors here"),
    errno.ENOBUFS: Text("この機械の通信資源が不足", "out of network buffers here"),
    errno.ENOMEM: Text("この機械のメモリが不足", "out of memory here"),
    errno.EADDRNOTAVAIL: Text(
        "この機械に使える送信元がありません", "no usable source address here"
    ),
    errno.EAFNOSUPPORT: Text(
        "この機械が扱えない種類の宛先です", "address family not supported here"
    ),
    errno.EACCES: Text("この機械で許可されていません", "not permitted on this host"),
    errno.EPERM: Text("この機械の防火壁が止めました", "stopped by this host's firewall"),
}


class Trouble(Exception):
    """No answer to judge. `ours`: we failed to look (UNKNOWN), else the target failed (FAILED)."""

    def __init__(
        self, text: Text, phase: Phase, *, ours: bool = False, evidence: tuple[str, ...] = ()
    ) -> None:
        super().__init__(text.en)
        self.text = text
        self.phase = phase
        self.ours = ours
        self.evidence = evidence

    def outcome(self, target: str, facts: Mapping[str, FactValue] | None = None) -> Outcome:
        """The verdict: FAILED, or UNKNOWN when the fault is on our side."""
        step = PHASES[self.phase]
        if self.ours:
            sentence = Text(
                f"{target}: 確認できません。{step.ja}で{self.text.ja}",
                f"{target}: could not look: {self.text.en} {step.en}",
            )
            return Outcome(Status.UNKNOWN, sentence, facts or {}, evidence=self.evidence)
        sentence = Text(
            f"{target}: {step.ja}で失敗。{self.text.ja}",
            f"{target}: failed {step.en}: {self.text.en}",
        )
        return Outcome(Status.FAILED, sentence, facts or {}, evidence=self.evidence)


def from_os(error: OSError, phase: Phase, where: str) -> Trouble:
    """An operating system's error as a Trouble; unknown numbers count as ours: not proven down."""
    evidence = (f"{where}: {os.strerror(error.errno) if error.errno else error}",)
    number = error.errno or 0
    if number in _DOWN:
        return Trouble(_DOWN[number], phase, evidence=evidence)
    text = _OURS.get(number) or Text(f"エラー {error}", f"error {error}")
    return Trouble(text, phase, ours=True, evidence=evidence)


_NAME_MISSING = {
    number
    for number in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", None))
    if number is not None
}


def from_resolver(error: OSError, host: str) -> Trouble:
    """NXDOMAIN is the target's fault (its name is gone); a resolver that is mute is ours."""
    evidence = (f"{host}: {error.strerror or error}",)
    if isinstance(error, socket.gaierror) and error.errno in _NAME_MISSING:
        text = Text(f"名前 {host} が見つかりません", f"the name {host} does not exist")
        return Trouble(text, "resolve", evidence=evidence)
    text = Text("名前解決の仕組みが答えません", "our resolver does not answer")
    return Trouble(text, "resolve", ours=True, evidence=evidence)


class Stopwatch:
    """Measures phases in seconds (monotonic) and knows the one that is running."""

    __slots__ = ("_clock", "_last", "_started", "phase", "seconds")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started = self._last = clock.monotonic()
        self.phase: Phase = "resolve"
        self.seconds: dict[str, float] = {}

    def enter(self, phase: Phase) -> None:
        """End the running phase (adding to its time: redirects pass it again), begin another."""
        now = self._clock.monotonic()
        self.seconds[self.phase] = self.seconds.get(self.phase, 0.0) + now - self._last
        self._last, self.phase = now, phase

    def stop(self) -> dict[str, float]:
        """All phases so far and `total`, in seconds."""
        self.enter(self.phase)
        return {**self.seconds, "total": self._last - self._started}

    def so_far(self) -> dict[str, float]:
        """`total` when it went wrong, and `connect` where a connection stood already: what must not
        be reached was reached then."""
        stood = "connect" in self.seconds
        spent = self.stop()
        return {name: spent[name] for name in ("connect", "total") if name != "connect" or stood}


def patience(timeout: timedelta) -> float:
    """Seconds a check gives itself: a little less than the caller's deadline, so that it can say
    in which phase it got stuck; the caller's deadline stays the authority."""
    whole = timeout.total_seconds()
    return max(whole * 0.9, whole - 0.25)


async def look(
    target: str, timeout: timedelta, clock: Clock, work: Callable[[Stopwatch], Awaitable[Outcome]]
) -> Outcome:
    """Run `work`; turn a Trouble or running out of time into the right Outcome."""
    watch = Stopwatch(clock)
    try:
        async with asyncio.timeout(patience(timeout)) as scope:
            return await work(watch)
    except Trouble as trouble:
        return trouble.outcome(target, watch.so_far())
    except TimeoutError:
        if not scope.expired():
            raise
    spent = watch.so_far()
    total = spent["total"]
    text = Text(f"{total:.1f}秒待っても応答がありません", f"no answer within {total:.1f} s")
    late = Trouble(text, watch.phase, ours=watch.phase == "resolve")
    return late.outcome(target, spent)
