"""Decides commands about one step: the StepRun machine of the room. Pure.

Two people at one step: the same outcome is a confirmation, another outcome is a `Conflict` that
carries both statements. Undo is always possible, with a reason. Time never fails a step.
"""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from bcp.journal.canonical import Json
from bcp.journal.entry import NewEntry
from bcp.kit.language import text
from bcp.kit.units import to_us
from runbooks import commands as c
from runbooks.context import Conflict, Context, entry, need_text, refuse, when
from runbooks.form import DecisionStep, RunbookStep
from runbooks.progress import Stand, Standing, standing
from runbooks.state import Incident, Phase, Verification

New = tuple[NewEntry, ...]

_MAY: dict[type, frozenset[Stand]] = {
    c.StartStep: frozenset({Stand.READY, Stand.WAITING}),
    c.FinishStep: frozenset({Stand.READY, Stand.RUNNING, Stand.WAITING}),
    c.TakeDecision: frozenset({Stand.READY, Stand.RUNNING, Stand.WAITING}),
    c.FailStep: frozenset({Stand.READY, Stand.RUNNING, Stand.WAITING}),
    c.WaitStep: frozenset({Stand.READY, Stand.RUNNING, Stand.WAITING}),
    c.SkipStep: frozenset({Stand.BLOCKED, Stand.READY, Stand.RUNNING, Stand.WAITING, Stand.FAILED}),
    c.ReopenStep: frozenset(
        {Stand.DONE, Stand.FAILED, Stand.SKIPPED, Stand.RUNNING, Stand.WAITING}
    ),
    c.AttestStep: frozenset({Stand.DONE}),
}
"""Which command is allowed in which state."""

_MAKES: dict[type, Stand] = {
    c.StartStep: Stand.RUNNING,
    c.FinishStep: Stand.DONE,
    c.TakeDecision: Stand.DONE,
    c.FailStep: Stand.FAILED,
    c.SkipStep: Stand.SKIPPED,
}
_SPEAKS_OF_AN_ATTEMPT = frozenset({c.FinishStep, c.TakeDecision, c.AttestStep})
"""Said of a page drawn before an undo, these would bring back what was just undone."""
_ENDED = frozenset({Stand.DONE, Stand.FAILED, Stand.SKIPPED})
_WORDS = {
    c.StartStep: "start",
    c.FinishStep: "finish",
    c.TakeDecision: "decide",
    c.FailStep: "fail",
    c.WaitStep: "wait",
    c.SkipStep: "skip",
    c.ReopenStep: "reopen",
    c.AttestStep: "attest",
}


def allowed(stand: Stand) -> tuple[str, ...]:
    """The commands a page may offer for a step in this state, as words of the catalogue."""
    return tuple(_WORDS[kind] for kind, stands in _MAY.items() if stand in stands)


def decide_step(incident: Incident, command: c.StepCommand, at: datetime, context: Context) -> New:
    """Entries for a command about a step. Raises Refused or Conflict."""
    found = _find(incident, command.step, context)
    if isinstance(command, c.VerifyStep):
        return _verify(incident, command, found, at)
    occurred = when(context, command.occurred_at, at)
    _phase_allows(incident, occurred)
    if same := _agree(incident, command, found, occurred, context):
        return same if same[0] is not None else ()
    _check(command, found)
    if isinstance(command, c.StartStep):
        return _start(incident, found, occurred)
    if isinstance(command, c.FinishStep):
        return _finish(incident, command, found, occurred)
    if isinstance(command, c.FailStep):
        reason = need_text(command.reason)
        return (_entry(incident, found, "step_failed", occurred, reason=reason),)
    if isinstance(command, c.SkipStep):
        return _skip(incident, command, found, occurred, context)
    if isinstance(command, c.WaitStep):
        detail: dict[str, Json] = {"expected_us": to_us(command.until)}
        return (
            _entry(incident, found, "step_waiting", occurred, detail, waits_for=command.waits_for),
        )
    if isinstance(command, c.ReopenStep):
        reason = need_text(command.reason)
        return (_entry(incident, found, "step_reopened", occurred, reason=reason),)
    if isinstance(command, c.AttestStep):
        return _attest(incident, command, found, occurred, context)
    assert_never(command)


