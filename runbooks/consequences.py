"""Everything a declaration will do, before the button is pressed. Pure.

The page, the API (`dry_run`) and the command line show this one value: nobody declares unseen things.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bcp.plan.model import City
from runbooks import commands as c
from runbooks.book import Book
from runbooks.form import Runbook
from runbooks.form_parts import Hours
from runbooks.incident import chosen_runbooks, hours_of
from runbooks.state import Incident
from runbooks.targets import level_targets, service_targets


@dataclass(frozen=True, slots=True)
class Clock:
    """One deadline that begins to run."""

    kind: str
    """`service` or `system`."""
    id: str
    name: str
    level: str
    rto: timedelta
    deadline: datetime
    season: str
    business_time: bool


@dataclass(frozen=True, slots=True)
class Muster:
    """One role that is called, with its people in the order of succession (person ids)."""

    role: str
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Consequences:
    """What will happen."""

    runbooks: tuple[Runbook, ...]
    """Frozen with the plan as they stand now."""
    muster: tuple[Muster, ...]
    """Who is wanted; people call them, the program does not."""
    announcements: tuple[tuple[str, str], ...]
    """(step, title) of the runbooks' own messages that fall due."""
    clocks: tuple[Clock, ...]
    """Deadlines, services first, the earliest first."""
    unset: int
    """Levels and services without a limit for this kind of event."""
    drills: tuple[str, ...]
    """Running drills that stop at once."""
    links: tuple[str, ...]
    """Running events that go on with their own clocks."""
    ratify_by: datetime | None
    """事後承認の期限; None when it is declared in person."""
    muted: tuple[str, ...] = ()
    """Alerts that are held back: none. A declared disaster silences nothing."""

    @property
    def people(self) -> int:
        """How many different people are wanted."""
        return len({person for one in self.muster for person in one.people})


def consequences(
    city: City, book: Book, command: c.Declare, now: datetime, drills: Iterable[str] = ()
) -> Consequences:
    """For a declaration as it stands on the form."""
    open_ = hours_of(command.onset, city.organization.calendar) == "in_hours"
    hours: Hours = command.hours or ("in_hours" if open_ else "off_hours")
    picked = [book.get(id) for id in chosen_runbooks(command, city, book)]
    found = [runbook for runbook in picked if runbook is not None]
    trial = _trial(command, now, hours)
    levels = level_targets(trial, city, book, now)
    services = service_targets(trial, city, book, now)
    clocks = [
        Clock("service", s.service, s.name, "", s.rto, s.deadline, s.season, s.business_time)
        for s in services
        if s.rto is not None and s.deadline is not None
    ]
    clocks.sort(key=lambda one: one.deadline)
    of_systems = [
        Clock(
            "system", t.system, t.system_name, t.level, t.rto, t.deadline, t.season, t.business_time
        )
        for t in levels
        if t.rto is not None and t.deadline is not None
    ]
    of_systems.sort(key=lambda one: one.deadline)
    provisional = command.capacity != "principal"
    return Consequences(
        tuple(found),
        _muster(city, found, hours),
        tuple((s.id, s.title) for r in found for s in r.steps if s.type == "notify"),
        (*clocks, *of_systems),
        len(levels) + len(services) - len(clocks) - len(of_systems),
        tuple(drills) if command.drill is None else (),
        command.links,
        now + city.disaster.ratify_within if provisional else None,
    )


def _muster(city: City, runbooks: Iterable[Runbook], hours: Hours) -> tuple[Muster, ...]:
    roles = {name: role for role in city.roles for name in (role.name, role.id)}
    wanted = {
        roles[name].id: roles[name]
        for runbook in runbooks
        for step in runbook.steps
        if (name := runbook.role_of(step, hours)) in roles
    }
    return tuple(Muster(role.name, role.succession) for role in wanted.values())


def _trial(command: c.Declare, now: datetime, hours: str) -> Incident:
    """The event as it would be: only to count its deadlines."""
    return Incident(
        id="-",
        stage="real",
        nature=command.nature,
        level=command.level,
        onset=command.onset,
        declared_at=now,
        declared_by="-",
        capacity=command.capacity,
        role=command.role,
        plan="",
        frozen="",
        hours="in_hours" if hours == "in_hours" else "off_hours",
        seq=0,
        systems=command.systems,
        services=command.services,
        sites=command.sites,
    )
