"""From an announced act to its end: look at the repository and state what is true now.

One way for a live act and for one left by a dead process. What was announced and is done ends its
intent; what was not announced is never taken over: after a prune restic's own check must hold before the
smaller list of objects becomes what must exist, after a key act no other key may have changed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from backups.acts import Act
from backups.anomaly import announced_keys
from backups.objects import to_bytes
from backups.record import Action, Custody, Intent, Result
from backups.restic import locks
from backups.restic.parsing import Snapshot
from backups.restic.verdict import Judgement, Verdict
from backups.sight import identify, see_objects
from backups.tools import Copy

_WELL = Judgement(Verdict.GOOD, "")


async def settle_left(copy: Copy, left_open: Collection[str]) -> bool:
    """Settle what a dead process announced; whether something stays open: nobody can tell yet."""
    for run, intent in tuple(copy.state.open_acts.items()):
        if run in left_open:
            await settle(copy, intent)
    return bool(copy.state.open_acts.keys() & set(left_open))


async def settle(
    copy: Copy, intent: Intent, judged: Judgement = _WELL, seconds_ms: int = -1
) -> Act | None:
    """State how an announced act ended, by looking; None: cannot look now, it stays open.

    `seconds_ms` under 0: the act was left by a process that died.
    """
    tools = copy.tools
    left = seconds_ms < 0
    if left and await _still_at_it(copy):
        return None
    shown = await copy.restic.snapshots()
    home = await identify(copy, await see_objects(copy))
    if shown.value is None or home.value is None:
        return None
    result = Result.GOOD if judged.good else Result.BAD
    if left or (not judged.good and not judged.conclusive):
        result = Result.INCONCLUSIVE
    reason = "interrupted" if left else "" if judged.good else judged.verdict.value
    act = Act(
        *copy.key,
        intent.action,
        intent.run,
        result,
        tools.clock.utc(),
        reason,
        facts={"seconds_ms": max(0, seconds_ms), "snapshots": len(shown.value)},
        said=judged.reason,
    )
    custody: tuple[Custody, ...] = ()
    match intent.action:
        case Action.FORGET:
            act = _forgotten(act, intent, shown.value)
        case Action.PRUNE:
            pruned = await _pruned(copy, act)
            if pruned is None:
                return None
            act = pruned
        case Action.KEY:
            act = await _keys(copy, act, intent)
        case Action.TAG:
            act, custody = _tagged(copy, act, intent, shown.value)
        case Action.COPY:
            custody = await _brought(copy, intent, shown.value, home.value)
            act = replace(act, facts={**act.facts, "brought": len(custody)})
        case _:
            raise ValueError(intent.action)
    await tools.write(*custody, act, op=f"act/{intent.run}")  # all or none
    return act


async def _still_at_it(copy: Copy) -> bool:
    """A restic that outlived us may still be doing it; a dead one's lock is taken away."""
    now = copy.tools.clock.utc()
    _judged, seen = await locks.look(copy.restic, now)
    if any(one.own and not one.stale for one in seen):
        return True
    if any(one.stale for one in seen):
        await locks.heal(copy.restic, now)
    return False


def _forgotten(act: Act, intent: Intent, shown: tuple[Snapshot, ...]) -> Act:
    there = {one.id for one in shown}
    removed = tuple(name for name in intent.snapshots if name not in there)
    result, reason = act.result, act.reason
    if len(removed) == len(intent.snapshots):
        result = Result.GOOD  # what was announced is done, whatever the exit code said
    elif result is Result.GOOD:
        result, reason = Result.BAD, "not_removed"
    return replace(act, result=result, reason=reason, removed=removed)


async def _pruned(copy: Copy, act: Act) -> Act | None:
    """Take the smaller list over only when restic's check of the rest holds."""
    checked = (await copy.restic.check(copy.set.verify.deadline.total_seconds())).judgement
    if not checked.conclusive:
        return None
    if not checked.good:
        return replace(act, result=Result.BAD, reason="damaged", said=checked.reason)
    seen = await see_objects(copy)
    if seen is None:
        return act
    put = copy.tools.log.evidence.put_bytes
    digest = await copy.tools.workers.thread(put, to_bytes(seen.objects))
    facts = {**act.facts, "objects": len(seen.objects), "size": seen.size}
    return replace(act, objects=digest, listed=seen.root, facts=facts)


async def _keys(copy: Copy, act: Act, intent: Intent) -> Act:
    seen, demand = await see_objects(copy), copy.state.demand
    if seen is None or demand is None:
        return act
    if not announced_keys(intent.what, demand.keys, seen.keys):
        return replace(act, result=Result.BAD, reason="other_keys")
    return replace(act, keys=dict(seen.keys), config=seen.config)


def _tagged(
    copy: Copy, act: Act, intent: Intent, shown: tuple[Snapshot, ...]
) -> tuple[Act, tuple[Custody, ...]]:
    known, there = {one.snapshot for one in copy.state.custody}, {one.id for one in shown}
    fresh = {(s.tree, s.time): s for s in shown if s.id not in known and s.original}
    moved, removed = [], []
    for name in intent.snapshots:
        old = copy.state.of(name)
        new = fresh.get((old.tree, old.time)) if old is not None else None
        if old is not None and new is not None and name not in there:
            moved.append(replace(old, snapshot=new.id, via="tag"))
            removed.append(name)
    if act.result is Result.GOOD and len(moved) < len(intent.snapshots):
        act = replace(act, result=Result.BAD, reason="not_rewritten")
    return replace(act, removed=tuple(removed)), _current(copy, moved)


async def _brought(
    copy: Copy, intent: Intent, shown: tuple[Snapshot, ...], home: str
) -> tuple[Custody, ...]:
    """Records for what came: the same tree, so the source's manifest is theirs too."""
    source = copy.tools.state.copy(copy.key[0], intent.what)
    known = {one.snapshot for one in copy.state.custody}
    seen = await see_objects(copy)
    objects = None
    if seen is not None:
        put = copy.tools.log.evidence.put_bytes
        objects = await copy.tools.workers.thread(put, to_bytes(seen.objects))
    found = []
    for new in shown:
        old = next((c for c in source.kept if (c.tree, c.time) == (new.tree, new.time)), None)
        if old is None or new.id in known or new.original not in intent.snapshots:
            continue
        found.append(
            replace(
                old,
                repository=copy.key[1],
                repository_id=home,
                snapshot=new.id,
                objects=objects,
                listed=seen.root if seen else None,
                object_count=len(seen.objects) if seen else 0,
                config=seen.config if seen else None,
                keys=dict(seen.keys) if seen else {},
                via="copy",
            )
        )
    return tuple(found)


def _current(copy: Copy, moved: list[Custody]) -> tuple[Custody, ...]:
    """The last custody record says what is demanded: a moved record keeps today's demand."""
    demand = copy.state.demand
    if demand is None:
        return ()
    return tuple(
        replace(
            one,
            objects=demand.objects,
            listed=demand.listed,
            config=demand.config,
            keys=demand.keys,
        )
        for one in moved
    )
