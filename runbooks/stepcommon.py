"""What every command about a step shares: which state allows it, versions, conflicts, its entry. Pure.

Two people at one step: the same outcome is a confirmation, another outcome is a `Conflict` that
carries both statements.
"""

from __future__ import annotations

from datetime import datetime

from bcp.journal.canonical import Json
from bcp.journal.entry import NewEntry
from bcp.kit.language import text
from runbooks import commands as c
from runbooks.context import Conflict, Context, entry, refuse
from runbooks.form import RunbookStep, Step
from runbooks.progress import Stand, Standing, standing
from runbooks.state import Did, Incident, Phase

New = tuple[NewEntry, ...]

MAY: dict[type, frozenset[Stand]] = {
    c.StartStep: frozenset({Stand.READY, Stand.WAITING}),
    c.FinishStep: frozenset({Stand.READY, Stand.RUNNING, Stand.WAITING}),
    c.TakeDecision: frozenset({Stand.READY, Stand.RUNNING, Stand.WAITING}),
    c.FailStep: frozenset({Stand.READY, Stand.RUNNING, Stand.WAITING}),
    c.WaitStep: frozenset({Stand.READY, Stand.RUNNING, Stand.WAITING}),
    c.SkipStep: frozenset({Stand.BLOCKED, Stand.READY, Stand.RUNNING, Stand.WAITING, Stand.FAILED}),
    c.ReopenStep: frozenset(
        {
            Stand.DONE,
            Stand.FAILED,
            Stand.SKIPPED,
            Stand.RUNNING,
            Stand.WAITING,
            Stand.CANCELLED,
        }
    ),
    c.AttestStep: frozenset({Stand.DONE}),
}
"""Which command is allowed in which state; these a refusal names."""

_OPEN = frozenset({Stand.BLOCKED, Stand.READY, Stand.RUNNING, Stand.WAITING})
ALSO: dict[type, frozenset[Stand]] = {
    c.AssignStep: _OPEN,
    c.ReleaseStep: frozenset({Stand.BLOCKED, Stand.READY, Stand.RUNNING, Stand.WAITING}),
    c.JoinStep: frozenset({Stand.READY, Stand.RUNNING, Stand.WAITING}),
    c.EscalateStep: frozenset({Stand.READY, Stand.RUNNING, Stand.WAITING}),
    c.WaiveProof: frozenset({Stand.DONE}),
    c.ReviewStep: frozenset(
        {Stand.RUNNING, Stand.WAITING, Stand.DONE, Stand.FAILED, Stand.SKIPPED}
    ),
    c.CancelStep: _OPEN | {Stand.FAILED},
}
"""The others: around the step rather than of it."""

MAKES: dict[type, Stand] = {
    c.StartStep: Stand.RUNNING,
    c.FinishStep: Stand.DONE,
    c.TakeDecision: Stand.DONE,
    c.FailStep: Stand.FAILED,
    c.SkipStep: Stand.SKIPPED,
}
_SPEAKS_OF_AN_ATTEMPT = frozenset({c.FinishStep, c.TakeDecision, c.AttestStep})
"""Said of a page drawn before an undo, these would bring back what was just undone."""
_ENDED = frozenset({Stand.DONE, Stand.FAILED, Stand.SKIPPED})
WORDS = {
    c.StartStep: "start",
    c.FinishStep: "finish",
    c.TakeDecision: "decide",
    c.FailStep: "fail",
    c.WaitStep: "wait",
    c.SkipStep: "skip",
    c.ReopenStep: "reopen",
    c.AttestStep: "attest",
    c.AssignStep: "assign",
    c.ReleaseStep: "release",
    c.JoinStep: "join",
    c.EscalateStep: "escalate",
    c.WaiveProof: "waive",
    c.ReviewStep: "review",
    c.CancelStep: "cancel",
}


def allowed(stand: Stand) -> tuple[str, ...]:
    """The commands a page may offer for a step in this state, as words of the catalogue."""
    return tuple(WORDS[kind] for kind, stands in MAY.items() if stand in stands)


def around(stand: Stand) -> tuple[str, ...]:
    """What else may be done about it: who does it, its proof, its place in the event."""
    return tuple(WORDS[kind] for kind, stands in ALSO.items() if stand in stands)


def find(incident: Incident, id: str, context: Context) -> Standing:
    """The step as it stands. Raises Refused for one that no runbook of the event has."""
    found = standing(incident, context.book, id)
    if found is None:
        raise refuse("unknown_step", step=id)
    return found


