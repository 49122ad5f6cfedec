"""A throw-away database server: own folder, unix socket only, gone when the block is left.

The socket lies in the server's own folder and is reached as `/proc/self/cwd` (PostgreSQL) or by a bare
name (MariaDB) from a client started in that folder: a path may be longer than a socket's 107 bytes.
The server gets SIGQUIT from the kernel when we die (`setpriv --pdeathsig`). Neither engine runs as root: when
we are root it runs as the engine's user (else `nobody`), with nothing but the right to cross our folders.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from backups.dumps import mariadb, postgresql
from backups.dumps.model import SCRATCH_DATABASE
from bcp.kit import process

USER = "restore_test"
_INIT, _START = 180.0, 60.0
_ENV = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8"}
_POSTGRES = (
    "listen_addresses=",
    "unix_socket_directories=/proc/self/cwd",
    "unix_socket_permissions=0700",
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "autovacuum=off",
    "max_connections=20",
    "shared_buffers=64MB",
    "max_wal_size=256MB",
    "wal_level=minimal",
    "max_wal_senders=0",
)


class CannotServe(Exception):
    """No server could be made here: nothing is said about the dump."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs; clients are started in `folder` with `env`."""

    folder: Path
    env: Mapping[str, str]
    programs: Path
    client: tuple[str, ...]

    async def run(
        self, words: tuple[str, ...], deadline: float, stdin: bytes | None = None
    ) -> process.Completed:
        """A client of it."""
        return await process.run(
            words, deadline=deadline, env=self.env, cwd=self.folder, stdin=stdin, cap=8 << 20
        )

    async def ask(self, script: str, deadline: float) -> process.Completed:
        """A script in the engine's own language."""
        return await self.run(self.client, deadline, script.encode())


@asynccontextmanager
async def postgres(place: Path) -> AsyncIterator[Server]:
    """A PostgreSQL in a new folder `place`. Raises `CannotServe`."""
    programs = postgresql.programs()
    if programs is None:
        raise CannotServe("PostgreSQL がありません / PostgreSQL is not installed")
    lead = _make(place, "postgres")
    data = place / "data"
    init = (str(programs / "initdb"), "-D", str(data), "-U", USER, "--auth=trust")
    await _prepare((*lead, *init, "-E", "UTF8", "--locale=C", "--no-sync"), place)
    options = [word for option in _POSTGRES for word in ("-c", option)]
    serve = (*lead, str(programs / "postgres"), "-D", str(data), *options)
    env = {
        **postgresql.PLAIN,
        "PGHOST": "/proc/self/cwd",
        "PGUSER": USER,
        "PGDATABASE": SCRATCH_DATABASE,
        "PGPASSFILE": os.devnull,
    }
    server = Server(data, env, programs, postgresql.client(programs))
    create = (str(programs / "createdb"), "-w", "--maintenance-db=postgres", SCRATCH_DATABASE)
    stop = (*lead, str(programs / "pg_ctl"), "-D", str(data), "stop", "-m", "immediate", "-s")
    async with _running(serve, server, create, stop):
        yield server


@asynccontextmanager
async def maria(place: Path) -> AsyncIterator[Server]:
    """A MariaDB in a new folder `place`. Raises `CannotServe`."""
    install, daemon = mariadb.program("mariadb-install-db"), mariadb.program("mariadbd")
    client = mariadb.program("mariadb")
    if install is None or daemon is None or client is None:
        raise CannotServe("MariaDB がありません / MariaDB is not installed")
    lead = _make(place, "mysql")
    data = place / "data"
    words = ("--no-defaults", f"--datadir={data}", "--skip-test-db", "--skip-name-resolve")
    await _prepare((*lead, install, *words, "--auth-root-authentication-method=normal"), place)
    tuned = ("--innodb-flush-log-at-trx-commit=0", "--skip-log-bin", "--innodb-doublewrite=0")
    net = (
        "--skip-networking",
        "--socket=s",
        "--pid-file=p",
        f"--tmpdir={data}",
        "--skip-slave-start",
    )
    serve = (*lead, daemon, "--no-defaults", f"--datadir={data}", *net, *tuned)
    access = ("--no-defaults", "--socket=s", "--user=root")
    asked = mariadb.client(client, access, SCRATCH_DATABASE)
    server = Server(data, _ENV, Path(client).parent, asked)
    create = (client, *access, "-e", f"CREATE DATABASE {SCRATCH_DATABASE} CHARACTER SET utf8mb4")
    async with _running(serve, server, create, None):
        yield server


def _make(place: Path, user: str) -> tuple[str, ...]:
    """The new folder, and the words before the engine's own: dies with us, is not root."""
    place.mkdir(mode=0o700, parents=True)
    found = shutil.which("setpriv", path=_ENV["PATH"])
    if found is None:
        raise CannotServe("setpriv がありません / setpriv (util-linux) is not installed")
    lead: tuple[str, ...] = (found, "--pdeathsig=QUIT")
    if os.geteuid() == 0:
        who = _user(user)
        os.chown(place, who.pw_uid, who.pw_gid)
        caps = ("--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override")
        lead += (f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups", *caps)
    return (*lead, "--")


def _user(name: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return pwd.getpwnam("nobody")


async def _prepare(words: tuple[str, ...], place: Path) -> None:
    ended = await process.run(words, deadline=_INIT, env={**_ENV, "HOME": str(place)}, cwd=place)
    if ended.returncode != 0 or ended.timed_out:
        raise CannotServe(ended.last_lines[-600:] or f"exit {ended.returncode}")


@asynccontextmanager
async def _running(
    serve: tuple[str, ...], server: Server, create: tuple[str, ...], stop: tuple[str, ...] | None
) -> AsyncIterator[None]:
    forever = 7 * 86400.0
    wrong: Exception | None = None
    async with asyncio.TaskGroup() as group:
        task = group.create_task(
            process.run(serve, deadline=forever, env=_ENV, cwd=server.folder, cap=1 << 16)
        )
        try:
            await _answers(task, server, create)
            yield
        except Exception as error:  # raised again below: not as a group of one
            wrong = error
        finally:
            if stop is not None and not task.done():
                with contextlib.suppress(OSError):
                    await process.run(stop, deadline=20, env=_ENV, cwd=server.folder)
            task.cancel()
    if wrong is not None:
        raise wrong


async def _answers(
    task: asyncio.Task[process.Completed], server: Server, create: tuple[str, ...]
) -> None:
    """Creating the one database is the proof that it hears."""
    loop = asyncio.get_running_loop()
    until, said = loop.time() + _START, ""
    while not task.done() and loop.time() < until:
        ended = await server.run(create, 20)
        if ended.returncode == 0:
            return
        said = ended.last_lines
        await asyncio.sleep(0.1)
    if task.done() and not task.cancelled():
        said = task.result().last_lines
    raise CannotServe(said[-600:])
