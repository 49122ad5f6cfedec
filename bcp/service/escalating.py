"""What is told outside: overdue steps, a declaration, a relapse, the end. In the log first, then by the routes.

The message names the step, the event and how far it has gone, never a person: it leaves the house.
A drill's goes only to routes for drills and carries 【訓練】. What was typed in from paper is old news.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bcp.journal.entry import Entry
from bcp.kit.language import text
from bcp.watch.announcing import Announcement
from bcp.watch.notify import Notifier
from bcp.watch.values import Severity

_ESCALATED = "incident.step_escalated"
_TOLD = {
    "incident.declared": "event.told_declared",
    "incident.relapsed": "event.told_relapsed",
    "incident.level_changed": "event.told_level",
    "incident.overruled": "event.told_overruled",
    "incident.cancelled": "event.told_cancelled",
    "incident.stood_down": "event.told_stood_down",
}
"""What everybody on call must hear of at once, wherever it was decided."""
_OLD = timedelta(minutes=15)


def tell(notifier: Notifier, drill: bool, entries: Sequence[Entry]) -> None:
    """Fits `Journal.listen`: entries are durable. Never raises."""
    for entry in entries:
        told = entry.kind == _ESCALATED or entry.kind in _TOLD
        if told and entry.recorded_at - entry.occurred_at <= _OLD:
            notifier.announce(_message(entry, drill))


def _message(entry: Entry, drill: bool) -> Announcement:
    if entry.kind == _ESCALATED:
        key = "event.untouched" if entry.detail.get("idle") else "event.escalated"
        count = int(entry.detail["rank"]) + 1
        title = text(key, step=entry.subject, count=count, incident=entry.incident)
    else:
        title = text(_TOLD[entry.kind], incident=entry.incident)
    return Announcement(
        kind="incident",
        severity=Severity.HIGH,
        title=title,
        at=entry.recorded_at,
        since=entry.occurred_at,
        drill=drill,
    )
