"""The store of entries: one SQLite file, WAL, synchronous=FULL. Plain SQL, no decisions.

Holds every entry's canonical bytes with its leaf hash, and the roots of complete subtrees of
256, 65,536 … leaves, so that any root or proof needs a few hundred hashes at most. May not be
lost (it can be made again from an export, up to the export's size). Trusted only as far as the
head file, the signed checkpoints and `verify` go: whoever can write the file can change it.

`Store` is the writer's connection and belongs to the writer thread; `Reader` serves everybody else.
Every failure of SQLite that means "the disk says no" leaves here as `Unwritable`.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bcp.journal import projections as derived
from bcp.journal.entry import Entry, parse_trusted
from bcp.journal.errors import Damaged, Exists, Missing
from bcp.journal.head import Fault, no_fault
from bcp.journal.merkle import CompactRange, leaf_hash
from bcp.journal.projections import Projection
from bcp.journal.selection import Selection
from bcp.journal.tiles import HEIGHT
from bcp.journal.trouble import broken_file, damaged_entry, disk_trouble
from bcp.kit.durable import fsync_dir, unwritable
from bcp.kit.errors import Unwritable

FILE = "log.sqlite3"
VERSION = 1
_DDL = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE entry (
    seq INTEGER PRIMARY KEY, op TEXT NOT NULL, kind TEXT NOT NULL, incident TEXT,
    subject TEXT NOT NULL, data BLOB NOT NULL, leaf BLOB NOT NULL
) STRICT;
CREATE TABLE node (
    level INTEGER NOT NULL, pos INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, pos)
) STRICT, WITHOUT ROWID;
CREATE INDEX entry_op ON entry (op);
CREATE INDEX entry_kind ON entry (kind, seq);
CREATE INDEX entry_incident ON entry (incident, seq) WHERE incident IS NOT NULL;
CREATE INDEX entry_subject ON entry (subject, seq);
"""
Row = tuple[int, bytes, bytes]
"""seq, canonical bytes, leaf hash."""


