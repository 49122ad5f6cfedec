"""One verification per rung: exists and agrees, structure, data read, restored and equal.

Each returns an `Evidence` (the caller writes it). Good and bad are proven; busy, unreachable, no space on
our side and a deadline are *inconclusive* and say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from backups import ledger
from backups.anomaly import Found, Seen, adoptable
from backups.anomaly import compare as agree
from backups.custody import CopyState
from backups.job import adopt, close_interrupted
from backups.objects import Listing
from backups.record import Custody, Evidence, Result
from backups.restic.parsing import Snapshot
from backups.restic.verdict import Judgement, Verdict
from backups.settle import settle_left
from backups.sight import identify, required_objects, see_objects
from backups.tools import Copy

_KEEP_FREE = 256 << 20
"""Bytes that stay free on the scratch disk whatever is restored."""


@dataclass(frozen=True, slots=True)
class Poll:
    """What a look at a repository gave."""

    evidence: Evidence
    found: tuple[Found, ...] | None = None
    """None: the comparison could not be made."""
    present: frozenset[str] | None = None
    """Snapshots that are there; None: could not tell."""
    listing: Listing | None = None


# --- 1: exists, agrees with the record, is fresh -----------------------------------------------


async def exists(copy: Copy, left_open: frozenset[str] = frozenset()) -> Poll:
    """Compare the repository with its custody record.

    `left_open`: runs of a dead process (the caller knows that none of them runs); what they left
    is adopted or closed first.
    """
    seen = await see_objects(copy)
    there = await copy.restic.snapshots()
    if there.value is None:
        return Poll(_not_opened(copy, there.judgement, seen), listing=seen)
    home = await identify(copy, seen)
    if home.value is None:
        return Poll(_not_opened(copy, home.judgement, seen), listing=seen)
    await _settle(copy, there.value, home.value, left_open)
    if await settle_left(copy, left_open):
        now = copy.tools.clock.utc()
        return Poll(Evidence(*copy.key, 1, Result.INCONCLUSIVE, now, "act_open"), listing=seen)
    state, whole = copy.state, copy.tools.state
    found = agree(
        state,
        Seen(home.value, there.value, seen, await required_objects(copy)),
        now=copy.tools.clock.utc(),
        siblings=whole.siblings(*copy.key, home.value),
        running=whole.running(),
    )
    present = frozenset(one.id for one in there.value)
    newest = newest_present(state, present)
    evidence = _agreement(copy, found, newest, there.value, seen)
    return Poll(evidence, found, present, seen)


async def _settle(
    copy: Copy, snapshots: tuple[Snapshot, ...], home: str, left_open: frozenset[str]
) -> None:
    for intent, snapshot in adoptable(copy.state, snapshots):
        if intent.run in left_open:
            await adopt(copy, intent, snapshot, home)
    for run, intent in tuple(copy.state.open_backups.items()):
        if run in left_open:
            await close_interrupted(copy, intent)


def newest_present(state: CopyState, present: frozenset[str]) -> Custody | None:
    """The newest complete snapshot on record that the repository still has."""
    there = (one for one in state.custody if one.complete and one.snapshot in present)
    return max(there, key=lambda one: one.time, default=None)


def _agreement(
    copy: Copy,
    found: tuple[Found, ...],
    newest: Custody | None,
    snapshots: tuple[Snapshot, ...],
    seen: Listing | None,
) -> Evidence:
    now = copy.tools.clock.utc()
    facts = {"snapshots": len(snapshots), "recorded": len(copy.state.custody)}
    if seen is not None:
        facts |= {"objects": len(seen.objects), "size": seen.size}
    if found:
        facts |= {one.kind.value: one.count for one in found}
        result, reason = Result.BAD, found[0].kind.value
    elif newest is None:
        never = not copy.state.custody
        result, reason = (Result.INCONCLUSIVE, "never") if never else (Result.BAD, "no_snapshot")
    elif copy.set.rpo is not None and now - newest.time > copy.set.rpo:
        result, reason = Result.BAD, "stale"
    else:
        result, reason = Result.GOOD, ""
    said = "\n".join(f"{one.kind.value} {one.subject} ({one.count})" for one in found)
    snapshot, time = _of(newest)
    return Evidence(*copy.key, 1, result, now, reason, snapshot, time, facts, said=said)


def _not_opened(copy: Copy, judged: Judgement, seen: Listing | None) -> Evidence:
    """Why it could not be opened: gone, locked out, out of reach, or nobody knows."""
    demand = copy.state.demand
    result, reason = Result.INCONCLUSIVE, judged.verdict.value
    folder = copy.repository.folder
    if (folder is not None and seen is None) or judged.verdict is Verdict.UNREACHABLE:
        reason = "offline" if copy.repository.offline else Verdict.UNREACHABLE.value
    elif judged.verdict is Verdict.WRONG_PASSWORD:
        result = Result.BAD
        if seen is not None and demand is not None and demand.keys.keys() - seen.keys.keys():
            reason = "keys_gone"
    elif judged.verdict in (Verdict.NO_REPOSITORY, Verdict.DAMAGED):
        result = Result.BAD
    now = copy.tools.clock.utc()
    return Evidence(*copy.key, 1, result, now, reason, said=judged.reason)


# --- 2 and 3: structure, data ------------------------------------------------------------------


async def structure(copy: Copy, newest: Custody | None) -> Evidence:
    """restic's own check of everything but the data."""
    answer = await copy.restic.check(deadline(copy))
    facts = {"seconds_ms": round(answer.seconds * 1000)}
    return _judged(copy, 2, answer.judgement, newest, facts)


async def data(copy: Copy, newest: Custody | None) -> Evidence:
    """Read the part of the data whose last good reading is the oldest."""
    before = await see_objects(copy)
    part = next_part(copy.state, copy.set.verify.parts)
    answer = await copy.restic.check(deadline(copy), part)
    facts = {"part": part[0], "parts": part[1], "seconds_ms": round(answer.seconds * 1000)}
    evidence = _judged(copy, 3, answer.judgement, newest, facts)
    if evidence.good and before is not None:
        path, at = ledger_path(copy), evidence.at
        packs = before.packs

        def remember() -> None:
            ledger.save(path, ledger.after(ledger.load(path), packs, part, at))

        await copy.tools.workers.thread(remember)
    return evidence


def next_part(state: CopyState, parts: int) -> tuple[int, int]:
    """The part never read, else the one read longest ago: the state rotates, not the calendar."""
    dates = {n: state.parts.get((n, parts)) for n in range(1, parts + 1)}
    return min(dates, key=lambda n: (dates[n] is not None, dates[n], n)), parts


def ledger_path(copy: Copy) -> Path:
    """Where the per-pack ledger of a copy stands."""
    return copy.tools.folder / "ledger" / copy.set.id / f"{copy.repository.id}.json"


def _judged(
    copy: Copy, level: int, judged: Judgement, newest: Custody | None, facts: dict[str, int]
) -> Evidence:
    now = copy.tools.clock.utc()
    result = Result.INCONCLUSIVE
    if judged.conclusive:
        result = Result.GOOD if judged.good else Result.BAD
    reason = "" if judged.good else judged.verdict.value
    snapshot, time = _of(newest)
    return Evidence(
        *copy.key, level, result, now, reason, snapshot, time, facts, said=judged.reason
    )


def _of(custody: Custody | None) -> tuple[str | None, datetime | None]:
    return (custody.snapshot, custody.time) if custody else (None, None)


def deadline(copy: Copy) -> float:
    return copy.set.verify.deadline.total_seconds()
