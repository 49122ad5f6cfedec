"""引き受け: who said that he sees to a failing check, and which further routes were told. Folded, pure.

Taking on silences nobody's board and mutes no alert of Prometheus: it only ends the calling of the
next one (R-95). It ends when the check is good again, and does not cover a failure that gets worse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bcp.journal.entry import Entry, NewEntry
from bcp.journal.folding import Fold
from bcp.watch.values import Status

KIND, ESCALATED, CHANGED = "check.acknowledged", "check.escalated", "check.changed"


@dataclass(frozen=True, slots=True)
class Ack:
    """What was done about one failing check."""

    by: str | None = None
    """Pseudonym of who took it on; None: nobody yet."""
    at: datetime | None = None
    routes: tuple[str, ...] = ()
    """Routes that were told because nobody had."""


Acks = Mapping[str, Ack]


def take_on(check: str, at: datetime, note: str) -> NewEntry:
    """The entry of 「引き受けました」."""
    values = {"note": note.strip()} if note.strip() else {}
    return NewEntry(KIND, check, {}, None, at, values)


def escalated(check: str, route: str, at: datetime) -> NewEntry:
    """The entry of a further route that was told."""
    return NewEntry(ESCALATED, check, {"route": route}, None, at)


def apply(state: Acks, entry: Entry) -> Acks:
    """The state with one more entry."""
    check, known = entry.subject, state.get(entry.subject)
    if entry.kind == KIND:
        routes = known.routes if known else ()
        return {**state, check: Ack(entry.actor.id, entry.occurred_at, routes)}
    if entry.kind == ESCALATED:
        found = known or Ack()
        return {**state, check: replace(found, routes=(*found.routes, entry.detail["route"]))}
    over = entry.detail["new"] in (Status.OK.value, Status.FAILED.value)
    if known is None or not over:
        return state
    return {id: one for id, one in state.items() if id != check}


FOLD: Fold[Acks] = Fold({}, apply, kinds=(KIND, ESCALATED, CHANGED))
"""Good again, or failed anew: it must be taken on anew."""
