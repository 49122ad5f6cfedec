"""What in a repository does not agree with its custody record. Pure.

Finds what restic's own commands leave at exit 0: rollback, deletion, emptying, re-creation, foreign and
rewritten snapshots, time going backwards, objects that vanished. Announced acts are respected.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from backups.custody import CopyState, Demand
from backups.objects import Listing
from backups.record import Action, Intent
from backups.restic.arguments import run_of
from backups.restic.parsing import Snapshot

_AHEAD = timedelta(minutes=5)
"""A snapshot dated further than this into the future was not made by a sane clock."""


class Anomaly(StrEnum):
    """How a repository can disagree with its record."""

    RECREATED = "recreated"
    ROLLED_BACK = "rolled_back"
    EMPTIED = "emptied"
    DELETED = "deleted"
    REWRITTEN = "rewritten"
    TREE_CHANGED = "tree_changed"
    FOREIGN = "foreign"
    TIME_BACKWARDS = "time_backwards"
    CONFIG_CHANGED = "config_changed"
    KEYS_CHANGED = "keys_changed"
    KEYS_GONE = "keys_gone"
    OBJECTS_MISSING = "objects_missing"
    OBJECTS_CHANGED = "objects_changed"
    GENERATION_CHANGED = "generation_changed"
    """Of a copy made by another product: not what it was when it was entered."""
    TOO_FEW = "too_few"


@dataclass(frozen=True, slots=True)
class Found:
    """One anomaly, the snapshot or object it is about, and how many there are of the kind."""

    kind: Anomaly
    subject: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Seen:
    """What a repository shows now."""

    repository_id: str
    snapshots: tuple[Snapshot, ...]
    listing: Listing | None = None
    """Its objects, when its folder can be seen from here."""
    required: Mapping[str, int] = field(default_factory=dict)
    """The objects the last custody record demands (from the evidence store)."""


def compare(
    copy: CopyState,
    seen: Seen,
    *,
    now: datetime,
    siblings: Collection[str] = (),
    running: Collection[str] = (),
) -> tuple[Found, ...]:
    """Everything in which the repository disagrees with its record; empty: it agrees."""
    demand = copy.demand
    if demand is None:
        return ()
    last = copy.custody[-1]
    if seen.repository_id != last.repository_id:
        # Another repository altogether: whatever else differs says nothing more.
        if copy.since(last.seq, Action.ACCEPT):
            return ()
        return (Found(Anomaly.RECREATED, seen.repository_id),)
    found = [
        *_snapshots(copy, seen, siblings, running),
        *_times(copy, seen, now),
        *_files(copy, demand, seen),
    ]
    return tuple(_as_rollback(found, copy, seen))


def _snapshots(
    copy: CopyState, seen: Seen, siblings: Collection[str], running: Collection[str]
) -> Iterator[Found]:
    there = {one.id: one for one in seen.snapshots}
    home = copy.custody[-1].repository_id
    wanted = {one.snapshot: one for one in copy.kept if one.repository_id == home}
    brought = {n for one in copy.intents if one.action is Action.COPY for n in one.snapshots}
    accepted = {
        name
        for one in copy.intents
        if one.action in (Action.FORGET, Action.ACCEPT, Action.TAG)
        for name in one.snapshots
    }
    strangers = [
        one
        for one in seen.snapshots
        if one.id not in wanted
        and one.id not in siblings
        and one.id not in accepted
        and (run_of(one.tags) or "") not in running
        and one.original not in siblings
        and one.original not in brought
    ]
    missing = [name for name in wanted if name not in there and name not in accepted]
    tagged = {n for one in copy.intents if one.action is Action.TAG for n in one.snapshots}
    rewritten: list[str] = []
    foreign: list[str] = []
    for one in strangers:
        origin = wanted.get(one.original or "")
        if origin is None:
            foreign.append(one.id)
        elif origin.snapshot not in tagged or origin.tree != one.tree:
            rewritten.append(one.id)
    replaced = {one.original for one in strangers}
    missing = [name for name in missing if name not in replaced]
    changed = [
        name for name, one in wanted.items() if name in there and there[name].tree != one.tree
    ]
    if missing and not seen.snapshots:
        yield Found(Anomaly.EMPTIED, missing[-1], len(missing))
    elif missing:
        yield Found(Anomaly.DELETED, missing[-1], len(missing))
    for kind, names in (
        (Anomaly.REWRITTEN, rewritten),
        (Anomaly.FOREIGN, foreign),
        (Anomaly.TREE_CHANGED, changed),
    ):
        if names:
            yield Found(kind, names[-1], len(names))


def _times(copy: CopyState, seen: Seen, now: datetime) -> Iterator[Found]:
    ahead = [one.id for one in seen.snapshots if one.time > now + _AHEAD]
    if ahead:
        yield Found(Anomaly.TIME_BACKWARDS, ahead[-1], len(ahead))
        return
    # One adopted after a crash may be entered after a younger one: a restic that outlived us.
    own = [one for one in copy.custody[-64:] if not one.via and not one.adopted]
    for before, after in zip(own[-2:], own[-1:], strict=False):
        if after.seq > before.seq and after.time < before.time:
            yield Found(Anomaly.TIME_BACKWARDS, after.snapshot)


def _files(copy: CopyState, demand: Demand, seen: Seen) -> Iterator[Found]:
    listing = seen.listing
    if listing is None:
        return
    if demand.config is not None and listing.config != demand.config:
        yield Found(Anomaly.CONFIG_CHANGED, "config")
    if demand.keys and not copy.since(demand.seq, Action.ACCEPT):
        changing = [i.what for i in copy.intents if i.action is Action.KEY]
        gone = sorted(demand.keys.keys() - listing.keys.keys())
        if not any(announced_keys(what, demand.keys, listing.keys) for what in changing):
            if gone:
                yield Found(Anomaly.KEYS_GONE, gone[0], len(gone))
            elif dict(demand.keys) != dict(listing.keys):
                yield Found(Anomaly.KEYS_CHANGED, "keys")
    if copy.since(demand.seq, Action.PRUNE, Action.ACCEPT):
        return
    # Snapshot files and keys have their own comparison above.
    demanded = {
        name: size for name, size in seen.required.items() if name.startswith(("data/", "index/"))
    }
    missing = sorted(demanded.keys() - listing.objects.keys())
    if missing:
        yield Found(Anomaly.OBJECTS_MISSING, missing[0], len(missing))
    resized = [n for n, size in demanded.items() if listing.objects.get(n, size) != size]
    if resized:
        yield Found(Anomaly.OBJECTS_CHANGED, min(resized), len(resized))


def announced_keys(what: str, before: Mapping[str, str], now: Mapping[str, str]) -> bool:
    """Whether the keys changed by no more than the announced act (also when it died half-way)."""
    gone, new = before.keys() - now.keys(), now.keys() - before.keys()
    if any(now[name] != before[name] for name in before.keys() & now.keys()):
        return False
    if what.startswith("remove:"):
        return gone <= {what.removeprefix("remove:")} and not new
    if what == "passwd":
        return len(new) <= 1 and len(gone) <= len(new)
    return what == "add" and not gone and len(new) <= 1


def missing_objects(
    required: Mapping[str, int], listing: Listing
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(gone, of another size) among the data and index objects that must be there."""
    demanded = {n: size for n, size in required.items() if n.startswith(("data/", "index/"))}
    gone = tuple(demanded.keys() - listing.objects.keys())
    resized = tuple(n for n, size in demanded.items() if listing.objects.get(n, size) != size)
    return gone, resized


def _as_rollback(found: list[Found], copy: CopyState, seen: Seen) -> Iterator[Found]:
    """Snapshots gone together with the data they brought: the whole repository went back in time."""
    kinds = {one.kind for one in found}
    roots = {one.listed for one in copy.custody[:-1] if one.listed}
    older = seen.listing is not None and seen.listing.root in roots
    back = Anomaly.DELETED in kinds and (Anomaly.OBJECTS_MISSING in kinds or older)
    for one in found:
        if back and one.kind is Anomaly.DELETED:
            yield Found(Anomaly.ROLLED_BACK, one.subject, one.count)
        elif not (back and one.kind is Anomaly.OBJECTS_MISSING):
            yield one


def adoptable(copy: CopyState, seen: tuple[Snapshot, ...]) -> tuple[tuple[Intent, Snapshot], ...]:
    """Snapshots of our own announced runs whose custody record was never written (we died)."""
    pairs = []
    for run, intent in copy.unfinished.items():
        own = [one for one in seen if run_of(one.tags) == run]
        if len(own) == 1 and own[0].time >= intent.at - _AHEAD:
            pairs.append((intent, own[0]))
    return tuple(pairs)
