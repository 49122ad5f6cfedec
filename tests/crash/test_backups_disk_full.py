"""A full disk under the repository, the log, the scratch folder: nothing is green that is not proven,
one clear reason is given, and once there is room again everything goes on by itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backups.record import Result
from backups.room import BackupRoom
from bcp.kit.errors import BcpError
from bcp.watch.values import Status
from tests.backups.conftest import restics
from tests.crash.backing import KEY, act, opened, prepare
from tests.crash.test_backups_killed import goes_on, judge, no_green_without_proof

RESTIC = restics()[-1] if restics() else ""


def _may_mount() -> bool:
    return os.geteuid() == 0 and shutil.which("mount") is not None


pytestmark = [
    pytest.mark.crash,
    pytest.mark.live,
    pytest.mark.skipif(not restics(), reason="no restic on this machine"),
    pytest.mark.skipif(not _may_mount(), reason="a small disk is mounted: root only"),
]


@contextlib.contextmanager
def small_disk(folder: Path, spare: int) -> Iterator[Path]:
    """What lies in the folder, on a disk with `spare` bytes left."""
    kept = folder.with_name(folder.name + ".kept")
    folder.mkdir(exist_ok=True)
    shutil.copytree(folder, kept, symlinks=True)
    used = sum(path.stat().st_blocks * 512 + 4096 for path in kept.rglob("*"))
    words = ["mount", "-t", "tmpfs", "-o", f"size={used + spare},mode=700", "tmpfs", str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mount is refused here: {done.stderr.strip()}")
    try:
        shutil.copytree(kept, folder, symlinks=True, dirs_exist_ok=True)
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def enlarge(folder: Path) -> None:
    """More room than anybody needs."""
    subprocess.run(["mount", "-o", "remount,size=4g", str(folder)], check=True)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "place"
    folder.mkdir()
    asyncio.run(prepare(folder, RESTIC))
    return folder


async def test_a_repository_without_room_makes_no_green(place: Path) -> None:
    with small_disk(place / "repo", 600_000) as disk:
        async with opened(place, RESTIC) as (_log, room):
            before = room.custody(*KEY).custody
            (place / "source" / "new").write_bytes(os.urandom(4_000_000))
            (done,) = await room.backup("juki")
            assert done.custody is None, "half a backup is none"
            assert room.custody(*KEY).custody == before
            zero = room.rung(*KEY, 0)
            assert zero.status is Status.FAILED, zero
            assert zero.evidence is not None
            assert "空き容量が足りません" in zero.evidence.said
            no_green_without_proof(room)
        enlarge(disk)
        await judge(place)


async def test_a_repository_that_fills_up_meanwhile_is_waited_for_or_failed(place: Path) -> None:
    """restic tries a write again for a quarter of an hour: room made in time saves the backup."""
    with small_disk(place / "repo", 400_000_000) as disk:
        async with opened(place, RESTIC) as (_log, room):
            before = room.custody(*KEY).custody
            (place / "source" / "new").write_bytes(os.urandom(60_000_000))
            working = asyncio.ensure_future(room.backup("juki"))
            await asyncio.to_thread(_fill_once_at_work, disk)
            await asyncio.sleep(3)
            assert room.custody(*KEY).custody == before
            no_green_without_proof(room)
            (disk / "fill").unlink()
            (done,) = await working
            assert (done.custody is None) == (room.custody(*KEY).custody == before)
            if done.custody is None:
                assert room.rung(*KEY, 0).status is Status.FAILED, (done, room.memory(*KEY).tried)
        enlarge(disk)
        await judge(place)


def _fill_once_at_work(disk: Path) -> None:
    """Take all room as soon as restic has begun to write."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not list((disk / "locks").iterdir()):
        time.sleep(0.005)
    _fill(disk / "fill")


def _fill(file: Path) -> None:
    with file.open("wb", buffering=0) as out:
        for size in (1 << 20, 4096):
            with contextlib.suppress(OSError):
                while out.write(bytes(size)):
                    pass


async def test_a_restore_without_room_is_not_a_bad_copy(place: Path) -> None:
    scratch = place / "data" / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    with small_disk(scratch, 500_000) as disk:
        async with opened(place, RESTIC) as (_log, room):
            rung = await room.verify(*KEY, 4)
            assert rung.status is Status.UNKNOWN, rung
            assert "空き" in rung.sentence.ja, rung
            target = disk / "target"
            with contextlib.suppress(BcpError):
                newest = room.custody(*KEY).custody[-1].snapshot
                seen = await room.restore(*KEY, newest, target)
                assert seen.result is not Result.GOOD
            no_green_without_proof(room)
        enlarge(disk)
        await judge(place)


@pytest.mark.parametrize("what", ["backup", "restore-test", "forget"])
async def test_a_log_without_room_makes_no_green_and_goes_on_when_there_is_room(
    place: Path, what: str
) -> None:
    with small_disk(place / "data", 3_000_000) as disk:
        async with opened(place, RESTIC) as (log, room):
            fill = disk / "fill"
            _fill(fill)
            with contextlib.suppress(BcpError, OSError):
                await act(room, what, place)
            no_green_without_proof(room)
            assert not _proven_now(room, what)
            fill.unlink()
            enlarge(disk)
            await asyncio.sleep(1.1)  # the log tries again once a second
            await goes_on(log, room)
        await judge(place)


def _proven_now(room: BackupRoom, what: str) -> bool:
    """Whether the act that could not be recorded counts all the same."""
    return what == "restore-test" and room.rung(*KEY, 4).status is Status.OK
