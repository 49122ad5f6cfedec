"""Decides commands about emergency changes. Pure. Refusals say what is allowed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

from bcp.journal.canonical import Json
from bcp.journal.entry import NewEntry
from bcp.kit.units import jst, to_us
from runbooks import commands as c
from runbooks.changes import KINDS, Change
from runbooks.context import Context, entry, need_ids, need_known, need_text, refuse, when
from runbooks.state import Incident, Phase

New = tuple[NewEntry, ...]

ENDS_AFTER = timedelta(days=1)
"""A change declared without an end."""

LONGEST = timedelta(days=30)
"""No end lies further ahead than this: what is to stay is no emergency change."""


def decide_change(
    incident: Incident, command: c.ChangeCommand, at: datetime, context: Context
) -> New:
    """Entries for a command about an emergency change. Raises Refused.

    Possible as long as the event is not reviewed: after 取消 and 解除 too, changes must be taken back.
    """
    occurred = when(context, command.occurred_at, at)
    if incident.phase is Phase.REVIEWED:
        raise refuse("not_active", allowed="runbooks.late_allowed", phase=incident.phase.value)
    if isinstance(command, c.OpenChange):
        return _open(incident, command, occurred, context)
    known = incident.changes.get(command.id)
    if known is None:
        raise refuse("nothing_open", id=command.id)
    if isinstance(command, c.ApproveChange):
        return _approve(incident, known, command, occurred, context)
    if isinstance(command, c.CountersignChange):
        return _countersign(incident, known, command, occurred, context)
    if known.closed_at is not None:
        raise refuse("nothing_open", id=command.id)
    if isinstance(command, c.ExtendChange):
        _end(command.expires_at, occurred)
        detail: dict[str, Json] = {
            "expires_us": to_us(command.expires_at),
            "before_us": to_us(known.expires_at) if known.expires_at else None,
        }
        reason = need_text(command.reason)
        return (entry(incident, "change_extended", known.id, occurred, detail, reason=reason),)
    if isinstance(command, c.RevertChange):
        if not command.note.strip():
            raise refuse("change_checked")
        detail = {"how": command.how, "check": known.check}
        note = command.note.strip()
        return (entry(incident, "change_reverted", known.id, occurred, detail, note=note),)
    assert_never(command)


def _open(incident: Incident, command: c.OpenChange, occurred: datetime, context: Context) -> New:
    if not incident.active:
        raise refuse("not_active", allowed="runbooks.late_allowed", phase=incident.phase.value)
    known = incident.changes.get(command.id)
    if known is not None:  # a second one under the same id would hide what became of the first
        raise refuse("open_already", id=command.id)
    need_ids((command.id, *([command.check] if command.check else [])))
    what = need_text(command.what, "note")
    need_known((command.kind,), KINDS, "kind")
    need_known((command.cia,), ("C", "I", "A"), "cia")
    if command.system is not None:
        need_known((command.system,), (item.id for item in context.city.systems), "system")
    ends = command.expires_at or occurred + ENDS_AFTER
    _end(ends, occurred)
    detail: dict[str, Json] = {
        "ids": [command.id],
        "cia": command.cia,
        "kind": command.kind,
        "system": command.system,
        "check": command.check,
        "expires_us": to_us(ends),
    }
    return (entry(incident, "change_opened", command.id, occurred, detail, what=what),)


def _end(ends: datetime, occurred: datetime) -> None:
    if not occurred < ends <= occurred + LONGEST:
        raise refuse("change_end", time=jst(ends), days=LONGEST.days)


def _approve(
    incident: Incident,
    known: Change,
    command: c.ApproveChange,
    occurred: datetime,
    context: Context,
) -> New:
    if known.approved:
        return ()
    alone = context.actor.id == known.by
    if alone and not command.alone.strip():
        raise refuse("change_other", id=known.id)
    detail: dict[str, Json] = {"alone": alone}
    reason = command.alone if alone else ""
    return (entry(incident, "change_approved", known.id, occurred, detail, reason=reason),)


def _countersign(
    incident: Incident,
    known: Change,
    command: c.CountersignChange,
    occurred: datetime,
    context: Context,
) -> New:
    """Also after the reversal: who stood alone for it is not forgotten by taking it back."""
    if known.signed:
        return ()
    if not known.approved:
        raise refuse("change_unapproved", id=known.id)
    if context.actor.id in (known.by, known.approved_by):
        raise refuse("change_countersign_other", id=known.id)
    return (entry(incident, "change_countersigned", known.id, occurred, {}, note=command.note),)
