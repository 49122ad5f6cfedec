"""Manifest against `sha256sum` and bare hashlib over the same bytes; a poll against restic's own."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from backups import manifest
from bcp.kit.workers import Workers
from benchmarks.frame import Row

SMALL, SMALL_SIZE = 20_000, 8_000
LARGE, LARGE_SIZE = 6, 64 << 20
ROUNDS = 3


def measure() -> list[Row]:
    """Best of three, warm cache."""
    with tempfile.TemporaryDirectory(prefix="manifest-") as name:
        folder = Path(name)
        small, large = folder / "small", folder / "large"
        _make(small, SMALL, SMALL_SIZE)
        _make(large, LARGE, LARGE_SIZE)
        rows = []
        for tree, what in ((small, "20,000 small files"), (large, "large files")):
            ours = _best(lambda tree=tree: asyncio.run(_ours(tree, folder / "m")))  # type: ignore[misc]
            sums = _best(lambda tree=tree: _sha256sum(tree))  # type: ignore[misc]
            bare = _best(lambda tree=tree: _bare(tree))  # type: ignore[misc]
            aide = _aide(tree, folder)
            rows.append(Row(f"manifest, {what}", ours, sums, "s", "sha256sum over find | xargs"))
            rows.append(Row(f"manifest, {what}", ours, bare, "s", "bare hashlib, one thread"))
            if aide is not None:
                rows.append(Row(f"manifest, {what}", ours, aide, "s", "aide --check (sha256)"))
    return rows + _polls()


def _make(folder: Path, count: int, size: int) -> None:
    block = os.urandom(min(size, 1 << 20))
    for index in range(count):
        inside = folder / f"{index % 100:02}"
        inside.mkdir(parents=True, exist_ok=True)
        with (inside / f"f{index}").open("wb") as file:
            file.write(index.to_bytes(8, "big"))
            for _turn in range(max(1, size // len(block))):
                file.write(block)


def _best(work: Callable[[], object]) -> float:
    seconds = []
    for _round in range(ROUNDS):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


async def _ours(tree: Path, out: Path) -> None:
    workers = Workers(threads=8)
    try:
        await manifest.write(workers, [tree], out)
    finally:
        workers.close()


def _sha256sum(tree: Path) -> None:
    with subprocess.Popen(
        ["find", str(tree), "-type", "f", "-print0"], stdout=subprocess.PIPE
    ) as find:
        subprocess.run(
            ["xargs", "-0", "sha256sum"], stdin=find.stdout, stdout=subprocess.DEVNULL, check=True
        )


def _aide(tree: Path, folder: Path) -> float | None:
    """Its check against its own database; None where it is not installed."""
    program = shutil.which("aide")
    if program is None:
        return None
    config = folder / "aide.conf"
    config.write_text(
        f"database_in=file:{folder}/aide.db\ndatabase_out=file:{folder}/aide.db\n"
        f"gzip_dbout=no\nreport_url=file:/dev/null\n{tree} p+s+m+c+sha256\n"
    )
    words = [program, "-c", str(config)]
    subprocess.run([*words, "--init"], check=True, capture_output=True)
    checked = [*words, "--check"]
    return _best(lambda: subprocess.run(checked, check=True, capture_output=True))


def _bare(tree: Path) -> None:
    buffer = bytearray(1 << 20)
    view = memoryview(buffer)
    for folder, _dirs, names in os.walk(tree):
        for name in names:
            digest = hashlib.sha256()
            with open(f"{folder}/{name}", "rb", buffering=0) as file:  # noqa: PTH123 - bare
                while got := file.readinto(buffer):
                    digest.update(view[:got])
            digest.hexdigest()


def _polls() -> list[Row]:
    """One look of the room against one `restic snapshots` on the same repository."""
    program = shutil.which("restic")
    if program is None:
        return []
    with tempfile.TemporaryDirectory(prefix="poll-") as name:
        ours, peer = asyncio.run(_poll(Path(name), program))
    return [Row("poll of a repository", ours, peer, "s", "restic snapshots --json")]


async def _poll(folder: Path, program: str) -> tuple[float, float]:
    from backups import tools
    from backups.custody import FOLD
    from backups.model import BackupSet, Repository
    from backups.room import BackupRoom
    from bcp.journal.journal import Journal
    from bcp.kit.clock import SystemClock

    source, password, repository = folder / "source", folder / "password", folder / "repository"
    _make(source, 50, 8_000)
    password.write_text("benchmark\n")
    copy = Repository(id="main", location=str(repository), password_file=str(password))
    one = BackupSet(id="one", kind="restic", sources=(str(source),), repositories=(copy,))
    clock, workers, log = SystemClock(), Workers(threads=4), folder / "log"
    Journal.create(log, origin="benchmark/log", node="n1", clock=clock)
    async with Journal.open(log, clock=clock, folds={tools.STATE: FOLD}) as journal:
        room = BackupRoom(
            (one,),
            log=journal,
            workers=workers,
            clock=clock,
            folder=folder / "data",
            scratch=folder / "scratch",
        )
        await room.init("one", "main", actor=tools.SYSTEM, op="init")
        await room.backup("one")
        ours, peer = [], []
        for _round in range(ROUNDS):
            started = time.perf_counter()
            await room.verify("one", "main", 1)
            ours.append(time.perf_counter() - started)
            started = time.perf_counter()
            await room.list("one", "main")
            peer.append(time.perf_counter() - started)
    workers.close()
    return min(ours), min(peer)
