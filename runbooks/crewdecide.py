"""Decides who does what: claims, help, release, escalation, shifts, attempts to reach. Pure.

Time never fails a step: what is overdue is brought to the next of the succession, as an entry.
"""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from bcp.journal.canonical import Json
from bcp.kit.units import to_us
from runbooks import commands as c
from runbooks.authority import role_id
from runbooks.context import Context, entry, refuse, when
from runbooks.progress import Stand, Standing
from runbooks.state import Incident
from runbooks.stepcommon import New, phase_allows, step_entry

HandsCommand = c.AssignStep | c.ReleaseStep | c.JoinStep | c.EscalateStep


def decide_hands(
    incident: Incident, command: HandsCommand, found: Standing, occurred: datetime, context: Context
) -> New:
    """Entries for who has a step in hand; state and version were checked before."""
    run, me = found.run, context.actor.id
    if isinstance(command, c.AssignStep):
        to = command.to or me
        if run.claimed_by == to:
            return ()
        detail: dict[str, Json] = {"to": to, "from": run.claimed_by}
        return (step_entry(incident, found, "step_assigned", occurred, detail),)
    if isinstance(command, c.ReleaseStep):
        if run.claimed_by is None and found.stand in (Stand.READY, Stand.BLOCKED):
            return ()
        detail = {"from": run.claimed_by}
        return (step_entry(incident, found, "step_released", occurred, detail, note=command.note),)
    if isinstance(command, c.JoinStep):
        if me == run.claimed_by or me in run.helpers:
            return ()
        return (step_entry(incident, found, "step_joined", occurred),)
    if isinstance(command, c.EscalateStep):
        if any(one.rank >= command.rank for one in run.escalations):
            return ()
        detail = {"to": command.to, "rank": command.rank, "from": run.claimed_by}
        detail |= {"idle": True} if command.idle else {}
        return (step_entry(incident, found, "step_escalated", occurred, detail),)
    assert_never(command)


def decide_crew(incident: Incident, command: c.CrewCommand, at: datetime, context: Context) -> New:
    """Entries for shifts and attempts to reach. Raises Refused."""
    occurred = when(context, command.occurred_at, at)
    phase_allows(incident, occurred)
    if isinstance(command, c.TryToReach):
        _known(context, command.person)
        detail: dict[str, Json] = {"reached": command.reached, "step": command.step}
        return (
            entry(incident, "contact_tried", command.person, occurred, detail, note=command.note),
        )
    role = role_id(context, command.role)
    if role is None:
        known = ", ".join(item.id for item in context.city.roles)
        raise refuse("unknown", what="role", id=command.role, known=known)
    _known(context, command.person)
    if isinstance(command, c.FillRole):
        since = command.since or occurred
        if command.until is not None and command.until <= since:
            raise refuse("shift_backwards")
        detail = {
            "person": command.person,
            "from_us": to_us(since),
            "until_us": to_us(command.until) if command.until else None,
        }
        return (entry(incident, "role_filled", role, occurred, detail, note=command.note),)
    if isinstance(command, c.LeaveRole):
        if not any(
            duty.role == role and duty.person == command.person and duty.holds(occurred)
            for duty in incident.duties
        ):
            return ()
        detail = {"person": command.person}
        return (entry(incident, "role_left", role, occurred, detail, note=command.note),)
    assert_never(command)


def _known(context: Context, person: str) -> None:
    """An account, a person of the plan, or (where accounts are not known) any pseudonym."""
    ids = {one.id for one in context.city.people}
    if context.holders and person not in context.holders and person not in ids:
        raise refuse("unknown", what="person", id=person, known=", ".join(sorted(ids)[:20]))
