"""The machine of a declared event: `decide(state, command, at, context)` yields entries. Pure.

No clock, no I/O: called in the journal's writer thread on the state that includes the current batch,
so two people can never both be first. What is refused says what is allowed. `FOLD` gives the state
back from the entries; there is no other state, so a crash needs no resume code.
Machine and words: declared ⇄ restored → standing_down → stood_down → reviewed, cancelled beside it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from bcp.journal.canonical import Json
from bcp.journal.entry import NewEntry
from bcp.journal.folding import Fold
from bcp.kit.units import jst, to_us
from bcp.plan.calendar import Calendar
from bcp.plan.model import City
from runbooks import commands as c
from runbooks.amenddecide import decide_amend
from runbooks.amended import amended
from runbooks.book import Book
from runbooks.breachdecide import decide_breach
from runbooks.changedecide import decide_change
from runbooks.codesfold import CODES
from runbooks.context import (
    FUTURE,
    Conflict,
    Context,
    entry,
    need_known,
    need_text,
    refuse,
    when,
)
from runbooks.crewdecide import decide_crew
from runbooks.damagedecide import decide_damage
from runbooks.drilled import ENDED
from runbooks.folding import PREFIX, fold
from runbooks.form import Runbook
from runbooks.framedecide import decide_frame
from runbooks.handoverdecide import decide_handing
from runbooks.heard import marked
from runbooks.holding import check
from runbooks.incidents import Incidents
from runbooks.proofdecide import decide_proof
from runbooks.reminders import decide_notice
from runbooks.rundecide import decide_run
from runbooks.state import CAPACITIES, DRILL_KINDS, NATURES, Incident
from runbooks.stepdecide import decide_option, decide_step
from runbooks.suggestdecide import decide_suggestion
from runbooks.workdecide import decide_work

__all__ = ["FOLD", "Conflict", "Context", "Incident", "Incidents", "decide", "fold", "select"]

FOLD_NAME = "incidents"
FOLD: Fold[Incidents] = Fold(Incidents(), fold, (PREFIX, CODES, ENDED))
"""Hand to `Journal.open(folds={FOLD_NAME: FOLD})`."""


Running = (
    c.StepCommand
    | c.FrameCommand
    | c.WorkCommand
    | c.CrewCommand
    | c.AmendCommand
    | c.RunCommand
    | c.HandingCommand
    | c.DamageCommand
    | c.ProofCommand
    | c.ChangeCommand
    | c.BreachCommand
    | c.NoticeCommand
)
"""Everything that needs an event."""


def decide(
    state: Incidents, command: c.Command, at: datetime, context: Context
) -> tuple[NewEntry, ...]:
    """The entries that carry out a command; `at` = now.

    An empty answer means that it is already so. Raises `Refused` with a sentence that says what is
    allowed, `Conflict` where another person recorded a different outcome.
    """
    if isinstance(command, c.Declare):
        return _declare(state, command, at, context)
    if isinstance(command, c.SuggestionCommand):
        return decide_suggestion(state, command, at, context)
    incident = state.get(command.incident)
    if incident is None:
        raise refuse("no_incident", id=command.incident)
    if incident.amendments:
        context = replace(context, book=amended(context.book, incident))
    return marked(_carried(incident, command, at, context), command.heard)


def _carried(
    incident: Incident, command: Running, at: datetime, context: Context
) -> tuple[NewEntry, ...]:
    check(incident, command, context.book)
    if isinstance(command, c.StepCommand):
        return decide_step(incident, command, at, context)
    if isinstance(command, c.TakeDecision) and command.step is not None:
        return decide_option(incident, command, at, context)
    if isinstance(command, c.FrameCommand):
        return decide_frame(incident, command, at, context)
    if isinstance(command, c.ChangeCommand):
        return decide_change(incident, command, at, context)
    if isinstance(command, c.BreachCommand):
        return decide_breach(incident, command, at, context)
    if isinstance(command, c.WorkCommand):
        return decide_work(incident, command, at, context)
    if isinstance(command, c.CrewCommand):
        return decide_crew(incident, command, at, context)
    if isinstance(command, c.AmendCommand):
        return decide_amend(incident, command, at, context)
    if isinstance(command, c.RunCommand):
        return decide_run(incident, command, at, context)
    if isinstance(command, c.HandingCommand):
        return decide_handing(incident, command, at, context)
    if isinstance(command, c.DamageCommand):
        return decide_damage(incident, command, at, context)
    if isinstance(command, c.ProofCommand):
        return decide_proof(incident, command, at, context)
    if isinstance(command, c.NoticeCommand):
        return decide_notice(incident, command, at, context)
    assert_never(command)


def select(
    book: Book,
    *,
    systems: tuple[str, ...],
    nature: str,
    hours: str,
    services: tuple[str, ...] = (),
) -> tuple[str, ...]:
    """The runbooks that fit an event: what the declaration page lists before the button.

    切戻し (`return`) is not among them: it is added when the stand-down begins. What is written
    `on_call` joins when a step or the commander calls it.
    """

    def fits(runbook: Runbook) -> bool:
        if runbook.on_call or runbook.purpose == "return":
            return False
        if runbook.nature and nature not in runbook.nature:
            return False
        if runbook.hours not in ("any", hours):
            return False
        hit = not systems or runbook.system is None or runbook.system in systems
        asked = not services or not runbook.services or bool({*services} & {*runbook.services})
        return hit and asked

    return tuple(runbook.id for runbook in book if fits(runbook))


def chosen_runbooks(command: c.Declare, city: City, book: Book) -> tuple[str, ...]:
    """The runbooks a declaration takes: those named, else those that fit."""
    hours = command.hours or hours_of(command.onset, city.organization.calendar)
    return command.runbooks or select(
        book,
        systems=command.systems,
        nature=command.nature,
        hours=hours,
        services=command.services,
    )


def hours_of(instant: datetime, calendar: Calendar | None = None) -> str:
    """Whether an instant lies in office hours, by the calendar of the city."""
    working = (calendar or Calendar()).open_at(instant)
    return "in_hours" if working else "off_hours"


_COMMANDING = frozenset({"commander", "console"})
"""Capacities of an actor who may declare as the authority itself; all others are ratified."""


def _declare(
    state: Incidents, command: c.Declare, at: datetime, context: Context
) -> tuple[NewEntry, ...]:
    """発動: whoever is there may, in the capacity he has; the ratification comes later (R-28)."""
    _linked(state, command)
    if command.suggestion is not None and command.suggestion not in state.suggestions:
        raise refuse("no_suggestion", id=command.suggestion)
    city, book = context.city, context.book
    _declarable(command, at, context)
    hours = command.hours or hours_of(command.onset, city.organization.calendar)
    chosen = chosen_runbooks(command, city, book)
    need_known(chosen, (runbook.id for runbook in book), "runbook")
    occurred = when(context, command.occurred_at, at)
    id = _new_id(state, command.onset, context)
    detail: dict[str, Json] = {
        "stage": context.stage,
        "nature": command.nature,
        "level": command.level,
        "onset_us": to_us(command.onset),
        "capacity": command.capacity,
        "role": command.role,
        "plan": context.plan,
        "frozen": context.frozen,
        "hours": hours,
        "drill": command.drill,
        "systems": list(command.systems),
        "services": list(command.services or _services_of(city, command.systems)),
        "sites": list(command.sites),
        "runbooks": list(chosen),
        "gates": list(command.gates),
        "links": list(command.links),
        "suggestion": command.suggestion,
        "rank": _rank(command, city),
        "tried": [[one.role, to_us(one.at), one.outcome] for one in command.tried],
    }
    made = entry(id, "declared", id, occurred, detail, reason=command.reason, basis=command.basis)
    evidence = (context.frozen,) if context.frozen else ()
    values = {**made.values, **context.people}
    return (replace(made, evidence=evidence, values=values),)


def _rank(command: c.Declare, city: City) -> int | None:
    """代行順位: the place of the role in the order of succession; only of a deputy."""
    authority = city.disaster.authority
    if command.capacity != "deputy" or command.role not in authority:
        return None
    return authority.index(command.role) + 1


def _linked(state: Incidents, command: c.Declare) -> None:
    """A second event only beside the running ones, by name: two people may declare the same one."""
    running = ", ".join(state.open)
    for id in command.links:
        if id not in state.open:
            raise refuse("link_unknown", id=id, known=running or "-")
    if state.open and not command.links:
        raise refuse("already_declared", allowed="runbooks.already_allowed", id=running)


def _declarable(command: c.Declare, at: datetime, context: Context) -> None:
    city = context.city
    need_text(command.reason)
    if (command.drill is not None) == (context.stage == "real"):
        raise refuse("drill_kind")
    need_known((command.nature,), NATURES, "nature")
    need_known((command.capacity,), CAPACITIES, "capacity")
    need_known((command.drill,) if command.drill else (), DRILL_KINDS, "drill")
    need_known(
        (str(command.level),), (str(level.number) for level in city.disaster.levels), "level"
    )
    need_known(command.systems, (item.id for item in city.systems), "system")
    need_known(command.services, (item.id for item in city.services), "service")
    need_known(command.sites, (item.id for item in city.sites), "site")
    authority = city.disaster.authority
    if command.role is not None:
        need_known((command.role,), (role.id for role in city.roles), "role")
    if command.capacity == "principal" and context.actor.capacity not in _COMMANDING:
        # else any account could spare itself the ratification by calling itself the mayor
        raise refuse("not_commander")
    if command.capacity == "principal" and authority and command.role not in authority:
        names = [role.name for role in city.roles if role.id in authority]
        raise refuse("not_authority", names="・".join(names))
    if command.capacity == "deputy" and authority and command.role not in authority:
        names = [role.name for role in city.roles if role.id in authority]
        raise refuse("not_deputy", names="・".join(names))
    need_known((one.role for one in command.tried), (role.id for role in city.roles), "role")
    if command.onset > at + FUTURE and not context.clock_suspect:
        raise refuse("future", time=jst(command.onset), now=jst(at))


def _services_of(city: City, systems: tuple[str, ...]) -> tuple[str, ...]:
    """Services hit by a scope of systems: those that need one of them."""
    if not systems:
        return ()
    return tuple(
        service.id
        for service in city.services
        if any(need.system in systems for need in service.needs)
    )


def _new_id(state: Incidents, onset: datetime, context: Context) -> str:
    """`R20261123-1`: speakable, with the day of onset; `D…` in a drill."""
    letter = "R" if context.stage == "real" else "D"
    day = jst(onset, "%Y%m%d")
    number = 1 + sum(id.startswith(f"{letter}{day}-") for id in state.items)
    return f"{letter}{day}-{number}"
