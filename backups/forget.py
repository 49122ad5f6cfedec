"""Acts that change a repository: forget, prune, tag, key, copy. Announced, done, settled.

The order of the writes is the design. If we die after

1. `backup.intent`  - announced; what it announces is excused, no more. The next poll settles it
2. restic           - as 1: what is there is looked at, never what restic said
3. `backup.act`     - done: the intent excuses nothing any more

The end is stated by `settle`, by looking; what a dead process left open is settled by the next poll.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from backups.acts import Act
from backups.custody import CopyState
from backups.model import BackupSet
from backups.record import MOST_NAMES, Action, Intent, Result
from backups.restic import changing
from backups.restic.arguments import may_copy
from backups.restic.restic import Restic
from backups.restic.verdict import Judgement
from backups.retention import Proposal, objections, propose
from backups.settle import settle
from backups.tools import SYSTEM, Copy, milliseconds
from bcp.journal.entry import Actor
from bcp.kit.language import text


@dataclass(frozen=True, slots=True)
class DryRun:
    """What would be removed, what would stay and why, and every objection."""

    proposal: Proposal
    objections: tuple[str, ...]
    separate: bool
    """Deleting needs another password or way than backing up."""
    said: str = ""


@dataclass(frozen=True, slots=True)
class Removal:
    """A dry run, and the acts when it was carried out."""

    dry: DryRun
    acts: tuple[Act, ...] = ()

    @property
    def done(self) -> bool:
        """Everything proposed was done."""
        return bool(self.acts) and all(act.result is Result.GOOD for act in self.acts)


async def dry_run(copy: Copy, snapshots: Iterable[str] = ()) -> DryRun:
    """What the policy (or a person, by full ids) would remove, and why it may not. Changes nothing."""
    policy, state, now = copy.set.retention, copy.state, copy.tools.clock.utc()
    separate = copy.keeping is not copy.restic
    shown = await copy.restic.snapshots()
    if shown.value is None:
        why = f"not_looked_{shown.judgement.verdict.value}"
        return DryRun(Proposal((), ()), (why,), separate, shown.judgement.reason)
    present = {one.id for one in shown.value}
    proposal = propose(policy, state, present, copy.set.rpo, now)
    named = frozenset(snapshots)
    if named:
        there = [one for one in state.kept if one.snapshot in named & present]
        keep = tuple((c, "not_named") for c in state.kept if c.snapshot not in named)
        proposal = Proposal(keep, tuple(there))
    times = [one.time for one in shown.value]
    found = objections(proposal.remove, policy, state, times, copy.set.rpo, now)
    if named - {one.snapshot for one in proposal.remove}:
        found = (*found, "not_on_record")
    if 1 not in state.evidence or state.open_acts:
        found = (*found, "unsettled")
    if found or not proposal.remove:
        return DryRun(proposal, found, separate)
    ids = [one.snapshot for one in proposal.remove]
    words = changing.forget(copy.keeping.target, ids, dry=True)
    ended, judged = await copy.keeping.call(words, _deadline(copy))
    if not judged.good:
        return DryRun(proposal, (f"dry_run_{judged.verdict.value}",), separate, judged.reason)
    return DryRun(proposal, (), separate, ended.stdout.decode("utf-8", "replace")[-2000:])


async def forget(copy: Copy, dry: DryRun, *, actor: Actor = SYSTEM, op: str = "") -> Act:
    """Remove what an unobjected dry run proposed (the guard allows at most 200 at once)."""
    ids = tuple(one.snapshot for one in dry.proposal.remove)[:MOST_NAMES]
    words = changing.forget(copy.keeping.target, ids, dry=False)
    return await _act(copy, Action.FORGET, words, ids, "", actor, op)


def owes_prune(one: BackupSet, state: CopyState) -> bool:
    """Whether snapshots were forgotten and the space they took was never freed: killed, or no space."""
    done = state.retained
    forgot, pruned = done.get(Action.FORGET), done.get(Action.PRUNE)
    if not one.retention.prune or forgot is None:
        return False
    return pruned is None or pruned.seq < forgot.seq


async def prune(copy: Copy, *, actor: Actor = SYSTEM, op: str = "") -> Act:
    """Free what no snapshot needs: a dry run, then the act, then restic's check."""
    target = copy.keeping.target
    _ended, judged = await copy.keeping.call(changing.prune(target, dry=True), _deadline(copy))
    if not judged.good:
        return _never_begun(copy, Action.PRUNE, judged)
    return await _act(copy, Action.PRUNE, changing.prune(target, dry=False), (), "", actor, op)


