"""Decides commands about one step: the StepRun machine of the room. Pure.

Two people at one step: the same outcome is a confirmation, another outcome is a `Conflict` that
carries both statements. Undo is always possible, with a reason. Time never fails a step.
"""

from __future__ import annotations

from datetime import datetime

from bcp.journal.canonical import Json
from bcp.kit.units import to_us
from runbooks import commands as c
from runbooks.authority import commands, holds, require
from runbooks.context import Context, need_text, refuse, when
from runbooks.crewdecide import decide_hands
from runbooks.damagedecide import hold_power
from runbooks.finishdecide import finish, snapshot
from runbooks.form import DecisionStep
from runbooks.progress import Stand, Standing
from runbooks.state import Incident, Verification
from runbooks.stepcommon import New, agree, called, check, conflict, find, phase_allows, step_entry


def decide_step(incident: Incident, command: c.StepCommand, at: datetime, context: Context) -> New:
    """Entries for a command about a step. Raises Refused or Conflict."""
    found = find(incident, command.step, context)
    if isinstance(command, c.VerifyStep):
        return _verify(incident, command, found, at)
    occurred = when(context, command.occurred_at, at)
    phase_allows(incident, occurred)
    if same := agree(incident, command, found, occurred, context):
        return same if same[0] is not None else ()
    check(command, found)
    if isinstance(command, c.StartStep):
        hold_power(incident, found, context)
        return _start(incident, found, occurred)
    if isinstance(command, c.FinishStep):
        if command.heard is None:  # what was done before it was typed cannot be held any more
            hold_power(incident, found, context)
        return finish(incident, command, found, occurred, context)
    if isinstance(command, c.FailStep):
        reason = need_text(command.reason)
        return (step_entry(incident, found, "step_failed", occurred, reason=reason),)
    if isinstance(command, c.SkipStep):
        return _skip(incident, command, found, occurred, context)
    if isinstance(command, c.WaitStep):
        detail: dict[str, Json] = {"expected_us": to_us(command.until)}
        return (
            step_entry(
                incident, found, "step_waiting", occurred, detail, waits_for=command.waits_for
            ),
        )
    if isinstance(command, c.ReopenStep):
        reason = need_text(command.reason)
        return (step_entry(incident, found, "step_reopened", occurred, reason=reason),)
    if isinstance(command, c.AttestStep):
        return _attest(incident, command, found, occurred, context)
    if isinstance(command, c.WaiveProof):
        return _waive(incident, command, found, occurred, context)
    if isinstance(command, c.ReviewStep):
        if not found.review_needed:
            return ()
        note = need_text(command.note, "note")
        return (step_entry(incident, found, "step_reviewed", occurred, note=note),)
    if isinstance(command, c.CancelStep):
        reason = need_text(command.reason)
        return (step_entry(incident, found, "step_cancelled", occurred, reason=reason),)
    return decide_hands(incident, command, found, occurred, context)


def decide_option(
    incident: Incident, command: c.TakeDecision, at: datetime, context: Context
) -> New:
    """決定 of a decision step. Raises Refused or Conflict."""
    assert command.step is not None
    found = find(incident, command.step, context)
    step = found.step
    if not isinstance(step, DecisionStep):
        raise refuse("not_a_decision", step=step.id)
    occurred = when(context, command.occurred_at, at)
    phase_allows(incident, occurred)
    if found.stand is Stand.DONE and found.run.option != command.option:
        raise conflict(found, f"{step.id}: {command.option}")
    if same := agree(incident, command, found, occurred, context):
        return same if same[0] is not None else ()
    option = step.option(command.option)
    if option is None:
        known = ", ".join(item.id for item in step.options)
        raise refuse("unknown", what="option", id=command.option, known=known)
    check(command, found)
    detail: dict[str, Json] = {"option": option.id, "approved_by": command.approved_by}
    if option.approval:
        role = found.runbook.role(option.approval)
        if not command.approved_by:
            raise refuse("approval_missing", role=role)
        detail["checked"] = require(incident, context, role, command.approved_by, occurred)
    detail |= snapshot(found, command.snapshot_at)
    rationale = need_text(command.rationale) if option.approval else command.rationale
    return (step_entry(incident, found, "decision_taken", occurred, detail, rationale=rationale),)


# --- the commands -------------------------------------------------------------------------------


def _start(incident: Incident, found: Standing, occurred: datetime) -> New:
    started = step_entry(incident, found, "step_started", occurred)
    return (started, *called(incident, found.step, occurred))


def _skip(
    incident: Incident, command: c.SkipStep, found: Standing, occurred: datetime, context: Context
) -> New:
    reason = need_text(command.reason)
    detail: dict[str, Json] = {"approved_by": command.approved_by or None}
    if found.step.mandatory:
        if command.approved_by in (None, "", context.actor.id):
            raise refuse("mandatory", step=found.step.id)
        detail["checked"] = _higher(incident, command.approved_by or "", occurred, context)
    return (step_entry(incident, found, "step_skipped", occurred, detail, reason=reason),)


def _higher(incident: Incident, who: str, at: datetime, context: Context) -> bool:
    """A mandatory step is skipped with the consent of the command or an authority (R-16)."""
    if not context.holders or commands(context, who):
        return bool(context.holders)
    if any(holds(incident, context, role, who, at) for role in context.city.disaster.authority):
        return True
    raise refuse("not_higher", allowed="runbooks.not_holder_allowed", who=who)


def _waive(
    incident: Incident, command: c.WaiveProof, found: Standing, occurred: datetime, context: Context
) -> New:
    """免除 of the proof; a red probe stays red and stays a contradiction."""
    run = found.run
    if run.verification not in (Verification.PENDING, Verification.FAILED):
        raise refuse("nothing_to_waive", step=found.step.id)
    alone = context.actor.id == run.finished_by
    if alone and not command.alone.strip():
        raise refuse("waive_other", step=found.step.id)
    detail: dict[str, Json] = {"alone": alone}
    texts = {"reason": need_text(command.reason), "alone": command.alone}
    return (step_entry(incident, found, "step_waived", occurred, detail, **texts),)


def _attest(
    incident: Incident, command: c.AttestStep, found: Standing, occurred: datetime, context: Context
) -> New:
    """目視 by another person; the doer alone only with a reason (単独), which stays in the report."""
    if found.run.verification is Verification.FAILED:
        raise refuse("attest_red", allowed="runbooks.attest_red_allowed", step=found.step.id)
    alone = context.actor.id == found.run.finished_by
    if alone and not command.alone.strip():
        raise refuse("attest_other", step=found.step.id)
    note = need_text(command.note, "note")
    detail: dict[str, Json] = {"alone": alone}
    return (
        step_entry(
            incident, found, "step_attested", occurred, detail, note=note, reason=command.alone
        ),
    )


def _verify(incident: Incident, command: c.VerifyStep, found: Standing, at: datetime) -> New:
    """The probe speaks: recorded only when it says something new."""
    said = Verification.PASSED if command.passed else Verification.FAILED
    if not incident.active or found.run.verification is said or found.stand is not Stand.DONE:
        return ()
    detail: dict[str, Json] = {
        "passed": command.passed,
        "check": command.check,
        "since_us": to_us(command.since),
    }
    return (step_entry(incident, found, "step_verified", at, detail),)
