"""A torn or shortened file: the longest acknowledged prefix, or a refusal; never a shorter lie."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from bcp.journal import Entry
from bcp.kit.errors import BcpError
from tests.bcp.journal.helpers import OFFICER, create, fill, note, reopen

pytestmark = pytest.mark.crash


def says_what_to_do(error: BcpError) -> bool:
    return bool(error.where and error.next_step)


async def dead(tmp_path: Path, number: int) -> tuple[Path, list[Entry]]:
    """The files of a log whose process died: everything is still in the write-ahead log."""
    folder = create(tmp_path)
    async with reopen(folder) as journal:
        made = await fill(journal, number)
        shutil.copytree(folder, tmp_path / "dead")
        shutil.copytree(tmp_path / "log-head", tmp_path / "dead-head")
    return tmp_path / "dead", made


async def opened(tmp_path: Path, folder: Path, acknowledged: list[Entry], what: object) -> bool:
    """Open a copy: True if it held everything acknowledged, False if it was refused with advice."""
    for name in ("try", "try-head"):
        shutil.rmtree(tmp_path / name, ignore_errors=True)
    shutil.copytree(folder, tmp_path / "try")
    shutil.copytree(folder.with_name(folder.name + "-head"), tmp_path / "try-head")
    try:
        journal = reopen(tmp_path / "try")
    except BcpError as error:
        assert says_what_to_do(error), what  # noqa: PT017
        return False
    async with journal:
        entries = list(await journal.read(1))
        assert entries[: len(acknowledged)] == acknowledged, what
        assert (await journal.verify()).ok, what
    return True


def every(length: int, step: int) -> Iterable[int]:
    """Offsets of cuts: all around the borders of pages and frames, the others by `step`."""
    borders = {0, 1, 24, 32, 56, length - 1}
    for frame in range(0, length, 4120):
        borders |= {frame + delta for delta in (31, 32, 33, 55, 56, 57)}
    for page in range(0, length, 4096):
        borders |= {page - 1, page, page + 1}
    wanted = borders | set(range(random.Random(7).randrange(step), length, step))
    return sorted(offset for offset in wanted if 0 <= offset < length)


async def cut_everywhere(tmp_path: Path, name: str, step: int) -> tuple[int, int]:
    """Cut one file of a dead log at many lengths; gives (kept whole, refused)."""
    folder, made = await dead(tmp_path, 3)
    if not name.endswith("-wal"):  # a log that was closed well has no write-ahead log
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "log", folder)
    path = folder / name
    good = path.read_bytes()
    kept = refused = 0
    for length in every(len(good), step):
        path.write_bytes(good[:length])
        if await opened(tmp_path, folder, made, (name, length)):
            kept += 1
        else:
            refused += 1
    path.write_bytes(good)
    assert await opened(tmp_path, folder, made, "whole")
    return kept, refused


@pytest.mark.parametrize("name", ["log.sqlite3", "log.sqlite3-wal"])
async def test_a_store_cut_anywhere_is_whole_or_refused(tmp_path: Path, name: str) -> None:
    _kept, refused = await cut_everywhere(tmp_path, name, 997)

    assert refused > 10


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", ["log.sqlite3", "log.sqlite3-wal"])
async def test_a_store_cut_at_every_byte_is_whole_or_refused(tmp_path: Path, name: str) -> None:
    await cut_everywhere(tmp_path, name, 1)


async def test_bytes_flipped_anywhere_are_harmless_found_or_refused(tmp_path: Path) -> None:
    """A flip that opening does not notice is found by reading or by `verify`, or changed nothing."""
    folder, made = await dead(tmp_path, 3)
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "log", folder)
    path = folder / "log.sqlite3"
    good = path.read_bytes()
    for offset in random.Random(11).sample(range(len(good)), 250):
        path.write_bytes(good[:offset] + bytes([good[offset] ^ 0x41]) + good[offset + 1 :])
        for name in ("try", "try-head"):
            shutil.rmtree(tmp_path / name, ignore_errors=True)
        shutil.copytree(folder, tmp_path / "try")
        shutil.copytree(tmp_path / "dead-head", tmp_path / "try-head")
        try:
            journal = reopen(tmp_path / "try")
        except BcpError as error:
            assert says_what_to_do(error), offset  # noqa: PT017
            continue
        async with journal:
            try:
                assert list(await journal.read(1)) == made, offset
                good_again = (await journal.verify()).ok
            except BcpError as error:
                assert says_what_to_do(error), offset  # noqa: PT017
                continue
            assert good_again, offset


async def test_an_unacknowledged_last_commit_may_go_but_nothing_before_it(tmp_path: Path) -> None:
    folder = create(tmp_path)
    async with reopen(folder) as journal:
        made = await fill(journal, 2)
        shutil.copytree(tmp_path / "log-head", tmp_path / "dead-head")
        whole = (folder / "log.sqlite3-wal").stat().st_size
        await journal.append(note("last"), op="last", actor=OFFICER)
        shutil.copytree(folder, tmp_path / "dead")
    path = tmp_path / "dead" / "log.sqlite3-wal"
    good = path.read_bytes()
    for length in every(len(good), 499):
        path.write_bytes(good[:length])
        held = await opened(tmp_path, tmp_path / "dead", made, length)
        assert held == (length >= whole), length
