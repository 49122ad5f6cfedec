"""A declared disaster for programs and the command line: everything the pages can do."""

from __future__ import annotations

import hashlib
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
from bcp.service.operations.telling import (
    consequence_facts,
    consequence_lines,
    facts_of,
    lines_of,
    verdict,
)
from runbooks import commands as c
from runbooks.consequences import consequences
from runbooks.desk import Desk
from runbooks.report import Report
from runbooks.report.facts import report_facts
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
    services: tuple[Id, ...] = ()
    sites: tuple[Id, ...] = ()
    links: tuple[str, ...] = ()
    """Running events this one belongs to (余震, 併発)."""
    suggestion: str | None = None
    tried: tuple[str, ...] = ()
    """Who could not be reached: `ROLE`, `ROLE@2026-11-23T10:10` or with `=unreachable` behind."""
    dry_run: bool = False
    """Only say what would happen."""
    exercise: Literal["tabletop", "communication", "muster", "live", "restore", "switch"] = "live"
    """Kind of drill; only within one."""


class Down(In):
    """解除: gates named here are closed by decision, with the reason."""

    reason: str = ""
    waive: tuple[str, ...] = ()
    """Systems without evidence of recovery that are waived, with the reason."""
    close_gates: tuple[str, ...] = ()


class Which(In):
    """An event by its id; without it the most urgent one that runs."""


def actor_of(house: House, caller: Caller, by: str | None) -> Actor:
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
    return Actor(person_of(house, by), CONSOLE)


def person_of(house: House, login: str) -> str:
    """The pseudonym behind a login."""
    people = {one.login: one for one in house.accounts.everybody() if not one.disabled}
    if login not in people:
        raise UsageError(unknown(login, people), next_step="ict-bcp user list")
    return people[login].id


async def desk_of(house: House, drill: str | None, *, create: bool = False) -> Desk:
    """The real desk, or that of a drill. Raises UsageError, Unwritable."""
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


def running(desk: Desk, id: str | None = None) -> Incident:
    """The event that is meant. Raises UsageError, Refused."""
    incident = desk.incident(id) if id else desk.current()
    if incident is None and id:
        raise UsageError(unknown(id, desk.state.items))
    if incident is None:
        raise Refused(
            "発動中の災害はありません / no disaster is declared",
            next_step="ict-bcp disaster declare",
        )
    return incident


running_of = running
"""The name other files know it by."""


def instant(text: str | None, now: datetime) -> datetime:
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
    command = _declaration(parameters, house.clock.utc())
    if parameters.dry_run:
        running_drills = [id for id, desk in house.drills.all().items() if desk.current()]
        told = consequences(house.city, house.book, command, house.clock.utc(), running_drills)
        return Answer(consequence_facts(told), tuple(consequence_lines(told, house.city)))
    desk = await desk_of(house, parameters.drill, create=True)
    made = await desk.do(command, actor_of(house, caller, parameters.by), caller.op)
    id = made.entries[0].incident if made.entries else None
    return await situation_after(house, caller, parameters.drill, id)


def _declaration(parameters: Declaration, now: datetime) -> c.Declare:
    return c.Declare(
        level=parameters.level,
        onset=instant(parameters.onset, now),
        reason=parameters.reason,
        nature=parameters.nature,
        capacity=parameters.capacity,
        role=parameters.role,
        systems=parameters.systems,
        services=parameters.services,
        sites=parameters.sites,
        links=parameters.links,
        suggestion=parameters.suggestion,
        tried=tuple(_tried(one, now) for one in parameters.tried),
        drill=parameters.exercise if parameters.drill else None,
    )


_OUTCOMES = ("no_answer", "unreachable", "hurt", "absent")


def _tried(said: str, now: datetime) -> c.Tried:
    """`cio@2026-11-23T10:10=unreachable`: whom, when, what came of it."""
    rest, _equals, outcome = said.partition("=")
    role, _at, at = rest.partition("@")
    if outcome and outcome not in _OUTCOMES:
        raise UsageError(unknown(outcome, _OUTCOMES))
    return c.Tried(role, instant(at or None, now), outcome or "no_answer")  # type: ignore[arg-type]


async def show(house: House, caller: Caller, parameters: Which) -> Answer:
    """The situation: services, levels with their deadlines, what to do next."""
    desk = await desk_of(house, parameters.drill)
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


async def situation_after(
    house: House, caller: Caller, drill: str | None, incident: str | None = None
) -> Answer:
    """The situation after an act that succeeded: that much is good, whatever is still missing."""
    which = Which(drill=drill, incident=incident)
    return replace(await show(house, caller, which), verdict=Verdict.GOOD)


async def stand_down(house: House, caller: Caller, parameters: Down) -> Answer:
    """Declare restored where nobody did (with evidence or waived), begin, close the gates named,
    and stand down when none is open: where there are no pages a terminal must be enough."""
    desk = await desk_of(house, parameters.drill)
    actor, incident = actor_of(house, caller, parameters.by), running(desk, parameters.incident)
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


class Reported(Which):
    """The report of an event, the last declared one without its id; of an earlier edition too."""

    upto: int | None = None
    """The last entry that counts: makes an earlier edition again, byte for byte."""


async def report(house: House, caller: Caller, parameters: Reported) -> Answer:
    """The report of an event; the same bytes every time."""
    desk = await desk_of(house, parameters.drill)
    incident = desk.incident(parameters.incident) if parameters.incident else desk.state.latest
    if incident is None:
        raise UsageError(unknown(parameters.incident or "-", desk.state.items))
    made = await desk.report(incident, parameters.upto)
    return await desk.workers.thread(_told, made)


def _told(made: Report) -> Answer:
    markdown = made.markdown
    digest = hashlib.sha256(markdown.encode()).hexdigest()
    known = {"incident": made.incident.id, "upto": made.upto, "digest": digest}
    return Answer(
        {**known, "report": report_facts(made), "markdown": markdown}, tuple(markdown.splitlines())
    )


def _operation(
    name: str, ja: str, en: str, permission: Permission, parameters: type[Any], run: Any
) -> Operation[Any]:
    writes = name not in ("disaster.show", "disaster.report")
    return Operation(name, Text(ja, en), permission, parameters, run, writes)


OPERATIONS: tuple[Operation[Any], ...] = (
    _operation("disaster.declare", "発動する", "declare", Permission.DECLARE, Declaration, declare),
    _operation("disaster.show", "今の状況", "the situation", Permission.READ, Which, show),
    _operation(
        "disaster.standdown", "解除する", "stand down", Permission.COMMAND, Down, stand_down
    ),
    _operation("disaster.report", "報告書", "the report", Permission.READ_LOG, Reported, report),
)
