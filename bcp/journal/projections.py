"""Projections: tables derived from entries, kept in the log's own transaction.

A projection is a pair (DDL, apply) handed in when the journal is opened. Its tables may be lost: they
are made again from the entries when the DDL or version differs or when they are behind. Nothing in
the log depends on them. Named queries live here too, so that SQL stays in one place.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bcp.journal.entry import Entry
from bcp.journal.errors import Missing

_OURS = frozenset({"entry", "node", "meta"})


@dataclass(frozen=True, slots=True)
class Projection:
    """Tables derived from entries. `apply` must depend on its arguments alone."""

    name: str
    tables: tuple[str, ...]
    """Dropped before a rebuild; must begin with the projection's name."""
    ddl: tuple[str, ...]
    apply: Callable[[sqlite3.Cursor, Entry], None]
    version: int = 1
    """Raise it when `apply` changes, so that the tables are made again."""
    queries: Mapping[str, str] = field(default_factory=dict)
    """Named SELECT statements for `Journal.query`."""

    def digest(self) -> str:
        """Changes when the tables must be made again."""
        text = "\0".join((self.name, str(self.version), *self.tables, *self.ddl))
        return hashlib.sha256(text.encode()).hexdigest()


def prepare(
    connection: sqlite3.Connection,
    projections: Sequence[Projection],
    size: int,
    entries: Callable[[], Iterable[Entry]],
) -> list[str]:
    """Make every projection's tables fit the log; gives the names of those that were rebuilt."""
    rebuilt = []
    for projection in projections:
        _check_names(projection)
        cursor = connection.cursor()
        key, want = f"projection:{projection.name}", f"{projection.digest()}:{size}"
        row = cursor.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        if row is not None and row[0] == want:
            continue
        cursor.execute("BEGIN IMMEDIATE")
        try:
            for table in projection.tables:
                cursor.execute(f'DROP TABLE IF EXISTS "{table}"')
            for statement in projection.ddl:
                cursor.execute(statement)
            for entry in entries():
                projection.apply(cursor, entry)
            mark(cursor, [projection], size)
            cursor.execute("COMMIT")
        except BaseException:
            cursor.execute("ROLLBACK")
            raise
        rebuilt.append(projection.name)
    return rebuilt


def mark(cursor: sqlite3.Cursor, projections: Sequence[Projection], size: int) -> None:
    """Note that the projections hold the first `size` entries."""
    cursor.executemany(
        "INSERT OR REPLACE INTO meta(key, value) VALUES (?, ?)",
        [(f"projection:{p.name}", f"{p.digest()}:{size}") for p in projections],
    )


def named_query(projections: Sequence[Projection], projection: str, name: str) -> str:
    """The SQL of a named query; Missing if there is none."""
    for candidate in projections:
        if candidate.name == projection and name in candidate.queries:
            return candidate.queries[name]
    raise Missing(
        "no such query",
        where=f"{projection}.{name}",
        expected="a query of a projection handed in at open",
        got="none",
        next_step="add it to the projection's queries",
    )


def _check_names(projection: Projection) -> None:
    for table in projection.tables:
        if table in _OURS or not table.startswith(projection.name):
            raise ValueError(
                f"projection {projection.name}: table {table} must begin with its name"
            )
