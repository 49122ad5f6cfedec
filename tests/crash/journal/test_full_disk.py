"""Real full and read-only disks."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bcp.journal import Journal
from bcp.kit.errors import Unwritable
from tests.bcp.journal.helpers import OFFICER, create, fill, note, reopen
from tests.fakes import ManualClock

pytestmark = pytest.mark.crash


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def remount(disk: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", str(disk)], check=True)


async def write_until_refused(journal: Journal, prefix: str) -> int:
    """Acknowledged commands until the disk is full."""
    for number in range(10_000):
        new = note(f"{prefix}{number}", detail={"text": "x" * 2000}, name="山田" * 50)
        try:
            await journal.append(new, op=f"{prefix}-{number}", actor=OFFICER)
        except Unwritable as error:
            assert error.next_step  # noqa: PT017
            return number
    raise AssertionError("the disk never filled")


async def test_a_full_disk_is_a_state_and_ends_with_a_gap_entry(disk: Path) -> None:
    clock = ManualClock()
    folder = create(disk, clock)
    journal = reopen(folder, clock)
    async with journal:
        await fill(journal, 3)
        filler = disk / "filler"
        filler.write_bytes(bytes(1_000_000))
        acknowledged = await write_until_refused(journal, "a")
        state = journal.writable
        assert (state.ok, state.reason) == (False, "disk_full")
        assert journal.size == 4 + acknowledged
        assert len(await journal.read(limit=10_000)) == journal.size
        await clock.advance(2)
        assert not (await journal.probe()).ok

        filler.unlink()
        await clock.advance(2)
        answer = await journal.append(note("after"), op="after", actor=OFFICER)

        gap = (await journal.read(answer.entries[0].seq - 1))[0]
        assert (gap.kind, gap.detail["reason"], gap.detail["refused"]) == (
            "log.gap",
            "disk_full",
            1,
        )
        again = await journal.append(note(), op=f"a-{acknowledged - 1}", actor=OFFICER)
        assert again.replayed
        assert (await journal.verify()).ok
        size, root = journal.size, journal.root
    async with reopen(folder, clock) as journal:
        assert (journal.size, journal.root) == (size, root)


async def test_opening_on_a_full_disk_shows_the_log_and_goes_on_when_there_is_room(
    disk: Path,
) -> None:
    clock = ManualClock()
    folder = create(disk, clock)
    async with reopen(folder, clock) as journal:
        made = await fill(journal, 3)
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass

    journal = reopen(folder, clock)
    async with journal:
        assert await journal.read(1) == tuple(made)
        with pytest.raises(Unwritable):
            await write_until_refused_now(journal)
        filler.unlink()
        await clock.advance(2)
        await journal.append(note("after"), op="after", actor=OFFICER)
        assert [entry.kind for entry in await journal.read(4)][-1] == "test.note"
        assert (await journal.verify()).ok


async def write_until_refused_now(journal: Journal) -> None:
    for number in range(50):
        await journal.append(note(detail={"t": "x" * 5000}), op=f"f-{number}", actor=OFFICER)


async def test_a_read_only_disk_at_the_start_is_a_state_and_not_an_exit(disk: Path) -> None:
    clock = ManualClock()
    folder = create(disk, clock)
    async with reopen(folder, clock) as journal:
        (entry,) = (await journal.append(note(name="山田"), op="a", actor=OFFICER)).entries
    remount(disk, "ro")

    async with reopen(folder, clock) as journal:
        assert (journal.writable.ok, journal.writable.reason) == (False, "read_only")
        assert (journal.size, journal.state("count")) == (2, 2)
        assert await journal.reveal(entry) == {"name": "山田"}
        with pytest.raises(Unwritable):
            await journal.append(note(), op="b", actor=OFFICER)
        with pytest.raises(Unwritable):
            await journal.checkpoint()

        remount(disk, "rw")
        await clock.advance(2)
        await journal.append(note("b"), op="b", actor=OFFICER)

        assert [e.kind for e in await journal.read(2)] == ["log.gap", "test.note"]
        assert journal.writable.ok
        assert (await journal.verify()).ok


async def test_a_log_whose_process_died_is_shown_on_a_disk_that_became_read_only(
    disk: Path, tmp_path: Path
) -> None:
    clock = ManualClock()
    folder = create(tmp_path, clock)
    async with reopen(folder, clock) as journal:
        made = await fill(journal, 3)
        shutil.copytree(folder, disk / "log")
        shutil.copytree(tmp_path / "log-head", disk / "log-head")
    assert (disk / "log" / "log.sqlite3-wal").stat().st_size
    remount(disk, "ro")

    async with reopen(disk / "log", clock) as journal:
        assert await journal.read(1) == tuple(made)
        assert (await journal.verify()).ok
        assert journal.writable.reason == "read_only"

        remount(disk, "rw")
        await clock.advance(2)
        assert (await journal.probe()).ok
        assert (await journal.append(note(), op="op-2", actor=OFFICER)).replayed


async def test_a_limit_on_the_size_of_files_is_a_full_disk_too(tmp_path: Path) -> None:
    clock = ManualClock()
    async with reopen(create(tmp_path, clock), clock) as journal:
        await fill(journal, 2)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        wal = (tmp_path / "log" / "log.sqlite3-wal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (wal + 1000, hard))
        try:
            acknowledged = await write_until_refused(journal, "a")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert not journal.writable.ok
        await clock.advance(2)
        assert (await journal.probe()).ok

        assert [e.kind for e in await journal.read(3 + acknowledged)][-1] == "log.gap"
        assert (await journal.verify()).ok
