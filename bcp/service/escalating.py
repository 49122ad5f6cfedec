"""What is told outside: overdue steps, a declaration, its end, what is told again. In the log first, then out.

The message names the step, the event and how far it has gone, never a person: it leaves the house.
A drill's goes only to routes for drills and carries 【訓練】. What was typed in from paper is old news.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bcp.journal.entry import Entry
from bcp.kit.language import Text, text
from bcp.plan.model import City
from bcp.watch.announcing import Announcement
from bcp.watch.notify import Notifier
from bcp.watch.values import Severity
from runbooks.calls import OLD

_ESCALATED, _REMINDED = "incident.step_escalated", "incident.reminded"
_TOLD = {
    "incident.declared": "event.told_declared",
    "incident.relapsed": "event.told_relapsed",
    "incident.level_changed": "event.told_level",
    "incident.overruled": "event.told_overruled",
    "incident.cancelled": "event.told_cancelled",
    "incident.stood_down": "event.told_stood_down",
}
"""What everybody on call must hear of at once, wherever it was decided."""


def tell(
    notifier: Notifier, city: Callable[[], City], drill: bool, entries: Sequence[Entry]
) -> None:
    """Fits `Journal.listen`: entries are durable. Never raises."""
    for entry in entries:
        told = entry.kind in (_ESCALATED, _REMINDED, *_TOLD)
        if told and entry.recorded_at - entry.occurred_at <= OLD:
            notifier.announce(_message(entry, city(), drill))


def _message(entry: Entry, city: City, drill: bool) -> Announcement:
    severity = Severity.HIGH
    if entry.kind == _ESCALATED:
        key = "event.untouched" if entry.detail.get("idle") else "event.escalated"
        count = int(entry.detail["rank"]) + 1
        title = text(key, step=entry.subject, count=count, incident=entry.incident)
    elif entry.kind == _REMINDED:
        title, severity = _again(entry, city)
    else:
        title = text(_TOLD[entry.kind], incident=entry.incident)
    return Announcement(
        kind="incident",
        severity=severity,
        again=entry.kind in (_ESCALATED, _REMINDED),
        title=title,
        at=entry.recorded_at,
        since=entry.occurred_at,
        drill=drill,
    )


def _again(entry: Entry, city: City) -> tuple[Text, Severity]:
    """What nobody has acted on; the power of a site by its name, the last warnings louder."""
    what, rank = str(entry.detail["what"]), int(entry.detail["rank"])
    if what == "power":
        id = entry.subject.partition(":")[0]
        site = city.site(id)
        title = text(f"event.dark_{rank}", site=site.name if site else id, incident=entry.incident)
        return title, Severity.CRITICAL if rank > 1 else Severity.HIGH
    title = text(f"event.again_{what}", id=entry.subject, rank=rank, incident=entry.incident)
    return title, Severity.CRITICAL if what == "unanswered" else Severity.HIGH
