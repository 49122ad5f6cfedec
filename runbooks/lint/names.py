"""E003 names nobody defined, and E004 roles without enough people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from bcp.plan.loader import unknown
from bcp.plan.marks import Fault, Path_
from runbooks.form import (
    ApprovalStep,
    CommandStep,
    DecisionStep,
    Runbook,
    RunbookStep,
    Step,
)
from runbooks.lint.flow import SYSTEM_CONDITION
from runbooks.lint.ground import Ground, step_path

VENDOR = "vendor:"
_BACKUP = re.compile(r"backup\.(?P<set>[A-Za-z0-9_-]+)\..+")
_SITE = re.compile(r"site\.(?P<site>[A-Za-z0-9_-]+)(\..+)?")
MIN_PEOPLE = 2


def e003(ground: Ground) -> list[Fault]:
    """Every reference of every runbook."""
    return [fault for runbook in ground.book for fault in _references(ground, runbook)]


def _references(ground: Ground, runbook: Runbook) -> Iterator[Fault]:
    city = ground.city
    systems = [system.id for system in city.systems]
    yield from _one(ground, runbook, ("system",), runbook.system, systems)
    for index, service in enumerate(runbook.services):
        known = [item.id for item in city.services]
        yield from _one(ground, runbook, ("services", index), service, known)
    for index, line in enumerate(runbook.preconditions):
        if match := SYSTEM_CONDITION.fullmatch(line.strip()):
            yield from _one(ground, runbook, ("preconditions", index), match["system"], systems)
        elif match := _SITE.fullmatch(line.strip()):
            sites = [site.id for site in city.sites]
            yield from _one(ground, runbook, ("preconditions", index), match["site"], sites)
    for path, role in _roles(runbook):
        if not _known_role(ground, role):
            names = [*(item.id for item in city.roles), *runbook.roles]
            yield _unknown(ground, runbook, path, role, names)
    for step in runbook.steps:
        yield from _of_step(ground, runbook, step)


def _of_step(ground: Ground, runbook: Runbook, step: Step) -> Iterator[Fault]:
    def at(*more: str | int) -> Path_:
        return step_path(runbook, step, *more)

    own = [item.id for item in runbook.steps]
    for index, need in enumerate(step.needs or ()):
        if ground.book.step(need) is None:
            yield _unknown(ground, runbook, at("needs", index), need, own)
    yield from _one(ground, runbook, at("next"), step.next, own)
    yield from _one(ground, runbook, at("on_failure"), step.on_failure, own)
    if step.mode == "challenge-response" and step.challenge is None:
        yield ground.at("E003", runbook, at("mode"), "no_challenge", step=step.id)
    listed = [line.id for line in ground.city.automation]
    if isinstance(step, CommandStep):
        yield from _one(ground, runbook, at("run"), step.run, listed)
    if step.drill is not None:
        yield from _one(ground, runbook, at("drill", "run"), step.drill.run, listed)
    if isinstance(step, DecisionStep):
        for index, option in enumerate(step.options):
            yield from _one(ground, runbook, at("options", index, "next"), option.next, own)
    if isinstance(step, RunbookStep):
        known = [item.id for item in ground.book]
        yield from _one(ground, runbook, at("runbook"), step.runbook, known)
    sites = [site.id for site in ground.city.sites]
    yield from _one(ground, runbook, at("site"), step.site, sites)
    if step.probe is not None and ground.checks is not None:
        yield from _one(ground, runbook, at("probe", "id"), step.probe.id, ground.checks)
    if step.evidence is not None and ground.backups is not None:
        match = _BACKUP.fullmatch(step.evidence)
        named = match["set"] if match else step.evidence
        yield from _one(ground, runbook, at("evidence"), named, ground.backups)
    if step.contact is not None and not _known_contact(ground, runbook, step.contact):
        people = [person.id for person in ground.city.people]
        names = [*people, *(role.id for role in ground.city.roles), *runbook.roles]
        yield _unknown(ground, runbook, at("contact"), step.contact, names)


def _one(
    ground: Ground, runbook: Runbook, path: Path_, value: str | None, known: Iterable[str]
) -> Iterator[Fault]:
    names = list(known)
    if value is not None and value not in names:
        yield _unknown(ground, runbook, path, value, names)


def _unknown(
    ground: Ground, runbook: Runbook, path: Path_, value: str, known: Iterable[str]
) -> Fault:
    return ground.at("E003", runbook, path, "as_said", said=unknown(value, known))


def _roles(runbook: Runbook) -> Iterator[tuple[Path_, str]]:
    """Every role the runbook relies on, with its place; short names resolved."""
    yield ("owner_role",), runbook.role(runbook.owner_role)
    for name, role in runbook.roles.items():
        yield ("roles", name), role
    for step in runbook.steps:
        named: list[tuple[Path_, str | None]] = [
            (("role",), step.role),
            (("verify_by",), step.verify_by),
        ]
        if isinstance(step, CommandStep) and step.confirm is not None:
            named += [
                (("confirm", "by"), step.confirm.by),
                (("confirm", "second"), step.confirm.second),
            ]
        if isinstance(step, ApprovalStep):
            named.append((("approver",), step.approver))
        if isinstance(step, DecisionStep):
            named += [
                (("options", i, "approval"), option.approval)
                for i, option in enumerate(step.options)
            ]
        for more, role_name in named:
            if role_name is not None:
                yield (*step_path(runbook, step), *more), runbook.role(role_name)


def _known_role(ground: Ground, name: str) -> bool:
    if name.startswith(VENDOR):
        system = ground.city.system(name.removeprefix(VENDOR))
        return system is not None and system.vendor is not None
    return ground.role(name) is not None


def _known_contact(ground: Ground, runbook: Runbook, name: str) -> bool:
    return ground.city.person(name) is not None or _known_role(ground, runbook.role(name))


def e004(ground: Ground) -> list[Fault]:
    """A role that one person's absence leaves empty; told once per role and runbook."""
    faults = []
    for runbook in ground.book:
        told = set()
        for path, name in _roles(runbook):
            role = ground.role(name)
            if role is None or role.id in told:
                continue
            told.add(role.id)
            people = [id for id in role.succession if ground.city.person(id) is not None]
            if len(set(people)) < MIN_PEOPLE:
                key = "role_empty" if not people else "role_thin"
                faults.append(ground.at("E004", runbook, path, key, role=role.name, id=role.id))
    return faults
