"""Kind `nut`: what a UPS says through Network UPS Tools' `upsd` (its network protocol, port 3493).

Asks for the variables (`LIST VAR`), never logs in, never sends a command: it can neither lock an
account nor switch anything. Meaning of the words of `ups.status`: NUT developer guide, "Status
data" (OL on line, OB on battery, LB low battery, FSD forced shutdown, RB replace battery ...).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from math import isfinite
from typing import ClassVar, Literal

from pydantic import Field

from bcp.kit.language import Text
from bcp.kit.units import duration_ja, format_duration
from bcp.plan.types import Duration
from bcp.watch.check import Check, Env, Fact
from bcp.watch.values import FactValue, Outcome, Pillar, Status
from probes.engine import redact, verdict
from probes.engine.fields import Host, Port, place
from probes.engine.trouble import Stopwatch, Trouble, look
from probes.engine.wire import connect

_CAP = 256 << 10
_LINE = 4096
_VAR = re.compile(r'VAR \S+ (\S+) "((?:[^"\\]|\\.)*)"')
_SHOWN = ("ups.status", "ups.alarm", "ups.model", "battery.charge", "battery.runtime", "ups.load")
"""What evidence holds; a serial number is nobody's business."""

_WORDS: Mapping[str, tuple[Status, Text]] = {
    "FSD": (Status.FAILED, Text("まもなく停止する(強制停止の指示)", "forced shutdown announced")),
    "OFF": (Status.FAILED, Text("UPSの出力が切れている", "the output is off")),
    "LB": (Status.FAILED, Text("バッテリーがもうすぐ切れる", "battery low")),
    "OB": (Status.DEGRADED, Text("停電でバッテリー運転中", "power cut, running on battery")),
    "OVER": (Status.DEGRADED, Text("つなぎすぎ(過負荷)", "overloaded")),
    "BYPASS": (Status.DEGRADED, Text("バイパス中(停電に備えがない)", "bypassed, no protection")),
    "RB": (Status.DEGRADED, Text("バッテリーの交換時期", "battery needs replacing")),
    "ALARM": (Status.DEGRADED, Text("UPSが警報を出している", "the UPS raises an alarm")),
    "CAL": (Status.DEGRADED, Text("バッテリーの較正中", "calibrating its battery")),
}
"""The words that are not good, gravest first."""
_KNOWN = (*_WORDS, "OL", "HB", "CHRG", "DISCHRG", "TRIM", "BOOST")

_REFUSALS: Mapping[str, Text] = {
    "UNKNOWN-UPS": Text("その名前のUPSはupsdにありません", "upsd has no UPS of that name"),
    "ACCESS-DENIED": Text("upsdが読み取りを許しません", "upsd denies reading"),
    "DATA-STALE": Text("upsdがUPSと話せていません(古い値)", "upsd has lost the UPS, stale data"),
    "DRIVER-NOT-CONNECTED": Text(
        "upsdのドライバーがUPSにつながっていません", "the driver of upsd is not connected"
    ),
}


