"""What the log knows of sites that stood still: what was decided, and whether people heard of it. Folded.

`site.changed` is durable before anybody is called; `site.told` follows once a route has delivered the
call. A decision without it is told by the next start. If we die between delivery and `site.told`
(milliseconds), it is told twice: better than not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bcp.journal.entry import Entry, NewEntry
from bcp.journal.folding import Fold
from bcp.kit.units import from_us, to_us

CHANGED, TOLD = "site.changed", "site.told"


@dataclass(frozen=True, slots=True)
class Decided:
    """The last that was decided of one place."""

    since: datetime
    systems: tuple[str, ...]
    over: bool
    told: bool = False


Decisions = Mapping[str, Decided]
"""By place. One that is over and told is nothing any more."""


def told(changed: NewEntry, at: datetime) -> NewEntry:
    """The entry that says of a decision that people were called."""
    detail = {"new": changed.detail["new"], "since_us": changed.detail["since_us"]}
    return NewEntry(TOLD, changed.subject, detail, None, at)


def changed(place: str, decided: Decided, at: datetime) -> NewEntry:
    """The entry of a decision."""
    detail = {
        "site": place,
        "new": "ok" if decided.over else "failed",
        "since_us": to_us(decided.since),
        "systems": list(decided.systems)[:200],
    }
    return NewEntry(CHANGED, place, detail, None, at)


def apply(state: Decisions, entry: Entry) -> Decisions:
    """The state with one more entry."""
    place, detail = entry.subject, entry.detail
    over, since = detail["new"] == "ok", from_us(detail["since_us"])
    if entry.kind == CHANGED:
        return {**state, place: Decided(since, tuple(detail["systems"]), over)}
    known = state.get(place)
    if known is None or known.over is not over or known.since != since:
        return state
    if over:
        return {id: one for id, one in state.items() if id != place}
    return {**state, place: replace(known, told=True)}


FOLD: Fold[Decisions] = Fold({}, apply, kinds=(CHANGED, TOLD))
