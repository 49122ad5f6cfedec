"""一時停止 and 臨時の検査: what differs from the plan for a while, folded from the log. Pure.

A permanent change is the plan alone. These expire by themselves, within a week, need a reason (in the
log, erasable) and say who. A paused check is unknown with its reason, its time is not observed, and it
calls nobody; a temporary one is a check like any other until its end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bcp.journal.canonical import Json
from bcp.journal.entry import Entry, NewEntry
from bcp.journal.folding import Fold
from bcp.kit.errors import UsageError
from bcp.kit.units import from_us, to_us

PAUSED, RESUMED, ADDED, REMOVED = "check.paused", "check.resumed", "check.added", "check.removed"
LONGEST = timedelta(days=7)
TEMPORARY = "temp/"
"""So begins the id of every temporary check."""


@dataclass(frozen=True, slots=True)
class Brief:
    """One thing that ends by itself."""

    until: datetime
    by: str
    seq: int
    """Its entry: the reason stands there."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Of a temporary check: as the plan would write it."""


@dataclass(frozen=True, slots=True)
class Interim:
    """Everything that differs; what is over stays here until something new is said of it."""

    pauses: Mapping[str, Brief] = field(default_factory=dict)
    added: Mapping[str, Brief] = field(default_factory=dict)

    def paused(self, now: datetime) -> dict[str, Brief]:
        """Checks that stand still now."""
        return {id: one for id, one in self.pauses.items() if one.until > now}

    def temporary(self, now: datetime) -> dict[str, Brief]:
        """Checks beside the plan now."""
        return {id: one for id, one in self.added.items() if one.until > now}


def pause(check: str, now: datetime, length: timedelta, reason: str) -> NewEntry:
    """The entry of a pause. Raises `UsageError`."""
    return _brief(PAUSED, check, now, length, reason, {})


def add(fields: Mapping[str, Json], now: datetime, length: timedelta, reason: str) -> NewEntry:
    """The entry of a temporary check with the plan's fields. Raises `UsageError`."""
    return _brief(ADDED, str(fields["id"]), now, length, reason, {"fields": dict(fields)})


def end(kind: str, check: str, now: datetime) -> NewEntry:
    """The entry that ends either before its time (`RESUMED`, `REMOVED`)."""
    return NewEntry(kind, check, {}, None, now)


def _brief(
    kind: str,
    check: str,
    now: datetime,
    length: timedelta,
    reason: str,
    more: dict[str, Json],
) -> NewEntry:
    if not timedelta() < length <= LONGEST:
        raise UsageError(
            "期限は7日まで。長く変えるなら計画に書く / at most 7 days; what lasts belongs into the plan",
            got=str(length),
            expected="1m … 7d",
        )
    if not reason.strip():
        raise UsageError("理由が必要です / a reason is needed", where=check)
    detail: dict[str, Json] = {"until_us": to_us(now + length), **more}
    return NewEntry(kind, check, detail, None, now, {"reason": reason.strip()})


def apply(state: Interim, entry: Entry) -> Interim:
    """The state with one more entry."""
    id, kind = entry.subject, entry.kind
    if kind == RESUMED:
        return replace(state, pauses={k: v for k, v in state.pauses.items() if k != id})
    if kind == REMOVED:
        return replace(state, added={k: v for k, v in state.added.items() if k != id})
    until = from_us(entry.detail["until_us"])
    made = Brief(until, entry.actor.id, entry.seq, entry.detail.get("fields", {}))
    if kind == PAUSED:
        return replace(state, pauses={**state.pauses, id: made})
    return replace(state, added={**state.added, id: made})


FOLD: Fold[Interim] = Fold(Interim(), apply, kinds=(PAUSED, RESUMED, ADDED, REMOVED))
