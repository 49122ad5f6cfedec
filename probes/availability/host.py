"""Kind `host`: space, inodes, memory and load of the machine this program runs on.

Only figures are read (statvfs, /proc), never what a file holds, so `node.host_roots` need not be
opened for it. A volume that hangs (a dead NFS server) keeps one worker thread at the most: while
one look at it has not come back no other is begun, and the check is FAILED.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from bcp.kit.language import Text
from bcp.plan.types import Model
from bcp.watch.check import Check, Env, Fact
from bcp.watch.values import FactValue, Outcome, Pillar, Status
from probes.engine import verdict
from probes.engine.trouble import Stopwatch, Trouble, look

_PROC = Path("/proc")
_MOST = 64 << 10


class Floor(Model):
    """Percent below which it is DEGRADED, and below which FAILED. `0` never."""

    degraded: float = Field(ge=0, le=100)
    failed: float = Field(ge=0, le=100)

    @model_validator(mode="after")
    def _in_order(self) -> Floor:
        if self.failed > self.degraded:
            raise ValueError("failed は degraded 以下 / failed must not be above degraded")
        return self

    def judge(self, percent: float) -> Status:
        """What this value means."""
        if percent < self.failed:
            return Status.FAILED
        return Status.DEGRADED if percent < self.degraded else Status.OK


class HostCheck(Check):
    """Reads free space and inodes of a volume, available memory and the load of this machine."""

    pillar: ClassVar[Pillar] = Pillar.AVAILABILITY
    title: ClassVar[Text] = Text(
        "この機械の空き容量・メモリ・負荷", "Disk, memory, load of this host"
    )
    reach: ClassVar[Literal["network", "host", "person"]] = "host"
    facts: ClassVar[Mapping[str, Fact]] = {
        "disk_free": Fact("bytes", Text("空き容量", "free space")),
        "disk_free_ratio": Fact("ratio", Text("空き容量の割合", "share of free space")),
        "inodes_free_ratio": Fact("ratio", Text("空きiノードの割合", "share of free inodes")),
        "memory_available": Fact("bytes", Text("使えるメモリ", "available memory")),
        "memory_available_ratio": Fact(
            "ratio", Text("使えるメモリの割合", "share of available memory")
        ),
        "load1": Fact("", Text("負荷 1分平均", "load, mean of 1 minute")),
        "load5": Fact("", Text("負荷 5分平均", "load, mean of 5 minutes")),
        "load15": Fact("", Text("負荷 15分平均", "load, mean of 15 minutes")),
        "cpus": Fact("", Text("CPUの数", "number of CPUs")),
        "total": verdict.PHASE_FACTS["total"],
    }

    kind: Literal["host"] = "host"
    path: str = "/"
    """A place on the volume, absolute."""
    mount_point: bool = False
    """A volume must be mounted there; else the free space would be that of the disk below."""
    disk_free: Floor = Floor(degraded=15, failed=5)
    """Percent of the volume this program may still fill."""
    inodes_free: Floor = Floor(degraded=10, failed=2)
    """Percent; not judged on file systems without a fixed number (Btrfs)."""
    memory_available: Floor = Floor(degraded=10, failed=3)
    """Percent of memory that programs can have without swapping (MemAvailable)."""
    max_load: float = Field(4.0, gt=0, le=1000)
    """Runnable tasks per CPU (mean of 5 minutes); more is DEGRADED."""

    @field_validator("path")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if not value.startswith("/") or "\0" in value:
            raise ValueError("path は絶対パスで書く / path must be absolute")
        return value

    @property
    def target(self) -> str:
        return f"この機械 this host {self.path}"

    async def run(self, env: Env) -> Outcome:
        return await look(
            self.target, self.timeout, env.clock, lambda watch: self._look(env, watch)
        )

    async def _look(self, env: Env, watch: Stopwatch) -> Outcome:
        watch.enter("answer")
        if self.path in _under_way:
            raise Trouble(
                Text("前の読み取りがまだ戻りません", "an earlier look has not come back"), "answer"
            )
        figures = await env.workers.thread(_read, self.path, self.mount_point)
        total = watch.stop()["total"]
        status, said = self._judge(figures)
        sentence = Text(f"{self.target}: {said.ja}", f"{self.target}: {said.en}")
        return Outcome(status, sentence, {**figures.facts, "total": total})

    def _judge(self, figures: Figures) -> tuple[Status, Text]:
        """The worst of all and every reason. Pure."""
        disk, inodes, memory = figures.disk_percent, figures.inodes_percent, figures.memory_percent
        left = f"{figures.disk_free / 1e9:.1f} GB"
        rows = [
            (
                self.disk_free,
                disk,
                Text(f"空き容量 {disk:.0f}% ({left})", f"{disk:.0f}% ({left}) free"),
            )
        ]
        if inodes is not None:
            rows.append(
                (
                    self.inodes_free,
                    inodes,
                    Text(f"空きiノード {inodes:.0f}%", f"{inodes:.0f}% inodes free"),
                )
            )
        rows.append(
            (
                self.memory_available,
                memory,
                Text(f"使えるメモリ {memory:.0f}%", f"{memory:.0f}% memory available"),
            )
        )
        status, wrong = Status.OK, list[Text]()
        for floor, percent, words in rows:
            found = floor.judge(percent)
            if found is not Status.OK:
                limit = floor.failed if found is Status.FAILED else floor.degraded
                wrong.append(
                    Text(
                        f"{words.ja}しかない (基準 {limit:g}%)",
                        f"only {words.en} (limit {limit:g}%)",
                    )
                )
            status = verdict.worse(status, found)
        load = figures.load[1] / figures.cpus
        if load > self.max_load:
            status = verdict.worse(status, Status.DEGRADED)
            wrong.append(
                Text(
                    f"負荷が高い: CPU1つに{load:.1f} (基準 {self.max_load:g})",
                    f"load {load:.1f} per CPU (limit {self.max_load:g})",
                )
            )
        if wrong:
            return status, verdict.joined(wrong)
        ja = "、".join([*(words.ja for _, _, words in rows), f"負荷 CPU1つに{load:.1f}"])
        en = ", ".join([*(words.en for _, _, words in rows), f"load {load:.1f} per CPU"])
        return status, Text(ja, en)


@dataclass(frozen=True, slots=True)
class Figures:
    """What was read at one time. Bytes and percent."""

    disk_free: int
    disk_percent: float
    inodes_percent: float | None
    """None: the file system has no fixed number."""
    memory_free: int
    memory_percent: float
    load: tuple[float, float, float]
    cpus: int

    @property
    def facts(self) -> dict[str, FactValue]:
        """Ratios from 0 to 1."""
        found: dict[str, FactValue] = {
            "disk_free": self.disk_free,
            "disk_free_ratio": round(self.disk_percent / 100, 4),
            "memory_available": self.memory_free,
            "memory_available_ratio": round(self.memory_percent / 100, 4),
            **dict(zip(("load1", "load5", "load15"), self.load, strict=True)),
            "cpus": self.cpus,
        }
        if self.inodes_percent is not None:
            found["inodes_free_ratio"] = round(self.inodes_percent / 100, 4)
        return found


_under_way: set[str] = set()


def _read(path: str, mount_point: bool) -> Figures:
    """In a worker thread. Raises `Trouble`."""
    _under_way.add(path)
    try:
        volume = os.statvfs(path)
        if mount_point and not os.path.ismount(path):
            raise Trouble(
                Text("ここにマウントされていません", "no volume is mounted there"), "answer"
            )
        with (_PROC / "meminfo").open() as memory, (_PROC / "loadavg").open() as load:
            free, whole = memory_of(memory.read(_MOST))
            loads = load_of(load.read(_MOST))
    except FileNotFoundError as error:
        text = Text("その場所がありません", "the place does not exist")
        raise Trouble(text, "answer", evidence=(f"{error.filename}: {error.strerror}",)) from error
    except (OSError, ValueError) as error:
        text = Text("この機械の値を読めません", "cannot read this host's figures")
        ours = not isinstance(error, OSError) or error.errno != 5  # EIO: the disk itself is broken
        raise Trouble(text, "answer", ours=ours, evidence=(str(error)[:200],)) from error
    finally:
        _under_way.discard(path)
    usable = volume.f_blocks - volume.f_bfree + volume.f_bavail  # as df counts: root's share is not
    return Figures(
        volume.f_bavail * volume.f_frsize,
        100 * volume.f_bavail / usable if usable else 0.0,
        100 * volume.f_favail / volume.f_files if volume.f_files else None,
        free,
        100 * free / whole,
        loads,
        os.cpu_count() or 1,
    )


def memory_of(text: str) -> tuple[int, int]:
    """Available and whole memory in bytes from /proc/meminfo. Raises ValueError."""
    rows = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    try:
        free, whole = (int(rows[name].split()[0]) * 1024 for name in ("MemAvailable", "MemTotal"))
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(f"not /proc/meminfo as expected: {error!r}") from error
    if whole <= 0 or not 0 <= free <= whole:
        raise ValueError(f"MemAvailable {free} of MemTotal {whole}")
    return free, whole


def load_of(text: str) -> tuple[float, float, float]:
    """The three means of /proc/loadavg. Raises ValueError."""
    one, five, fifteen, *_rest = [float(word) for word in text.split()[:3]] or [0.0]
    if not all(0 <= load < 1e9 for load in (one, five, fifteen)):
        raise ValueError(f"not a load: {text[:40]!r}")
    return one, five, fifteen
