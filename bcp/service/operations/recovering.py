"""A declared disaster for programs and the command line: everything the pages can do."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from bcp.journal.entry import Actor
from bcp.kit.errors import Refused, UsageError
from bcp.kit.language import Text
from bcp.kit.units import JST
from bcp.plan.loader import unknown
from bcp.plan.types import Id, Model
from bcp.service.access.roles import Permission
from bcp.service.control import CONSOLE
from bcp.service.house import House
from bcp.service.operations.operation import Answer, Caller, Operation, Verdict
from bcp.service.operations.telling import facts_of, lines_of, verdict
from runbooks import commands as c
from runbooks.desk import Desk
from runbooks.report import Report, build
from runbooks.state import Incident, Phase


class In(Model):
    """Within a drill, or (without) the real thing."""

    drill: Id | None = None
    by: str | None = None
    """Login of the person who acts, from a terminal only; without it the caller is the actor."""
    incident: str | None = None
    """An event by its id; the most urgent one without."""


class Declaration(In):
    """発動."""

    level: int = 3
    reason: str
    onset: str | None = None
    """Time zero, `2026-11-23T10:02` in JST or with an offset; without it: now."""
    nature: Literal["disaster", "failure", "cyber"] = "disaster"
    capacity: Literal["principal", "deputy", "on_site"] = "on_site"
    role: Id | None = None
    systems: tuple[Id, ...] = ()
    exercise: Literal["tabletop", "communication", "muster", "live", "restore", "switch"] = "live"
    """Kind of drill; only within one."""


class StepReport(In):
    """What happened to a step."""

    step: Id
    result: Literal["start", "done", "failed", "skip", "reopen"]
    note: str = ""
    option: str | None = None


class Note(In):
    """A line of the chronology."""

    text: str


class Down(In):
    """解除: gates named here are closed by decision, with the reason."""

    reason: str = ""
    waive: tuple[str, ...] = ()
    """Systems without evidence of recovery that are waived, with the reason."""
    close_gates: tuple[str, ...] = ()


class Which(In):
    """An event by its id; without it the most urgent one that runs."""


def _actor(house: House, caller: Caller, by: str | None) -> Actor:
    """The person named by login, else whoever calls.

    Only the console of this machine (root, the daemon's own user) may act for another: a session
    speaks for the one who signed in and for nobody else.
    """
    if by is None:
        return caller.actor
    if not caller.local:
        raise Refused(
            "ほかの人の名前では記録できません / nobody may act in another person's name",
            got=by,
            next_step="本人がログインする / let that person sign in",
        )
    return Actor(_person(house, by), CONSOLE)


def _person(house: House, login: str) -> str:
    """The pseudonym behind a login."""
    people = {one.login: one for one in house.accounts.everybody() if not one.disabled}
    if login not in people:
        raise UsageError(unknown(login, people), next_step="ict-bcp user list")
    return people[login].id


async def _desk(house: House, drill: str | None, *, create: bool = False) -> Desk:
    if drill is None:
        house.require_log()
        return house.desk
    desk = house.drills.get(drill)
    if desk is None and create:
        return await house.drills.create(drill)
    if desk is None:
        raise UsageError(
            unknown(drill, house.drills.all()), next_step="ict-bcp disaster declare … --drill ID"
        )
    return desk


def _running(desk: Desk, id: str | None = None) -> Incident:
    incident = desk.incident(id) if id else desk.current()
    if incident is None and id:
        raise UsageError(unknown(id, desk.state.items))
    if incident is None:
        raise Refused(
            "発動中の災害はありません / no disaster is declared",
            next_step="ict-bcp disaster declare",
        )
    return incident


actor_of, desk_of, running_of = _actor, _desk, _running
"""For operations of their own files."""


def _onset(text: str | None, now: datetime) -> datetime:
    if text is None:
        return now
    try:
        said = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            "発災時刻が読めません / cannot read the time of onset",
            got=text,
            expected="2026-11-23T10:02",
        ) from error
    return said if said.tzinfo else said.replace(tzinfo=JST)


async def declare(house: House, caller: Caller, parameters: Declaration) -> Answer:
    """Declare, or begin a drill (`drill` names it)."""
    desk = await _desk(house, parameters.drill, create=True)
    command = c.Declare(
        level=parameters.level,
        onset=_onset(parameters.onset, house.clock.utc()),
        reason=parameters.reason,
        nature=parameters.nature,
        capacity=parameters.capacity,
        role=parameters.role,
        systems=parameters.systems,
        drill=parameters.exercise if parameters.drill else None,
    )
    done = await desk.do(command, _actor(house, caller, parameters.by), caller.op)
    id = done.entries[0].incident if done.entries else None
    return await _done(house, caller, parameters.drill, id)


async def show(house: House, caller: Caller, parameters: Which) -> Answer:
    """The situation: services, levels with their deadlines, what to do next."""
    desk = await _desk(house, parameters.drill)
    incident = desk.current()
    if parameters.incident is not None:
        incident = desk.incident(parameters.incident)
        if incident is None:
            raise UsageError(unknown(parameters.incident, desk.state.items))
    if incident is None:
        line = "発動中の災害はありません / no disaster is declared"
        return Answer({"incident": None, "kind": None}, (line,))
    situation = await desk.situation(incident)
    return Answer(facts_of(situation), tuple(lines_of(situation)), verdict(situation))


async def _done(
    house: House, caller: Caller, drill: str | None, incident: str | None = None
) -> Answer:
    """The situation after an act that succeeded: that much is good, whatever is still missing."""
    which = Which(drill=drill, incident=incident)
    return replace(await show(house, caller, which), verdict=Verdict.GOOD)


def _step_command(incident: Incident, p: StepReport) -> c.Command:
    common: dict[str, Any] = {"incident": incident.id, "step": p.step}
    if p.option is not None:
        return c.TakeDecision(rationale=p.note, option=p.option, **common)
    match p.result:
        case "start":
            return c.StartStep(**common)
        case "done":
            return c.FinishStep(note=p.note, **common)
        case "failed":
            return c.FailStep(reason=p.note, **common)
        case "skip":
            return c.SkipStep(reason=p.note, **common)
        case "reopen":
            return c.ReopenStep(reason=p.note, **common)


async def step(house: House, caller: Caller, parameters: StepReport) -> Answer:
    """Report a step: started, done, could not, skipped, undone; or a decision's option."""
    desk = await _desk(house, parameters.drill)
    command = _step_command(_running(desk, parameters.incident), parameters)
    await desk.do(command, _actor(house, caller, parameters.by), caller.op)
    return await _done(house, caller, parameters.drill, parameters.incident)


async def note(house: House, caller: Caller, parameters: Note) -> Answer:
    """Add a line to the chronology."""
    desk = await _desk(house, parameters.drill)
    command = c.AddNote(incident=_running(desk, parameters.incident).id, text=parameters.text)
    done = await desk.do(command, _actor(house, caller, parameters.by), caller.op)
    return Answer({"seq": done.entries[0].seq}, ("記録しました / noted",))


async def stand_down(house: House, caller: Caller, parameters: Down) -> Answer:
    """Declare restored where nobody did (with evidence or waived), begin, close the gates named,
    and stand down when none is open: where there are no pages a terminal must be enough."""
    desk = await _desk(house, parameters.drill)
    actor, incident = _actor(house, caller, parameters.by), _running(desk, parameters.incident)
    if incident.phase is Phase.DECLARED and incident.preempted_at is None:
        restored = c.Restore(
            incident=incident.id, waived=parameters.waive, reason=parameters.reason
        )
        await desk.do(restored, actor, f"{caller.op}/restored")
    if incident.phase is not Phase.STANDING_DOWN:
        await desk.do(c.BeginStandDown(incident=incident.id), actor, f"{caller.op}/begin")
    for gate in parameters.close_gates:
        closing = c.CloseGate(incident=incident.id, gate=gate, reason=parameters.reason)
        await desk.do(closing, actor, f"{caller.op}/{gate}")
    await desk.do(c.StandDown(incident=incident.id), actor, caller.op)
    line = f"解除しました / stood down: {incident.id}"
    return Answer({"incident": incident.id, "phase": "stood_down"}, (line,))


async def report_of(desk: Desk, incident: Incident) -> Report:
    """The report from the log as it stands: entries, the texts still kept, the frozen plan."""
    entries = await desk.journal.read(incident=incident.id, limit=1_000_000)
    texts = {entry.seq: await desk.journal.reveal(entry) for entry in entries if entry.commitments}
    return await desk.workers.thread(build, entries, texts, await desk.frozen(incident))


async def report(house: House, caller: Caller, parameters: Which) -> Answer:
    """The report of an event; the same bytes every time."""
    desk = await _desk(house, parameters.drill)
    incident = desk.incident(parameters.incident) if parameters.incident else desk.state.latest
    if incident is None:
        raise UsageError(unknown(parameters.incident or "-", desk.state.items))
    made = await report_of(desk, incident)
    return Answer(
        {"incident": incident.id, "digest": made.digest, "markdown": made.markdown},
        tuple(made.markdown.splitlines()),
    )


def _operation(
    name: str, ja: str, en: str, permission: Permission, parameters: type[Any], run: Any
) -> Operation[Any]:
    writes = name not in ("disaster.show", "disaster.report")
    return Operation(name, Text(ja, en), permission, parameters, run, writes)


OPERATIONS: tuple[Operation[Any], ...] = (
    _operation("disaster.declare", "発動する", "declare", Permission.DECLARE, Declaration, declare),
    _operation("disaster.show", "今の状況", "the situation", Permission.READ, Which, show),
    _operation("disaster.step", "手順を進める", "a step", Permission.STEP, StepReport, step),
    _operation("disaster.note", "記録を足す", "a note", Permission.STEP, Note, note),
    _operation(
        "disaster.standdown", "解除する", "stand down", Permission.COMMAND, Down, stand_down
    ),
    _operation("disaster.report", "報告書", "the report", Permission.READ_LOG, Which, report),
)
