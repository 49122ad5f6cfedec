"""Rung 4, 復元試験: a pinned snapshot restored into the scratch folder and compared byte by byte.

What is restored is residents' data: it is destroyed whatever happened, and that is recorded.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from random import Random, SystemRandom

from backups import compare, leftover, manifest, sampling
from backups.application.opening import open_all, with_application
from backups.compare import Comparison
from backups.dumps.taking import folder_of
from backups.levels import deadline
from backups.names import shown, unescape_percent
from backups.record import Custody, Evidence, Result
from backups.restic.verdict import Judgement, Verdict
from backups.tools import Copy, free_bytes, make_private, milliseconds
from backups.walk import Entry
from bcp.journal.errors import JournalError
from bcp.kit.errors import Unwritable

_KEEP_FREE = 256 << 20
"""Bytes that stay free on the scratch disk whatever is restored."""


async def tested(copy: Copy, present: frozenset[str], chance: Random) -> tuple[Evidence, ...]:
    """Today's restore test: the newest snapshot and one older by lot (`sampling`). The last one speaks
    for the rung: the bad one, else the newest. Empty: nothing on record is there."""
    now, told = copy.tools.clock.utc(), None
    older: list[Evidence] = []
    for test in sampling.plan(copy.state, present, copy.set.verify, now, chance):
        seen = await restored(copy, test.custody, whole=test.whole, chance=chance)
        newest = told is None and not test.again
        if not seen.good and (seen.result is Result.BAD or newest or test.again):
            return (seen,)
        if newest:
            told = seen
        elif seen.good:
            older.append(seen)
    return (*older, told) if told is not None else ()


async def restored(
    copy: Copy, custody: Custody, *, whole: bool = True, chance: Random | None = None
) -> Evidence:
    """復元試験: restore one pinned snapshot (or files of it by lot) into the scratch folder, compare
    every byte with the manifest taken at the source, destroy what was restored and record that."""
    tools = copy.tools
    path = tools.log.evidence.path(custody.manifest)
    problem = await tools.workers.thread(cannot_test, copy, custody, tools.scratch)
    if problem:
        return _tested(copy, custody, Result.INCONCLUSIVE, problem, {}, "")
    drawn = None
    if not whole:
        drawn = await tools.workers.thread(_drawn, copy, path, chance or SystemRandom())
    place = tools.scratch / f"restore-{copy.set.id}-{copy.repository.id}"
    await leftover.destroyed(tools, *copy.key, place, None)  # of a command that was killed
    await tools.workers.thread(make_private, place)
    try:
        evidence = await _restore_and_compare(copy, custody, path, place, drawn)
    finally:
        # Residents' data: gone whatever happened. If we die here, the start empties the folder.
        gone = await leftover.destroyed(tools, *copy.key, place, custody.snapshot)
    return replace(evidence, facts={**evidence.facts, "destroyed": int(gone)})


def _drawn(copy: Copy, wanted: Path, chance: Random) -> tuple[Entry, ...]:
    verify = copy.set.verify
    dumps = os.fsencode(folder_of(copy)).lstrip(b"/") if copy.set.dumps else b""
    limit = verify.sample_mib << 20
    return sampling.draw(manifest.read(wanted), verify.sample, limit, chance, dumps)


async def _restore_and_compare(
    copy: Copy, custody: Custody, wanted: Path, place: Path, drawn: tuple[Entry, ...] | None
) -> Evidence:
    tools = copy.tools
    target = place / "tree"
    await tools.workers.thread(make_private, target)
    evidence = await restore_into(copy, custody, wanted, target, place / "manifest", drawn)
    if not evidence.good:
        return evidence
    whole = drawn is None
    opened = await open_all(copy, custody, target, place / "server", whole=whole)
    return with_application(evidence, opened)


async def restore_into(
    copy: Copy,
    custody: Custody,
    wanted: Path,
    target: Path,
    found: Path,
    drawn: tuple[Entry, ...] | None = None,
) -> Evidence:
    """Restore into an empty folder and compare with the manifest `wanted`, or with the entries `drawn`
    from it; `found` is where the manifest of what was restored is written."""
    tools = copy.tools
    started = tools.clock.monotonic()
    answer = await copy.restic.restore(
        custody.snapshot,
        target,
        deadline(copy),
        copy.on_progress,
        include=tuple(map(sampling.pattern, drawn or ())),
    )
    facts = {"restore_ms": milliseconds(tools.clock, started), "size": custody.size}
    if drawn is not None:
        facts |= {"size": sum(one.size for one in drawn), "sampled": 1, "of": custody.files}
    judged = answer.judgement
    if judged.verdict not in (Verdict.GOOD, Verdict.DAMAGED, Verdict.INCONCLUSIVE):
        result = Result.BAD if judged.conclusive else Result.INCONCLUSIVE
        return _tested(copy, custody, result, judged.verdict.value, facts, judged.reason)
    named = [one.name for one in drawn] if drawn is not None else None
    roots = await tools.workers.thread(_roots, wanted, target, named)
    try:
        taken = await manifest.write(tools.workers, roots, found, base=target)
    except Unwritable as error:  # restored, but there is no room to say what
        word = Verdict.NO_SPACE.value
        return _tested(copy, custody, Result.INCONCLUSIVE, word, facts, error.what)
    excused = await tools.workers.thread(_excused, copy, custody)
    difference = await tools.workers.thread(
        _difference, drawn or manifest.read(wanted), taken.path, excused
    )
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


def _roots(wanted: Path, target: Path, named: list[bytes] | None = None) -> list[Path]:
    """The restored places of the manifest's outermost names (or of the names given); one that is not
    there is missing."""
    roots: list[bytes] = list(named or ())
    for entry in manifest.read(wanted) if named is None else ():
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


def _difference(wanted: Iterable[Entry], found: Path, excused: frozenset[bytes]) -> Comparison:
    return compare.compare(wanted, manifest.read(found), excused)


def _named(difference: Comparison) -> Iterable[str]:
    return (f"{kind}: {shown(name)}" for kind, name in difference.names[:40])


def _tested(
    copy: Copy, custody: Custody, result: Result, reason: str, facts: dict[str, int], said: str
) -> Evidence:
    now: datetime = copy.tools.clock.utc()
    snapshot, time = custody.snapshot, custody.time
    return Evidence(*copy.key, 4, result, now, reason, snapshot, time, facts, said=said)
