"""Folds: states that are nothing but the entries so far. And what a decision may look at. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from bcp.journal.entry import Entry
from bcp.journal.errors import Missing
from bcp.journal.merkle import CompactRange

S = TypeVar("S")


def matches(kinds: Iterable[str], kind: str) -> bool:
    """Whether `kind` is one of `kinds`; one that ends in `.` stands for all that begin so."""
    return any(kind.startswith(k) if k.endswith(".") else kind == k for k in kinds)


@dataclass(frozen=True)  # no slots: Generic sets an attribute of its own
class Fold(Generic[S]):
    """A state made from entries by a pure `apply`. States must be frozen: they are shared."""

    initial: S
    apply: Callable[[S, Entry], S]
    """(state, entry) -> state. Must ignore kinds it does not know."""
    kinds: tuple[str, ...] | None = None
    """If given, only these kinds are applied (a kind ending in `.`: all that begin so): a long log
    opens faster."""

    def wants(self, kind: str) -> bool:
        """Whether `apply` is called for this kind."""
        return self.kinds is None or matches(self.kinds, kind)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The log at one size: the right edge of its tree and every folded state."""

    tree: CompactRange
    states: Mapping[str, Any]

    def applied(
        self, folds: Mapping[str, Fold[Any]], entries: Iterable[Entry], tree: CompactRange
    ) -> Snapshot:
        """The snapshot after these entries. What `apply` raises is raised."""
        states = dict(self.states)
        for entry in entries:
            for name, fold in folds.items():
                if fold.wants(entry.kind):
                    states[name] = fold.apply(states[name], entry)
        return Snapshot(tree, states)

    def state(self, name: str) -> Any:
        """One folded state; Missing if no fold of this name was handed in."""
        try:
            return self.states[name]
        except KeyError:
            raise Missing(
                "no fold of this name",
                where=f"state {name!r}",
                expected=f"one of {sorted(self.states)}",
                got=name,
                next_step="hand the fold in when the journal is opened",
            ) from None


@dataclass(frozen=True, slots=True)
class View:
    """What a decision sees: everything recorded before it, the current batch included."""

    snapshot: Snapshot
    now: datetime
    """`recorded_at` of the entries that this decision yields."""

    @property
    def size(self) -> int:
        """Entries so far; the `seq` of the next one."""
        return self.snapshot.tree.size

    def state(self, name: str) -> Any:
        """The folded state `name`."""
        return self.snapshot.state(name)


@dataclass(frozen=True, slots=True)
class Committed:
    """The answer to a command: its entries, durable and acknowledged."""

    entries: tuple[Entry, ...]
    replayed: bool = False
    """True: this operation id was recorded before; `entries` are those of the first time."""
    size: int = 0
    """Size of the log after the group commit."""


@dataclass(frozen=True, slots=True)
class WritableState:
    """Whether the log can be written, since when, and if not, why (a short code and a sentence)."""

    ok: bool
    since: datetime
    reason: str | None = None
    detail: str | None = None
