"""Kind `ping`: does the host answer ICMP echo, by an unprivileged ping socket of our own."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field

from bcp.kit.clock import Clock
from bcp.kit.language import Text
from bcp.plan.types import Duration
from bcp.watch.check import Check, Env, Fact
from bcp.watch.values import FactValue, Outcome, Pillar, Status, unknown
from probes.engine import verdict
from probes.engine.fields import Host
from probes.engine.resolve import addresses
from probes.engine.trouble import Stopwatch, Trouble, from_os, look

_ECHO = {socket.AF_INET: (8, 0), socket.AF_INET6: (128, 129)}
"""ICMP types: request, reply."""
_MARK = b"ict-bcp"
_SYSCTL = "net.ipv4.ping_group_range"


class PingCheck(Check):
    """Sends a few echo requests and judges loss and round-trip time."""

    pillar: ClassVar[Pillar] = Pillar.AVAILABILITY
    title: ClassVar[Text] = Text("pingの応答", "Host answers ping")
    facts: ClassVar[Mapping[str, Fact]] = {
        "loss": Fact("ratio", Text("失われた割合", "share lost")),
        "rtt_min": Fact("seconds", Text("往復時間 最小", "round trip, shortest")),
        "rtt_avg": Fact("seconds", Text("往復時間 平均", "round trip, mean")),
        "rtt_max": Fact("seconds", Text("往復時間 最大", "round trip, longest")),
        "total": verdict.PHASE_FACTS["total"],
    }

    kind: Literal["ping"] = "ping"
    host: Host
    count: int = Field(3, ge=1, le=10)
    gap: Duration = timedelta(milliseconds=200)
    """Time between two requests."""
    wait: Duration = timedelta(seconds=2)
    """How long the last answer may take."""
    slow_after: Duration | None = None
    """低下 when the mean round trip is longer."""

    @property
    def target(self) -> str:
        return self.host

    @property
    def endpoint_host(self) -> str | None:
        return self.host

    async def run(self, env: Env) -> Outcome:
        return await look(self.host, self.timeout, env.clock, lambda watch: self._look(env, watch))

    async def _look(self, env: Env, watch: Stopwatch) -> Outcome:
        address = (await addresses(env, self.host, 0))[0]
        watch.enter("connect")
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            with _ping_socket(family, address) as sock:
                watch.enter("answer")
                echo = _Echo(sock, family, env.clock)
                await echo.ask(self.count, self.gap.total_seconds(), self.wait.total_seconds())
        except PermissionError:
            return _not_allowed()
        except OSError as error:
            raise from_os(error, "connect", address) from error
        if not echo.times and echo.error is not None:
            raise from_os(echo.error, "answer", address)
        return self._judge(address, echo.times, watch.stop()["total"])

    def _judge(self, address: str, times: list[float], total: float) -> Outcome:
        loss = 1 - len(times) / self.count
        facts: dict[str, FactValue] = {"loss": round(loss, 3), "total": total}
        shown = ", ".join(f"{t * 1000:.1f}" for t in times) or "-"
        evidence = (f"{address}: 往復 round trips [{shown}] ms, {len(times)}/{self.count}",)
        if not times:
            text = Text(f"{self.count}回とも応答なし", f"no answer to {self.count} requests")
            raise Trouble(text, "answer", evidence=evidence)
        mean = sum(times) / len(times)
        facts |= {"rtt_min": min(times), "rtt_avg": round(mean, 6), "rtt_max": max(times)}
        status, texts = Status.OK, list[Text]()
        if len(times) < self.count:
            status = Status.DEGRADED
            lost = self.count - len(times)
            texts.append(
                Text(f"{self.count}回中{lost}回応答なし", f"{lost} of {self.count} requests lost")
            )
        if late := verdict.slow(mean, self.slow_after):
            status = Status.DEGRADED
            texts.append(late)
        if not texts:
            texts.append(
                Text(f"応答 ({mean * 1000:.1f}ミリ秒)", f"answers in {mean * 1000:.1f} ms")
            )
        said = verdict.joined(texts)
        sentence = Text(f"{self.host}: {said.ja}", f"{self.host}: {said.en}")
        return Outcome(status, sentence, facts, evidence=evidence)


def _not_allowed() -> Outcome:
    return unknown(
        f"pingを送れません: この機械の設定 {_SYSCTL} で許可されていません "
        f"(例: sysctl {_SYSCTL}='0 2147483647')",
        f"cannot ping: this host's sysctl {_SYSCTL} does not allow it "
        f"(for example sysctl {_SYSCTL}='0 2147483647')",
    )


@contextmanager
def _ping_socket(family: socket.AddressFamily, address: str) -> Iterator[socket.socket]:
    """A connected ping socket. Raises PermissionError when the kernel refuses the kind."""
    protocol = socket.IPPROTO_ICMP if family == socket.AF_INET else socket.IPPROTO_ICMPV6
    with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, protocol) as sock:
        try:
            sock.connect((address, 0))
        except PermissionError as error:  # a firewall's word, not the kernel's on ping sockets
            raise OSError(error.errno, error.strerror) from error
        yield sock


class _Echo:
    """Requests and answers on one socket, matched by sequence number and a nonce."""

    def __init__(self, sock: socket.socket, family: socket.AddressFamily, clock: Clock) -> None:
        self._sock, self._clock = sock, clock
        self._request, self._reply = _ECHO[family]
        self._nonce = _MARK + os.urandom(8)
        self._sent: dict[int, float] = {}
        self._all = asyncio.Event()
        self.times: list[float] = []
        self.error: OSError | None = None

    async def ask(self, count: int, gap: float, wait: float) -> None:
        """Send `count` requests, then wait for the last answer at most `wait` seconds."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._sock.fileno(), self._read)
        try:
            for number in range(count):
                if number:
                    await asyncio.sleep(gap)
                self._send(number + 1)
            try:
                async with asyncio.timeout(wait):
                    while self._sent:
                        self._all.clear()
                        await self._all.wait()
            except TimeoutError:
                pass
        finally:
            loop.remove_reader(self._sock.fileno())

    def _send(self, number: int) -> None:
        # The kernel fills in identifier and checksum on ping sockets.
        packet = struct.pack("!BBHHH", self._request, 0, 0, 0, number) + self._nonce
        try:
            self._sock.send(packet)
            self._sent[number] = self._clock.monotonic()
        except BlockingIOError:
            self._sent[number] = self._clock.monotonic()  # counts as lost
        except OSError as error:
            self.error = error

    def _read(self) -> None:
        try:
            data = self._sock.recv(2048)
        except BlockingIOError:
            return
        except OSError as error:  # an ICMP error came back: host unreachable and its like
            self.error = error
            return
        if len(data) < 8 or data[0] != self._reply or data[8:] != self._nonce:
            return
        sent = self._sent.pop(int.from_bytes(data[6:8], "big"), None)
        if sent is not None:
            self.times.append(round(self._clock.monotonic() - sent, 6))
            self._all.set()
