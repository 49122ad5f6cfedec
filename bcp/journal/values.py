"""Values: salt and text of every commitment, apart from the log so that they can be erased.

May be lost or erased: the log's proofs hold without it, only the text is gone. Not trusted:
what comes out is checked against the commitment in the entry. Personal: mode 0600, deleted content
is overwritten (secure_delete) and the write-ahead log is emptied after an erasure.

Written and fsynced *before* the entry that commits to it. If we die in between, the text belongs to
no entry and is swept away at the next opening.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bcp.journal.entry import Entry, commitment
from bcp.journal.head import Fault, no_fault
from bcp.journal.store import connect_reading, guarded

FILE = "values.sqlite3"
_DDL = """
CREATE TABLE IF NOT EXISTS value (
    digest TEXT PRIMARY KEY, seq INTEGER NOT NULL, name TEXT NOT NULL,
    salt BLOB NOT NULL, text TEXT NOT NULL
) STRICT, WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class Value:
    """One value with its salt, and the entry and name it belongs to."""

    seq: int
    name: str
    salt: bytes
    text: str

    @property
    def digest(self) -> str:
        """The commitment that stands in the entry."""
        return commitment(self.salt, self.text)


class Values:
    """The open store. Safe from several threads: one connection, one lock."""

    def __init__(self, folder: Path, fault: Fault = no_fault) -> None:
        self.path = folder / FILE
        self._fault = fault
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def open(self, *, writable: bool = True) -> None:
        """Connect, making the file if it is not there (it may be lost). Raises Unwritable."""
        self.close()
        with self._lock, guarded(self.path):
            if not writable:
                self._connection = connect_reading(self.path, version=0)
                return
            self.path.touch(mode=0o600, exist_ok=True)
            self._connection = connection = sqlite3.connect(
                self.path, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA secure_delete=ON")
            connection.execute(_DDL)

    def put(self, values: Sequence[Value]) -> None:
        """Store and fsync, all or none."""
        if not values:
            return
        rows = [(v.digest, v.seq, v.name, v.salt, v.text) for v in values]
        with self._lock, guarded(self.path):
            self._fault("values:before")
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                connection.executemany("INSERT INTO value VALUES (?, ?, ?, ?, ?)", rows)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            self._fault("values:after")

    def get(self, digests: Iterable[str]) -> dict[str, Value]:
        """What is still kept of these commitments; only values that fit their digest."""
        found = {}
        with self._lock, guarded(self.path):
            for digest in digests:
                row = (
                    self._open()
                    .execute("SELECT seq, name, salt, text FROM value WHERE digest = ?", (digest,))
                    .fetchone()
                )
                if row is not None:
                    found[digest] = Value(*row)
        return {digest: value for digest, value in found.items() if value.digest == digest}

    def reveal(self, entries: Iterable[Entry]) -> dict[int, dict[str, str]]:
        """Entry number -> name -> text of what is still kept."""
        told = list(entries)
        kept = self.get(digest for entry in told for digest in entry.commitments.values())
        return {
            entry.seq: {
                name: kept[digest].text
                for name, digest in entry.commitments.items()
                if digest in kept
            }
            for entry in told
        }

    def search(self, words: str, most: int = 5000) -> list[int]:
        """Entries (the newest first) with a text that holds these words, letter case aside."""
        safe = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        sql = (
            "SELECT DISTINCT seq FROM value WHERE text LIKE ? ESCAPE '\\' ORDER BY seq DESC LIMIT ?"
        )
        with self._lock, guarded(self.path):
            return [seq for (seq,) in self._open().execute(sql, (f"%{safe}%", most))]

    def wrong(self) -> list[tuple[int, str]]:
        """(seq, name) of every stored value that no longer fits its own commitment."""
        with self._lock, guarded(self.path):
            rows = (
                self._open().execute("SELECT digest, seq, name, salt, text FROM value").fetchall()
            )
        return [
            (seq, name)
            for digest, seq, name, salt, text in rows
            if commitment(salt, text) != digest
        ]

    def erase(self, digests: Iterable[str]) -> None:
        """Remove salt and text so that no trace stays in the file or its write-ahead log."""
        wanted = [(digest,) for digest in digests]
        if not wanted:
            return
        with self._lock, guarded(self.path):
            self._fault("erase:before")
            connection = self._open()
            connection.executemany("DELETE FROM value WHERE digest = ?", wanted)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._fault("erase:after")

    def sweep(self, size: int) -> int:
        """Remove what was stored for entries that never came to be; gives their number."""
        with self._lock, guarded(self.path):
            cursor = self._open().execute("DELETE FROM value WHERE seq >= ?", (size,))
            return cursor.rowcount

    def close(self) -> None:
        """Close the connection; harmless when not open."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise OSError("the value store is not open")
        return self._connection