def decide_option(
    incident: Incident, command: c.TakeDecision, at: datetime, context: Context
) -> New:
    """決定 of a decision step. Raises Refused or Conflict."""
    assert command.step is not None
    found = _find(incident, command.step, context)
    step = found.step
    if not isinstance(step, DecisionStep):
        raise refuse("not_a_decision", step=step.id)
    occurred = when(context, command.occurred_at, at)
    _phase_allows(incident, occurred)
    if found.stand is Stand.DONE and found.run.option != command.option:
        raise _conflict(found, f"{step.id}: {command.option}")
    if same := _agree(incident, command, found, occurred, context):
        return same if same[0] is not None else ()
    option = step.option(command.option)
    if option is None:
        known = ", ".join(item.id for item in step.options)
        raise refuse("unknown", what="option", id=command.option, known=known)
    _check(command, found)
    if option.approval and not command.approved_by:
        raise refuse("approval_missing", role=found.runbook.role(option.approval))
    detail: dict[str, Json] = {"option": option.id, "approved_by": command.approved_by}
    detail |= _snapshot(found, command.snapshot_at)
    rationale = need_text(command.rationale) if option.approval else command.rationale
    return (_entry(incident, found, "decision_taken", occurred, detail, rationale=rationale),)


# --- shared -------------------------------------------------------------------------------------


def _find(incident: Incident, id: str, context: Context) -> Standing:
    found = standing(incident, context.book, id)
    if found is None:
        raise refuse("unknown_step", step=id)
    return found


def _phase_allows(incident: Incident, occurred: datetime) -> None:
    """Late entries are allowed until the review; new deeds only while the event runs."""
    if incident.preempted_at is not None:
        raise refuse("preempted")
    if incident.active:
        return
    since = incident.phase_since
    if incident.phase is Phase.STOOD_DOWN and since is not None and occurred <= since:
        return
    raise refuse("not_active", allowed="runbooks.late_allowed", phase=incident.phase.value)


def _agree(
    incident: Incident,
    command: c.StepCommand | c.TakeDecision,
    found: Standing,
    occurred: datetime,
    context: Context,
) -> tuple[NewEntry, ...] | tuple[None] | None:
    """The same outcome again: a confirmation by another person, nothing new by the same one."""
    made = _MAKES.get(type(command))
    if made is None or found.stand is not made:
        return None
    run = found.run
    said = run.claimed_by if made is Stand.RUNNING else run.finished_by
    if context.actor.id == said or context.actor.id in run.confirmed_by:
        return (None,)
    detail: dict[str, Json] = {"outcome": made.value}
    return (_entry(incident, found, "step_confirmed", occurred, detail),)


def _check(command: c.StepCommand | c.TakeDecision, found: Standing) -> None:
    """State and version allow it, or a refusal that says what is allowed."""
    kind, stand, run = type(command), found.stand, found.run
    expected = None if isinstance(command, c.VerifyStep) else command.expected_version
    moved = expected is not None and expected != run.version
    paper = isinstance(command, c.FinishStep) and command.paper and stand is Stand.BLOCKED
    strict = kind in (c.FailStep, c.SkipStep, c.ReopenStep)
    if stand not in _MAY[kind] and not paper:
        if stand in _ENDED and kind in _MAKES:
            raise _conflict(found, text(f"runbooks.do_{_WORDS[kind]}").ja)
        raise _not_now(kind, found)
    undone = expected is not None and expected < run.reopened_version
    if (moved and strict) or (undone and kind in _SPEAKS_OF_AN_ATTEMPT):
        raise _conflict(found, text(f"runbooks.do_{_WORDS[kind]}").ja)


