"""One verification per rung: exists and agrees, structure, data read, restored and equal.

Each returns an `Evidence` (the caller writes it). Good and bad are proven; busy, unreachable, no space on
our side and a deadline are *inconclusive* and say so.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from backups import compare, ledger, manifest
from backups.anomaly import Found, Seen, adoptable
from backups.anomaly import compare as agree
from backups.application.opening import Application, open_all
from backups.compare import Comparison
from backups.custody import CopyState
from backups.job import adopt, close_interrupted
from backups.names import shown, unescape_percent
from backups.objects import Listing
from backups.record import Custody, Evidence, Result
from backups.restic.parsing import Snapshot
from backups.restic.verdict import Judgement, Verdict
from backups.sight import identify, required_objects, see_objects
from backups.tools import Copy, destroy, free_bytes, make_private, milliseconds
from bcp.journal.errors import JournalError

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
    custody = copy.state.custody
    result, reason = Result.INCONCLUSIVE, judged.verdict.value
    folder = copy.repository.folder
    if folder is not None and seen is None:
        reason = "offline" if copy.repository.offline else Verdict.UNREACHABLE.value
    elif judged.verdict is Verdict.WRONG_PASSWORD:
        result = Result.BAD
        if seen is not None and custody and custody[-1].keys.keys() - seen.keys.keys():
            reason = "keys_gone"
    elif judged.verdict in (Verdict.NO_REPOSITORY, Verdict.DAMAGED):
        result = Result.BAD
    now = copy.tools.clock.utc()
    return Evidence(*copy.key, 1, result, now, reason, said=judged.reason)


# --- 2 and 3: structure, data ------------------------------------------------------------------


async def structure(copy: Copy, newest: Custody | None) -> Evidence:
    """restic's own check of everything but the data."""
    answer = await copy.restic.check(_deadline(copy))
    facts = {"seconds_ms": round(answer.seconds * 1000)}
    return _judged(copy, 2, answer.judgement, newest, facts)


async def data(copy: Copy, newest: Custody | None) -> Evidence:
    """Read the part of the data whose last good reading is the oldest."""
    before = await see_objects(copy)
    part = next_part(copy.state, copy.set.verify.parts)
    answer = await copy.restic.check(_deadline(copy), part)
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


# --- 4: restored and equal ---------------------------------------------------------------------


async def restored(copy: Copy, custody: Custody) -> Evidence:
    """復元試験: restore one pinned snapshot into the scratch folder, compare every byte with the
    manifest taken at the source, destroy what was restored. Measures seconds and bytes."""
    tools = copy.tools
    path = tools.log.evidence.path(custody.manifest)
    problem = await tools.workers.thread(cannot_test, copy, custody, tools.scratch)
    if problem:
        return _tested(copy, custody, Result.INCONCLUSIVE, problem, {}, "")
    place = tools.scratch / f"restore-{copy.set.id}-{copy.repository.id}"
    await tools.workers.thread(destroy, place)
    await tools.workers.thread(make_private, place)
    try:
        return await _restore_and_compare(copy, custody, path, place)
    finally:
        # Residents' data: gone whatever happened. If we die here, the start empties the folder.
        await tools.workers.thread(destroy, place)


async def _restore_and_compare(copy: Copy, custody: Custody, wanted: Path, place: Path) -> Evidence:
    tools = copy.tools
    target = place / "tree"
    await tools.workers.thread(make_private, target)
    evidence = await restore_into(copy, custody, wanted, target, place / "manifest")
    if not evidence.good:
        return evidence
    return with_application(evidence, await open_all(copy, custody, target, place / "server"))


def with_application(evidence: Evidence, opened: Application) -> Evidence:
    """Equal to the source, and then: does the application open it? Not opened is not good in full."""
    facts, said = {**evidence.facts, **opened.facts}, opened.said or evidence.said
    if opened.result is Result.BAD:
        return replace(evidence, result=Result.BAD, reason="application", facts=facts, said=said)
    return replace(evidence, facts=facts, said=said)


