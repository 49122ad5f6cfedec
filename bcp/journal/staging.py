"""From what a decision yields to rows ready to insert; and from stored rows back to states.

Also used when the log is opened and after a failure: the same folds, in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from bcp.journal.canonical import normal
from bcp.journal.entry import SALT_BYTES, SCHEMA, Actor, Entry, NewEntry, check_new, check_op
from bcp.journal.errors import BadEntry, Damaged
from bcp.journal.evidence import EvidenceStore
from bcp.journal.folding import Fold, Snapshot
from bcp.journal.merkle import CompactRange, leaf_hash, range_at
from bcp.journal.selection import Selection
from bcp.journal.store import Reader, each, entries
from bcp.journal.values import Value
from bcp.kit.clock import ClockReading
from bcp.kit.errors import BcpError

CHUNK = 4096


@dataclass(frozen=True, slots=True)
class Staged:
    """One command's rows (entry, canonical bytes, leaf hash) and the values they commit to."""

    rows: list[tuple[Entry, bytes, bytes]]
    values: list[Value]


@dataclass(frozen=True, slots=True)
class Stager:
    """Who writes (node, epoch), and how states follow from entries."""

    node: str
    epoch: int
    folds: Mapping[str, Fold[Any]]
    evidence: EvidenceStore
    random_bytes: Callable[[int], bytes]

    def entries(
        self,
        new: Sequence[NewEntry],
        op: str,
        actor: Actor,
        since: int,
        now: datetime,
        reading: ClockReading,
    ) -> Staged:
        """Number (from `since`), commit and encode. Raises BadEntry or NotCanonical; nothing is written."""
        check_op(op)
        rows, values, seq = [], [], since
        for item in new:
            check_new(item)
            for digest in item.evidence:
                self._check_evidence(digest)
            mine = [
                Value(seq, name, self.random_bytes(SALT_BYTES), text)
                for name, text in sorted(item.values.items())
            ]
            entry = Entry(
                SCHEMA,
                self.node,
                self.epoch,
                seq,
                op,
                item.incident,
                item.kind,
                item.occurred_at,
                now,
                reading,
                actor,
                item.subject,
                cast(dict[str, Any], normal(item.detail, "detail")),
                {value.name: value.digest for value in mine},
                tuple(item.evidence),
            )
            data = entry.data()
            rows.append((entry, data, leaf_hash(data)))
            values += mine
            seq += 1
        return Staged(rows, values)

    def initial(self) -> Snapshot:
        """The states of an empty log."""
        return Snapshot(CompactRange(), {name: fold.initial for name, fold in self.folds.items()})

    def load(self, reader: Reader, size: int) -> Snapshot:
        """Fold the first `size` entries; entries that no fold wants are not read.

        Raises Damaged, naming the entry, if a fold cannot take what it took when it was written.
        """
        snapshot = self.initial()
        last: list[Entry] = []

        def noted(entries: Iterator[Entry]) -> Iterator[Entry]:
            for entry in entries:
                last[:] = [entry]
                yield entry

        try:
            for chunk in self._wanted(reader, size):
                snapshot = snapshot.applied(self.folds, noted(chunk), snapshot.tree)
        except BcpError:
            raise
        except Exception as error:  # any bug of a fold: the daemon must go on without this log
            raise Damaged(
                "記録から状態を作れません / the state cannot be made from the log",
                where=f"entry {last[0].seq} ({last[0].kind})" if last else "log",
                expected="an entry that every fold of this version understands",
                got=repr(error)[:200],
                next_step="start the version of ict-bcp that wrote it, and report this message",
            ) from error
        return Snapshot(range_at(size, reader.node), snapshot.states)

    def catch_up(self, reader: Reader, snapshot: Snapshot, size: int) -> Snapshot:
        """The snapshot after entries that are durable but not yet folded."""
        rows = reader.rows(snapshot.tree.size, size)
        tree = snapshot.tree.extend(leaf for _, _, leaf in rows)
        return snapshot.applied(self.folds, entries(rows), tree)

    def root_at(self, reader: Reader, size: int) -> bytes:
        """The root of the first `size` entries, from stored hashes."""
        return range_at(size, reader.node).root()

    def _wanted(self, reader: Reader, size: int) -> Iterator[Iterator[Entry]]:
        kinds: set[str] | None = set()
        for fold in self.folds.values():
            kinds = None if kinds is None or fold.kinds is None else kinds | set(fold.kinds)
        if kinds is not None and not kinds:
            return
        since = 0
        wanted = sorted(kinds) if kinds is not None else None
        while rows := reader.found(Selection(since, size, wanted, limit=CHUNK)):
            yield each(rows)
            since = rows[-1][0] + 1

    def _check_evidence(self, digest: str) -> None:
        if not self.evidence.has(digest):
            raise BadEntry(
                "an entry names evidence that is not stored",
                where=f"evidence {digest}",
                expected="a digest given by put_bytes or put_file",
                got="no such file",
                next_step="store the evidence first, then append",
            )
