"""The register of copies and their holders (R-14): what is printed, where it lies, until when. Pure.

A copy is an entry of the log; it is stale when the plan says something else than the paper, when
people changed, or when its date has come. Lint reads the same register (W107, W108).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from bcp.journal.entry import Entry
from bcp.journal.folding import Fold
from bcp.kit.units import from_us

FOLD_NAME = "copies"
ISSUED, ENDED = "paper.issued", "paper.ended"
How = Literal["returned", "destroyed", "lost"]
Why = Literal["edition", "people", "due"]


@dataclass(frozen=True, slots=True)
class Copy:
    """One printed set somewhere."""

    id: str
    """`copy-7`: written on the folder."""
    sets: tuple[str, ...]
    edition: str
    digest: str
    people: str
    site: str
    holder: str
    """Role (id) that keeps it."""
    printed_at: datetime
    due: datetime
    """Reprint by then, whatever changed."""
    seq: int
    ended: str | None = None
    """returned, destroyed, lost."""
    role: str | None = None
    only_site: str | None = None
    books: Mapping[str, str] = field(default_factory=dict)
    """Runbook -> digest of its edition on this paper."""


@dataclass(frozen=True, slots=True)
class Copies:
    """Every copy ever printed, by id."""

    items: Mapping[str, Copy] = field(default_factory=dict)

    @property
    def out(self) -> tuple[Copy, ...]:
        """Those that lie somewhere."""
        return tuple(copy for copy in self.items.values() if copy.ended is None)


def stale(copy: Copy, digest: str, people: str, now: datetime) -> tuple[Why, ...]:
    """Why it must be printed again; empty when it is good."""
    found: list[Why] = []
    if copy.digest != digest:
        found.append("edition")
    if copy.people != people:
        found.append("people")
    if now >= copy.due:
        found.append("due")
    return tuple(found)


def fold(state: Copies, entry: Entry) -> Copies:
    """The register after one more entry."""
    detail = entry.detail
    if entry.kind == ISSUED:
        copy = Copy(
            entry.subject,
            tuple(detail["sets"]),
            detail["edition"],
            detail["digest"],
            detail["people"],
            detail["site"],
            detail["holder"],
            entry.occurred_at,
            from_us(detail["due_us"]),
            entry.seq,
            None,
            detail.get("role"),
            detail.get("only_site"),
            detail.get("books", {}),
        )
        return Copies({**state.items, copy.id: copy})
    known = state.items.get(entry.subject)
    if entry.kind == ENDED and known is not None:
        return Copies({**state.items, known.id: replace(known, ended=detail["how"])})
    return state


FOLD: Fold[Copies] = Fold(Copies(), fold, ("paper.",))
"""Hand to `Journal.open(folds={FOLD_NAME: FOLD})`."""
