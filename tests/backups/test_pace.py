"""Reading no faster than the plan allows, and letting go at once when nobody waits any more."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest

from backups import manifest
from backups.pace import Pace, Stopped
from bcp.kit.workers import Workers


def test_so_many_bytes_take_their_time_and_idle_time_is_not_saved_up() -> None:
    now, waited = [0.0], list[float]()
    pace = Pace(100, lambda: now[0])

    class Remembering(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout or 0.0)
            now[0] += timeout or 0.0
            return False

    pace._stop = Remembering()
    for _turn in range(3):
        pace.spend(50)
    assert waited == [0.5, 0.5, 0.5]
    now[0] += 60
    pace.spend(100)
    assert waited[-1] == pytest.approx(1.0), "a minute of rest gives no right to a burst"


async def test_a_manifest_keeps_to_its_pace_and_says_the_same(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for index in range(40):
        (tree / f"f{index}").write_bytes(bytes([index]) * 20_000)
    (tree / "big").write_bytes(b"x" * 2_500_000)
    workers = Workers(threads=2)
    try:
        plain = await manifest.write(workers, [tree], tmp_path / "a")
        started = time.monotonic()
        pace = Pace(4_000_000, time.monotonic)
        slow = await manifest.write(workers, [tree], tmp_path / "b", pace=pace)
        spent = time.monotonic() - started
    finally:
        workers.close()
    assert slow.root == plain.root
    assert spent >= 3_300_000 / 4_000_000 * 0.95


async def test_who_goes_away_frees_the_thread_that_waits(tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(b"x" * 3_000_000)
    workers = Workers(threads=2)
    pace = Pace(1_000, time.monotonic)  # fifty minutes
    task = asyncio.ensure_future(manifest.write(workers, [big], tmp_path / "m", pace=pace))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(Stopped):
        pace.spend(1)
    started = time.monotonic()
    workers.close()  # waits for its threads
    assert time.monotonic() - started < 5
