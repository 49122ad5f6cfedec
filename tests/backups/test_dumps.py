"""Dumps and the application check, on real PostgreSQL and MariaDB servers of our own."""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from backups.application import loading, server
from backups.application.server import Server
from backups.dumps import expected, mariadb, postgresql, taking, trailer
from backups.dumps.expected import Content, Expected, Table
from backups.dumps.model import (
    SCRATCH_DATABASE,
    AnyDump,
    CommandDump,
    FilesDump,
    MariaDump,
    PostgresDump,
)
from backups.record import Result
from backups.tools import SYSTEM
from bcp.watch.values import Status
from tests.backups.conftest import Place

pytestmark = pytest.mark.live

HAS_POSTGRES = postgresql.programs() is not None
HAS_MARIADB = mariadb.program("mariadbd") is not None
needs_postgres = pytest.mark.skipif(not HAS_POSTGRES, reason="PostgreSQL is not installed here")
needs_mariadb = pytest.mark.skipif(not HAS_MARIADB, reason="MariaDB is not installed here")

TABLES = """CREATE TABLE "住民 票" (id INT PRIMARY KEY, moved TIMESTAMP NULL, born DATE);
CREATE TABLE tax (id INT PRIMARY KEY, who INT REFERENCES "住民 票"(id), paid TIMESTAMP NULL,
 CHECK (id > 0));
CREATE TABLE bare (word VARCHAR(20));
INSERT INTO "住民 票" VALUES (1, '2026-11-01 10:00:00', '1950-01-01'), (2, NULL, '2026-12-01');
INSERT INTO tax VALUES (1, 1, '2026-11-02 09:00:00'), (2, 2, NULL), (3, 1, NULL);
"""


@asynccontextmanager
async def live(kind: str, folder: Path) -> AsyncIterator[Server]:
    """The city's own database, with a few rows."""
    start = server.postgres if kind == "postgresql" else server.maria
    async with start(folder) as there:
        script = TABLES if kind == "postgresql" else "SET sql_mode='ANSI_QUOTES';" + TABLES
        if kind == "mariadb":
            script = script.replace(
                'who INT REFERENCES "住民 票"(id)',
                'who INT, FOREIGN KEY (who) REFERENCES "住民 票"(id)',
            )
        ended = await there.ask(script, 60)
        assert ended.returncode == 0, ended.stderr
        yield there


def dump_of(kind: str, there: Server, form: Any = "custom") -> AnyDump:
    """The plan's line for it. The live name is the scratch one here: only our tests may."""
    folder = str(there.folder)
    if kind == "postgresql":
        return PostgresDump.model_construct(
            id="db", kind="postgresql", database=SCRATCH_DATABASE, host=folder,
            user=server.USER, format=form,
        )  # fmt: skip
    return MariaDump.model_construct(
        id="db", kind="mariadb", database=SCRATCH_DATABASE, host=f"{folder}/s", user="root"
    )


KINDS = [
    pytest.param("postgresql", "custom", marks=needs_postgres),
    pytest.param("postgresql", "plain", marks=needs_postgres),
    pytest.param("mariadb", "plain", marks=needs_mariadb),
]


@pytest.fixture
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The live server's folder: its socket is reached from outside by its path (107 bytes)."""
    return Path(tempfile.mkdtemp(prefix="live-"))


@pytest.mark.parametrize(("kind", "form"), [KINDS[0], KINDS[2]])
async def test_a_dump_is_restored_loaded_and_agrees_with_what_was_counted(
    one_place: Place, short: Path, kind: str, form: str
) -> None:
    place = one_place
    await place.init()
    async with live(kind, short / "s") as there:
        place.room.replace(
            (place.set().model_copy(update={"dumps": (dump_of(kind, there, form),)}),)
        )
        (done,) = await place.room.backup("juki")
    assert done.evidence.result is Result.GOOD, done.sentence
    assert done.custody is not None
    assert done.custody.expected is not None
    (wanted,) = expected.decode(place.log.evidence.get(done.custody.expected))
    assert wanted.content is not None
    assert {name.split(".")[-1]: t.low for name, t in wanted.content.tables.items()} == {
        "住民 票": 2, "tax": 3, "bare": 0,
    }  # fmt: skip
    assert wanted.content.constraints >= 4
    dumps = place.folder / "data" / "backups" / "dumps" / "juki"
    assert not any(path.is_file() for path in dumps.rglob("*")), "no dump stays on the disk"
    rung = await place.room.verify("juki", "main", 4)
    assert rung.status is Status.OK, (rung.sentence, rung.evidence)
    assert rung.evidence is not None
    assert (rung.evidence.facts["opened"], rung.evidence.facts["rows"]) == (1, 5)
    assert "5 行" in rung.sentence.ja
    assert list((place.folder / "data" / "scratch").iterdir()) == [], "residents' data is gone"
    shutil.rmtree(short)


