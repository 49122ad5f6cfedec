"""Which snapshots and files a restore test takes. Pure; chance comes in as a generator.

Every day the newest snapshot, and one older one by lot: a copy must not rot unseen because only the
newest is ever restored. Small sets whole, large ones by lot, and whole once in `verify.whole`. What was
found bad is tried again whole: another sample that happens to be good proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from random import Random

from backups.custody import CopyState
from backups.model import Verify
from backups.record import Custody
from backups.walk import Entry

_SPECIAL = re.compile(r"([*?\[\\])")


@dataclass(frozen=True, slots=True)
class Test:
    """One snapshot to restore."""

    custody: Custody
    whole: bool
    again: bool = False
    """It was found bad: only its own good result ends that."""


def plan(
    state: CopyState, present: frozenset[str], verify: Verify, now: datetime, chance: Random
) -> tuple[Test, ...]:
    """What today's restore test restores, in order; empty: nothing on record is there."""
    there = [one for one in state.custody if one.complete and one.snapshot in present]
    if not there:
        return ()
    newest = max(there, key=lambda one: one.time)
    last, whole = state.evidence.get(4), state.whole
    due = whole is None or whole.at > now or now - whole.at >= verify.whole
    failed = last.snapshot if last is not None and not last.good else None
    first = Test(newest, due or small(newest, verify) or failed == newest.snapshot)
    bad = next((one for one in there if one.snapshot == failed and one is not newest), None)
    if bad is not None:
        return (Test(bad, whole=True, again=True), first)
    older = [one for one in there if one is not newest]
    if not older:
        return (first,)
    drawn = chance.choice(older)
    return (first, Test(drawn, small(drawn, verify)))


def small(custody: Custody, verify: Verify) -> bool:
    """Restored whole every time."""
    return custody.size <= verify.sample_mib << 20 and custody.files <= verify.sample * 50


def draw(
    entries: Iterable[Entry], count: int, limit: int, chance: Random, always: bytes = b""
) -> tuple[Entry, ...]:
    """So many files by lot, in the manifest's order, at most `limit` bytes; those under the folder
    `always` come first. One pass, bounded memory (reservoir sampling)."""
    kept: list[Entry] = []
    drawn: list[Entry] = []
    seen = 0
    for entry in entries:
        if entry.kind != "f":
            continue
        if always and entry.name.startswith(always + b"/"):
            kept.append(entry)
            continue
        seen += 1
        if len(drawn) < count:
            drawn.append(entry)
        elif (place := chance.randrange(seen)) < count:
            drawn[place] = entry
    chance.shuffle(drawn)
    chosen: list[Entry] = []
    size = 0
    for entry in sorted(kept, key=lambda one: one.size) + drawn:
        if not chosen or size + entry.size <= limit:
            chosen.append(entry)
            size += entry.size
    return tuple(sorted(chosen, key=lambda one: one.key))


def pattern(entry: Entry) -> str:
    """The name as restic's `--include` takes it literally; bytes survive as surrogates."""
    return _SPECIAL.sub(r"\\\1", "/" + entry.name.decode("utf-8", "surrogateescape"))
