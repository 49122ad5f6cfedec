"""The integrity log against what it stands on: bare SQLite, the bare disk, a bare hash loop.

Every pair is measured in the same run. An append is durable twice before it is acknowledged (store,
then head file), so against one bare SQLite commit the ceiling at batch 1 is about one half.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bcp.journal import Actor, Fold, Journal, NewEntry
from bcp.journal.verify import verify_export
from bcp.kit.clock import SystemClock
from benchmarks.frame import Row

ACTOR = Actor("u-1", "commander")
SENTENCE = "x" * 60
SINGLE, BATCHES, BATCH = 300, 40, 500


def _new(clock: SystemClock, number: int) -> NewEntry:
    return NewEntry("bench.note", "juki", {"n": number, "s": SENTENCE}, None, clock.utc())


def _rate(number: int, work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return number / (time.perf_counter() - started)


def _bare_sqlite(folder: Path, number: int, batch: int) -> float:
    """Rows a second: the same columns and indexes' worth of bytes, nothing else."""
    connection = sqlite3.connect(folder / f"bare{batch}.sqlite3", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE entry (seq INTEGER PRIMARY KEY, data BLOB) STRICT")
    data = b"x" * 450

    def work() -> None:
        for start in range(0, number, batch):
            connection.execute("BEGIN IMMEDIATE")
            rows = [(seq, data) for seq in range(start, start + batch)]
            connection.executemany("INSERT INTO entry VALUES (?, ?)", rows)
            connection.execute("COMMIT")

    rate = _rate(number, work)
    connection.close()
    return rate


def _bare_disk(folder: Path, number: int) -> float:
    """Appends of 4 KiB a second, each with fdatasync."""
    fd = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def work() -> None:
        for _ in range(number):
            os.write(fd, bytes(4096))
            os.fdatasync(fd)

    rate = _rate(number, work)
    os.close(fd)
    return rate


def _bare_hashes(number: int, size: int) -> float:
    """Entries a second: two SHA-256 each (leaf and node), as little as a tree can cost."""
    data = b"x" * size

    def work() -> None:
        sha256 = hashlib.sha256
        for _ in range(number):
            sha256(b"\x00" + data).digest()
            sha256(bytes(65)).digest()

    return _rate(number, work)


async def _measure(folder: Path) -> list[Row]:
    clock = SystemClock()
    log = folder / "log"
    Journal.create(log, origin="bench.example/log", node="n1", clock=clock)
    journal = Journal.open(log, clock=clock, folds={"n": Fold(0, lambda state, _entry: state + 1)})
    rows = []

    async with journal:
        started = time.perf_counter()
        for number in range(SINGLE):
            await journal.append(_new(clock, number), op=f"one-{number}", actor=ACTOR)
        ours = SINGLE / (time.perf_counter() - started)
        rows.append(
            Row("append, one by one", ours, _bare_sqlite(folder, SINGLE, 1), "/s", "SQLite commit")
        )
        rows.append(
            Row("append, one by one", ours, _bare_disk(folder, SINGLE), "/s", "append + fdatasync")
        )

        total = BATCHES * BATCH
        started = time.perf_counter()
        for batch in range(BATCHES):
            news = [_new(clock, number) for number in range(BATCH)]
            await journal.append(*news, op=f"many-{batch}", actor=ACTOR)
        ours = total / (time.perf_counter() - started)
        peer = _bare_sqlite(folder, total, BATCH)
        rows.append(
            Row(f"append, {BATCH} a command", ours, peer, "/s", f"SQLite, {BATCH} a commit")
        )

        started = time.perf_counter()
        callers = (
            journal.append(_new(clock, n), op=f"group-{n}", actor=ACTOR) for n in range(4000)
        )
        await asyncio.gather(*callers)
        grouped = 4000 / (time.perf_counter() - started)
        peer = _bare_disk(folder, SINGLE)
        rows.append(Row("append, 4,000 callers at once", grouped, peer, "/s", "append + fdatasync"))

        size = journal.size
        started = time.perf_counter()
        assert (await journal.verify()).ok
        ours = size / (time.perf_counter() - started)
        hashes = _bare_hashes(size, 450)
        rows.append(Row("verify, the log itself", ours, hashes, "entries/s", "hashlib loop"))
        await journal.export(folder / "export")

    started = time.perf_counter()
    assert verify_export(folder / "export").ok
    ours = size / (time.perf_counter() - started)
    rows.append(Row("verify, an export, second code", ours, hashes, "entries/s", "hashlib loop"))
    return rows


def measure() -> list[Row]:
    """All comparisons, some seconds."""
    with tempfile.TemporaryDirectory(prefix="ict-bcp-bench-") as folder:
        return asyncio.run(_measure(Path(folder)))
