"""How unusual is this backup, against the one before and against what is usual for this set?

Ransomware shows in what a backup had to take: most files changed, in bytes that no longer compress, under
extensions nobody used, or gone. Each signal gives points; from `hold_at` on, forget and prune wait until a
person has looked (`backup clear`), so that the good generations do not grow old unseen. A set whose files
all change every night (a dump) is measured against its own nights. `judge` is pure; `measure` blocks.
"""

from __future__ import annotations

import os
import secrets
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from backups import manifest
from backups.acts import Change
from backups.job import Done
from backups.record import Custody
from backups.tools import Copy
from backups.walk import Entry
from bcp.journal.errors import JournalError

_SAMPLES, _READ, _LEAST = 64, 64 << 10, 4096
_EXTENSIONS = 4096
"""So many different extensions are told apart: bounded memory, whatever a tree holds."""

_FEW = 20
"""Fewer files than this are a person at work, not a calamity."""

_DENSE_HEADS = (
    b"PK\x03\x04",
    b"\xff\xd8\xff",
    b"\x89PNG",
    b"%PDF",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"7z\xbc\xaf",
    b"Rar!",
    b"(\xb5/\xfd",
    b"GIF8",
    b"RIFF",
    b"ID3",
    b"OggS",
    b"PGDMP",
    b"MSCF",
    b"wOF",
)
"""Formats that are compressed by nature: an encrypted file has lost its head."""


@dataclass(frozen=True, slots=True)
class Signals:
    """What was counted."""

    before: int
    """Files in the backup before."""
    after: int
    changed: int
    """Files that are new or have other content."""
    gone: int
    new_bytes: int
    total_bytes: int
    new_extensions: int
    """Files under an extension that did not exist before."""
    samples: int
    dense: int
    """Of them: do not compress and have no head of a compressed format."""
    added: int = 0
    packed: int = 0
    decoys: int = 0
    """Files nobody ever touches that were changed or removed."""

    def facts(self) -> dict[str, int]:
        """For the record: counts, and shares in thousandths."""
        return {
            "before": self.before,
            "after": self.after,
            "changed": self.changed,
            "gone": self.gone,
            "decoys": self.decoys,
            "changed_pm": _share(self.changed, self.before),
            "new_bytes_pm": _share(self.new_bytes, self.total_bytes),
            "extensions_pm": _share(self.new_extensions, self.after),
            "gone_pm": _share(self.before - self.after, self.before),
            "samples": self.samples,
            "dense_pm": _share(self.dense, self.samples),
            "packed_pm": _share(self.packed, self.added),
        }


def _share(part: int, whole: int) -> int:
    return max(0, min(1000, round(1000 * part / whole))) if whole else 0


def judge(signals: Signals, history: Sequence[Change]) -> tuple[int, tuple[str, ...]]:
    """(score 0 to 100, the reasons, the heaviest first)."""
    facts = signals.facts()

    def usual(name: str) -> float:
        return median([past.facts.get(name, 0) for past in history]) if history else 0.0

    def stands_out(name: str, least: int) -> bool:
        return facts[name] >= least and facts[name] >= 3 * usual(name)

    many = signals.changed >= _FEW
    found: list[tuple[int, str]] = []
    if signals.decoys:
        found.append((100, "decoys"))
    if signals.before - signals.after >= _FEW and stands_out("gone_pm", 300):
        found.append((70 if facts["gone_pm"] >= 600 else 40, "count_drop"))
    if signals.new_extensions >= _FEW and stands_out("extensions_pm", 200):
        found.append((40, "extensions"))
    if signals.samples >= 8 and facts["dense_pm"] >= 600 and usual("dense_pm") <= 300:
        found.append((35, "entropy"))
    if many and stands_out("changed_pm", 500):
        found.append((25, "changed"))
    if many and stands_out("new_bytes_pm", 500):
        found.append((15, "new_bytes"))
    settled = len(history) >= 3 and 0 < usual("packed_pm") <= 800
    if many and settled and facts["packed_pm"] >= 950:
        found.append((15, "compression"))
    found.sort(reverse=True)
    return min(100, sum(points for points, _ in found)), tuple(word for _, word in found)


# --- measuring: blocking ------------------------------------------------------------------------


