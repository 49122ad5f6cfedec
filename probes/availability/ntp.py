"""Kind `ntp`: does the time server answer, is it in step, how far is our clock from it."""

from __future__ import annotations

import secrets
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from pydantic import Field

from bcp.kit.clock import Clock
from bcp.kit.language import Text
from bcp.plan.types import Duration
from bcp.watch.check import Check, Env, Fact
from bcp.watch.values import FactValue, Outcome, Pillar, Status
from probes.engine import redact, verdict
from probes.engine.datagram import ask
from probes.engine.fields import Host, Port, place
from probes.engine.resolve import addresses
from probes.engine.trouble import Stopwatch, Trouble, look

_PACKET = struct.Struct("!BBbbII4s8sQQQ")
"""RFC 5905 figure 8, without the reference timestamp taken apart."""
_CLIENT = 4 << 3 | 3
_SERVER = 4
_UNSYNCHRONIZED = 3
_EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970."""


class NtpCheck(Check):
    """Asks a time server once and compares its clock with that of this machine."""

    pillar: ClassVar[Pillar] = Pillar.AVAILABILITY
    title: ClassVar[Text] = Text("時刻サーバーの応答とずれ", "Time server answers, offset")
    facts: ClassVar[Mapping[str, Fact]] = {
        **{name: verdict.PHASE_FACTS[name] for name in ("resolve", "answer", "total")},
        "offset": Fact(
            "seconds", Text("相手の時計がこの機械より進む量", "server's clock ahead of this host's")
        ),
        "delay": Fact("seconds", Text("往復の時間", "round trip")),
        "distance": Fact(
            "seconds", Text("基準時計からの誤差の上限", "bound of the error to the source")
        ),
        "stratum": Fact("", Text("階層", "stratum")),
    }

    kind: Literal["ntp"] = "ntp"
    host: Host
    port: Port = 123
    max_offset: Duration = timedelta(seconds=1)
    """A greater difference of the two clocks is DEGRADED: one of them is wrong."""
    max_stratum: int = Field(15, ge=1, le=15)

    @property
    def target(self) -> str:
        return place(self.host, self.port)

    @property
    def endpoint_host(self) -> str | None:
        return self.host

    async def run(self, env: Env) -> Outcome:
        return await look(
            self.target, self.timeout, env.clock, lambda watch: self._look(env, watch)
        )

    async def _look(self, env: Env, watch: Stopwatch) -> Outcome:
        address = (await addresses(env, self.host, self.port))[0]
        watch.enter("answer")
        asking = _Asking(env.clock)
        sample = await ask(address, self.port, asking.packet, asking.accept)
        spent = watch.stop()
        status, text = self._judge(sample)
        facts: dict[str, FactValue] = {
            "stratum": sample.stratum,
            **{name: spent[name] for name in spent if name in self.facts},
        }
        if sample.in_step:
            facts |= {"offset": sample.offset, "delay": sample.delay, "distance": sample.distance}
        sentence = Text(f"{self.target}: {text.ja}", f"{self.target}: {text.en}")
        return Outcome(status, sentence, facts, evidence=(sample.evidence,))

    def _judge(self, sample: Sample) -> tuple[Status, Text]:
        """What one answer means."""
        if sample.kiss:
            # RFC 5905 section 7.4: it asks to be left alone and says nothing about its clock.
            raise Trouble(
                Text(f"時刻を教えない応答 {sample.kiss}", f"turned away with {sample.kiss}"),
                "answer",
                ours=True,
                evidence=(sample.evidence,),
            )
        if not sample.in_step:
            return Status.FAILED, Text(
                "相手の時計が基準に合っていない(同期していない)", "its clock is not synchronized"
            )
        most, off = self.max_offset.total_seconds(), sample.offset
        if abs(off) > most:
            return Status.DEGRADED, Text(
                f"時計が{off:+.3f}秒ずれている (基準 {most:g}秒。相手とこの機械のどちらかが違う)",
                f"clocks differ by {off:+.3f} s (limit {most:g} s): one of the two is wrong",
            )
        if sample.stratum > self.max_stratum:
            return Status.DEGRADED, Text(
                f"階層が{sample.stratum} (基準 {self.max_stratum}以下): 基準の時計から遠い",
                f"stratum {sample.stratum}, limit {self.max_stratum}",
            )
        return Status.OK, Text(
            f"ずれ{off * 1000:+.1f}ミリ秒、階層{sample.stratum}",
            f"offset {off * 1000:+.1f} ms, stratum {sample.stratum}",
        )


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer of a server. Seconds."""

    leap: int
    stratum: int
    reference: bytes
    offset: float
    delay: float
    distance: float

    @property
    def kiss(self) -> str:
        """The kiss code of an answer that gives no time (RFC 5905 section 7.4)."""
        return redact.line(self.reference.decode("latin-1").strip("\0"), limit=4) * (
            self.stratum == 0
        )

    @property
    def in_step(self) -> bool:
        """The server says that its own clock follows a source."""
        return self.leap != _UNSYNCHRONIZED and 1 <= self.stratum <= 15

    @property
    def evidence(self) -> str:
        """One line."""
        said = f"leap {self.leap}, stratum {self.stratum}"
        return f"{said}, offset {self.offset:+.6f} s, delay {self.delay:.6f} s"


