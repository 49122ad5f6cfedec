"""An overdue step is told outside: its escalation stands in the log and then goes out by the routes.

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

_KIND = "incident.step_escalated"
_OLD = timedelta(minutes=15)


def tell(notifier: Notifier, drill: bool, entries: Sequence[Entry]) -> None:
    """Fits `Journal.listen`: entries are durable. Never raises."""
    for entry in entries:
        if entry.kind == _KIND and entry.recorded_at - entry.occurred_at <= _OLD:
            notifier.announce(_message(entry, drill))


def _message(entry: Entry, drill: bool) -> Announcement:
    count = int(entry.detail["rank"]) + 1
    return Announcement(
        kind="incident",
        severity=Severity.HIGH,
        title=text("event.escalated", step=entry.subject, count=count, incident=entry.incident),
        at=entry.recorded_at,
        since=entry.occurred_at,
        drill=drill,
    )
