"""What a product restored, against the source as it was before and after the copy was made. Pure.

Another product's moment of copying is not ours: a file that changed between the two manifests may be
either version. What is neither, though it changed, proves nothing (*excused*); what did not change and
differs, is missing or is too much, is a finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from backups.compare import joined
from backups.walk import Entry


@dataclass(frozen=True, slots=True)
class Verdict:
    """Counts of what was compared."""

    files: int = 0
    size: int = 0
    missing: int = 0
    extra: int = 0
    changed: int = 0
    modes: int = 0
    excused: int = 0

    @property
    def equal(self) -> bool:
        """Nothing of what stood still differs."""
        return not (self.missing or self.extra or self.changed)


def judge(
    before: Callable[[], Iterable[Entry]],
    after: Callable[[], Iterable[Entry]],
    found: Iterable[Entry],
    *,
    partial: bool,
) -> Verdict:
    """Three ordered manifests; `partial`: only a part was restored, what is missing says nothing.

    Those of the source are read twice rather than held: only what differs between them is kept.
    """
    moved: dict[bytes, Entry | None] = {}
    for kind, a, b in joined(before(), after()):
        if kind not in ("equal", "modes"):
            moved[_name(a, b)] = a
    counts = dict.fromkeys(("files", "size", "missing", "extra", "changed", "modes", "excused"), 0)
    for kind, wanted, got in joined(after(), found):
        name = _name(wanted, got)
        if kind in ("missing", "extra", "changed") and name in moved:
            old = moved[name]
            kind = "equal" if _as_before(old, got) else "excused"
        if kind == "missing" and partial:
            continue
        if kind in ("equal", "modes") and got is not None and got.kind == "f":
            counts["files"] += 1
            counts["size"] += got.size
        if kind != "equal":
            counts[kind] += 1
    return Verdict(**counts)


def _name(a: Entry | None, b: Entry | None) -> bytes:
    entry = a or b
    assert entry is not None
    return entry.name


def _as_before(old: Entry | None, got: Entry | None) -> bool:
    if old is None or got is None:
        return old is None and got is None
    return (old.kind, old.size, old.digest, old.target) == (
        got.kind, got.size, got.digest, got.target,
    )  # fmt: skip


def within(entries: Iterable[Entry], source: bytes) -> Iterator[Entry]:
    """The entries of one source with names from its own root on."""
    top = source.strip(b"/")
    cut = len(top) + 1
    for entry in entries:
        if entry.name == top or entry.name.startswith(top + b"/"):
            yield entry._replace(name=entry.name[cut:])
