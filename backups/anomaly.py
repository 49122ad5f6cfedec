"""What in a repository does not agree with its custody record. Pure.

Finds what restic's own commands leave at exit 0: rollback, deletion, emptying, re-creation, foreign and
rewritten snapshots, time going backwards, objects that vanished. Announced acts are respected.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from backups.custody import CopyState
from backups.objects import Listing
from backups.record import Action, Custody, Intent
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
    if not copy.custody:
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
        *_files(copy, last, seen),
    ]
    return tuple(_as_rollback(found, copy, seen))


def _snapshots(
    copy: CopyState, seen: Seen, siblings: Collection[str], running: Collection[str]
) -> Iterator[Found]:
    there = {one.id: one for one in seen.snapshots}
    home = copy.custody[-1].repository_id
    wanted = {one.snapshot: one for one in copy.custody if one.repository_id == home}
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
    for before, after in zip(copy.custody[-2:], copy.custody[-1:], strict=False):
        if after.seq > before.seq and after.time < before.time:
            yield Found(Anomaly.TIME_BACKWARDS, after.snapshot)


def _files(copy: CopyState, last: Custody, seen: Seen) -> Iterator[Found]:
    listing = seen.listing
    if listing is None:
        return
    if last.config is not None and listing.config != last.config:
        yield Found(Anomaly.CONFIG_CHANGED, "config")
    if last.keys and not copy.since(last.seq, Action.KEY, Action.ACCEPT):
        gone = sorted(last.keys.keys() - listing.keys.keys())
        if gone:
            yield Found(Anomaly.KEYS_GONE, gone[0], len(gone))
        elif dict(last.keys) != dict(listing.keys):
            yield Found(Anomaly.KEYS_CHANGED, "keys")
    if copy.since(last.seq, Action.PRUNE, Action.ACCEPT):
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
