"""What a killed process left is gone after the next start, and residents' data is never gone unsaid."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from backups import leftover
from backups.tools import Tools
from bcp.journal.entry import Entry
from bcp.kit.errors import Unwritable
from tests.backups.conftest import Place


def fill(scratch: Path) -> Path:
    """A restored tree as restic leaves it: also a folder nobody may write, and a file beside it."""
    place = scratch / "restore-juki-main"
    closed = place / "tree" / "srv" / "closed"
    closed.mkdir(parents=True)
    (closed / "住民").write_text("山田")
    closed.chmod(0o500)
    (place / "tree" / "link").symlink_to("/etc/hostname")
    (scratch / "loose").write_text("山田")
    return place


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


async def destroyed(place: Place) -> list[Entry]:
    found = await place.log.read(kind="backup.", limit=1000)
    return [entry for entry in found if entry.kind == "backup.destroyed"]


async def test_restored_data_is_destroyed_and_recorded_at_the_start(one_place: Place) -> None:
    tools = one_place.room.tools
    fill(tools.scratch)
    await leftover.clear(tools)
    assert names(tools.scratch) == []
    (said,) = await destroyed(one_place)
    assert (said.detail["gone"], said.detail["things"]) == (True, 2)
    await leftover.clear(tools)
    assert len(await destroyed(one_place)) == 1, "nothing was there, nothing is said"


class Refusing:
    """The real log, except that it says no for a while."""

    def __init__(self, log: Any) -> None:
        self._log, self.full = log, True

    async def append(self, *new: Any, **words: Any) -> Any:
        if self.full:
            raise Unwritable("記録できていません / the log cannot be written")
        return await self._log.append(*new, **words)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


async def test_data_destroyed_while_the_log_is_full_is_recorded_later(one_place: Place) -> None:
    real = one_place.room.tools
    log = Refusing(real.log)
    tools = Tools(log, real.workers, real.clock, real.folder, real.scratch)
    place = fill(tools.scratch)
    assert await leftover.destroyed(tools, "juki", "main", place, "a" * 64)
    assert place.is_dir(), "the empty folder tells that a word is missing"
    assert not any(place.iterdir())
    await leftover.clear(tools)
    assert [path.stat().st_size for path in tools.scratch.iterdir() if path.is_file()] == [0]
    assert await destroyed(one_place) == []
    log.full = False
    await leftover.clear(tools)
    assert names(tools.scratch) == []
    assert len(await destroyed(one_place)) == 1


async def test_what_a_killed_command_left_is_recorded_by_the_next_restore_test(
    one_place: Place,
) -> None:
    tools = one_place.room.tools
    place = fill(tools.scratch)
    assert await leftover.destroyed(tools, "juki", "main", place, None)
    assert not place.exists()
    (said,) = await destroyed(one_place)
    assert (said.detail["set"], said.detail["snapshot"]) == ("juki", None)


async def test_litter_is_removed_and_what_is_needed_stays(one_place: Place) -> None:
    folder = one_place.room.tools.folder
    litter = ["dumps/juki/main/db.part", "tmp/restic-1", "cache/restic-check-cache-1/a/b"]
    for name in (*litter, "restored-1f.sha256", "ledger/juki/main.json", "cache/ab/index/1"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    await leftover.clear(one_place.room.tools)
    kept = sorted(path.name for path in folder.rglob("*") if path.is_file())
    assert kept == ["1", "main.json"]


@pytest.mark.live
async def test_a_scratch_folder_that_cannot_be_made_does_not_stop_the_start(
    one_place: Place,
) -> None:
    await one_place.init()
    one_place.room.tools.scratch.write_text("a file where the folder should be")
    async with asyncio.TaskGroup() as group:
        room = group.create_task(one_place.room.run())
        async with asyncio.timeout(30):
            while 1 not in one_place.room.memory("juki", "main").tried:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert not room.done(), "polls and backups go on"
        room.cancel()
