"""Takes the dumps of a set before its backup, and looks whether each is whole.

Order: the folder of the last run is destroyed first (a stale dump can never be backed up), each dump is
written under another name, found whole, then named; the expectations come last. Killed in between,
nothing has a final name; the folder is emptied at the next run and at every start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from backups.dumps import expected, mariadb, postgresql, trailer
from backups.dumps.expected import Content, Expected
from backups.dumps.model import AnyDump, CommandDump, FilesDump, MariaDump, PostgresDump
from backups.tools import Copy, destroy, make_private
from bcp.kit import process

_CAP = 8 << 20
_SHELL = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}


class DumpFailed(Exception):
    """A dump that is not there, not whole or not countable; the text is for people, no secret."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The dumps of one run."""

    folder: Path
    digest: str
    """Of the expectations, which lie in the evidence store."""
    problem: str = ""
    """Which dump failed and why; nothing of this run may be backed up then."""


def folder_of(copy: Copy) -> Path:
    """Where the dumps of a copy are written: always the same place, so that restic finds the parent."""
    return copy.tools.folder / "dumps" / copy.set.id / copy.repository.id


async def take(copy: Copy) -> Taken | None:
    """Every dump of the set, one after another; None: the set has none."""
    if not copy.set.dumps:
        return None
    tools, folder = copy.tools, folder_of(copy)
    await tools.workers.thread(destroy, folder)
    await tools.workers.thread(make_private, folder)
    done: list[Expected] = []
    for dump in copy.set.dumps:
        try:
            done.append(await _one(copy, dump, folder))
        except (DumpFailed, OSError) as error:
            await tools.workers.thread(destroy, folder)
            return Taken(folder, "", f"{dump.id}: {error}"[:600])
    data = expected.encode(done)

    def keep() -> str:
        (folder / expected.FILE).write_bytes(data)
        return tools.log.evidence.put_bytes(data)

    try:
        return Taken(folder, await tools.workers.thread(keep))
    except OSError as error:  # no space: the dumps are of no use without their expectations
        await tools.workers.thread(destroy, folder)
        return Taken(folder, "", f"{expected.FILE}: {error.strerror}")


async def forget(copy: Copy) -> None:
    """Residents' data: the dumps are gone as soon as restic has read them."""
    if copy.set.dumps:
        await copy.tools.workers.thread(destroy, folder_of(copy))


async def _one(copy: Copy, dump: AnyDump, folder: Path) -> Expected:
    if isinstance(dump, FilesDump):
        return await _exported(copy, dump)
    part, limit = folder / f"{dump.id}.part", dump.deadline.total_seconds()
    content: Content | None = None
    form, words = "", tuple[str, ...]()
    if isinstance(dump, PostgresDump):
        content, form = await _postgresql(copy, dump, part, limit), dump.format
        final = folder / f"{dump.id}.{'dump' if form == 'custom' else 'sql'}"
    elif isinstance(dump, MariaDump):
        content, form = await _mariadb(copy, dump, part, limit), "plain"
        final = folder / f"{dump.id}.sql"
    else:
        await _command(copy, dump, part, limit)
        final, words = folder / dump.id, dump.open_with
    size = await copy.tools.workers.thread(_settle, part, final)
    return Expected(dump.id, dump.kind, str(final), size, form, content, words)


def _settle(part: Path, final: Path) -> int:
    part.rename(final)
    return final.stat().st_size


# --- the kinds ----------------------------------------------------------------------------------


async def _postgresql(copy: Copy, dump: PostgresDump, out: Path, limit: float) -> Content:
    programs = postgresql.programs(dump.programs)
    if programs is None:
        raise DumpFailed("PostgreSQL のプログラムがありません / no programs of PostgreSQL")
    code = out.with_suffix(".rc")
    env = postgresql.environment(dump, programs, out, code)
    ended = await _run(postgresql.client(programs), limit, env, postgresql.TAKE.encode())
    said = await copy.tools.workers.thread(_text, code)
    if said != "0":
        raise DumpFailed(f"pg_dump exit {said or '?'}\n{_tail(ended)}")
    await copy.tools.workers.thread(code.unlink)
    content = expected.parse(ended.stdout)
    if content is None or ended.truncated:
        raise DumpFailed("件数を読めません / the counts cannot be read")
    await whole_postgresql(copy, out, dump.format, programs, limit)
    return content


