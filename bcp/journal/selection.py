"""Which entries a reader wants, as one indexed query. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Selection:
    """Entries `since <= seq < before` that fit everything given; at most `limit` of them."""

    since: int
    before: int
    kinds: Sequence[str] | None = None
    """Any of these; one that ends in `.` stands for all kinds that begin so."""
    incident: str | None = None
    subject: str | None = None
    limit: int = 1000
    reverse: bool = False
    """Newest first."""

    def sql(self) -> tuple[str, list[Any]]:
        """The query and its parameters."""
        tests, parameters = ["seq >= ?", "seq < ?"], [self.since, self.before]
        values: list[Any] = list(parameters)
        if self.kinds is not None:
            options = []
            for kind in self.kinds:
                if kind.endswith("."):
                    options.append("(kind >= ? AND kind < ?)")
                    values += [kind, kind[:-1] + "/"]  # "/" follows "." in ASCII
                else:
                    options.append("kind = ?")
                    values.append(kind)
            tests.append(f"({' OR '.join(options) or 'FALSE'})")
        for column, value in (("incident", self.incident), ("subject", self.subject)):
            if value is not None:
                tests.append(f"{column} = ?")
                values.append(value)
        order = "DESC" if self.reverse else "ASC"
        sql = (
            f"SELECT seq, data, leaf FROM entry WHERE {' AND '.join(tests)}"  # noqa: S608
            f" ORDER BY seq {order} LIMIT ?"
        )
        return sql, [*values, self.limit]
