"""What people have heard, after a restart: nobody is told twice, and what was not told yet is told. Pure.

`kept` is what the last life said of each check that was not good (`remembered`, at most two seconds old).
Without it, what was bad before is taken as told: then it was, unless the kill came within a minute of it.
If we die between a message and the next write of it, it is told twice: better than not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from bcp.watch.values import Status, Transition
from bcp.watch.view import CheckView


def resumed(
    views: Iterable[CheckView], kept: Mapping[str, Status] | None, now: datetime
) -> tuple[dict[str, Status], list[Transition]]:
    """What counts as said, and the changes that are still owed."""
    said: dict[str, Status] = {}
    owed: list[Transition] = []
    for view in views:
        known = view.last is not None and not view.stale and not view.blocked
        told = kept.get(view.id) if kept is not None else None
        if told is not None:
            said[view.id] = told
        if not known:
            continue
        if kept is None:
            if view.status is not Status.OK:
                said[view.id] = view.status
        elif told is None and view.status is Status.UNKNOWN:
            continue  # perhaps it never told anything: that is nobody's news
        elif view.status is not (told or Status.OK):
            since = view.since or now
            old = told or Status.OK
            owed.append(Transition(view.id, old, view.status, since, now, view.sentence))
    return said, owed


def parsed(kept: object) -> dict[str, Status] | None:
    """What was kept, from JSON; None where it cannot be read."""
    try:
        return {str(id): Status(word) for id, word in dict(kept).items()}  # type: ignore[call-overload]
    except (TypeError, ValueError):
        return None