async def whole_postgresql(copy: Copy, file: Path, form: str, programs: Path, limit: float) -> None:
    """Raises `DumpFailed` unless the file is a whole dump."""
    if form == "plain":
        first = await copy.tools.workers.thread(trailer.head, file)
        last = await copy.tools.workers.thread(trailer.tail, file)
        if not trailer.plain_postgresql(first, last):
            raise DumpFailed("終わりの行がありません / the dump is cut: no trailer")
        return
    await _run(postgresql.read_whole(programs, file), limit, dict(postgresql.PLAIN))


async def _mariadb(copy: Copy, dump: MariaDump, out: Path, limit: float) -> Content:
    client = mariadb.program("mariadb", dump.programs)
    dumper = mariadb.program("mariadb-dump", dump.programs)
    if client is None or dumper is None:
        raise DumpFailed("MariaDB のプログラムがありません / no programs of MariaDB")
    access = mariadb.access(dump)
    ask, question = mariadb.client(client, access, dump.database), mariadb.MEASURE.encode()
    before = expected.parse((await _run(ask, limit, _SHELL, question)).stdout)
    await _run(mariadb.dump(dumper, access, dump.database, out), limit, _SHELL)
    after = expected.parse((await _run(ask, limit, _SHELL, question)).stdout)
    if before is None or after is None:
        raise DumpFailed("件数を読めません / the counts cannot be read")
    if not trailer.plain_mariadb(await copy.tools.workers.thread(trailer.tail, out)):
        raise DumpFailed("終わりの行がありません / the dump is cut: no trailer")
    content = expected.between(before, after)
    if content is None:
        raise DumpFailed("途中で表が変わりました / tables changed during the dump")
    return content


async def _command(copy: Copy, dump: CommandDump, out: Path, limit: float) -> None:
    words = tuple(word.replace("{out}", str(out)) for word in dump.command)
    await _run(words, limit, _SHELL)
    await copy.tools.workers.thread(_filled, out, dump.trailer)


async def _exported(copy: Copy, dump: FilesDump) -> Expected:
    now, path = copy.tools.clock.utc().timestamp(), Path(dump.path)
    info = await copy.tools.workers.thread(path.stat)
    if now - info.st_mtime > dump.within.total_seconds():
        raise DumpFailed(f"古いファイルです / a stale file: {path.name}")
    await copy.tools.workers.thread(_filled, path, dump.trailer)
    return Expected(dump.id, dump.kind, str(path), info.st_size, open_with=dump.open_with)


def _filled(path: Path, wanted: str | None) -> None:
    last = trailer.tail(path)
    if not last:
        raise DumpFailed("空のファイルです / an empty file")
    if wanted is not None and not trailer.ends_with(last, wanted):
        raise DumpFailed("終わりの行がありません / the dump is cut: no trailer")


# --- helpers ------------------------------------------------------------------------------------


async def _run(
    words: tuple[str, ...], limit: float, env: Mapping[str, str], stdin: bytes | None = None
) -> process.Completed:
    try:
        ended = await process.run(words, deadline=limit, env=env, stdin=stdin, cap=_CAP)
    except (FileNotFoundError, PermissionError) as error:
        raise DumpFailed(f"起動できません / cannot be started: {Path(words[0]).name}") from error
    if ended.timed_out:
        raise DumpFailed(f"期限で停止 / stopped at the deadline: {Path(words[0]).name}")
    if ended.returncode != 0:
        raise DumpFailed(f"{Path(words[0]).name} exit {ended.returncode}\n{_tail(ended)}")
    return ended


def _tail(ended: process.Completed) -> str:
    lines = ended.stderr.decode("utf-8", "replace").strip().splitlines()
    return "\n".join(lines[-4:])[-400:]


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
