"""Names check against raw SHA-256 and against `restic check --read-data`; a comparison of 10,000 snapshots."""

from __future__ import annotations

import asyncio
import hashlib
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from backups import objectcheck
from backups.anomaly import Seen, compare
from backups.custody import CopyState
from backups.objects import Listing
from backups.record import Custody
from backups.restic.parsing import Snapshot
from bcp.kit.clock import SystemClock
from bcp.kit.workers import Workers
from benchmarks.frame import Row

FILES, FILE_SIZE = 96, 4 << 20
SNAPSHOTS = 10_000
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one run."""

    wall: float
    cpu: float
    """User and system seconds, of this process and of its children."""


def measure() -> list[Row]:
    """Best of some rounds, warm cache: less wall time for what waits, less CPU for what works."""
    rows = [_comparison()]
    program = shutil.which("restic")
    if program is None:
        return rows
    with tempfile.TemporaryDirectory(prefix="names-") as name:
        folder = Path(name)
        repository, restic = _repository(folder, program)
        ours = _best(lambda: asyncio.run(_check(repository)))
        bare = _best(lambda: _bare(repository))
        read = _best(lambda: restic("check", "--read-data"), rounds=2)
    return [
        Row("names check, CPU (limit 1 / 0.85 = 1.18)", ours.cpu, bare.cpu, "s", "raw SHA-256"),
        Row("names check, CPU (limit 0.35)", ours.cpu, read.cpu, "s", "restic check --read-data"),
        Row("names check, wall", ours.wall, read.wall, "s", "restic check --read-data"),
        *rows,
    ]


def _repository(folder: Path, program: str) -> tuple[Path, Callable[..., None]]:
    source, repository, password = folder / "source", folder / "repository", folder / "password"
    source.mkdir()
    for index in range(FILES):
        (source / str(index)).write_bytes(os.urandom(FILE_SIZE))
    password.write_text("benchmark\n")

    def restic(*words: str) -> None:
        base = [program, "-r", str(repository), "--password-file", str(password), "--no-cache"]
        subprocess.run([*base, *words], check=True, capture_output=True)

    restic("init")
    restic("backup", str(source))
    return repository, restic


def _best(work: Callable[[], object], rounds: int = ROUNDS) -> Cost:
    costs = []
    for _round in range(rounds):
        before, started = _cpu(), time.perf_counter()
        work()
        costs.append(Cost(time.perf_counter() - started, _cpu() - before))
    return Cost(min(c.wall for c in costs), min(c.cpu for c in costs))


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


async def _check(repository: Path) -> None:
    workers = Workers(threads=2)
    try:
        report = await objectcheck.check(repository, workers=workers, clock=SystemClock())
    finally:
        workers.close()
    assert report.good


def _bare(repository: Path) -> None:
    """The same objects, read and hashed one after the other, nothing else."""
    buffer = bytearray(1 << 20)
    view = memoryview(buffer)
    for part in ("data", "index", "snapshots", "keys"):
        for path in (repository / part).rglob("*"):
            if path.is_file():
                digest = hashlib.sha256()
                with path.open("rb", buffering=0) as file:
                    while got := file.readinto(buffer):
                        digest.update(view[:got])
                digest.hexdigest()


def _comparison() -> Row:
    """A repository of 10,000 snapshots and 100,000 objects with its record, against the limit."""
    start, home = datetime(2016, 1, 1, tzinfo=UTC), "r" * 64
    times = [start + timedelta(hours=8 * index) for index in range(SNAPSHOTS)]
    custody = tuple(
        Custody(
            "s", "r", home, f"{i:064x}", f"{i:064x}", at, "m" * 64, 1, 1, f"run{i}", "0.14.0", True,
            seq=i,
        )
        for i, at in enumerate(times)
    )  # fmt: skip
    shown = tuple(
        Snapshot(f"{i:064x}", f"{i:064x}", at, "h", ("/srv",), ("ict-bcp", f"run:run{i}"))
        for i, at in enumerate(times)
    )
    objects = {f"data/{index:064x}": 5_000_000 for index in range(100_000)}
    seen = Seen(home, shown, Listing(objects, None, {}), dict(objects))
    state = CopyState(custody)
    found: list[object] = []
    cost = _best(lambda: found.append(compare(state, seen, now=times[-1])), rounds=3)
    assert found == [()] * 3
    return Row(f"comparison of {SNAPSHOTS:,} snapshots", cost.wall, 2.0, "s", "limit")
