"""What the shape cannot tell: names that must exist, ids that must be unique, cycles, RTO order.

Pure: city and marks in, faults out. Rooms outside the floor are checked by `service.settings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from graphlib import CycleError, TopologicalSorter

from bcp.kit.units import format_duration
from bcp.plan.loader import unknown
from bcp.plan.marks import Fault, Path_, Tree, dotted
from bcp.plan.model import City, System, Target


class _Names:
    """The ids of each kind of thing, for reference checks."""

    def __init__(self, city: City) -> None:
        self.sites = [site.id for site in city.sites]
        self.roles = [role.id for role in city.roles]
        self.people = [person.id for person in city.people]
        self.systems = [system.id for system in city.systems]
        self.levels = {s.id: [target.level for target in s.targets] for s in city.systems}


def fault(tree: Tree, path: Path_, message: str) -> Fault:
    """A fault at the place where `path` is written."""
    return Fault(tree.mark(path), dotted(path), message)


def cross_check(city: City, tree: Tree) -> list[Fault]:
    """Every fault between the parts of the city's own plan."""
    names = _Names(city)
    faults = [*_duplicates(city, tree), *_references(city, names, tree)]
    cycle = _cycle(city)
    if cycle:
        index = names.systems.index(cycle[0])
        arrow = " → ".join(cycle)
        message = f"依存関係が循環しています / dependency cycle: {arrow}"
        faults.append(fault(tree, ("systems", index, "depends_on"), message))
    faults += _targets(city, tree)
    return faults


def duplicates(items: Iterable[str], section: str, tree: Tree) -> Iterator[Fault]:
    """Ids that stand twice in a list section."""
    first: dict[str, int] = {}
    for index, item in enumerate(items):
        if item in first:
            place = tree.mark((section, first[item], "id"))
            message = f"id '{item}' が二重です (最初は {place}) / duplicate id"
            yield fault(tree, (section, index, "id"), message)
        first.setdefault(item, index)


def _duplicates(city: City, tree: Tree) -> Iterator[Fault]:
    for section in ("sites", "roles", "people", "services", "systems", "automation", "windows"):
        yield from duplicates((item.id for item in getattr(city, section)), section, tree)


def _references(city: City, names: _Names, tree: Tree) -> Iterator[Fault]:
    def one(path: Path_, value: str | None, known: list[str]) -> Iterator[Fault]:
        if value is not None and value not in known:
            yield fault(tree, path, unknown(value, known))

    def many(path: Path_, values: Iterable[str], known: list[str]) -> Iterator[Fault]:
        for index, value in enumerate(values):
            yield from one((*path, index), value, known)

    acts = [line.id for line in city.automation]
    for i, line in enumerate(city.automation):
        yield from many(("automation", i, "systems"), line.systems, names.systems)
        instead = line.drill.run if line.drill else None
        yield from one(("automation", i, "drill", "run"), instead, acts)
    for i, window in enumerate(city.windows):
        yield from many(("windows", i, "systems"), window.systems, names.systems)
        yield from many(("windows", i, "sites"), window.sites, names.sites)
    for i, site in enumerate(city.sites):
        yield from many(("sites", i, "contacts"), site.contacts, names.people)
    for i, role in enumerate(city.roles):
        yield from many(("roles", i, "succession"), role.succession, names.people)
    for i, person in enumerate(city.people):
        yield from one(("people", i, "site"), person.site, names.sites)
    for i, service in enumerate(city.services):
        yield from many(("services", i, "sites"), service.sites, names.sites)
        for j, need in enumerate(service.needs):
            path: Path_ = ("services", i, "needs", j)
            yield from one((*path, "system"), need.system, names.systems)
            known = names.levels.get(need.system)
            if known is not None:
                yield from one((*path, "level"), need.level, known)
    for i, system in enumerate(city.systems):
        yield from one(("systems", i, "owner_role"), system.owner_role, names.roles)
        yield from many(("systems", i, "sites"), system.sites, names.sites)
        for j, hosting in enumerate(system.hosting):
            yield from one(("systems", i, "hosting", j, "site"), hosting.site, names.sites)
        for j, dependency in enumerate(system.depends_on):
            path = ("systems", i, "depends_on", j)
            yield from one((*path, "system"), dependency.system, names.systems)
            known = names.levels.get(dependency.system)
            if known is not None:
                yield from one((*path, "level"), dependency.level, known)
            own = names.levels[system.id]
            yield from one((*path, "needed_from"), dependency.needed_from, own)
    yield from one(("node", "site"), city.node.site, names.sites)
    yield from many(("disaster", "authority"), city.disaster.authority, names.roles)
    for i, rule in enumerate(city.disaster.suggest):
        at: Path_ = ("disaster", "suggest", i)
        yield from many((*at, "systems"), rule.systems, names.systems)
        yield from many((*at, "sites"), rule.sites, names.sites)
        yield from many((*at, "scope_systems"), rule.scope_systems, names.systems)
        numbers = [str(level.number) for level in city.disaster.levels]
        yield from one((*at, "level"), str(rule.level), numbers)
        if not (rule.checks or rule.systems or rule.sites):
            message = "checks, systems, sites のどれかを書く / name checks, systems or sites"
            yield fault(tree, at, message)


def _cycle(city: City) -> list[str]:
    known = {system.id for system in city.systems}
    graph = {
        system.id: [d.system for d in system.depends_on if d.system in known]
        for system in city.systems
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])[::-1]
    return []


def _targets(city: City, tree: Tree) -> Iterator[Fault]:
    for i, system in enumerate(city.systems):
        levels = [target.level for target in system.targets]
        if levels != sorted(set(levels)):
            message = "水準は低い順に一度ずつ書く / levels must rise and stand once"
            yield fault(tree, ("systems", i, "targets"), message)
        for j, target in enumerate(system.targets):
            for name in ("rto", "rto_disaster"):
                yield from _sooner_than_needed(city, system, target, name, tree, (i, j))
    for i, service in enumerate(city.services):
        for name in ("rto", "rto_disaster"):
            rto: timedelta | None = getattr(service, name)
            if rto is not None and service.mtpd is not None and rto >= service.mtpd:
                message = (
                    f"{name} {format_duration(rto)} は mtpd {format_duration(service.mtpd)} より"
                    "短くする / must be shorter than mtpd"
                )
                yield fault(tree, ("services", i, name), message)


def _sooner_than_needed(
    city: City, system: System, target: Target, name: str, tree: Tree, at: tuple[int, int]
) -> Iterator[Fault]:
    """An RTO that comes before the RTO of what it hard-depends on can never be held."""
    mine: timedelta | None = getattr(target, name)
    if mine is None:
        return
    for dependency in system.depends_on:
        other = city.system(dependency.system)
        if other is None or dependency.kind != "hard" or dependency.level is None:
            continue
        if not dependency.needed_at(target.level):
            continue
        rung = other.target(dependency.level)
        theirs: timedelta | None = getattr(rung, name) if rung else None
        if theirs is not None and mine < theirs:
            message = (
                f"{target.level} の {name} {format_duration(mine)} は、依存先 {other.id} "
                f"{dependency.level} の {format_duration(theirs)} より短い / shorter than the RTO "
                f"of what it depends on"
            )
            yield fault(tree, ("systems", at[0], "targets", at[1], name), message)
