"""Decides what a machine may do for a step: allow-list, confirmation, second person, countersign. Pure.

One person asks (what exactly, with which parameters, the word typed again), a second one confirms.
Where the second cannot be reached, one may act alone with a reason (単独実施), and somebody else
countersigns before stand-down; what the list calls destructive is never done by one person alone.
In a drill only what the list or the step names for drills runs. What was confirmed is the line of
the list as it stood then (its digest): a changed line must be confirmed anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from bcp.journal.canonical import Json
from bcp.plan.automation import Automation
from runbooks import commands as c
from runbooks.authority import require
from runbooks.context import Context, entry, need_text, refuse, when
from runbooks.form import CommandStep
from runbooks.progress import Stand, Standing
from runbooks.state import Incident
from runbooks.stepcommon import New, conflict, find, phase_allows
from runbooks.worked import RUN_OPEN, AutoRun, RunState

_STARTABLE = frozenset({Stand.READY, Stand.RUNNING, Stand.WAITING})
_RESULTS = frozenset(
    {
        RunState.OK,
        RunState.FAILED,
        RunState.TIMED_OUT,
        RunState.SIMULATED,
        RunState.NOT_STARTED,
        RunState.UNKNOWN,
    }
)


def decide_run(incident: Incident, command: c.RunCommand, at: datetime, context: Context) -> New:
    """Entries for automation and photos. Raises Refused."""
    occurred = when(context, command.occurred_at, at)
    if isinstance(command, c.AddPhoto):
        return _photo(incident, command, occurred)
    if isinstance(command, c.ErasePhoto):
        return _erase(incident, command, occurred)
    if isinstance(command, c.RequestRun):
        phase_allows(incident, occurred)
        return _request(incident, command, occurred, context)
    run = incident.automations.get(command.run)
    if run is None:
        known = ", ".join(incident.automations) or "-"
        raise refuse("unknown", what="run", id=command.run, known=known)
    detail: dict[str, Json] = {"run": run.id}
    if isinstance(command, c.EndRun):
        return _end(incident, command, run, at)
    if isinstance(command, c.CountersignRun):
        if context.actor.id == run.requested_by:
            raise refuse("countersign_other", run=run.id)
        if not run.owes_countersign:
            return ()
        note = need_text(command.note, "note")
        return (entry(incident, "run_countersigned", run.step, occurred, detail, note=note),)
    phase_allows(incident, occurred)
    if isinstance(command, c.ConfirmRun):
        if run.state is RunState.CONFIRMED and run.confirmed_by == context.actor.id:
            return ()
        _in(run, RunState.REQUESTED)
        if context.actor.id == run.requested_by:
            raise refuse("second_other", allowed="runbooks.second_allowed", run=run.id)
        _second(incident, run, context, occurred)
        _same_line(run, context)
        return (entry(incident, "run_confirmed", run.step, occurred, detail),)
    if isinstance(command, c.WithdrawRun):
        _in(run, RunState.REQUESTED, RunState.CONFIRMED)
        return (
            entry(incident, "run_withdrawn", run.step, occurred, detail, reason=command.reason),
        )
    if isinstance(command, c.BeginRun):
        _in(run, RunState.CONFIRMED)
        _same_line(run, context)
        return (entry(incident, "run_started", run.step, occurred, detail),)
    assert_never(command)


def _second(incident: Incident, run: AutoRun, context: Context, now: datetime) -> None:
    """The one who confirms holds the role the step names, where anybody is known to hold it."""
    found = find(incident, run.step, context)
    confirm = found.step.confirm if isinstance(found.step, CommandStep) else None
    if confirm is not None and confirm.second is not None:
        role = found.runbook.role(confirm.second)
        require(incident, context, role, context.actor.id, now)


@dataclass(frozen=True, slots=True)
class Offer:
    """`line`: what the step names; `act`: what really runs here (None: refused in a drill)."""

    line: Automation
    act: Automation | None
    simulated: bool = False


def offered(found: Standing, stage: str, allowed: tuple[Automation, ...]) -> Offer | None:
    """What the list offers for a step in this stage; None where no machine does anything."""
    step = found.step
    if not isinstance(step, CommandStep) or step.run is None:
        return None
    lines = {line.id: line for line in allowed}
    line = lines.get(step.run)
    if line is None:
        return None
    if stage == "real":
        return Offer(line, line)
    drill = step.drill
    name = (drill.run if drill else None) or (line.drill.run if line.drill else None)
    if name is not None:
        return Offer(line, lines[name]) if name in lines else None
    if (drill is not None and drill.simulate) or (line.drill is not None and line.drill.simulate):
        return Offer(line, line, simulated=True)
    return Offer(line, None)


def word_of(found: Standing, act: Automation) -> str | None:
    """The word to type again: of the step, else of the list, else the system of what is final."""
    step = found.step
    confirm = step.confirm if isinstance(step, CommandStep) else None
    final = act.destructive or not act.reversible
    return (
        (confirm.retype if confirm else None)
        or act.retype
        or ((found.runbook.system or step.id) if final else None)
    )


def wants_second(found: Standing, act: Automation) -> bool:
    """Whether a second person is asked for."""
    step = found.step
    confirm = step.confirm if isinstance(step, CommandStep) else None
    return act.destructive or act.second_person or bool(confirm and confirm.second)


def _request(
    incident: Incident, command: c.RequestRun, occurred: datetime, context: Context
) -> New:
    found = find(incident, command.step, context)
    if found.stand not in _STARTABLE:
        raise refuse("run_not_now", step=command.step)
    seen = command.expected_version
    if seen is not None and seen < found.run.reopened_version:
        raise conflict(found, command.step)
    offer = offered(found, context.stage, context.allowed)
    if offer is None:
        raise refuse("run_not_listed", allowed="runbooks.run_by_hand", step=command.step)
    act = offer.act
    if act is None:
        raise refuse("run_no_drill", allowed="runbooks.run_by_hand", run=offer.line.id)
    if any(run.step == command.step and run.state in RUN_OPEN for run in _runs(incident)):
        raise refuse("run_open", allowed="runbooks.run_open_allowed", step=command.step)
    system = found.runbook.system
    if act.systems and system not in act.systems:
        raise refuse("run_other_system", run=act.id, systems=", ".join(act.systems))
    if wrong := act.unfit(command.parameters):
        raise refuse("run_parameters", wrong=", ".join(wrong))
    word = word_of(found, act)
    if word and command.retype.strip() != word and not offer.simulated:
        raise refuse("run_retype", word=word)
    confirm = found.step.confirm if isinstance(found.step, CommandStep) else None
    if confirm is not None:
        by = found.runbook.role(confirm.by)
        require(incident, context, by, context.actor.id, occurred)
    alone = bool(command.alone.strip())
    needs = wants_second(found, act) and not offer.simulated
    if alone and needs and act.destructive:
        raise refuse("run_never_alone", allowed="runbooks.second_allowed", run=act.id)
    number = 1 + len(incident.automations)
    parameters: dict[str, Json] = {**command.parameters}
    detail: dict[str, Json] = {
        "run": f"A{number}",
        "of": found.runbook.id,
        "action": act.id,
        "definition": act.digest,
        "parameters": parameters,
        "confirmed": not needs or alone,
        "alone": needs and alone,
        "simulated": offer.simulated,
    }
    asked = entry(incident, "run_requested", command.step, occurred, detail, alone=command.alone)
    if not offer.simulated:
        return (asked,)
    done: dict[str, Json] = {
        "run": f"A{number}",
        "state": RunState.SIMULATED.value,
        "exit": None,
        "seconds": 0,
    }
    return asked, entry(incident, "run_ended", command.step, occurred, done)


def _end(incident: Incident, command: c.EndRun, run: AutoRun, at: datetime) -> New:
    """What came of it: recorded whatever has become of the event since."""
    if run.state not in (RunState.CONFIRMED, RunState.RUNNING):
        return ()
    if command.state not in _RESULTS:
        raise refuse("run_state", state=command.state.value)
    detail: dict[str, Json] = {
        "run": run.id,
        "state": command.state.value,
        "exit": command.exit,
        "seconds": command.seconds,
    }
    return (entry(incident, "run_ended", run.step, at, detail, output=command.output),)


def _in(run: AutoRun, *states: RunState) -> None:
    if run.state not in states:
        raise refuse("run_state", state=run.state.value)


def _same_line(run: AutoRun, context: Context) -> None:
    line = next((one for one in context.allowed if one.id == run.action), None)
    if line is None or line.digest != run.definition:
        raise refuse("run_changed", allowed="runbooks.run_changed_allowed", run=run.action)


def _runs(incident: Incident) -> tuple[AutoRun, ...]:
    return tuple(incident.automations.values())


def _erase(incident: Incident, command: c.ErasePhoto, occurred: datetime) -> New:
    """The tombstone; the picture itself is erased after it is durable."""
    kept = [one for one in incident.attachments if one.digest == command.digest]
    if not kept:
        raise refuse("unknown", what="photo", id=command.digest[:16], known=str(len(kept)))
    reason = need_text(command.reason)
    if kept[0].erased_at is not None:
        return ()
    detail: dict[str, Json] = {"digest": command.digest}
    return (entry(incident, "photo_erased", kept[0].subject, occurred, detail, reason=reason),)


def _photo(incident: Incident, command: c.AddPhoto, occurred: datetime) -> New:
    """Always possible, like a note; the digest names what the evidence store keeps."""
    if any(one.digest == command.digest and one.erased_at for one in incident.attachments):
        raise refuse("photo_erased")
    if any(
        one.digest == command.digest and one.subject == command.subject
        for one in incident.attachments
    ):
        return ()
    detail: dict[str, Json] = {
        "digest": command.digest,
        "kind": command.kind,
        "bytes": command.size,
        "stripped": command.stripped,
    }
    made = entry(incident, "photo_added", command.subject, occurred, detail, note=command.caption)
    return (replace(made, evidence=(command.digest,)),)
