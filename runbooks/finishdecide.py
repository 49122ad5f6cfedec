"""Decides 完了 of a step: two people, challenge and answer, approvals, loops. Pure.

What a second person is asked for can always be done alone with a reason, which stays in the report.
Paper (後入力) tells what happened long ago: nothing is asked of it any more.
"""

from __future__ import annotations

import unicodedata
from datetime import datetime

from bcp.journal.canonical import Json
from bcp.journal.entry import NewEntry
from bcp.kit.language import text
from bcp.kit.units import to_us
from runbooks import commands as c
from runbooks.authority import require
from runbooks.context import Context, entry, refuse
from runbooks.form import ApprovalStep, DecisionStep, Step
from runbooks.form_parts import Challenge
from runbooks.progress import Standing
from runbooks.state import Incident
from runbooks.stepcommon import New, called, step_entry
from runbooks.worked import RUN_OPEN

ROUNDS = 99
"""A loop without `max_attempts`."""


def challenge_of(step: Step) -> Challenge | None:
    """What is asked and answered; a step that names nothing asks whether it is as expected."""
    if step.mode != "challenge-response":
        return None
    if step.challenge is not None:
        return step.challenge
    same, other = text("runbooks.challenge_same").ja, text("runbooks.challenge_other").ja
    ask = (step.expect or step.title)[:200]
    return Challenge(ask=ask, answer=same, choices=(same, other))


def finish(
    incident: Incident, command: c.FinishStep, found: Standing, occurred: datetime, context: Context
) -> New:
    """Entries for a finished step. Raises Refused."""
    step = found.step
    if isinstance(step, DecisionStep):
        raise refuse("choose", step=step.id, known=", ".join(option.id for option in step.options))
    detail: dict[str, Json] = {
        "proof": step.probe is not None or step.verify_by is not None or step.gate == "verified"
    }
    if command.paper:
        detail["paper"] = True
    else:
        if any(r.step == step.id and r.state in RUN_OPEN for r in incident.automations.values()):
            raise refuse("run_open", allowed="runbooks.run_open_allowed", step=step.id)
        detail |= _together(command, found, context)
        detail |= _answered(command, step)
        detail |= _approved(incident, command, found, occurred, context)
    if command.again:
        detail |= _again(found)
    detail |= snapshot(found, command.snapshot_at)
    words = {"note": command.note, "alone": command.alone, "answer": command.answer}
    made = [step_entry(incident, found, "step_done", occurred, detail, **words)]
    return (*made, *called(incident, step, occurred), *_change(incident, step, occurred))


def _together(command: c.FinishStep, found: Standing, context: Context) -> dict[str, Json]:
    """Enough people, or a reason why not."""
    step, run, me = found.step, found.run, context.actor.id
    wanted = max(step.people, 2 if step.mode == "challenge-response" else 1)
    if wanted == 1:
        return {}
    there = {me, *run.helpers} | ({command.together} if command.together else set())
    if run.claimed_by and run.started_at:
        there.add(run.claimed_by)
    others: list[Json] = [*sorted(there - {me})]
    if len(there) >= wanted:
        return {"with": others}
    if not command.alone.strip():
        raise refuse(
            "needs_people",
            allowed="runbooks.needs_people_allowed",
            step=step.id,
            wanted=wanted,
            there=len(there),
        )
    return {"with": others, "alone": True}


def _answered(command: c.FinishStep, step: Step) -> dict[str, Json]:
    asked = challenge_of(step)
    if asked is None:
        return {}
    given = _plain(command.answer)
    if not given:
        raise refuse("answer_missing", step=step.id, ask=asked.ask)
    if asked.answer is not None and given != _plain(asked.answer):
        raise refuse("answer_wrong", allowed="runbooks.answer_wrong_allowed", step=step.id)
    return {"answered": True}


def _plain(word: str) -> str:
    """Full-width and half-width, blanks and case make no difference to what was seen."""
    return "".join(unicodedata.normalize("NFKC", word).casefold().split())


def _approved(
    incident: Incident, command: c.FinishStep, found: Standing, occurred: datetime, context: Context
) -> dict[str, Json]:
    step = found.step
    if not isinstance(step, ApprovalStep):
        return {}
    who = command.approver or context.actor.id
    name = found.runbook.role(step.approver)
    return {"approved_by": who, "checked": require(incident, context, name, who, occurred)}


def _again(found: Standing) -> dict[str, Json]:
    step, most = found.step, found.step.max_attempts or ROUNDS
    if step.repeat is None:
        raise refuse("no_loop", step=step.id)
    if found.run.attempt >= most:
        raise refuse("no_more_rounds", allowed="runbooks.no_more_rounds_allowed", most=most)
    return {"again": True}


def snapshot(found: Standing, at: datetime | None) -> dict[str, Json]:
    """What fills the RPO attained: the time of the verified snapshot that is restored."""
    if at is None:
        return {}
    if found.runbook.system is None:
        raise refuse("no_system", step=found.step.id)
    return {"snapshot_us": to_us(at), "system": found.runbook.system}


def _change(incident: Incident, step: Step, occurred: datetime) -> tuple[NewEntry, ...]:
    """A step that weakens security opens an emergency change, unless one is open already."""
    known, change = incident.changes.get(step.id), step.security_change
    if change is None or (known is not None and known.closed_at is None):
        return ()
    more: dict[str, Json] = {
        "ids": [step.id],
        "step": step.id,
        "cia": change.cia,
        "expires_us": to_us(occurred + change.expires),
    }
    return (entry(incident, "change_opened", step.id, occurred, more, what=change.what or ""),)
