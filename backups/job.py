"""One backup, from the look at the source to the custody record.

The order of the writes is the design. If we die after

1. the manifest file        - nothing happened; it is overwritten next time
2. manifest in the evidence store - as before; an unnamed file stays there
3. `backup.intent`          - announced, not done: the next poll records it as interrupted
4. restic's snapshot        - the next poll sees our run's tag, finds the intent with its manifest and
                              writes the custody record, marked `adopted`: said, never silent
5. lists in the evidence store - as 4
6. `backup.custody` and `backup.evidence` of rung 0, one transaction - done

Exit code 0 is recorded as rung 0, a claim. What cannot be written to the log is not started.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from backups import compare, manifest, walk
from backups.dumps import taking
from backups.manifest import Manifest
from backups.names import escape_percent
from backups.objects import to_bytes
from backups.preflight import look
from backups.record import Action, Custody, Evidence, Intent, Result, read
from backups.restic.parsing import Snapshot, Summary
from backups.restic.restic import Answer
from backups.restic.verdict import Judgement, Verdict
from backups.sight import identify, required_objects, see_objects, still_required
from backups.tools import SYSTEM, Copy, make_private, milliseconds, pace
from bcp.journal.entry import Actor
from bcp.kit.language import Text, text


@dataclass(frozen=True, slots=True)
class Done:
    """How a backup ended: the evidence of rung 0, and the custody record when there is a snapshot."""

    evidence: Evidence
    sentence: Text
    custody: Custody | None = None


async def run_backup(copy: Copy, *, actor: Actor = SYSTEM, op: str | None = None) -> Done:
    """Back up one set into one repository. Raises `Unwritable` when it could not be recorded."""
    run = secrets.token_hex(8)
    op = op or f"backup/{run}"
    tools = copy.tools
    folder = await tools.workers.thread(make_private, tools.folder)
    ready = await tools.workers.thread(look, copy.set, copy.repository, folder)
    if ready.problem:
        return await _refused(copy, run, op, actor, ready.problem, ready.sentence)
    before = await copy.restic.snapshots()
    if before.value is None:
        return await _not_done(copy, run, op, actor, before.judgement)
    home = await identify(copy, await see_objects(copy))
    if home.value is None:
        return await _not_done(copy, run, op, actor, home.judgement)
    last = copy.state.custody[-1] if copy.state.custody else None
    if last is not None and last.repository_id != home.value and not _accepted(copy, last):
        sentence = text("backups.recreated_refused", place=copy.repository.location)
        return await _refused(copy, run, op, actor, "recreated", sentence)
    try:
        return await _taken(copy, run, op, actor, ready.sources, before.value, home.value)
    finally:
        await taking.forget(copy)


async def _taken(
    copy: Copy,
    run: str,
    op: str,
    actor: Actor,
    sources: tuple[Path, ...],
    before: tuple[Snapshot, ...],
    home: str,
) -> Done:
    """Dumps, manifest, intent, restic, custody: everything once nothing speaks against it."""
    tools, last = copy.tools, copy.state.custody[-1] if copy.state.custody else None
    started = tools.clock.monotonic()
    dumped = await taking.take(copy)
    if dumped is not None and dumped.problem:
        sentence = text("backups.dump_failed", why=dumped.problem)
        return await _refused(copy, run, op, actor, "dump_failed", sentence)
    if dumped is not None:
        sources = (*sources, dumped.folder)
    taken = await _manifest(copy, sources)
    if taken.files == 0:
        sentence = text("backups.source_empty", path=", ".join(copy.set.sources))
        return await _refused(copy, run, op, actor, "source_empty", sentence)
    intent = Intent(
        *copy.key,
        Action.BACKUP,
        run,
        tools.clock.utc(),
        manifest=taken.root,
        files=taken.files,
        size=taken.size,
        expected=dumped.digest if dumped is not None else None,
    )
    await tools.write(intent, op=f"intent/{run}", actor=actor)
    there = {one.id for one in before}
    parent = last.snapshot if last is not None and last.snapshot in there else None
    answer = await copy.restic.backup(
        (*sources, taken.path),
        run=run,
        tags=(f"set:{copy.set.id}",),
        parent=parent,
        exclude_file=await tools.workers.thread(_exclude_file, copy),
        deadline=copy.set.deadline.total_seconds(),
        on_progress=copy.on_progress,
    )
    found = await copy.restic.find_run(run)
    if found.value is None:
        # Could not even look: the intent stays open, and the next poll adopts or closes it.
        closed = run if found.judgement.good else ""
        return await _not_done(copy, closed, op, actor, answer.judgement)
    moved = await tools.workers.thread(_unsettled, copy, taken, sources)
    custody = await take_custody(
        copy,
        intent,
        found.value,
        home,
        complete=taken.unreadable == 0 and answer.judgement.verdict is not Verdict.INCOMPLETE,
        moved=moved,
        summary=answer.value,
        seconds_ms=milliseconds(tools.clock, started),
        adopted=answer.value is None,
    )
    evidence = _job_evidence(copy, custody, taken, answer)
    await tools.write(custody, evidence, op=op, actor=actor)
    return Done(evidence, _sentence(custody, taken), custody)


async def done_before(copy: Copy, op: str) -> Done | None:
    """How the backup with this operation id ended, when it was recorded: it is not run twice."""
    records = [read(entry) for entry in await copy.tools.log.find_op(op)]
    evidence = next((one for one in records if isinstance(one, Evidence)), None)
    custody = next((one for one in records if isinstance(one, Custody)), None)
    if evidence is None:
        return None
    return Done(evidence, text("backups.done_before"), custody)


async def adopt(copy: Copy, intent: Intent, snapshot: Snapshot, repository_id: str) -> Custody:
    """Write the custody record that we did not live to write. Its manifest is the announced one."""
    complete = await copy.tools.workers.thread(_all_readable, copy, intent)
    custody = await take_custody(
        copy,
        intent,
        snapshot,
        repository_id,
        complete=complete,
        moved=(),
        summary=None,
        seconds_ms=0,
        adopted=True,
    )
    evidence = Evidence(
        *copy.key,
        0,
        Result.GOOD if complete else Result.BAD,
        copy.tools.clock.utc(),
        "adopted" if complete else "incomplete",
        custody.snapshot,
        custody.time,
        {"files": custody.files, "size": custody.size},
        intent.run,
    )
    await copy.tools.write(custody, evidence, op=f"adopt/{intent.run}")
    return custody


def _all_readable(copy: Copy, intent: Intent) -> bool:
    """By the announced manifest: restic's word on what it could not read died with it."""
    try:
        path = copy.tools.log.evidence.path(intent.manifest or "")
        return all(entry.kind != "x" for entry in manifest.read(path))
    except (
        OSError,
        manifest.BrokenManifest,
    ):  # without its manifest nothing can be compared either
        return False


