"""The file `DATA/access.sqlite`: accounts and sessions.

May not be lost without giving people new passwords (`ict-bcp user add`); nothing else hangs on it.
A session is stored by the hash of its token: who reads the file cannot sign in with it. Blocking
calls: everything here runs in a worker thread.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Literal

from bcp.kit.errors import BcpError, Unwritable, UsageError
from bcp.service.access.limits import Limit
from bcp.service.access.roles import Role

_DDL = """
CREATE TABLE IF NOT EXISTS account (
    id TEXT PRIMARY KEY, login TEXT NOT NULL UNIQUE, name TEXT NOT NULL, roles TEXT NOT NULL,
    hash TEXT NOT NULL, disabled INTEGER NOT NULL DEFAULT 0, must_change INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS session (
    digest TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    csrf TEXT NOT NULL, opened_us INTEGER NOT NULL, used_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS account_limit (
    account TEXT PRIMARY KEY REFERENCES account(id) ON DELETE CASCADE, until_us INTEGER NOT NULL,
    origin TEXT NOT NULL, sites TEXT NOT NULL, systems TEXT NOT NULL, runbooks TEXT NOT NULL,
    code INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS code (
    number INTEGER PRIMARY KEY, site TEXT NOT NULL, hash TEXT NOT NULL, edition TEXT NOT NULL,
    issued_us INTEGER NOT NULL, state TEXT NOT NULL, changed_us INTEGER NOT NULL, account TEXT,
    told INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""
_COLUMNS = "id, login, name, roles, hash, disabled, must_change"


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in. `id` is the pseudonym the log knows; the name stays here."""

    id: str
    login: str
    name: str
    roles: frozenset[Role]
    hash: str
    disabled: bool = False
    must_change: bool = False
    """Still has the password somebody else gave."""


@dataclass(frozen=True, slots=True)
class Session:
    """An open session; `digest` is SHA-256 of the token in the cookie."""

    digest: str
    account: str
    csrf: str
    opened_us: int
    used_us: int


@dataclass(frozen=True, slots=True)
class Code:
    """One sealed code: only its hash is here. `state`: sealed, used, revoked, rotated."""

    number: int
    site: str
    hash: str
    edition: str
    issued_us: int
    state: str
    changed_us: int
    account: str | None = None
    told: bool = False
    """Its use stands in the log."""


class AccessStore:
    """The open file. One connection, one lock."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        with _translated(path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("PRAGMA foreign_keys=ON")
            self._db.execute("PRAGMA secure_delete=ON")
            self._db.execute("PRAGMA busy_timeout=2000")
            self._db.executescript(_DDL)

    def meta(self, key: str, default: str) -> str:
        """A value kept since the file was made; `default` is stored when there is none."""
        with self._use() as db:
            db.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (key, default))
            row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
            return str(row[0])

    def accounts(self) -> list[Account]:
        """Everybody, disabled ones too, by login name."""
        with self._use() as db:
            rows = db.execute(f"SELECT {_COLUMNS} FROM account ORDER BY login").fetchall()  # noqa: S608
        return [_account(row) for row in rows]

    def add(self, account: Account, limit: Limit | None = None) -> None:
        """Raises `UsageError` when the login name is taken."""
        with self._use() as db:
            try:
                db.execute("BEGIN IMMEDIATE")
                db.execute("INSERT INTO account VALUES (?, ?, ?, ?, ?, ?, ?)", _row(account))
                if limit is not None:
                    row = (account.id, limit.until_us, limit.origin, *_scope(limit), limit.code)
                    db.execute("INSERT INTO account_limit VALUES (?, ?, ?, ?, ?, ?, ?)", row)
                db.execute("COMMIT")
            except sqlite3.IntegrityError as error:
                db.execute("ROLLBACK")
                raise UsageError(
                    "そのログイン名は使われています / that login name is taken", got=account.login
                ) from error

    def limits(self) -> dict[str, Limit]:
        """Account -> what it is lent and until when."""
        with self._use() as db:
            rows = db.execute("SELECT * FROM account_limit").fetchall()
        return {row[0]: _limit(row) for row in rows}

    def update(self, account: Account) -> None:
        """Replace everything but the id."""
        with self._use() as db:
            db.execute(
                "UPDATE account SET login=?, name=?, roles=?, hash=?, disabled=?, must_change=?"
                " WHERE id=?",
                (*_row(account)[1:], account.id),
            )

    def sessions(self) -> list[Session]:
        """Every session on file."""
        with self._use() as db:
            rows = db.execute("SELECT digest, account, csrf, opened_us, used_us FROM session")
            return [Session(*row) for row in rows.fetchall()]

    def put_session(self, session: Session) -> None:
        """Open it or move its last use."""
        with self._use() as db:
            db.execute(
                "INSERT INTO session VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT(digest) DO UPDATE SET used_us = excluded.used_us",
                (
                    session.digest,
                    session.account,
                    session.csrf,
                    session.opened_us,
                    session.used_us,
                ),
            )

    def drop_sessions(self, digests: list[str]) -> None:
        """Close them."""
        with self._use() as db:
            db.executemany("DELETE FROM session WHERE digest = ?", [(d,) for d in digests])

    def close(self) -> None:
        """Harmless twice."""
        with self._lock:
            self._db.close()

    # --- sealed codes -------------------------------------------------------------------------

    def codes(self) -> list[Code]:
        """Every code ever issued, by number."""
        with self._use() as db:
            rows = db.execute("SELECT * FROM code ORDER BY number").fetchall()
        return [_code(row) for row in rows]

    def put_codes(self, codes: list[Code]) -> None:
        """Insert or replace these, all or none."""
        with self._use() as db:
            db.execute("BEGIN IMMEDIATE")
            db.executemany(
                "INSERT OR REPLACE INTO code VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [astuple(code) for code in codes],
            )
            db.execute("COMMIT")

    @contextlib.contextmanager
    def _use(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _translated(self._path):
            try:
                yield self._db
            except sqlite3.Error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    """SQLite's and the disk's errors as ours."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except (sqlite3.OperationalError, OSError) as error:
        raise Unwritable(
            f"利用者の記録に書けません / cannot use the accounts file: {error}",
            where=str(path),
            next_step="ディスクの空きと権限を確かめる / check free space and permissions",
        ) from error
    except sqlite3.Error as error:
        raise BcpError(
            f"利用者の記録が壊れています / the accounts file is damaged: {error}",
            where=str(path),
            next_step="控えから戻すか、退けて ict-bcp user add で作り直す / restore it, or move it "
            "away and make the accounts anew with ict-bcp user add",
        ) from error


def _scope(limit: Limit) -> tuple[str, str, str]:
    return " ".join(limit.sites), " ".join(limit.systems), " ".join(limit.runbooks)


def _limit(row: tuple[str, int, str, str, str, str, int | None]) -> Limit:
    origin: Literal["code", "helper"] = "code" if row[2] == "code" else "helper"
    sites, systems, runbooks = (tuple(words.split()) for words in row[3:6])
    return Limit(row[1], origin, sites, systems, runbooks, row[6])


def _row(account: Account) -> tuple[str, str, str, str, str, int, int]:
    roles = " ".join(sorted(account.roles))
    return (
        account.id,
        account.login,
        account.name,
        roles,
        account.hash,
        int(account.disabled),
        int(account.must_change),
    )


def _account(row: tuple[str, str, str, str, str, int, int]) -> Account:
    known = {role.value for role in Role}
    roles = frozenset(Role(word) for word in row[3].split() if word in known)
    return Account(row[0], row[1], row[2], roles, row[4], bool(row[5]), bool(row[6]))


def _code(row: tuple[int, str, str, str, int, str, int, str | None, int]) -> Code:
    number, site, encoded, edition, issued_us, state, changed_us, account, told = row
    return Code(number, site, encoded, edition, issued_us, state, changed_us, account, bool(told))
