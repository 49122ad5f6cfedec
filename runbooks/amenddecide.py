"""Decides 差し込み: what may be changed of the runbooks while the event runs. Pure.

Only what nobody has begun is changed; a circle is refused; the reason is asked each time. The plan
frozen at the declaration stays as it is: an amendment is an entry, and a seam for improvement.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import assert_never

from pydantic import ValidationError

from bcp.journal.canonical import Json
from bcp.kit.units import from_us
from runbooks import commands as c
from runbooks.amended import TYPES, amended
from runbooks.context import Context, entry, need_text, refuse, when
from runbooks.form import Runbook
from runbooks.progress import Stand
from runbooks.state import Incident
from runbooks.stepcommon import New, find, phase_allows
from runbooks.worked import Amendment, NewStep

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
MOST = 500
"""Amendments of one event: past that it is another plan."""


def decide_amend(
    incident: Incident, command: c.AmendCommand, at: datetime, context: Context
) -> New:
    """Entries that change the runbooks of this event. Raises Refused."""
    occurred = when(context, command.occurred_at, at)
    phase_allows(incident, occurred)
    reason = need_text(command.reason)
    if isinstance(command, c.AbandonRunbook | c.ResumeRunbook):
        return _whole(incident, command, occurred, context, reason)
    if len(incident.amendments) >= MOST:
        raise refuse("too_many_amendments", most=MOST)
    words: dict[str, str] = {}
    spliced: New = ()
    if isinstance(command, c.AddStep):
        runbook = _running(incident, command.runbook, context)
        if command.type not in TYPES:
            raise refuse("unknown", what="type", id=command.type, known=", ".join(TYPES))
        _new_id(command.step, context)
        if command.type == "approval" and not command.role:
            raise refuse("approval_role")
        words = _words(command) | {"title": need_text(command.title, "note")}
        op, new = "add", _shape(command.step, command.type, command)
        people = min(max(command.people, 1), 50)
        new = NewStep(new.id, new.type, command.role, new.after, new.before, None, people)
    elif isinstance(command, c.SpliceRunbook):
        runbook = _running(incident, command.into, context)
        other = context.book.get(command.runbook)
        if other is None or other.id == runbook.id:
            known = ", ".join(book.id for book in context.book)
            raise refuse("unknown", what="runbook", id=command.runbook, known=known)
        _new_id(command.step, context)
        words = {"title": other.title}
        op, new = "splice", _shape(command.step, "runbook", command, other.id)
        if other.id not in incident.runbooks:
            by: dict[str, Json] = {"by": command.step}
            spliced = (entry(incident, "runbook_added", other.id, occurred, by),)
    else:
        found = find(incident, command.step, context)
        if found.stand not in (Stand.BLOCKED, Stand.READY, Stand.NOT_APPLICABLE):
            raise refuse("amend_begun", allowed="runbooks.amend_begun_allowed", step=command.step)
        runbook = found.runbook
        if isinstance(command, c.ReplaceStep):
            words = _words(command) | ({"title": command.title} if command.title.strip() else {})
            if not words and not command.role:
                raise refuse("amend_nothing")
            op, new = "replace", NewStep(command.step, found.step.type, command.role)
        elif isinstance(command, c.MoveStep):
            if not command.after and not command.before:
                raise refuse("amend_where")
            op, new = "move", _shape(command.step, found.step.type, command)
        else:
            assert_never(command)
    _check(incident, op, runbook, new, context)
    detail: dict[str, Json] = {
        "op": op,
        "runbook": runbook.id,
        "type": new.type,
        "role": new.role,
        "after": new.after,
        "before": new.before,
        "spliced": new.runbook,
        "people": new.people,
    }
    words["reason"] = reason
    return (entry(incident, "amended", new.id, occurred, detail, **words), *spliced)


def _whole(
    incident: Incident,
    command: c.AbandonRunbook | c.ResumeRunbook,
    occurred: datetime,
    context: Context,
    reason: str,
) -> New:
    runbook = _running(incident, command.runbook, context)
    gone = runbook.id in incident.abandoned
    if isinstance(command, c.ResumeRunbook):
        if not gone:
            return ()
        return (entry(incident, "runbook_resumed", runbook.id, occurred, {}, reason=reason),)
    if gone:
        return ()
    detail: dict[str, Json] = {"instead": command.instead}
    made = [entry(incident, "runbook_abandoned", runbook.id, occurred, detail, reason=reason)]
    if command.instead:
        if context.book.get(command.instead) is None or command.instead == runbook.id:
            known = ", ".join(book.id for book in context.book)
            raise refuse("unknown", what="runbook", id=command.instead, known=known)
        if command.instead not in incident.runbooks:
            by: dict[str, Json] = {"by": runbook.id}
            made.append(entry(incident, "runbook_added", command.instead, occurred, by))
    return tuple(made)


def _running(incident: Incident, id: str, context: Context) -> Runbook:
    found = context.book.get(id) if id in incident.runbooks else None
    if found is None:
        raise refuse("unknown", what="runbook", id=id, known=", ".join(incident.runbooks[:20]))
    return found


def _new_id(id: str, context: Context) -> None:
    if _ID.fullmatch(id) is None:
        raise refuse("id_only", id=id)
    if context.book.step(id) is not None:
        raise refuse("step_known", step=id)


def _shape(
    id: str, type: str, at: c.AddStep | c.SpliceRunbook | c.MoveStep, runbook: str | None = None
) -> NewStep:
    return NewStep(id, type, None, at.after or None, at.before or None, runbook)


def _words(command: c.AddStep | c.ReplaceStep) -> dict[str, str]:
    given = {"how": command.how, "expect": command.expect, "safety": command.safety}
    return {name: value.strip()[:2000] for name, value in given.items() if value.strip()}


def _check(incident: Incident, op: str, runbook: Runbook, new: NewStep, context: Context) -> None:
    """The places exist, what must wait for it has not begun, and nothing goes in a circle."""
    for place in (new.after, new.before):
        if place is not None:
            find(incident, place, context)
    if new.before is not None:
        waiting = find(incident, new.before, context)
        if waiting.runbook.id != runbook.id:
            raise refuse("amend_elsewhere", step=new.before, runbook=runbook.id)
        if waiting.stand not in (Stand.BLOCKED, Stand.READY, Stand.NOT_APPLICABLE):
            raise refuse("amend_begun", allowed="runbooks.amend_begun_allowed", step=new.before)
    trial = Amendment(op, runbook.id, new, -1, from_us(0), "-")
    book = context.book.original or context.book
    try:
        after = amended(book, _Trial((*incident.amendments, trial)))
    except ValidationError as error:
        raise refuse("amend_unfit", step=new.id) from error
    if after.cyclic and not context.book.cyclic:
        raise refuse("amend_circle", step=new.id, after=new.after or "-", before=new.before or "-")


class _Trial:
    """What the book would look like."""

    def __init__(self, amendments: tuple[Amendment, ...]) -> None:
        self.amendments = amendments