async def restore_into(
    copy: Copy, custody: Custody, wanted: Path, target: Path, found: Path
) -> Evidence:
    """Restore into an empty folder and compare with the manifest `wanted`; `found` is where the
    manifest of what was restored is written."""
    tools = copy.tools
    started = tools.clock.monotonic()
    answer = await copy.restic.restore(custody.snapshot, target, _deadline(copy), copy.on_progress)
    facts = {"restore_ms": milliseconds(tools.clock, started), "size": custody.size}
    judged = answer.judgement
    if judged.verdict not in (Verdict.GOOD, Verdict.DAMAGED, Verdict.INCONCLUSIVE):
        result = Result.BAD if judged.conclusive else Result.INCONCLUSIVE
        return _tested(copy, custody, result, judged.verdict.value, facts, judged.reason)
    roots = await tools.workers.thread(_roots, wanted, target)
    taken = await manifest.write(tools.workers, roots, found, base=target)
    excused = await tools.workers.thread(_excused, copy, custody)
    difference = await tools.workers.thread(_difference, wanted, taken.path, excused)
    facts |= {
        "total_ms": milliseconds(tools.clock, started),
        "files": difference.files,
        "compared": difference.size,
        "missing": difference.missing,
        "extra": difference.extra,
        "changed": difference.changed,
        "modes": difference.modes,
        "excused": difference.excused,
    }
    if difference.equal:
        # Only bytes tell: restic may complain about an owner it may not set, and be right in all.
        return _tested(copy, custody, Result.GOOD, "", facts, judged.reason)
    said = "\n".join((*_named(difference), judged.reason))[:4000]
    result = Result.INCONCLUSIVE if judged.verdict is Verdict.INCONCLUSIVE else Result.BAD
    reason = "differs" if judged.good else judged.verdict.value
    return _tested(copy, custody, result, reason, facts, said)


def nothing_to_restore(copy: Copy, judged: Judgement) -> Evidence:
    """No snapshot on record is there, or nobody can tell: rung 4 cannot be tried."""
    result, reason = Result.INCONCLUSIVE, judged.verdict.value
    if judged.good:
        result, reason = Result.BAD, "no_snapshot"
    elif judged.conclusive:
        result = Result.BAD
    return Evidence(*copy.key, 4, result, copy.tools.clock.utc(), reason, said=judged.reason)


def cannot_test(copy: Copy, custody: Custody, folder: Path) -> str:
    """One word why nothing can be restored there and compared; empty: it can. Blocking."""
    make_private(folder)
    wanted, free = copy.tools.log.evidence.path(custody.manifest), free_bytes(folder)
    if free is not None and free < custody.size + _KEEP_FREE:
        return Verdict.NO_SPACE.value
    if not wanted.is_file():
        return "manifest_gone"
    return "" if _digest(wanted) == custody.manifest else "manifest_damaged"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _roots(wanted: Path, target: Path) -> list[Path]:
    """The restored places of the manifest's outermost names; one that is not there is missing."""
    roots: list[bytes] = []
    for entry in manifest.read(wanted):
        inside = roots and (entry.name + b"/").startswith(roots[-1] + b"/")
        if not inside:
            roots.append(entry.name)
    places = [target / os.fsdecode(name) for name in roots]
    return [place for place in places if os.path.lexists(place)]


def _excused(copy: Copy, custody: Custody) -> frozenset[bytes]:
    if custody.unsettled is None:
        return frozenset()
    try:
        lines = copy.tools.log.evidence.get(custody.unsettled).decode("ascii").splitlines()
    except JournalError:
        return frozenset()
    return frozenset(unescape_percent(line) for line in lines)


def _difference(wanted: Path, found: Path, excused: frozenset[bytes]) -> Comparison:
    return compare.compare(manifest.read(wanted), manifest.read(found), excused)


def _named(difference: Comparison) -> Iterable[str]:
    return (f"{kind}: {shown(name)}" for kind, name in difference.names[:40])


def _tested(
    copy: Copy, custody: Custody, result: Result, reason: str, facts: dict[str, int], said: str
) -> Evidence:
    now: datetime = copy.tools.clock.utc()
    snapshot, time = custody.snapshot, custody.time
    return Evidence(*copy.key, 4, result, now, reason, snapshot, time, facts, said=said)


def _of(custody: Custody | None) -> tuple[str | None, datetime | None]:
    return (custody.snapshot, custody.time) if custody else (None, None)


def _deadline(copy: Copy) -> float:
    return copy.set.verify.deadline.total_seconds()
