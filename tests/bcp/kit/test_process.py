"""Children: drained, capped, stopped with their whole group."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from bcp.kit import durable, process
from bcp.kit.errors import Busy, Unwritable


async def test_both_pipes_are_drained_and_the_output_is_capped() -> None:
    code = "import sys; sys.stderr.write('e' * 3_000_000); sys.stdout.write('o' * 3_000_000)"

    done = await process.run([sys.executable, "-c", code], deadline=20, cap=1000)

    assert (done.returncode, len(done.stdout), done.truncated) == (0, 1000, True)


async def test_past_the_deadline_the_group_is_ended_and_the_end_is_inconclusive(
    tmp_path: Path,
) -> None:
    mark = tmp_path / "pid"
    script = f"sleep 60 & echo $! > {mark}; wait"

    done = await process.run(["sh", "-c", script], deadline=0.3)

    assert done.timed_out
    await _until_gone(int(mark.read_text()))


async def test_a_cancelled_caller_leaves_no_child(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    run = process.run(["sh", "-c", f"echo $$ > {mark}; exec sleep 60"], deadline=60)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await run

    await _until_gone(int(mark.read_text()))


async def _until_gone(pid: int) -> None:
    for _look in range(250):
        if not Path(f"/proc/{pid}").exists() or "Z" in _state(pid):
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{pid} still runs")


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2]
    except OSError:
        return "Z"


async def test_lines_are_seen_while_the_child_runs() -> None:
    seen: list[bytes] = []

    await process.run(["printf", "a\\nb\\nc"], deadline=5, on_line=seen.append)

    assert seen == [b"a", b"b", b"c"]


def test_a_second_owner_of_a_folder_is_told_who_holds_it(tmp_path: Path) -> None:
    first, second = durable.FolderLock(tmp_path), durable.FolderLock(tmp_path)
    first.take()

    with pytest.raises(Busy, match=str(os.getpid())):
        second.take()
    first.release()
    second.take()
    second.release()


def test_an_atomic_write_leaves_the_old_file_when_the_disk_says_no(tmp_path: Path) -> None:
    path = tmp_path / "head"
    durable.write_atomic(path, b"old")

    with pytest.raises(Unwritable):
        durable.write_atomic(tmp_path / "missing" / "head", b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["head"]


async def test_a_child_nobody_waits_for_may_leave_by_itself_and_is_reaped(tmp_path: Path) -> None:
    kept, tidy = (
        tmp_path / "kept",
        "trap 'touch \"$0\"; exit 0' INT; echo up; while :; do sleep 0.02; done",
    )

    async def cancelled(grace: float) -> None:
        up = asyncio.Event()
        words = ["/bin/sh", "-c", tidy, str(kept)]
        work = asyncio.ensure_future(
            process.run(words, deadline=30, on_line=lambda _line: up.set(), grace=grace)
        )
        await asyncio.wait_for(up.wait(), 10)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    await cancelled(0.0)
    assert not kept.exists(), "without grace it is killed at once"
    await cancelled(5.0)
    assert kept.exists(), "it took its lock away"
