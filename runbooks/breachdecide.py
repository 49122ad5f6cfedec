"""Decides commands about the breach to report. Pure. Refusals say what is allowed."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from bcp.journal.canonical import Json
from bcp.journal.entry import NewEntry
from bcp.kit.units import to_us
from runbooks import commands as c
from runbooks.breaches import HARMS, STAGES
from runbooks.context import Context, entry, need_known, need_text, refuse, when
from runbooks.state import Incident, Phase


def decide_breach(
    incident: Incident, command: c.BreachCommand, at: datetime, context: Context
) -> tuple[NewEntry, ...]:
    """Entries for a command about the breach to report. Raises Refused.

    Possible until the event is reviewed: the full report is due long after 解除.
    """
    occurred = when(context, command.occurred_at, at)
    if incident.phase is Phase.REVIEWED:
        raise refuse("not_active", allowed="runbooks.late_allowed", phase=incident.phase.value)
    if isinstance(command, c.OpenBreach):
        return _open(incident, command, occurred, context)
    known = incident.breaches.get(command.id)
    if known is None or known.dropped_at is not None:
        raise refuse("nothing_open", id=command.id)
    if isinstance(command, c.ReportBreach):
        need_known((command.stage,), STAGES, "stage")
        if command.stage in known.reported:
            return ()
        note = need_text(command.note, "note")
        detail: dict[str, Json] = {"sent": command.stage}
        return (entry(incident, "breach_reported", known.id, occurred, detail, note=note),)
    if isinstance(command, c.DropBreach):
        reason = need_text(command.reason)
        return (entry(incident, "breach_dropped", known.id, occurred, {}, reason=reason),)
    assert_never(command)


def _open(
    incident: Incident, command: c.OpenBreach, occurred: datetime, context: Context
) -> tuple[NewEntry, ...]:
    need_known((command.harm,), HARMS, "harm")
    what = need_text(command.what, "note")
    if command.system is not None:
        need_known((command.system,), (item.id for item in context.city.systems), "system")
    aware = command.aware_at or occurred
    if aware > occurred:
        raise refuse("breach_future")
    detail: dict[str, Json] = {
        "harm": command.harm,
        "malicious": command.malicious,
        "system": command.system,
        "aware_us": to_us(aware),
    }
    id = f"P{len(incident.breaches) + 1}"
    return (entry(incident, "breach_opened", id, occurred, detail, what=what),)