def _not_now(kind: type, found: Standing) -> Exception:
    may = [text(f"runbooks.do_{word}") for word in allowed(found.stand)]
    state = text(f"runbooks.stand_{found.stand.value}")
    return refuse(
        "step_state",
        allowed="runbooks.step_allowed" if may else "runbooks.step_nothing",
        step=found.step.id,
        state=state.ja,
        state_en=state.en,
        wanted=text(f"runbooks.do_{_WORDS[kind]}").ja,
        wanted_en=text(f"runbooks.do_{_WORDS[kind]}").en,
        waits=", ".join(found.waits_on) or "-",
        may="・".join(word.ja for word in may),
        may_en=", ".join(word.en for word in may),
    )


def _conflict(found: Standing, wanted: str) -> Conflict:
    run = found.run
    recorded = text(f"runbooks.stand_{found.stand.value}").ja
    if run.reopened_by is not None and run.claimed_by is None and run.finished_by is None:
        again = text("runbooks.do_reopen").ja
        return Conflict(found.step.id, again, run.reopened_by, run.reopened_at, wanted)
    if run.option:
        recorded = f"{recorded} ({run.option})"
    by = run.finished_by or run.claimed_by or "?"
    return Conflict(found.step.id, recorded, by, run.finished_at or run.started_at, wanted)


def _entry(
    incident: Incident,
    found: Standing,
    word: str,
    occurred: datetime,
    more: dict[str, Json] | None = None,
    **texts: str,
) -> NewEntry:
    detail: dict[str, Json] = {
        "runbook": found.runbook.id,
        "attempt": found.run.attempt,
        **(more or {}),
    }
    return entry(incident, word, found.step.id, occurred, detail, **texts)


# --- the commands -------------------------------------------------------------------------------


def _start(incident: Incident, found: Standing, occurred: datetime) -> New:
    made: list[NewEntry] = [_entry(incident, found, "step_started", occurred)]
    step = found.step
    if isinstance(step, RunbookStep) and step.runbook not in incident.runbooks:
        made.append(entry(incident, "runbook_added", step.runbook, occurred, {"by": step.id}))
    return tuple(made)


def _finish(incident: Incident, command: c.FinishStep, found: Standing, occurred: datetime) -> New:
    step = found.step
    if isinstance(step, DecisionStep):
        raise refuse("choose", step=step.id, known=", ".join(option.id for option in step.options))
    proof = step.probe is not None or step.verify_by is not None or step.gate == "verified"
    detail: dict[str, Json] = {"proof": proof}
    if command.paper:
        detail["paper"] = True
    detail |= _snapshot(found, command.snapshot_at)
    made = [_entry(incident, found, "step_done", occurred, detail, note=command.note)]
    known = incident.changes.get(step.id)
    change = step.security_change
    if change is not None and (known is None or known.closed_at is not None):
        more: dict[str, Json] = {
            "ids": [step.id],
            "cia": change.cia,
            "expires_us": to_us(occurred + change.expires),
        }
        made.append(
            entry(incident, "change_opened", step.id, occurred, more, what=change.what or "")
        )
    return tuple(made)


def _snapshot(found: Standing, at: datetime | None) -> dict[str, Json]:
    """What fills the RPO attained: the time of the verified snapshot that is restored."""
    if at is None:
        return {}
    if found.runbook.system is None:
        raise refuse("no_system", step=found.step.id)
    return {"snapshot_us": to_us(at), "system": found.runbook.system}


def _skip(
    incident: Incident, command: c.SkipStep, found: Standing, occurred: datetime, context: Context
) -> New:
    reason = need_text(command.reason)
    if found.step.mandatory and command.approved_by in (None, "", context.actor.id):
        raise refuse("mandatory", step=found.step.id)
    detail: dict[str, Json] = {"approved_by": command.approved_by or None}
    return (_entry(incident, found, "step_skipped", occurred, detail, reason=reason),)


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
        _entry(incident, found, "step_attested", occurred, detail, note=note, reason=command.alone),
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
    return (_entry(incident, found, "step_verified", at, detail),)