@contextlib.contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Turn "the disk says no" into Unwritable and a broken file into Damaged; bugs pass."""
    try:
        yield
    except OSError as error:
        raise unwritable(path, error) from error
    except sqlite3.Error as error:
        trouble = disk_trouble(error, path)
        if trouble is None:
            raise
        raise trouble from error


def create(folder: Path, meta: Mapping[str, str]) -> None:
    """Make an empty store; refuses if one exists."""
    path = folder / FILE
    if path.exists():
        raise Exists(
            "ここにはもう記録があります / a log already stands here",
            where=str(path),
            expected="no file",
            got="one",
            next_step="open it, or name another folder",
        )
    with guarded(path):
        path.touch(mode=0o600)
        connection = sqlite3.connect(path, isolation_level=None)
        with contextlib.closing(connection):
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.executescript(f"BEGIN; {_DDL} PRAGMA user_version={VERSION};")
            connection.executemany("INSERT INTO meta VALUES (?, ?)", list(meta.items()))
            connection.execute("COMMIT")
        fsync_dir(folder)


def _connect(path: Path, mode: str, version: int) -> sqlite3.Connection:
    if not path.is_file():
        raise Missing(
            "記録がありません / there is no log here",
            where=str(path),
            expected="a log made by `create`",
            got="no file",
            next_step="check --data and the mount; restore the folder from its copy; a missing log "
            "is never made anew",
        )
    with guarded(path):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?{mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=5.0,
        )
        try:
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA trusted_schema=OFF")
            found = connection.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.Error:
            connection.close()
            raise
    if found != version:
        connection.close()
        raise Damaged(
            "記録のファイルの形式が違います / the store has another format",
            where=str(path),
            expected=f"version {version}",
            got=f"version {found}",
            next_step="use the version of ict-bcp that wrote it; if the file was cut, restore its copy",
        )
    return connection


def connect_reading(
    path: Path, mode: str = "mode=ro", version: int = VERSION
) -> sqlite3.Connection:
    """Connect, also where nothing can be written. Raises Missing, Damaged, Unwritable.

    A database in WAL mode wants to write even to be read. Where that fails and no write-ahead log is
    left over, the file alone is the whole truth and is read as it stands.
    """
    try:
        return _connect(path, mode, version)
    except Unwritable:
        left_over = path.with_name(path.name + "-wal")
        if left_over.exists() and left_over.stat().st_size:
            raise
        return _connect(path, "mode=ro&immutable=1", version)


class Reader:
    """Reads of committed entries. One connection with a lock: safe from any worker thread."""

    def __init__(self, folder: Path, mode: str = "mode=ro") -> None:
        self.path = folder / FILE
        self._mode = mode
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = connect_reading(self.path, mode)

    def select(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query of ours; if it cannot run, the file is not ours any more."""
        try:
            return self.query(sql, parameters)
        except sqlite3.Error as error:
            raise broken_file(self.path, error) from error

    def query(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        """All rows of somebody's query."""
        with self._lock, guarded(self.path):
            if self._connection is None:
                raise OSError("the store is closed")
            return self._connection.execute(sql, parameters).fetchall()

    def meta(self) -> dict[str, str]:
        """What was fixed when the log was made, and the state of the projections."""
        return dict(self.select("SELECT key, value FROM meta"))

    def size(self) -> int:
        """Number of entries, by the last index."""
        return int(self.select("SELECT coalesce(max(seq), -1) + 1 FROM entry")[0][0])

    def rows(self, since: int, before: int) -> list[Row]:
        """Raw entries `since <= seq < before` in order, as they stand."""
        return self.select(
            "SELECT seq, data, leaf FROM entry WHERE seq >= ? AND seq < ? ORDER BY seq",
            (since, before),
        )

    def by_op(self, op: str) -> list[Entry]:
        """The entries of one operation."""
        return entries(
            self.select("SELECT seq, data, leaf FROM entry WHERE op = ? ORDER BY seq", (op,))
        )

    def find(self, selection: Selection) -> list[Entry]:
        """Entries by what is indexed."""
        return entries(self.found(selection))

    def found(self, selection: Selection) -> list[Row]:
        """The same, as raw rows."""
        return self.select(*selection.sql())

    def hashes(self, level: int, start: int, count: int) -> list[bytes]:
        """`count` node hashes from `start` on, of a level that is a multiple of 8."""
        if level == 0:
            sql = "SELECT leaf FROM entry WHERE seq >= ? AND seq < ? ORDER BY seq"
            found = self.select(sql, (start, start + count))
        else:
            sql = "SELECT hash FROM node WHERE level = ? AND pos >= ? AND pos < ? ORDER BY pos"
            found = self.select(sql, (level, start, start + count))
        if len(found) != count:
            raise Damaged(
                "記録に穴があります / entries or hashes are missing in the store",
                where=f"{self.path}: level {level}, from {start}",
                expected=f"{count} hashes",
                got=str(len(found)),
                next_step="run `ict-bcp log verify`, restore the folder from its copy",
            )
        return [row[0] for row in found]

    def node(self, level: int, index: int) -> bytes:
        """The root of the complete subtree `(level, index)`; see `merkle.Nodes`."""
        rest = level % HEIGHT
        below = self.hashes(level - rest, index << rest, 1 << rest)
        return CompactRange().extend(below).root()

    @contextlib.contextmanager
    def reopened(self) -> Iterator[None]:
        """Closed inside, a fresh connection afterwards; other threads wait meanwhile.

        Connections of one process share what SQLite knows of the file: a read-only one must be gone
        before another can write.
        """
        with self._lock:
            self.close()
            try:
                yield
            finally:
                self._connection = connect_reading(self.path, self._mode)

    def close(self) -> None:
        """Close the connection; harmless when closed."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


class Store(Reader):
    """The writer's connection: everything between `begin` and `commit` is one transaction."""

    def __init__(
        self, folder: Path, projections: Sequence[Projection], fault: Fault = no_fault
    ) -> None:
        super().__init__(folder, "mode=rw")
        self.projections = projections
        self._fault = fault

    def prepare(self, read: Callable[[], Iterable[Entry]]) -> list[str]:
        """Make the projections' tables fit; gives the names of the rebuilt ones."""
        with guarded(self.path):
            return derived.prepare(self._writing, self.projections, self.size(), read)

    def begin(self) -> None:
        """Take the write lock."""
        with guarded(self.path):
            self._writing.execute("BEGIN IMMEDIATE")

    def add(self, staged: Sequence[tuple[Entry, bytes, bytes]]) -> None:
        """Insert one caller's entries and their projections; on an error none of them stays."""
        with guarded(self.path):
            cursor = self._writing.cursor()
            cursor.execute("SAVEPOINT caller")
            try:
                cursor.executemany(
                    "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?)",
                    [(e.seq, e.op, e.kind, e.incident, e.subject, d, h) for e, d, h in staged],
                )
                for projection in self.projections:
                    for entry, _data, _leaf in staged:
                        projection.apply(cursor, entry)
            except BaseException:
                if self._writing.in_transaction:
                    cursor.execute("ROLLBACK TO caller")
                raise
            finally:
                if self._writing.in_transaction:
                    cursor.execute("RELEASE caller")

    def add_nodes(self, nodes: Iterable[tuple[int, int, bytes]]) -> None:
        """Insert subtree roots (level, position, hash)."""
        with guarded(self.path):
            self._writing.executemany("INSERT INTO node VALUES (?, ?, ?)", nodes)

    def commit(self, size: int) -> None:
        """Make the transaction durable. If this raises, whether it is there is not known."""
        with guarded(self.path):
            derived.mark(self._writing.cursor(), self.projections, size)
            self._fault("store:before")
            self._writing.execute("COMMIT")
            self._fault("store:after")

    def rollback(self) -> None:
        """Forget the transaction, if one is open."""
        if self._connection is not None and self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    @property
    def _writing(self) -> sqlite3.Connection:
        if self._connection is None:
            raise OSError("the store is closed")
        return self._connection


def entries(rows: Iterable[Row]) -> list[Entry]:
    """Parse rows, each checked against its leaf hash and its place. Raises Damaged."""
    return list(each(rows))


def each(rows: Iterable[Row]) -> Iterator[Entry]:
    """As `entries`, one at a time: an entry that nobody keeps costs no memory."""
    for seq, data, leaf in rows:
        if leaf_hash(data) != leaf:
            raise damaged_entry(seq, f"leaf hash {leaf.hex()}", leaf_hash(data).hex())
        entry = parse_trusted(data)
        if entry.seq != seq:
            raise damaged_entry(seq, f"seq {seq}", f"seq {entry.seq}")
        yield entry
