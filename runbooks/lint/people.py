"""W105: whether the people a runbook calls can be reached."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from bcp.plan.marks import Fault, Path_
from bcp.plan.model import Person
from runbooks.form import Runbook
from runbooks.lint.ground import Ground

CONFIRMED_FOR = timedelta(days=180)
_CHANNELS = ("phone", "mobile", "radio", "mail")


def w105(ground: Ground) -> list[Fault]:
    """Told once per person, at the person: numbers not confirmed, one channel, mail alone."""
    called = {id for runbook in ground.book for id in _called(ground, runbook)}
    return [
        fault
        for index, person in enumerate(ground.city.people)
        if person.id in called
        for fault in _of(ground, person, ("people", index))
    ]


def _of(ground: Ground, person: Person, path: Path_) -> Iterator[Fault]:
    channels = [name for name in _CHANNELS if getattr(person, name)]
    today = ground.facts.today
    if not channels:
        yield ground.in_plan("W105", path, "no_channel", person=person.id)
        return  # there is nothing to confirm
    if channels == ["mail"]:
        yield ground.in_plan("W105", path, "mail_alone", person=person.id)
    elif len(channels) == 1:
        yield ground.in_plan("W105", path, "one_channel", person=person.id)
    if person.confirmed_on is None:
        yield ground.in_plan("W105", path, "never_confirmed", person=person.id)
    elif today is not None and person.confirmed_on + CONFIRMED_FOR < today:
        day = person.confirmed_on.isoformat()
        yield ground.in_plan("W105", path, "long_unconfirmed", person=person.id, day=day)


def _called(ground: Ground, runbook: Runbook) -> Iterator[str]:
    """Ids of the people behind its roles and contacts."""
    names = {runbook.role(runbook.owner_role), *runbook.roles.values()}
    for step in runbook.steps:
        names.add(runbook.role_of(step))
        names |= {runbook.role(name) for name in (step.contact, step.verify_by) if name}
    for name in names:
        role = ground.role(name)
        if role is not None:
            yield from role.succession
        else:
            yield name
