"""Real throw-away PostgreSQL and MariaDB with TLS on loopback, ended with the block."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.probes.pki import Authority

PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
POSTGRES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
MARIADB = shutil.which("mariadbd", path=PATH)
PASSWORD = "kurikoma-sql-7"


@dataclass(frozen=True)
class Database:
    """Its folder, its port, and its administrator's client."""

    folder: Path
    port: int
    client: tuple[str, ...]

    def do(self, script: str) -> str:
        """Statements of the administrator."""
        done = subprocess.run(
            self.client, input=script, capture_output=True, text=True, check=False, timeout=60,
            env={"PATH": PATH},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


def _free() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def _folder(user: str, authority: Authority) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """A short folder of the engine's user with a certificate; words that start a program as it."""
    folder = Path(tempfile.mkdtemp(prefix="bcp-db-", dir="/tmp"))
    label = f"sql-{user}"
    authority.server(label)
    shutil.copy(authority.folder / f"{label}.pem", folder / "tls.pem")
    (folder / "tls.pem").chmod(0o600)
    lead: tuple[str, ...] = ("setpriv", "--pdeathsig=QUIT")
    if os.geteuid() == 0:
        try:
            who = pwd.getpwnam(user)
        except KeyError:
            who = pwd.getpwnam("nobody")
        for path in (folder, folder / "tls.pem"):
            os.chown(path, who.pw_uid, who.pw_gid)
        lead += (f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups")
    try:
        yield folder, (*lead, "--")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _prepare(words: tuple[str, ...], folder: Path) -> None:
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, timeout=180, cwd=folder,
        env={"PATH": PATH, "HOME": str(folder), "LANG": "C.UTF-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@contextmanager
def _served(words: tuple[str, ...], database: Database) -> Iterator[Database]:
    log = (database.folder / "log").open("wb")
    process = subprocess.Popen(
        words, cwd=database.folder, env={"PATH": PATH, "LANG": "C.UTF-8"}, stdout=log, stderr=log
    )
    try:
        until = time.monotonic() + 60
        while True:
            try:
                database.do("SELECT 1;")
                break
            except AssertionError:
                if process.poll() is not None or time.monotonic() > until:
                    raise AssertionError((database.folder / "log").read_text()) from None
                time.sleep(0.1)
        yield database
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


@contextmanager
def postgres(authority: Authority, *, copy_of: Database | None = None) -> Iterator[Database]:
    """PostgreSQL; with `copy_of` its standby, streaming."""
    assert POSTGRES is not None
    with _folder("postgres", authority) as (folder, lead):
        data, port = folder / "data", _free()
        if copy_of is None:
            init = (str(POSTGRES / "initdb"), "-D", str(data), "-U", "postgres", "--no-sync")
            _prepare((*lead, *init, "-E", "UTF8", "--locale=C", "--auth=trust"), folder)
            (data / "pg_hba.conf").write_text(
                "local all,replication all trust\n"
                "hostssl all clear 127.0.0.1/32 password\n"
                "host all clear 127.0.0.1/32 password\n"
                "host all old 127.0.0.1/32 md5\n"
                "host all nobody 127.0.0.1/32 reject\n"
                "host all all 127.0.0.1/32 scram-sha-256\n"
            )
        else:
            base = (str(POSTGRES / "pg_basebackup"), "-D", str(data), "-R", "-X", "stream")
            source = ("-h", str(copy_of.folder), "-p", str(copy_of.port), "-U", "postgres")
            _prepare((*lead, *base, *source, "-c", "fast", "--no-sync"), folder)
        options = {
            "listen_addresses": "127.0.0.1", "port": str(port), "fsync": "off", "ssl": "on",
            "unix_socket_directories": str(folder), "shared_buffers": "16MB",
            "ssl_cert_file": str(folder / "tls.pem"), "ssl_key_file": str(folder / "tls.pem"),
        }  # fmt: skip
        words = [word for item in options.items() for word in ("-c", "=".join(item))]
        psql = (str(POSTGRES / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", str(folder))
        client = (*psql, "-p", str(port), "-U", "postgres", "-d", "postgres")
        serve = (*lead, str(POSTGRES / "postgres"), "-D", str(data), *words)
        with _served(serve, Database(folder, port, client)) as database:
            if copy_of is None:
                database.do(
                    f"CREATE ROLE watch LOGIN PASSWORD '{PASSWORD}';"
                    f"CREATE ROLE clear LOGIN PASSWORD '{PASSWORD}';"
                    f"CREATE ROLE nobody LOGIN PASSWORD '{PASSWORD}';"
                    f"SET password_encryption = md5; CREATE ROLE old LOGIN PASSWORD '{PASSWORD}';"
                    "CREATE TABLE jumin (id INT PRIMARY KEY, name TEXT, paid NUMERIC, ok BOOLEAN);"
                    "INSERT INTO jumin VALUES (1, '栗駒 太郎', 12.5, true), (2, NULL, NULL, NULL);"
                    "CREATE TABLE hidden (x INT); GRANT ALL ON jumin TO watch, old, clear;"
                )
            yield database


@contextmanager
def maria(authority: Authority) -> Iterator[Database]:
    """MariaDB."""
    assert MARIADB is not None
    with _folder("mysql", authority) as (folder, lead):
        data, port = folder / "data", _free()
        plain = ("--no-defaults", f"--datadir={data}")
        install = ("mariadb-install-db", *plain, "--skip-test-db", "--skip-name-resolve")
        _prepare((*lead, *install, "--auth-root-authentication-method=normal"), folder)
        net = (
            "--bind-address=127.0.0.1", f"--port={port}", f"--socket={folder}/s",
            f"--pid-file={folder}/p", f"--tmpdir={folder}", "--skip-name-resolve",
            f"--ssl-cert={folder}/tls.pem", f"--ssl-key={folder}/tls.pem",
            "--innodb-flush-log-at-trx-commit=0", "--server-id=7",
        )  # fmt: skip
        client = ("mariadb", "--no-defaults", f"--socket={folder}/s", "--user=root", "-N", "-B")
        serve = (*lead, MARIADB, *plain, *net)
        with _served(serve, Database(folder, port, client)) as database:
            database.do(
                f"CREATE USER watch@'%' IDENTIFIED BY '{PASSWORD}';"
                f"CREATE USER locked@'%' IDENTIFIED BY '{PASSWORD}' ACCOUNT LOCK;"
                "CREATE DATABASE town CHARACTER SET utf8mb4; USE town;"
                "CREATE TABLE jumin (id INT PRIMARY KEY, name TEXT, paid DECIMAL(8,2), ok DOUBLE);"
                "INSERT INTO jumin VALUES (1, '栗駒 太郎', 12.5, 1), (2, NULL, NULL, NULL);"
                "CREATE TABLE hidden (x INT); GRANT SELECT, INSERT ON town.jumin TO watch@'%';"
            )
            yield database
