"""E005 RTO impossible by the way of the work, E006 by the people, E007 by the order of targets.

All on p50 and on the straight way (the default answers, nothing fails): what is impossible then is
impossible. In an ordinary failure a system is recovered alone; in a large-scale disaster what it
hard-depends on must be recovered first.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from bcp.kit.units import format_duration
from bcp.plan.marks import Fault, Path_
from bcp.plan.model import System, Target
from runbooks.form import DecisionStep, Runbook, Step
from runbooks.lint.ground import Ground, step_path
from runbooks.lint.names import VENDOR
from runbooks.targets import required_level

ZERO = timedelta()
Rung = tuple[str, str]


def straight(ground: Ground, runbook: Runbook) -> dict[str, Step]:
    """The steps done when every decision takes its default and nothing fails."""
    graph = ground.book.graphs[runbook.id]
    taken: dict[str, Step] = {}
    for step in _ordered(ground, runbook):
        starters = graph.starters.get(step.id, ())
        if starters and not any(
            source in taken and _default(runbook, source, what) for source, what in starters
        ):
            continue
        needs = [need for need in graph.needs[step.id] if runbook.step(need)]
        if needs and not any(need in taken for need in needs):
            continue
        taken[step.id] = step
    return taken


def _default(runbook: Runbook, source: str, what: str) -> bool:
    step = runbook.step(source)
    if not isinstance(step, DecisionStep):
        return what == "+"
    chosen = next((option for option in step.options if option.default), step.options[0])
    return chosen.id == what


def _ordered(ground: Ground, runbook: Runbook) -> list[Step]:
    """Steps after everything they wait for (the file may stand in another order)."""
    graph, done, out = ground.book.graphs[runbook.id], set[str](), list[Step]()

    def visit(step: Step) -> None:
        if step.id in done:
            return
        done.add(step.id)
        before = [
            *graph.needs[step.id],
            *(source for source, _w in graph.starters.get(step.id, ())),
        ]
        for id in before:
            other = runbook.step(id)
            if other is not None:
                visit(other)
        out.append(step)

    for step in runbook.steps:
        visit(step)
    return out


Way = tuple[tuple[str, tuple[str, ...], timedelta, str | None], ...]
"""A straight way: (step, what it waits for, p50, level it attains), in an order that can be done."""
Alone = Mapping[str, tuple[timedelta, Runbook, Step]]
"""Level -> (earliest time, runbook, step that attains it)."""


def way_of(ground: Ground, runbook: Runbook) -> Way:
    """The straight way of a runbook, ready to be added up."""
    graph = ground.book.graphs[runbook.id]
    return tuple(
        (
            id,
            (*graph.needs[id], *(source for source, _w in graph.starters.get(id, ()))),
            step.duration.p50 if step.duration is not None else ZERO,
            step.attains,
        )
        for id, step in straight(ground, runbook).items()
    )


def ends_of(
    way: Way, lengths: Mapping[str, timedelta] = MappingProxyType({})
) -> dict[str, timedelta]:
    """Step -> earliest end, people without limit, on p50 or on the `lengths` given."""
    ends: dict[str, timedelta] = {}
    for id, before, p50, _level in way:
        start = max((ends[need] for need in before if need in ends), default=ZERO)
        ends[id] = start + lengths.get(id, p50)
    return ends


def finishes(ground: Ground, runbook: Runbook) -> dict[str, timedelta]:
    """Step -> earliest end on the straight way, people without limit, p50."""
    return ends_of(way_of(ground, runbook))


def ways_of(ground: Ground) -> dict[str, list[tuple[Runbook, Way]]]:
    """System -> its recovery runbooks with their straight ways."""
    return {
        system.id: [
            (runbook, way_of(ground, runbook))
            for runbook in ground.book.of_system(system.id)
            if runbook.purpose == "recover" and runbook.hours != "off_hours"
        ]
        for system in ground.city.systems
    }


def alone(
    ways: Mapping[str, list[tuple[Runbook, Way]]],
    system: System,
    lengths: Mapping[str, timedelta] = MappingProxyType({}),
) -> dict[str, tuple[timedelta, Runbook, Step]]:
    """What a system's own recovery runbooks attain when nothing else is awaited."""
    found: dict[str, tuple[timedelta, Runbook, Step]] = {}
    for runbook, way in ways[system.id]:
        ends = ends_of(way, lengths)
        attaining = {id: level for id, _before, _p50, level in way if level is not None}
        level = required_level(system, "disaster") or required_level(system, "failure")
        if ends and level is not None and not any(s.attains for s in runbook.steps):
            last = max(ends, key=lambda id: ends[id])
            if level not in found:
                attaining = {last: level}
        for id, reached in attaining.items():
            step = runbook.step(id)
            assert step is not None
            if reached not in found or ends[id] < found[reached][0]:
                found[reached] = (ends[id], runbook, step)
    return found


