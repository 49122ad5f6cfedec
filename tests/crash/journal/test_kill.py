"""SIGKILL at random moments under load: every acknowledged entry is there, nothing twice."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import signal
from collections import Counter
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from bcp.journal import Entry, Journal
from bcp.kit.clock import SystemClock
from tests.bcp.journal.helpers import ORIGIN
from tests.crash.journal import worker

pytestmark = pytest.mark.crash


@pytest.fixture(scope="module")
def children() -> ForkServerContext:
    """Children that start in milliseconds: a clean server process has the modules loaded."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.crash.journal.worker"])
    return context


def acknowledged(acks: Path) -> dict[str, list[int]]:
    """op -> sequence numbers, of every whole line."""
    if not acks.exists():
        return {}
    lines = acks.read_text().split("\n")[:-1]
    pairs = (line.split(" ") for line in lines)
    return {op: [int(seq) for seq in seqs.split(",")] for op, seqs in pairs}


async def check(folder: Path, heard: dict[str, list[int]], since: int) -> list[Entry]:
    """Open what the killed child left, and hold it against what it had acknowledged."""
    journal = worker.open_log(folder)
    async with journal:
        entries = list(await journal.read(since, limit=10**9))
        assert [entry.seq for entry in entries] == list(range(since, journal.size))
        assert journal.state("count") == journal.size
        found: dict[str, list[int]] = {}
        for entry in entries:
            found.setdefault(entry.op, []).append(entry.seq)
            assert entry.detail.get("size", entry.seq) == entry.seq
            if entry.commitments:
                assert await journal.reveal(entry) == {"name": f"山田 {entry.op}"}
        for op, seqs in heard.items():
            assert found.get(op, seqs if seqs[0] < since else None) == seqs, op
        for op, seqs in found.items():
            several = op.split("-")[-1].isdigit() and int(op.split("-")[-1]) % 3 == 0
            assert len(seqs) in ((1, 2) if several else (1,)), (op, seqs)
        return entries


async def first_acknowledgement(acks: Path) -> None:
    async with asyncio.timeout(60):
        while not (acks.exists() and acks.stat().st_size):  # noqa: ASYNC110
            await asyncio.sleep(0.002)


async def kill_again_and_again(
    tmp_path: Path, children: ForkServerContext, kills: int, seed: int = 20261123
) -> None:
    chance = random.Random(seed)
    folder = tmp_path / "log"
    Journal.create(folder, origin=ORIGIN, node="n1", clock=SystemClock())
    size, total, alive = 1, 0, 0
    again: list[str] = []
    for run in range(kills):
        acks = tmp_path / f"acks-{run}"
        child = children.Process(target=worker.main, args=(str(folder), str(acks), str(run), again))
        child.start()
        if run % 2:  # kill a running writer; the others die while starting, opening or writing
            await first_acknowledgement(acks)
        await asyncio.sleep(chance.uniform(0, 0.25))
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        assert child.exitcode == -signal.SIGKILL

        heard = acknowledged(acks)
        entries = await check(folder, heard, size)
        size += len(entries)
        total += len(heard)
        alive += bool(heard)
        # operations in flight when it died: some are in the log, some not; send them again
        last = Counter({op.rsplit("-", 1)[0]: int(op.rsplit("-", 1)[1]) for op in heard})
        again = [f"{producer}-{index + 1}" for producer, index in last.items()][:6]
        acks.unlink(missing_ok=True)

    journal = worker.open_log(folder)
    async with journal:
        assert journal.size == size
        verified = await journal.verify()
        assert verified.ok, verified.problems
        assert verified.values_erased == 0
        ops = Counter((e.op, e.kind) for e in await journal.read(limit=10**9))
        assert max(ops.values()) == 1
    assert total > kills
    assert alive >= kills // 2  # the kills hit running writers, not only starting ones


@pytest.mark.timeout(300)
async def test_fifty_kills_lose_nothing_acknowledged_and_double_nothing(
    tmp_path: Path, children: ForkServerContext
) -> None:
    await kill_again_and_again(tmp_path, children, 50)


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_a_thousand_kills_lose_nothing_acknowledged_and_double_nothing(
    tmp_path: Path, children: ForkServerContext
) -> None:
    for part in range(20):  # a new log each time: opening a long one is not what is tested here
        (tmp_path / str(part)).mkdir()
        await kill_again_and_again(tmp_path / str(part), children, 50, seed=part)
