"""Steps for programs and the command line: what the step page can do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from bcp.kit.errors import UsageError
from bcp.kit.language import Text
from bcp.kit.units import to_us
from bcp.plan.types import Id
from bcp.service.access.roles import Permission
from bcp.service.house import House
from bcp.service.operations.operation import Answer, Caller, Operation
from bcp.service.operations.recovering import (
    In,
    actor_of,
    desk_of,
    instant,
    person_of,
    running,
    situation_after,
)
from runbooks import commands as c
from runbooks.desk import Desk
from runbooks.escalation import following
from runbooks.progress import standing
from runbooks.state import Incident

Result = Literal[
    "start", "done", "again", "failed", "skip", "reopen", "wait", "attest", "review", "assign",
    "release", "join", "reached", "unreached", "escalate",
]  # fmt: skip


class StepReport(In):
    """What happened to a step."""

    step: Id
    result: Result
    note: str = ""
    """Note or reason."""
    option: str | None = None
    """Of a decision."""
    until: str | None = None
    """`wait`: what was promised, `2026-11-23T18:00` in JST or with an offset."""
    at: str | None = None
    """When it happened; without it: now."""
    to: str | None = None
    """`assign`, `reached`, `unreached`: login, or id of a person of the plan."""
    together: str | None = None
    """Who did it with me, or read aloud."""
    alone: str = ""
    """Why nobody else was there."""
    answer: str = ""
    """To the challenge."""
    approved_by: str | None = None
    snapshot: str | None = None
    """Time of the snapshot that was restored."""
    version: int | None = None
    """Of the step as it was seen; another one is a conflict (409) where two people say two things."""


class Note(In):
    """A line of the chronology."""

    text: str
    subject: Id | None = None
    """A step, system or service."""


def who(house: House, name: str | None) -> str | None:
    """The pseudonym behind a login, or a person of the plan. Raises UsageError."""
    if name is None:
        return None
    return name if house.city.person(name) is not None else person_of(house, name)


def _command(house: House, incident: Incident, p: StepReport) -> c.Command:
    now = house.clock.utc()
    common: dict[str, Any] = {
        "incident": incident.id,
        "step": p.step,
        "expected_version": p.version,
        "occurred_at": instant(p.at, now) if p.at else None,
    }
    to, consent = who(house, p.to), who(house, p.approved_by)
    snapshot = instant(p.snapshot, now) if p.snapshot else None
    if p.option is not None:
        return c.TakeDecision(
            rationale=p.note, option=p.option, approved_by=consent, snapshot_at=snapshot, **common
        )
    match p.result:
        case "start":
            return c.StartStep(**common)
        case "done" | "again":
            return c.FinishStep(
                note=p.note,
                together=who(house, p.together),
                alone=p.alone,
                answer=p.answer,
                again=p.result == "again",
                approver=consent,
                snapshot_at=snapshot,
                paper=p.at is not None,
                **common,
            )
        case "failed":
            return c.FailStep(reason=p.note, **common)
        case "skip":
            return c.SkipStep(reason=p.note, approved_by=consent, **common)
        case "reopen":
            return c.ReopenStep(reason=p.note, **common)
        case "wait":
            if p.until is None:
                raise UsageError("約束の時刻が要ります / say until when", expected="--until")
            return c.WaitStep(until=instant(p.until, now), waits_for=p.note, **common)
        case "attest":
            return c.AttestStep(note=p.note, alone=p.alone, **common)
        case "review":
            return c.ReviewStep(note=p.note, **common)
        case "assign":
            return c.AssignStep(to=to, **common)
        case "release":
            return c.ReleaseStep(note=p.note, **common)
        case "join":
            return c.JoinStep(**common)
        case "reached" | "unreached":
            if to is None:
                raise UsageError("相手が要ります / say who", expected="--to")
            del common["expected_version"]
            return c.TryToReach(person=to, reached=p.result == "reached", note=p.note, **common)
        case "escalate":
            raise AssertionError  # needs the runbooks: see `step`


async def step(house: House, caller: Caller, parameters: StepReport) -> Answer:
    """Report a step: begun, done, could not, waits, skipped, undone; who has it; a decision."""
    desk = await desk_of(house, parameters.drill)
    incident = running(desk, parameters.incident)
    actor = actor_of(house, caller, parameters.by)
    if parameters.result == "escalate" and parameters.option is None:
        command: c.Command = await _escalation(house, desk, incident, parameters)
    else:
        command = _command(house, incident, parameters)
    await desk.do(command, actor, caller.op)
    answer = await situation_after(house, caller, parameters.drill, parameters.incident)
    return replace(
        answer, data={**answer.data, "step": await _told(desk, incident, parameters.step)}
    )


async def _escalation(
    house: House, desk: Desk, incident: Incident, p: StepReport
) -> c.EscalateStep:
    frozen = await desk.frozen(incident)
    found = standing(incident, frozen.book, p.step)
    if found is None:
        raise UsageError(f"手順 {p.step} はありません / no step {p.step}")
    to = who(house, p.to) or following(incident, frozen.city, found, house.clock.utc())
    if to is None:
        raise UsageError(
            "もう上げる相手がいません / everybody was told", expected="--to LOGIN", got=p.step
        )
    return c.EscalateStep(incident=incident.id, step=p.step, to=to, rank=len(found.run.escalations))


async def _told(desk: Desk, incident: Incident, id: str) -> dict[str, Any] | None:
    """One step after the act, for programs."""
    now = desk.incident(incident.id) or incident
    found = standing(now, (await desk.frozen(now)).book, id)
    if found is None:
        return None
    run = found.run
    return {
        "id": id,
        "state": found.stand.value,
        "verification": run.verification.value,
        "version": run.version,
        "attempt": run.attempt,
        "entry": run.seq,
        "claimed_by": run.claimed_by,
        "with": list(run.helpers),
        "alone": run.alone,
        "expected_us": to_us(run.expected_at) if run.expected_at else None,
        "escalated_to": [one.to for one in run.escalations],
        "review_needed": found.review_needed,
        "waits_on": list(found.waits_on),
    }


async def note(house: House, caller: Caller, parameters: Note) -> Answer:
    """Add a line to the chronology."""
    desk = await desk_of(house, parameters.drill)
    on = running(desk, parameters.incident).id
    command = c.AddNote(incident=on, text=parameters.text, subject=parameters.subject)
    done = await desk.do(command, actor_of(house, caller, parameters.by), caller.op)
    return Answer({"seq": done.entries[0].seq}, ("記録しました / noted",))


def operation(
    verb: str, ja: str, en: str, permission: Permission, parameters: type[Any], do: Any
) -> Operation[Any]:
    """One that writes."""
    return Operation(f"disaster.{verb}", Text(ja, en), permission, parameters, do, True)


OPERATIONS: tuple[Operation[Any], ...] = (
    operation("step", "手順を進める", "a step", Permission.STEP, StepReport, step),
    operation("note", "記録を足す", "a note", Permission.STEP, Note, note),
)
