"""A dump cut at any byte, killed at any moment or written to a full disk is never taken for a whole one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from backups.application import loading
from backups.application.server import Server
from backups.dumps import expected, postgresql, taking, trailer
from backups.record import Result
from backups.tools import Copy
from tests.backups.conftest import Place
from tests.backups.test_dumps import KINDS, dump_of, live
from tests.crash.backups.disks import mounted

pytestmark = [pytest.mark.crash, pytest.mark.live, pytest.mark.timeout(1800)]

FALSE_ENDS = """CREATE TABLE notes (line VARCHAR(80));
INSERT INTO notes VALUES ('-- PostgreSQL database dump complete'), ('--'), (''),
 ('-- Dump completed on 2026-11-27 12:00:00'), (''), ('\\unrestrict x'), ('');
"""
"""Rows that look like the end of a dump."""

LARGE = {
    "postgresql": "CREATE TABLE much AS SELECT n, md5(n::text) AS word FROM generate_series(1, {}) n;",
    "mariadb": "CREATE TABLE much AS SELECT seq AS n, MD5(seq) AS word FROM seq_1_to_{};",
}


@asynccontextmanager
async def city(place: Path, one: Place, kind: str, form: str, rows: int = 0) -> AsyncIterator[Copy]:
    """The city's database with false ends in it, and a set that dumps it."""
    async with live(kind, place / "s") as there:
        await filled(there, FALSE_ENDS + (LARGE[kind].format(rows) if rows else ""))
        dump = dump_of(kind, there, form)
        one.room.replace((one.set().model_copy(update={"dumps": (dump,)}),))
        yield await one.room._keeper.copy(("juki", "main"))


async def filled(there: Server, script: str) -> None:
    ended = await there.ask(script, 60)
    assert ended.returncode == 0, ended.stderr


@pytest.fixture
def short() -> Iterable[Path]:
    """A short path: the server's socket lies below it."""
    folder = Path(tempfile.mkdtemp(prefix="cut-"))
    yield folder
    shutil.rmtree(folder)


async def accepted(copy: Copy, kind: str, form: str, file: Path) -> bool:
    """Whether it would be backed up as a whole dump, by the look that every dump gets."""
    if kind == "mariadb":
        return trailer.plain_mariadb(trailer.tail(file))
    programs = postgresql.programs()
    assert programs is not None
    try:
        await taking.whole_postgresql(copy, file, form, programs, 60)
    except taking.DumpFailed:
        return False
    return True


def places(size: int, form: str, every: bool) -> Iterable[int]:
    """Every byte; of an archive, which a program must read each time, some unless `every`."""
    if form != "custom" or every:
        return range(size)
    chance = random.Random(20261127)
    return sorted({*range(size - 24, size), *chance.sample(range(size), 30)})


async def cut_everywhere(
    one: Place, short: Path, kind: str, form: str, *, every: bool = False, rows: int = 0
) -> None:
    async with city(short, one, kind, form, rows) as copy:
        taken = await taking.take(copy)
    assert taken is not None
    assert not taken.problem
    (wanted,) = expected.decode((taken.folder / expected.FILE).read_bytes())
    whole = Path(wanted.file).read_bytes()
    cut = short / "cut"
    cut.write_bytes(whole)
    assert await accepted(copy, kind, form, cut)
    for at in places(len(whole), form, every) if not rows else around_windows(len(whole)):
        cut.write_bytes(whole[:at])
        assert not await accepted(copy, kind, form, cut), f"cut at {at} of {len(whole)}"
    cut.write_bytes(whole[: len(whole) * 2 // 3])
    seen = await loading.open_dump(wanted, cut, short / "server", 60)
    assert seen.result is Result.BAD, "nor does the restore test take it"
    await taking.forget(copy)


def around_windows(size: int) -> Iterable[int]:
    """Of a large one: around each multiple of what is looked at, and many others."""
    chance = random.Random(size)
    edges = (
        n * trailer.TAIL + step for n in range(size // trailer.TAIL + 1) for step in (-1, 0, 1)
    )
    return sorted({at for at in edges if 0 <= at < size} | set(chance.sample(range(size), 100)))


@pytest.mark.parametrize(("kind", "form"), KINDS)
async def test_a_dump_cut_at_any_byte_is_not_accepted(
    one_place: Place, short: Path, kind: str, form: str
) -> None:
    await cut_everywhere(one_place, short, kind, form)


@pytest.mark.long
@pytest.mark.parametrize(("kind", "form"), KINDS)
async def test_an_archive_cut_at_each_single_byte_and_a_large_dump_are_not_accepted(
    one_place: Place, short: Path, kind: str, form: str
) -> None:
    if form == "custom":
        await cut_everywhere(one_place, short, kind, form, every=True)
    (short / "large").mkdir()
    await cut_everywhere(one_place, short / "large", kind, form, rows=30_000)


async def kill_when_seen(name: str, out: Path) -> None:
    """SIGKILL to the program that writes this file, once it has written something."""
    async with asyncio.timeout(60):
        while True:
            for entry in Path("/proc").iterdir():
                with contextlib.suppress(OSError, ValueError):
                    writes = name in (entry / "comm").read_text()
                    if writes and any(link.readlink() == out for link in (entry / "fd").iterdir()):
                        os.kill(int(entry.name), signal.SIGKILL)
                        return
            await asyncio.sleep(0.001)


@pytest.mark.parametrize(("kind", "form"), KINDS)
async def test_a_dump_whose_program_is_killed_or_has_no_space_is_a_failed_dump(
    one_place: Place, short: Path, kind: str, form: str
) -> None:
    async with city(short, one_place, kind, form, rows=300_000) as copy:
        folder = taking.folder_of(copy)
        program = {"postgresql": "pg_dump", "mariadb": "mariadb-dump"}[kind]
        async with asyncio.TaskGroup() as group:
            group.create_task(kill_when_seen(program, folder / "db.part"))
            taken = await taking.take(copy)
        assert taken is not None
        assert program in taken.problem or "dump" in taken.problem, taken.problem
        assert not folder.exists(), "nothing of it is left"
        if os.geteuid() == 0:
            with mounted(folder, 1):
                taken = await taking.take(copy)
                assert taken is not None
                assert any(word in taken.problem for word in ("No space", "errno 28")), taken
                assert list(folder.iterdir()) == []
        taken = await taking.take(copy)
        assert taken is not None
        assert not taken.problem, "with room and in peace it is taken"
        await taking.forget(copy)