@pytest.mark.parametrize(("kind", "form"), KINDS)
async def test_a_dump_cut_anywhere_is_never_accepted(
    one_place: Place, short: Path, kind: str, form: str
) -> None:
    place, folder = one_place, short / "out"
    folder.mkdir()
    async with live(kind, short / "s") as there:
        dump = dump_of(kind, there, form)
        place.room.replace((place.set().model_copy(update={"dumps": (dump,)}),))
        copy = await place.room._keeper.copy(("juki", "main"))
        taken = await taking.take(copy)
    assert taken is not None
    assert not taken.problem
    (wanted,) = expected.decode((taken.folder / expected.FILE).read_bytes())
    whole = Path(wanted.file).read_bytes()
    places = {0, 1, len(whole) // 3, len(whole) // 2, *range(len(whole) - 40, len(whole))}
    places |= set(random.Random(7).sample(range(len(whole)), 20))
    cut = folder / "cut"
    programs = postgresql.programs()
    for at in sorted(places):
        cut.write_bytes(whole[:at])
        if kind == "mariadb":
            assert not mariadb_whole(cut), at
        elif programs is not None:
            with pytest.raises(taking.DumpFailed):
                await taking.whole_postgresql(copy, cut, form, programs, 60)
    # And the loading itself: a third of it, behind the back of every earlier look.
    cut.write_bytes(whole[: len(whole) // 3])
    seen = await loading.open_dump(wanted, cut, folder / "server", 60)
    assert seen.result is Result.BAD, seen
    await taking.forget(copy)
    shutil.rmtree(short)


def mariadb_whole(path: Path) -> bool:
    return trailer.plain_mariadb(trailer.tail(path))


@needs_postgres
async def test_rows_missing_in_a_dump_that_loads_well_are_found(
    one_place: Place, short: Path
) -> None:
    place = one_place
    async with live("postgresql", short / "s") as there:
        dump = dump_of("postgresql", there)
        place.room.replace((place.set().model_copy(update={"dumps": (dump,)}),))
        copy = await place.room._keeper.copy(("juki", "main"))
        assert (await there.ask("DELETE FROM tax; DROP TABLE bare;", 60)).returncode == 0
        taken = await taking.take(copy)
    assert taken is not None
    (less,) = expected.decode((taken.folder / expected.FILE).read_bytes())
    assert less.content is not None
    tables = {
        **less.content.tables,
        "public.tax": Table(3, 3, None, None),
        "public.bare": Table(0, 0),
    }
    wanted = Expected("db", "postgresql", less.file, less.size, "custom", Content(tables, 9))
    seen = await loading.open_dump(wanted, Path(less.file), short / "server", 60)
    assert seen.result is Result.BAD
    assert "public.tax 0 (3)" in seen.said
    assert "public.bare" in seen.said
    assert "constraints" in seen.said
    shutil.rmtree(short)


async def test_a_failed_dump_is_said_and_nothing_of_this_run_is_called_good(
    one_place: Place,
) -> None:
    place = one_place
    await place.init()
    ends_early = ("/bin/sh", "-c", "echo half >$0; exit 4", "{out}")
    no_trailer = ("/bin/sh", "-c", "echo half >$0", "{out}")
    bad: list[tuple[AnyDump, str]] = [
        (CommandDump(id="app", kind="command", command=ends_early), "exit 4"),
        (CommandDump(id="app", kind="command", command=no_trailer, trailer="END"), "no trailer"),
        (CommandDump(id="app", kind="command", command=("/bin/true", "{out}")), "No such file"),
        (CommandDump(id="app", kind="command", command=("/nowhere", "{out}")), "cannot be started"),
        (CommandDump.model_validate({"id": "app", "kind": "command", "deadline": "1s",
                                     "command": ["/bin/sh", "-c", "sleep 30", "{out}"]}), "deadline"),
        (PostgresDump(id="app", kind="postgresql", database="juki", host="/nowhere"), "psql exit"),
    ]  # fmt: skip
    for dump, why in bad:
        place.room.replace((place.set(dumps=(dump,)),))
        (done,) = await place.room.backup("juki")
        assert (done.evidence.result, done.evidence.reason) == (Result.BAD, "dump_failed"), dump
        assert why in done.sentence.en
    assert place.room.custody("juki", "main").custody == ()
    good = CommandDump(
        id="app", kind="command", command=("/bin/sh", "-c", "echo END >$0", "{out}"),
        trailer="END", open_with=("/bin/grep", "END", "{file}"),
    )  # fmt: skip
    place.room.replace((place.set(dumps=(good,), sources=(), marker=None),))
    (done,) = await place.room.backup("juki", actor=SYSTEM)
    assert done.evidence.result is Result.GOOD, done.sentence
    assert (await place.room.verify("juki", "main", 4)).status is Status.OK


async def test_a_stale_export_is_not_backed_up_as_if_it_were_todays(one_place: Place) -> None:
    place = one_place
    await place.init()
    export = FilesDump(id="export", kind="files", path=str(place.source / "file1"))
    place.room.replace((place.set(dumps=(export,)),))
    (done,) = await place.room.backup("juki")
    assert done.evidence.result is Result.GOOD
    place.clock.shift = timedelta(hours=27)
    (done,) = await place.room.backup("juki")
    assert done.evidence.reason == "dump_failed"
    assert "stale" in done.sentence.en


@needs_postgres
async def test_the_throw_away_server_ends_with_whoever_started_it(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys, pathlib\n"
        "from backups.application import server\n"
        "async def main():\n"
        "    async with server.postgres(pathlib.Path(sys.argv[1])) as there:\n"
        "        print('up', flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    place = tmp_path / "server"
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(place), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    assert await child.stdout.readline() == b"up\n"
    server_pid = int((place / "data" / "postmaster.pid").read_text().split()[0])
    child.send_signal(signal.SIGKILL)
    await child.wait()
    async with asyncio.timeout(30):
        while _alive(server_pid):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


def _alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[-1].split()[0] != "Z"