def e005(ground: Ground) -> list[Fault]:
    """The critical path is longer than the RTO of a rung."""
    ways = ways_of(ground)
    found = {system.id: alone(ways, system) for system in ground.city.systems}
    total: dict[Rung, timedelta] = {}
    faults = []
    for system in ground.city.systems:
        for rung in system.targets:
            if rung.level not in found[system.id]:
                continue
            end, runbook, step = found[system.id][rung.level]
            late = whole(ground, found, total, (system.id, rung.level))
            for name, rto, time in (
                ("rto", rung.rto, end),
                ("rto_disaster", rung.rto_disaster, late),
            ):
                if rto is not None and time > rto:
                    faults.append(
                        ground.at(
                            "E005",
                            runbook,
                            step_path(runbook, step),
                            "rto_path",
                            system=system.id,
                            level=rung.level,
                            name=name,
                            rto=format_duration(rto),
                            time=format_duration(time),
                        )
                    )
    return faults


def whole(
    ground: Ground,
    ways: Mapping[str, Alone],
    total: dict[Rung, timedelta],
    rung: Rung,
    path: tuple[Rung, ...] = (),
) -> timedelta:
    """Own way after everything it hard-depends on; of alternatives the quickest."""
    if rung in total or rung in path:
        return total.get(rung, ZERO)
    system = ground.city.system(rung[0])
    own = ways.get(rung[0], {}).get(rung[1])
    if system is None:
        return ZERO
    start, groups = ZERO, dict[str, list[timedelta]]()
    for need in system.depends_on:
        other = ground.city.system(need.system)
        level = need.level or (required_level(other, "disaster") if other else None)
        if other is None or level is None or need.kind == "soft" or not need.needed_at(rung[1]):
            continue
        time = whole(ground, ways, total, (other.id, level), (*path, rung))
        if need.kind == "alternative":
            groups.setdefault(need.group or "", []).append(time)
        else:
            start = max(start, time)
    start = max([start, *(min(times) for times in groups.values())])
    total[rung] = start + (own[0] if own is not None else ZERO)
    return total[rung]


def e006(ground: Ground) -> list[Fault]:
    """By some deadline a role owes more hours of work than its people have until then."""
    owed: dict[str, list[tuple[timedelta, timedelta, str]]] = {}
    for system in ground.city.systems:
        for runbook in ground.book.of_system(system.id):
            if runbook.purpose == "recover" and runbook.hours != "off_hours":
                _owe(ground, system, runbook, owed)
    faults = []
    for index, role in enumerate(ground.city.roles):
        people = len(set(role.succession))
        work = ZERO
        for deadline, hours, label in sorted(owed.get(role.id, [])):
            work += hours
            if people and work / people > deadline:
                faults.append(
                    ground.in_plan(
                        "E006",
                        ("roles", index),
                        "rto_people",
                        role=role.name,
                        id=role.id,
                        people=people,
                        work=format_duration(work),
                        deadline=format_duration(deadline),
                        label=label,
                    )
                )
                break
    return faults


def _owe(
    ground: Ground,
    system: System,
    runbook: Runbook,
    owed: dict[str, list[tuple[timedelta, timedelta, str]]],
) -> None:
    """Each step's work, due at the earliest deadline of a rung that is attained at or after it."""
    way = straight(ground, runbook)
    graph = ground.book.graphs[runbook.id]
    due: dict[str, tuple[timedelta, str]] = {}
    last = required_level(system, "disaster")
    for id in reversed(list(way)):
        step = way[id]
        level = step.attains or (last if not any(s.attains for s in way.values()) else None)
        rung = system.target(level) if level else None
        if rung is not None and rung.rto_disaster is not None:
            mine = (rung.rto_disaster, f"{system.id} {rung.level}")
            due[id] = min(due.get(id, mine), mine)
        if id not in due:
            continue
        before = [*graph.needs[id], *(source for source, _w in graph.starters.get(id, ()))]
        for need in before:
            due[need] = min(due.get(need, due[id]), due[id])
    for id, step in way.items():
        name = runbook.role_of(step)
        role = ground.role(name) if not name.startswith(VENDOR) else None
        if role is None or step.duration is None or id not in due or step.type == "wait":
            continue
        deadline, label = due[id]
        owed.setdefault(role.id, []).append((deadline, step.duration.p50 * step.people, label))


def e007(ground: Ground) -> list[Fault]:
    """A dependency whose RTO is later than the RTO of what stands on it."""
    faults = []
    for index, system in enumerate(ground.city.systems):
        for need in system.depends_on:
            other = ground.city.system(need.system)
            if other is None or need.kind != "hard":
                continue
            theirs = other.target(need.level) if need.level else next(iter(other.targets), None)
            for place, mine in enumerate(system.targets):
                if theirs is None or not need.needed_at(mine.level):
                    continue
                for name in ("rto", "rto_disaster"):
                    path: Path_ = ("systems", index, "targets", place, name)
                    faults += _too_late(ground, path, system, mine, other, theirs)
    return faults


def _too_late(
    ground: Ground, path: Path_, system: System, mine: Target, other: System, theirs: Target
) -> list[Fault]:
    name = str(path[-1])
    my_rto, their_rto = getattr(mine, name), getattr(theirs, name)
    if my_rto is None or their_rto is None or my_rto >= their_rto:
        return []
    fault = ground.in_plan(
        "E007",
        path,
        "rto_order",
        system=system.id,
        level=mine.level,
        name=name,
        mine=format_duration(my_rto),
        other=other.id,
        other_level=theirs.level,
        theirs=format_duration(their_rto),
    )
    return [fault]
