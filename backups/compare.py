"""Compares a manifest with another, and with the tree as it is now. Pure, two cursors, no tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from backups import manifest, walk
from backups.manifest import Manifest
from backups.walk import Entry, Item

KEEP = 200
"""Names kept of each kind of difference; counts are always whole."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Differences between a manifest and a tree; counts are whole, names the first of each."""

    files: int = 0
    """Files that are in both and equal."""
    size: int = 0
    """Bytes in them."""
    missing: int = 0
    extra: int = 0
    changed: int = 0
    modes: int = 0
    """Equal content, other permission bits."""
    excused: int = 0
    """Different, but they were changing while the backup ran."""
    names: tuple[tuple[str, bytes], ...] = ()

    @property
    def equal(self) -> bool:
        """Nothing missing, extra or changed (permission bits are told apart)."""
        return not (self.missing or self.extra or self.changed)


def compare(
    wanted: Iterable[Entry], found: Iterable[Entry], excused: frozenset[bytes] = frozenset()
) -> Comparison:
    """Two cursors over two ordered manifests. `excused`: names that were changing during the backup."""
    counts = dict.fromkeys(("missing", "extra", "changed", "modes", "excused"), 0)
    names: list[tuple[str, bytes]] = []
    equal_files = equal_bytes = 0
    for kind, left, right in joined(wanted, found):
        entry = left or right
        assert entry is not None
        if kind == "equal":
            if entry.kind == "f":
                equal_files, equal_bytes = equal_files + 1, equal_bytes + entry.size
            continue
        if kind != "modes" and entry.name in excused:
            kind = "excused"
        counts[kind] += 1
        if counts[kind] <= KEEP:
            names.append((kind, entry.name))
        if kind == "modes" and entry.kind == "f":
            equal_files, equal_bytes = equal_files + 1, equal_bytes + entry.size
    return Comparison(equal_files, equal_bytes, names=tuple(names), **counts)


Joined = tuple[str, Entry | None, Entry | None]
"""`equal`, `modes`, `changed` (both), `missing` (the first alone), `extra` (the second alone)."""


def joined(wanted: Iterable[Entry], found: Iterable[Entry]) -> Iterator[Joined]:
    """Two ordered manifests side by side."""
    left, right = iter(wanted), iter(found)
    a, b = next(left, None), next(right, None)
    while a is not None or b is not None:
        if b is None or (a is not None and a.key < b.key):
            assert a is not None
            # Sockets are not backed up, and what could not be read at the source proves nothing.
            if a.kind not in ("o", "x"):
                yield "missing", a, None
            a = next(left, None)
        elif a is None or b.key < a.key:
            yield "extra", None, b
            b = next(right, None)
        else:
            yield _verdict(a, b), a, b
            a, b = next(left, None), next(right, None)


def _verdict(a: Entry, b: Entry) -> str:
    if a.kind in ("o", "x"):
        return "equal"
    if (a.kind, a.size, a.digest, a.target) != (b.kind, b.size, b.digest, b.target):
        return "changed"
    return "equal" if a.mode == b.mode else "modes"


def unsettled(taken: Manifest, items: Iterable[Item]) -> Iterator[bytes]:
    """Names whose stamp is no longer the one seen while hashing: they changed, came or went since.

    Blocking; `items` is a fresh walk of the same roots.
    """
    left, right = zip(manifest.read(taken.path), taken.stamps, strict=True), iter(items)
    a, b = next(left, None), next(right, None)
    while a is not None or b is not None:
        if b is None or (a is not None and a[0].key < b.name.split(b"/")):
            assert a is not None
            yield a[0].name
            a = next(left, None)
        elif a is None or b.name.split(b"/") < a[0].key:
            yield b.name
            b = next(right, None)
        else:
            if a[0].kind != "x" and walk.stamp(b) != a[1]:
                yield b.name
            a, b = next(left, None), next(right, None)