async def close_interrupted(copy: Copy, intent: Intent) -> None:
    """Say that an announced backup never came to a snapshot."""
    now = copy.tools.clock.utc()
    evidence = Evidence(*copy.key, 0, Result.BAD, now, "interrupted", run=intent.run)
    await copy.tools.write(evidence, op=f"interrupted/{intent.run}")


async def take_custody(
    copy: Copy,
    intent: Intent,
    snapshot: Snapshot,
    repository_id: str,
    *,
    complete: bool,
    moved: tuple[bytes, ...],
    summary: Summary | None,
    seconds_ms: int,
    adopted: bool,
) -> Custody:
    """Put the lists into the evidence store and make the record (not yet written)."""
    tools = copy.tools
    seen = await see_objects(copy)
    required = await required_objects(copy)
    unsettled = None
    if moved:
        lines = "".join(f"{escape_percent(name)}\n" for name in moved).encode("ascii")
        unsettled = await tools.workers.thread(tools.log.evidence.put_bytes, lines)
    objects = None
    if seen is not None:
        wanted = to_bytes(still_required(copy, required, seen))
        objects = await tools.workers.thread(tools.log.evidence.put_bytes, wanted)
    return Custody(
        *copy.key,
        repository_id=repository_id,
        snapshot=snapshot.id,
        tree=snapshot.tree,
        time=snapshot.time,
        manifest=intent.manifest or "",
        files=intent.files,
        size=intent.size,
        run=intent.run,
        restic=str(copy.restic.version),
        complete=complete,
        unsettled=unsettled,
        unsettled_count=len(moved),
        objects=objects,
        listed=seen.root if seen else None,
        object_count=len(seen.objects) if seen else 0,
        config=seen.config if seen else None,
        keys=dict(seen.keys) if seen else {},
        seconds_ms=seconds_ms,
        added=summary.bytes_added if summary else 0,
        adopted=adopted,
        expected=intent.expected,
    )