def measure(before: Path, after: Path, decoys: Iterable[bytes] = ()) -> Signals:
    """Two cursors over two manifests, and a look into some of the changed files at the source.

    Raises `BrokenManifest` or OSError when one cannot be read.
    """
    watched = {name.lstrip(b"/") for name in decoys}
    known: set[bytes] = set()
    counts = {"before": 0, "after": 0, "changed": 0, "gone": 0, "decoys": 0}
    new_bytes = total_bytes = extensions = 0
    reservoir = _Reservoir()
    for entry in manifest.read(before):
        if entry.kind == "f" and len(known) < _EXTENSIONS:
            known.add(_extension(entry.name))
    for old, new in _pairs(_files(before), _files(after)):
        differs = old is None or new is None or old.digest != new.digest
        if old is not None and old.name in watched:
            counts["decoys"] += differs
        counts["before"] += old is not None
        if new is None:
            counts["gone"] += 1
            continue
        counts["after"] += 1
        total_bytes += new.size
        extensions += _extension(new.name) not in known
        if differs:
            counts["changed"] += 1
            new_bytes += new.size
            reservoir.offer(new)
    dense = [_is_dense(b"/" + entry.name) for entry in reservoir.kept]
    told = [one for one in dense if one is not None]
    return Signals(
        counts["before"],
        counts["after"],
        counts["changed"],
        counts["gone"],
        new_bytes,
        total_bytes,
        extensions,
        len(told),
        sum(told),
        decoys=counts["decoys"],
    )


def _files(path: Path) -> Iterator[Entry]:
    return (entry for entry in manifest.read(path) if entry.kind == "f")


def _pairs(
    before: Iterator[Entry], after: Iterator[Entry]
) -> Iterator[tuple[Entry | None, Entry | None]]:
    a, b = next(before, None), next(after, None)
    while a is not None or b is not None:
        if b is None or (a is not None and a.key < b.key):
            yield a, None
            a = next(before, None)
        elif a is None or b.key < a.key:
            yield None, b
            b = next(after, None)
        else:
            yield a, b
            a, b = next(before, None), next(after, None)


class _Reservoir:
    """A fair sample of what is offered (algorithm R)."""

    def __init__(self) -> None:
        self.kept: list[Entry] = []
        self._offered = 0

    def offer(self, entry: Entry) -> None:
        if entry.size < _LEAST:
            return
        self._offered += 1
        if len(self.kept) < _SAMPLES:
            self.kept.append(entry)
        elif (at := secrets.randbelow(self._offered)) < _SAMPLES:
            self.kept[at] = entry


def _extension(name: bytes) -> bytes:
    base = name.rpartition(b"/")[2]
    stem, dot, extension = base.rpartition(b".")
    return extension.lower() if dot and stem else b""


def _is_dense(path: bytes) -> bool | None:
    """Whether its bytes do not compress; None: it cannot be read any more."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            data = os.read(fd, _READ)
        finally:
            os.close(fd)
    except OSError:
        return None
    if len(data) < _LEAST:
        return None
    if data.startswith(_DENSE_HEADS) or data[4:8] == b"ftyp":
        return False
    return len(zlib.compress(data, 1)) >= 0.97 * len(data)


# --- the shell ----------------------------------------------------------------------------------


async def look(copy: Copy, done: Done) -> Change | None:
    """Measure a backup just made and record it; None: there is nothing to compare it with."""
    new = done.custody
    own = [one for one in copy.state.custody if not one.via and one.manifest]
    if new is None or new.adopted or len(own) < 2 or own[-1].snapshot != new.snapshot:
        return None
    signals = await _measured(copy, own[-2], new)
    if signals is None:
        return None
    facts = done.evidence.facts
    added, packed = facts.get("added", 0), facts.get("packed", 0)
    signals = replace(signals, added=added, packed=packed)
    score, reasons = judge(signals, copy.state.changes)
    change = Change(
        *copy.key,
        new.run,
        copy.tools.clock.utc(),
        score,
        score >= copy.set.hold_at,
        reasons,
        signals.facts(),
    )
    await copy.tools.write(change, op=f"change/{new.run}")
    return change


async def _measured(copy: Copy, old: Custody, new: Custody) -> Signals | None:
    store = copy.tools.log.evidence
    decoys = [os.fsencode(name) for name in copy.set.decoys]
    try:
        before, after = store.path(old.manifest), store.path(new.manifest)
        return await copy.tools.workers.thread(measure, before, after, decoys)
    except (JournalError, manifest.BrokenManifest, OSError):
        return None  # a lost manifest is told by rung 4; it must not stop the backup