class _Asking:
    """Remembers when each packet left. Its transmit time is a random number, not our clock
    (an answer must repeat it), so nobody learns our clock or can answer without having heard."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left: dict[int, tuple[datetime, float]] = {}

    def packet(self) -> bytes:
        cookie = secrets.randbits(64)
        self._left[cookie] = (self._clock.utc(), self._clock.monotonic())
        return _PACKET.pack(_CLIENT, 0, 0, 0, 0, 0, b"", b"", 0, 0, cookie)

    def accept(self, data: bytes) -> Sample | None:
        now = self._clock.monotonic()
        return sample_of(data, self._left, now)


def sample_of(data: bytes, left: Mapping[int, tuple[datetime, float]], now: float) -> Sample | None:
    """The answer these bytes hold (RFC 5905 section 8), None when they answer no packet of ours.

    `left`: when each packet left, by wall clock and monotonic seconds; `now`: monotonic seconds.
    The time between is taken from the monotonic clock: a step of ours in between changes nothing.
    """
    if len(data) < _PACKET.size:
        return None
    first, stratum, _poll, _precision, root_delay, root_dispersion, reference, _when, *times = (
        _PACKET.unpack_from(data)
    )
    origin, received, sent = times
    if first & 7 != _SERVER or origin not in left:
        return None
    wall, monotonic = left[origin]
    out = _stamp(wall)
    elapsed = now - monotonic
    held = _between(received, sent)
    delay = max(0.0, elapsed - held)
    # ((T2 - T1) + (T3 - T4)) / 2 with T4 = T1 + elapsed.
    offset = (_between(out, received) + _between(out, sent) - elapsed) / 2
    distance = (root_delay / 2 + root_dispersion) / (1 << 16) + delay / 2
    return Sample(first >> 6, stratum, reference, offset, delay, distance)


def _stamp(when: datetime) -> int:
    """NTP's 64-bit timestamp."""
    micro = timedelta(microseconds=1)
    since = (when - datetime(1970, 1, 1, tzinfo=when.tzinfo)) // micro + _EPOCH * 1_000_000
    return ((since << 32) // 1_000_000) & 0xFFFF_FFFF_FFFF_FFFF


def _between(earlier: int, later: int) -> float:
    """Seconds from one timestamp to another; right across the end of an era (2036)."""
    span = (later - earlier) & 0xFFFF_FFFF_FFFF_FFFF
    return (span - (1 << 64) if span >> 63 else span) / (1 << 32)