def _accepted(copy: Copy, last: Custody) -> bool:
    return bool(copy.state.since(last.seq, Action.ACCEPT))


async def _manifest(copy: Copy, sources: tuple[Path, ...]) -> Manifest:
    """Taken into a file whose path stays the same, so that it can be part of every snapshot."""
    tools = copy.tools
    folder = await tools.workers.thread(make_private, tools.folder / "manifest" / copy.set.id)
    path = folder / f"{copy.repository.id}.sha256"
    slowly = pace(copy.set.limits.read, tools.clock)
    taken = await manifest.write(tools.workers, sources, path, patterns=copy.patterns, pace=slowly)
    await tools.workers.thread(tools.log.evidence.put_file, path)
    return taken


def _exclude_file(copy: Copy) -> Path | None:
    if not copy.set.exclude:
        return None
    path = copy.tools.folder / "manifest" / copy.set.id / f"{copy.repository.id}.exclude"
    path.write_text("".join(f"{pattern}\n" for pattern in copy.set.exclude), encoding="utf-8")
    return path


def _unsettled(copy: Copy, taken: Manifest, sources: tuple[Path, ...]) -> tuple[bytes, ...]:
    items = walk.walk([os.fsencode(path) for path in sources], b"/", copy.patterns)
    return tuple(compare.unsettled(taken, items))


def _job_evidence(
    copy: Copy, custody: Custody, taken: Manifest, answer: Answer[Summary]
) -> Evidence:
    judged = answer.judgement
    return Evidence(
        *copy.key,
        0,
        Result.GOOD if custody.complete else Result.BAD,
        copy.tools.clock.utc(),
        "adopted"
        if custody.adopted
        else judged.verdict.value
        if custody.complete
        else "incomplete",
        custody.snapshot,
        custody.time,
        {
            "files": taken.files,
            "size": taken.size,
            "added": custody.added,
            "packed": answer.value.bytes_packed if answer.value else 0,
            "seconds_ms": custody.seconds_ms,
            "unreadable": taken.unreadable,
            "unsettled": custody.unsettled_count,
        },
        custody.run,
        judged.reason,
    )


def _sentence(custody: Custody, taken: Manifest) -> Text:
    key = "backups.done" if custody.complete else "backups.done_incomplete"
    return text(key, files=taken.files, unreadable=taken.unreadable, snapshot=custody.snapshot[:8])


async def _refused(
    copy: Copy, run: str, op: str, actor: Actor, problem: str, sentence: Text
) -> Done:
    now = copy.tools.clock.utc()
    evidence = Evidence(*copy.key, 0, Result.BAD, now, problem, run=run, said=sentence.ja)
    await copy.tools.write(evidence, op=op, actor=actor)
    return Done(evidence, sentence)


async def _not_done(copy: Copy, run: str, op: str, actor: Actor, judged: Judgement) -> Done:
    """restic gave no snapshot: bad when it said so itself, inconclusive when nobody can tell.

    That there was no room says nothing of the copy, but it says all of this job.
    """
    bad = (judged.conclusive and not judged.good) or judged.verdict is Verdict.NO_SPACE
    now = copy.tools.clock.utc()
    reason = judged.verdict.value if not judged.good else Verdict.INCONCLUSIVE.value
    result = Result.BAD if bad else Result.INCONCLUSIVE
    evidence = Evidence(*copy.key, 0, result, now, reason, run=run, said=judged.reason)
    await copy.tools.write(evidence, op=op, actor=actor)
    return Done(evidence, text(f"backups.said_{reason}", place=copy.repository.location))
