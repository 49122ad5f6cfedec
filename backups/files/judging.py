"""Record of a copy made by another product against what lies there. Pure.

Products remove their old generations by themselves, oldest first: that is no finding. A younger one gone
while an older one is there, all gone, fewer than the plan keeps, or a generation that is not what it was
when it was entered: each is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from backups.acts import What
from backups.anomaly import Anomaly, Found
from backups.custody import CopyState
from backups.files.model import FilesCopy
from backups.files.seeing import Generation
from backups.record import Action, Custody

_AHEAD = timedelta(minutes=5)


def recorded(state: CopyState) -> dict[str, Custody]:
    """By generation: the newest record, without those a person accepted as gone or changed."""
    found = {one.snapshot: one for one in state.custody}
    for intent in state.intents:
        if intent.action is Action.ACCEPT:
            for id in intent.snapshots:
                known = found.get(id)
                if known is not None and known.seq < intent.seq:
                    del found[id]
    return found


def to_enter(
    state: CopyState, seen: Sequence[Generation], copy: FilesCopy, now: datetime
) -> tuple[Generation, ...]:
    """Generations not on record that are no longer being written, oldest first."""
    known = recorded(state)
    return tuple(
        one
        for one in seen
        if one.id not in known and one.newest <= now - copy.settle and one.files and one.made
    )


def compare(
    state: CopyState, seen: Sequence[Generation], copy: FilesCopy, now: datetime
) -> tuple[Found, ...]:
    """Everything in which the copy disagrees with its record; empty: it agrees."""
    return tuple(_found(state, seen, copy, now))


def _found(
    state: CopyState, seen: Sequence[Generation], copy: FilesCopy, now: datetime
) -> Iterator[Found]:
    known, there = recorded(state), {one.id: one for one in seen}
    if known and not seen:
        yield Found(Anomaly.EMPTIED, next(reversed(known)), len(known))
        return
    gone = _gone(known, there)
    if gone:
        yield Found(Anomaly.DELETED, gone[-1], len(gone))
    if len(known) >= copy.keep > len(seen):
        yield Found(Anomaly.TOO_FEW, seen[-1].id, len(seen))
    changed = [id for id, one in known.items() if id in there and not _same(one, there[id])]
    reread = state.checks.get(What.NAMES)
    if not changed and reread is not None and not reread.good:
        changed = [reread.reason] * max(1, reread.facts.get(reread.reason, 1))
    if changed:
        yield Found(Anomaly.GENERATION_CHANGED, changed[-1], len(changed))
    ahead = [one for one in seen if (one.made or one.newest) > now + _AHEAD]
    if ahead:
        yield Found(Anomaly.TIME_BACKWARDS, ahead[-1].id, len(ahead))


def _gone(known: dict[str, Custody], there: dict[str, Generation]) -> list[str]:
    """Gone, though something older is still there: no product tidies up like that."""
    oldest = min((one.made or one.newest for one in there.values()), default=None)
    return [
        id
        for id, one in known.items()
        if id not in there and oldest is not None and one.time > oldest
    ]


def _same(record: Custody, seen: Generation) -> bool:
    """As far as names, sizes and times tell; the digests are read again by the names check."""
    return (record.files, record.size) == (seen.files, seen.size)