def phase_allows(incident: Incident, occurred: datetime) -> None:
    """Late entries are allowed until the review; new deeds only while the event runs."""
    if incident.preempted_at is not None:
        raise refuse("preempted")
    if incident.active:
        return
    since = incident.phase_since
    if incident.phase is Phase.STOOD_DOWN and since is not None and occurred <= since:
        return
    raise refuse("not_active", allowed="runbooks.late_allowed", phase=incident.phase.value)


def agree(
    incident: Incident,
    command: c.StepCommand | c.TakeDecision,
    found: Standing,
    occurred: datetime,
    context: Context,
) -> tuple[NewEntry, ...] | tuple[None] | None:
    """The same outcome again: a confirmation by another person, nothing new by the same one."""
    made = MAKES.get(type(command))
    if made is None or found.stand is not made:
        return None
    run = found.run
    said = run.claimed_by if made is Stand.RUNNING else run.finished_by
    if context.actor.id == said or context.actor.id in run.confirmed_by:
        return (None,)
    detail: dict[str, Json] = {"outcome": made.value}
    return (step_entry(incident, found, "step_confirmed", occurred, detail),)


def check(command: c.StepCommand | c.TakeDecision, found: Standing) -> None:
    """State and version allow it, or a refusal that says what is allowed."""
    kind, stand, run = type(command), found.stand, found.run
    expected = None if isinstance(command, c.VerifyStep) else command.expected_version
    moved = expected is not None and expected != run.version
    paper = isinstance(command, c.FinishStep) and command.paper and stand is Stand.BLOCKED
    strict = kind in (c.FailStep, c.SkipStep, c.ReopenStep, c.CancelStep)
    undo = kind is c.ReopenStep and stand is Stand.CANCELLED and run.did is not Did.CANCELLED
    if undo or (stand not in (MAY.get(kind) or ALSO[kind]) and not paper):
        if stand in _ENDED and kind in MAKES:
            raise conflict(found, text(f"runbooks.do_{WORDS[kind]}").ja)
        raise _not_now(kind, found)
    undone = expected is not None and expected < run.reopened_version
    if (moved and strict) or (undone and kind in _SPEAKS_OF_AN_ATTEMPT):
        raise conflict(found, text(f"runbooks.do_{WORDS[kind]}").ja)


def _not_now(kind: type, found: Standing) -> Exception:
    may = [text(f"runbooks.do_{word}") for word in allowed(found.stand)]
    state = text(f"runbooks.stand_{found.stand.value}")
    return refuse(
        "step_state",
        allowed="runbooks.step_allowed" if may else "runbooks.step_nothing",
        step=found.step.id,
        state=state.ja,
        state_en=state.en,
        wanted=text(f"runbooks.do_{WORDS[kind]}").ja,
        wanted_en=text(f"runbooks.do_{WORDS[kind]}").en,
        waits=", ".join(found.waits_on) or "-",
        may="・".join(word.ja for word in may),
        may_en=", ".join(word.en for word in may),
    )


def conflict(found: Standing, wanted: str) -> Conflict:
    """Both statements, for the one who came second."""
    run = found.run
    recorded = text(f"runbooks.stand_{found.stand.value}").ja
    if run.reopened_by is not None and run.claimed_by is None and run.finished_by is None:
        again = text("runbooks.do_reopen").ja
        return Conflict(found.step.id, again, run.reopened_by, run.reopened_at, wanted)
    if run.option:
        recorded = f"{recorded} ({run.option})"
    by = run.finished_by or run.claimed_by or "?"
    return Conflict(found.step.id, recorded, by, run.finished_at or run.started_at, wanted)


def step_entry(
    incident: Incident,
    found: Standing,
    word: str,
    occurred: datetime,
    more: dict[str, Json] | None = None,
    **texts: str,
) -> NewEntry:
    """An entry about a step: of which runbook and which attempt."""
    detail: dict[str, Json] = {
        "runbook": found.runbook.id,
        "attempt": found.run.attempt,
        **(more or {}),
    }
    return entry(incident, word, found.step.id, occurred, detail, **texts)


def called(incident: Incident, step: Step, occurred: datetime) -> New:
    """The runbook a step calls joins the event, whether the step was begun first or ticked at once."""
    if isinstance(step, RunbookStep) and step.runbook not in incident.runbooks:
        return (entry(incident, "runbook_added", step.runbook, occurred, {"by": step.id}),)
    return ()
