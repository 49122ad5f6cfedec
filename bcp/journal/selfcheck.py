"""The writer's own full verification, from the store: everything is read and hashed again.

The *independent* verifier, for exports, is `verify`; the two share no code on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from bcp.journal.canonical import parse_trusted
from bcp.journal.checkpoint import Checkpoint
from bcp.journal.merkle import CompactRange, leaf_hash
from bcp.journal.store import Reader
from bcp.journal.values import Values

CHUNK = 1024


@dataclass(frozen=True, slots=True)
class Verified:
    """What a full verification found. `problems` name the entry; none means good."""

    size: int
    root: bytes
    problems: tuple[str, ...]
    values_kept: int
    values_erased: int
    clock_back: int
    """Entries recorded before their predecessor, by the clock: a warning, order is by `seq`."""

    @property
    def ok(self) -> bool:
        """No problem found."""
        return not self.problems


def verify_store(
    folder: Path, tree: CompactRange, signed: Checkpoint | None, values: Values
) -> Verified:
    """Read the first `tree.size` entries and compare with the tree in memory and what was signed."""
    reader = Reader(folder)
    try:
        return _verify(reader, tree, signed, values)
    finally:
        reader.close()


def verify_folder(folder: Path, tree: CompactRange, signed: Checkpoint | None) -> Verified:
    """The same from nothing but the folder: for a worker process, so that no thread of ours is
    held by a long log."""
    values = Values(folder)
    values.open(writable=False)
    try:
        return verify_store(folder, tree, signed, values)
    finally:
        values.close()


def _verify(
    reader: Reader, tree: CompactRange, signed: Checkpoint | None, values: Values
) -> Verified:
    problems: list[str] = []
    nodes: dict[tuple[int, int], bytes] = {}
    grown, back, kept, erased = CompactRange(), 0, 0, 0
    last_at: int | None = None
    signed_root = grown.root() if signed is not None and signed.size == 0 else None

    def made(level: int, index: int, value: bytes) -> None:
        if level % 8 == 0:
            nodes[level, index] = value

    for since in range(0, tree.size, CHUNK):
        rows = reader.rows(since, min(since + CHUNK, tree.size))
        expected = range(since, min(since + CHUNK, tree.size))
        missing = sorted(set(expected) - {seq for seq, _, _ in rows})
        problems += [f"entry {seq}: missing" for seq in missing]
        digests: list[str] = []
        for seq, data, leaf in rows:
            if leaf_hash(data) != leaf:
                problems.append(f"entry {seq}: leaf hash {leaf.hex()}, got {leaf_hash(data).hex()}")
            grown = grown.extend([leaf_hash(data)], made)
            if signed is not None and grown.size == signed.size:
                signed_root = grown.root()
            entry = _fields(data)
            if entry is None or entry["seq"] != seq:
                problems.append(f"entry {seq}: its bytes are not entry {seq}")
                continue
            back += last_at is not None and entry["recorded_at"] < last_at
            last_at = entry["recorded_at"]
            digests += entry["commitments"].values()
        found = values.get(digests)
        kept, erased = kept + len(found), erased + len(digests) - len(found)
    for (level, index), value in nodes.items():
        if reader.hashes(level, index, 1) != [value]:
            problems.append(f"node {level}/{index}: stored hash differs")
    if grown.root() != tree.root():
        problems.append(f"root: expected {tree.root().hex()}, got {grown.root().hex()}")
    if signed is not None and signed_root != signed.root:
        problems.append(f"signed checkpoint of size {signed.size}: root differs")
    problems += [f"entry {seq}: value {name} was changed" for seq, name in values.wrong()]
    return Verified(grown.size, grown.root(), tuple(problems), kept, erased, back)


def _fields(data: bytes) -> dict[str, Any] | None:
    """An entry as a map. Its form is not judged again: the tree says whether its bytes are ours."""
    try:
        value = parse_trusted(data)
    except ValueError:
        return None
    good = isinstance(value, dict) and {"seq", "recorded_at", "commitments"} <= value.keys()
    return cast(dict[str, Any], value) if good else None