async def tag(
    copy: Copy,
    snapshots: tuple[str, ...],
    add: tuple[str, ...],
    remove: tuple[str, ...],
    *,
    actor: Actor = SYSTEM,
    op: str = "",
) -> Act:
    """Other tags for snapshots on record; each gets a new id and keeps its record."""
    words = changing.tag(copy.keeping.target, snapshots, add, remove)
    return await _act(copy, Action.TAG, words, snapshots, "", actor, op)


async def key(copy: Copy, what: str, file: Path | None, *, actor: Actor, op: str = "") -> Act:
    """`add` or `passwd` with the new password in a file, or `remove:ID`."""
    target = copy.keeping.target
    if what.startswith("remove:"):
        words = changing.key_remove(target, what.removeprefix("remove:"))
    elif file is None:
        raise ValueError("a file with the new password")
    else:
        words = (changing.key_add if what == "add" else changing.key_passwd)(target, file)
    return await _act(copy, Action.KEY, words, (), what, actor, op)


async def bring(copy: Copy, source: Copy, *, actor: Actor = SYSTEM, op: str = "") -> Act:
    """Bring what the source has on record and this copy has not, by `restic copy`.

    Raises `UsageError` where one restic cannot open both.
    """
    may_copy(copy.restic.target, source.restic.target)
    shown, here = await source.restic.snapshots(), await copy.restic.snapshots()
    for one in (shown, here):
        if one.value is None:
            return _never_begun(copy, Action.COPY, one.judgement)
    have = {(one.tree, one.time) for one in here.value or ()}
    recorded = {one.snapshot for one in source.state.kept if one.complete}
    wanted = [s for s in shown.value or () if s.id in recorded and (s.tree, s.time) not in have]
    wanted = wanted[-MOST_NAMES // 2 :]
    if not wanted:
        now = copy.tools.clock.utc()
        return Act(*copy.key, Action.COPY, "", Result.GOOD, now, "nothing_new")
    ids = tuple(one.id for one in wanted)
    # A snapshot rewritten before keeps its first id as `original`: announce that too.
    names = tuple(dict.fromkeys((*ids, *(s.original for s in wanted if s.original))))
    both = copy.restic.taking_from(source.restic.target)
    words = changing.copy(both.target, ids)
    return await _act(copy, Action.COPY, words, names, source.repository.id, actor, op, both)


async def _act(
    copy: Copy,
    action: Action,
    words: tuple[str, ...],
    snapshots: tuple[str, ...],
    what: str,
    actor: Actor,
    op: str,
    restic: Restic | None = None,
) -> Act:
    run, tools = secrets.token_hex(8), copy.tools
    intent = Intent(*copy.key, action, run, tools.clock.utc(), snapshots, what=what)
    await tools.write(intent, op=op or f"intent/{run}", actor=actor)
    started = tools.clock.monotonic()
    _ended, judged = await (restic or copy.keeping).call(words, copy.set.deadline.total_seconds())
    seconds = milliseconds(tools.clock, started)
    return await settle(copy, intent, judged, seconds) or _open(copy, intent, judged)


def _never_begun(copy: Copy, action: Action, judged: Judgement) -> Act:
    """Nothing was announced and nothing changed: said, not written."""
    now, why = copy.tools.clock.utc(), judged.verdict.value
    return Act(*copy.key, action, "", Result.INCONCLUSIVE, now, why, said=judged.reason)


def _open(copy: Copy, intent: Intent, judged: Judgement) -> Act:
    """Announced and perhaps done, but nobody can look: the next poll settles it."""
    now = copy.tools.clock.utc()
    where = *copy.key, intent.action, intent.run
    said = judged.reason or text("backups.unknown_act_open", place=copy.repository.location).ja
    return Act(*where, Result.INCONCLUSIVE, now, "unsettled", said=said)


def _deadline(copy: Copy) -> float:
    return copy.set.verify.deadline.total_seconds()