class NutCheck(Check):
    """Asks a UPS over Network UPS Tools whether it runs on battery, its charge and time left."""

    pillar: ClassVar[Pillar] = Pillar.AVAILABILITY
    title: ClassVar[Text] = Text("無停電電源装置(UPS)の状態", "State of a UPS (NUT)")
    facts: ClassVar[Mapping[str, Fact]] = {
        **{name: verdict.PHASE_FACTS[name] for name in ("resolve", "connect", "answer", "total")},
        "on_battery": Fact("", Text("バッテリー運転中", "running on battery")),
        "charge": Fact("ratio", Text("充電の割合", "battery charge")),
        "runtime": Fact("seconds", Text("バッテリーで動ける時間", "time left on battery")),
        "load": Fact("ratio", Text("負荷の割合", "load")),
    }

    kind: Literal["nut"] = "nut"
    host: Host
    port: Port = 3493
    ups: str = Field("ups", pattern=r"^[A-Za-z0-9._-]{1,64}$")
    """Its name in `ups.conf`."""
    min_charge: int | None = Field(None, ge=1, le=100)
    """Percent; less is DEGRADED. A UPS that does not tell is 不明."""
    min_runtime: Duration | None = None
    """Time left on battery; less is DEGRADED (long enough to shut down in order)."""

    @property
    def target(self) -> str:
        return f"{self.ups}@{place(self.host, self.port)}"

    @property
    def endpoint_host(self) -> str | None:
        return self.host

    async def run(self, env: Env) -> Outcome:
        return await look(
            self.target, self.timeout, env.clock, lambda watch: self._look(env, watch)
        )

    async def _look(self, env: Env, watch: Stopwatch) -> Outcome:
        async with connect(env, self.host, self.port, watch) as wire:
            wire.send(f"LIST VAR {self.ups}\n".encode())
            listing = Listing(self.ups)
            while not listing.complete:
                data = await wire.receive()
                if not data:
                    raise Trouble(Text("途中で切られました", "closed before the end"), "answer")
                listing.feed(data)
            wire.send(b"LOGOUT\n")
        spent = watch.stop()
        status, said, facts = self._judge(listing.found)
        evidence = [f"{n}: {listing.found[n]}" for n in _SHOWN if n in listing.found]
        sentence = Text(f"{self.target}: {said.ja}", f"{self.target}: {said.en}")
        return Outcome(status, sentence, facts | spent, evidence=redact.lines(evidence))

    def _judge(self, found: Mapping[str, str]) -> tuple[Status, Text, dict[str, FactValue]]:
        """What the variables mean. Pure; raises `Trouble` when the UPS says nothing of its state."""
        words = [word for word in found.get("ups.status", "").split() if word in _KNOWN]
        if not {"OL", "OB", "OFF", "FSD", "LB", "BYPASS"} & set(words):
            raise Trouble(
                Text("UPSが状態を言いません", "the UPS does not tell its state"),
                "answer",
                ours=True,
                evidence=redact.lines([f"ups.status: {found.get('ups.status', '-')}"]),
            )
        status, wrong = Status.OK, list[Text]()
        for word, (gravity, text) in _WORDS.items():
            if word in words:
                status = verdict.worse(status, gravity)
                wrong.append(text)
        charge, load = _number(found, "battery.charge"), _number(found, "ups.load")
        runtime = _number(found, "battery.runtime")
        for gravity, text in (*self._charged(charge), *self._lasting(runtime)):
            status = verdict.worse(status, gravity)
            wrong.append(text)
        facts: dict[str, FactValue] = {"on_battery": "OB" in words}
        facts |= {"charge": charge / 100} if charge is not None else {}
        facts |= {"load": load / 100} if load is not None else {}
        facts |= {"runtime": runtime} if runtime is not None else {}
        said = wrong or [Text("電源は正常", "on line power")]
        return status, _with_figures(verdict.joined(said), charge, runtime), facts

    def _charged(self, charge: float | None) -> Iterator[tuple[Status, Text]]:
        if self.min_charge is None:
            return
        if charge is None:
            yield Status.UNKNOWN, Text("充電の割合が分からない", "charge not told")
        elif charge < self.min_charge:
            yield (
                Status.DEGRADED,
                Text(f"充電が少ない (基準 {self.min_charge}%)", f"charge under {self.min_charge}%"),
            )

    def _lasting(self, runtime: float | None) -> Iterator[tuple[Status, Text]]:
        if self.min_runtime is None:
            return
        if runtime is None:
            yield Status.UNKNOWN, Text("残り時間が分からない", "time left not told")
        elif runtime < self.min_runtime.total_seconds():
            yield (
                Status.DEGRADED,
                Text(
                    f"残り時間が短い (基準 {duration_ja(self.min_runtime)})",
                    f"time left under {format_duration(self.min_runtime)}",
                ),
            )


class Listing:
    """Reads the answer to `LIST VAR`. Bounded: 256 KiB, 4 KiB a line."""

    def __init__(self, ups: str) -> None:
        self._ups, self._rest, self._size, self._begun = ups, b"", 0, False
        self.found: dict[str, str] = {}
        self.complete = False

    def feed(self, data: bytes) -> None:
        """The next bytes. Raises `Trouble` when it is no such answer or a refusal."""
        self._size += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if self.complete:
                return
            self._line(line.decode("utf-8", "replace").rstrip("\r"))
        if not self.complete and (self._size > _CAP or len(self._rest) > _LINE):
            raise Trouble(Text("応答が大きすぎます", "the answer is too large"), "answer")

    def _line(self, line: str) -> None:
        if line.startswith("ERR "):
            raise _refusal(line.split()[1] if len(line.split()) > 1 else "")
        if not self._begun:
            if line != f"BEGIN LIST VAR {self._ups}":
                raise _not_nut(line)
            self._begun = True
        elif line == f"END LIST VAR {self._ups}":
            self.complete = True
        elif (match := _VAR.fullmatch(line)) is not None:
            self.found[match[1]] = re.sub(r"\\(.)", r"\1", match[2])
        else:
            raise _not_nut(line)


def _refusal(word: str) -> Trouble:
    """upsd did not tell: nothing is known of the UPS, good or bad."""
    shown = redact.line(word, limit=40)
    text = _REFUSALS.get(word) or Text(f"upsdの応答は {shown}", f"upsd answered {shown}")
    return Trouble(text, "answer", ours=True, evidence=(f"ERR {shown}",))


def _not_nut(line: str) -> Trouble:
    text = Text("NUTとして読めない応答です", "the answer is not NUT's protocol")
    return Trouble(text, "answer", evidence=(f"受信 heard: {redact.line(line)}",))


def _number(found: Mapping[str, str], name: str) -> float | None:
    try:
        value = float(found[name])
    except (KeyError, ValueError):
        return None
    return value if isfinite(value) and 0 <= value < 1e8 else None


def _with_figures(said: Text, charge: float | None, runtime: float | None) -> Text:
    ja, en = [said.ja], [said.en]
    if charge is not None:
        ja.append(f"充電 {charge:.0f}%")
        en.append(f"charge {charge:.0f}%")
    if runtime is not None:
        left = timedelta(seconds=int(runtime))
        ja.append(f"バッテリーで{duration_ja(left)}")
        en.append(f"{format_duration(left)} on battery")
    return Text("、".join(ja), ", ".join(en))
