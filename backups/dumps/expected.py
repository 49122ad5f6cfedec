"""What a restored dump must hold: rows, constraints, newest instants. Pure; travels as canonical JSON.

The file lies among the dumps in the snapshot (and in its manifest) and in the evidence store; intent
and custody record name it by digest, so whoever can write the repository cannot rewrite it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bcp.kit.errors import BcpError

FILE = "expected.json"


class BadExpectations(BcpError):
    """An expectations file that cannot be read."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows and newest instant (UTC text, None: no such column or no row), as a range: low and high
    are the same where the engine shared its snapshot with us."""

    low: int
    high: int
    newest_low: str | None = None
    newest_high: str | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What a database holds."""

    tables: dict[str, Table]
    constraints: int

    @property
    def rows(self) -> int:
        """Of all tables, at least."""
        return sum(table.low for table in self.tables.values())


@dataclass(frozen=True, slots=True)
class Expected:
    """One dump: where its file is, how it is opened, what it must hold."""

    id: str
    kind: str
    file: str
    """Absolute path at the source."""
    size: int
    format: str = ""
    content: Content | None = None
    """None: opened by a command of the plan, or not at all."""
    open_with: tuple[str, ...] = field(default=())


def encode(dumps: Iterable[Expected]) -> bytes:
    """The file."""
    rows = [
        {
            "id": one.id,
            "kind": one.kind,
            "file": one.file,
            "size": one.size,
            "format": one.format,
            "open_with": list(one.open_with),
            "tables": None if one.content is None else _tables(one.content),
            "constraints": one.content.constraints if one.content else 0,
        }
        for one in dumps
    ]
    document = {"schema": 1, "dumps": rows}
    return json.dumps(document, ensure_ascii=True, sort_keys=True, indent=1).encode() + b"\n"


def _tables(content: Content) -> dict[str, list[int | str | None]]:
    return {
        name: [t.low, t.high, t.newest_low, t.newest_high] for name, t in content.tables.items()
    }


def decode(data: bytes) -> tuple[Expected, ...]:
    """Read it back. Raises `BadExpectations`."""
    try:
        rows = json.loads(data)["dumps"]
        return tuple(_one(row) for row in rows)
    except (ValueError, KeyError, TypeError) as error:
        raise BadExpectations(
            "ダンプの期待値を読めません / expectations of the dumps cannot be read",
            got=type(error).__name__,
        ) from error


def _one(row: dict[str, object]) -> Expected:
    tables = row["tables"]
    content = None
    if isinstance(tables, dict):
        content = Content({k: Table(*v) for k, v in tables.items()}, int(str(row["constraints"])))
    words = row["open_with"]
    return Expected(
        str(row["id"]),
        str(row["kind"]),
        str(row["file"]),
        int(str(row["size"])),
        str(row["format"]),
        content,
        tuple(map(str, words)) if isinstance(words, list) else (),
    )


def parse(lines: bytes) -> Content | None:
    """What the engine answered: one JSON array a line, `[table, rows, newest]`, the constraints with
    null for the table. None when the line of the constraints is missing: cut short."""
    tables: dict[str, Table] = {}
    constraints = None
    for line in lines.splitlines():
        if not line.startswith(b"["):
            continue
        try:
            name, count, newest = json.loads(line)
        except ValueError:
            return None
        if name is None:
            constraints = int(count)
        else:
            tables[name] = Table(int(count), int(count), newest, newest)
    return Content(tables, constraints) if constraints is not None else None


def between(before: Content, after: Content) -> Content | None:
    """The range that a dump taken between two looks must fall into; None: the tables changed."""
    same = before.tables.keys() == after.tables.keys()
    if not same or before.constraints != after.constraints:
        return None
    tables = {name: _range(table, after.tables[name]) for name, table in before.tables.items()}
    return Content(tables, before.constraints)


def _range(a: Table, b: Table) -> Table:
    low, high = sorted((a.newest_low or "", b.newest_high or ""))
    return Table(min(a.low, b.low), max(a.high, b.high), low or None, high or None)


def differences(wanted: Content, found: Content) -> Iterator[str]:
    """Everything that is not as expected, in short words for people; no content of any row."""
    for name, table in wanted.tables.items():
        there = found.tables.get(name)
        if there is None:
            yield f"表がない / table missing: {name}"
        elif not table.low <= there.low <= table.high:
            span = f"{table.low}" if table.low == table.high else f"{table.low}-{table.high}"
            yield f"件数 / rows: {name} {there.low} ({span})"
        elif not (table.newest_low or "") <= (there.newest_low or "") <= (table.newest_high or ""):
            yield f"最新の日時 / newest instant: {name}"
    for name in found.tables.keys() - wanted.tables.keys():
        yield f"余分な表 / table too many: {name}"
    if wanted.constraints != found.constraints:
        yield f"制約 / constraints: {found.constraints} ({wanted.constraints})"
