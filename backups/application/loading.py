"""Loads one dump into a throw-away server and asks it what it holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from backups.application import server
from backups.application.server import CannotServe, Server
from backups.dumps import expected, mariadb, postgresql, trailer
from backups.dumps.expected import Expected
from backups.dumps.model import SCRATCH_DATABASE
from backups.record import Result
from bcp.kit import process

_OURS = (
    "no space left on device",
    "could not write",
    "errcode: 28",
    "out of memory",
    "cannot allocate memory",
    "is not available",  # an extension that this machine has not
    "could not open extension control file",
    "unsupported version",
    "server closed the connection",
    "terminating connection",
    "the database system is",
    "lost connection",
    "unknown collation",
    "unknown storage engine",
)
"""What says something about this machine, not about the dump."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What came of opening one dump."""

    result: Result
    said: str = ""
    rows: int = 0
    tables: int = 0


async def open_dump(one: Expected, file: Path, place: Path, deadline: float) -> Opened:
    """Load `file` in a server made under `place` and compare; bad only when the dump is at fault."""
    try:
        if one.kind == "postgresql":
            async with server.postgres(place) as there:
                return await _postgresql(one, file, there, deadline)
        if one.kind == "mariadb":
            async with server.maria(place) as there:
                return await _mariadb(one, file, there, deadline)
        return await _command(one, file, place, deadline)
    except CannotServe as error:
        return Opened(Result.INCONCLUSIVE, str(error))
    except OSError as error:
        return Opened(Result.INCONCLUSIVE, error.strerror or type(error).__name__)


async def _postgresql(one: Expected, file: Path, there: Server, deadline: float) -> Opened:
    if one.format == "plain":
        if not trailer.plain_postgresql(trailer.head(file), trailer.tail(file)):
            return Opened(Result.BAD, "終わりの行がありません / cut: no trailer")
        words = (*there.client[:-1], str(file))
    else:
        free = ("--no-owner", "--no-privileges", "--exit-on-error", "--no-password")
        words = (
            str(there.programs / "pg_restore"), *free, "--dbname", SCRATCH_DATABASE, str(file)
        )  # fmt: skip
    if fault := _fault(await there.run(words, deadline)):
        return fault
    return _compared(one, await there.ask(postgresql.MEASURE, deadline))


async def _mariadb(one: Expected, file: Path, there: Server, deadline: float) -> Opened:
    if not trailer.plain_mariadb(trailer.tail(file)):
        return Opened(Result.BAD, "終わりの行がありません / cut: no trailer")
    # The client reads a dump from its input only; the words stay arguments, no text is quoted in.
    words = ("/bin/sh", "-c", 'file=$1; shift; exec "$@" <"$file"', "sh", str(file), *there.client)
    if fault := _fault(await there.run(words, deadline)):
        return fault
    return _compared(one, await there.ask(mariadb.MEASURE, deadline))


async def _command(one: Expected, file: Path, place: Path, deadline: float) -> Opened:
    if not one.open_with:
        return Opened(Result.GOOD)
    place.mkdir(mode=0o700, parents=True)  # noqa: ASYNC240 - one call, no content
    words = tuple(word.replace("{file}", str(file)) for word in one.open_with)
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TMPDIR": str(place)}
    ended = await process.run(words, deadline=deadline, env=env, cwd=place, cap=1 << 20)
    if ended.timed_out or ended.returncode < 0 or ended.returncode in (3, 126, 127):
        return Opened(Result.INCONCLUSIVE, ended.last_lines[-400:])
    good = ended.returncode == 0
    return Opened(Result.GOOD if good else Result.BAD, "" if good else ended.last_lines[-400:])


def _fault(ended: process.Completed) -> Opened | None:
    """What keeps a load from counting as done; None: the loader is content (which proves nothing)."""
    if ended.timed_out or ended.returncode < 0:
        return Opened(Result.INCONCLUSIVE, "期限か信号で停止 / stopped by deadline or signal")
    if ended.returncode == 0:
        return None
    said = redacted(ended.last_lines)
    ours = any(word in said.lower() for word in _OURS)
    return Opened(Result.INCONCLUSIVE if ours else Result.BAD, said)


def redacted(said: str) -> str:
    """Errors without rows: engines quote the data they stumble over."""
    kept = [
        line
        for line in said.splitlines()
        if not line.lstrip().upper().startswith(("CONTEXT:", "DETAIL:", "LINE ", "QUERY:", "HINT:"))
    ]
    return "\n".join(line[:160] for line in kept[-4:])


def _compared(one: Expected, ended: process.Completed) -> Opened:
    found = expected.parse(ended.stdout) if ended.returncode == 0 else None
    if found is None:
        return Opened(Result.INCONCLUSIVE, redacted(ended.last_lines))
    if one.content is None:
        return Opened(Result.INCONCLUSIVE, "期待値がありません / no expectations")
    wrong = list(expected.differences(one.content, found))
    said = "\n".join(f"{one.id}: {word}" for word in wrong[:40])
    result = Result.BAD if wrong else Result.GOOD
    return Opened(result, said, found.rows, len(found.tables))
