"""E001 cycles and E002 steps nobody can reach."""

from __future__ import annotations

import re
from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from bcp.plan.marks import Fault
from runbooks.form import DecisionStep, Runbook, RunbookStep
from runbooks.lint.ground import Ground, step_path

SYSTEM_CONDITION = re.compile(r"system\.(?P<system>[A-Za-z0-9_.-]+)\s*>=\s*(?P<level>L[0-9])")
_MAX_CYCLES = 20
_MAX_WAYS = 256

Literal_ = tuple[str, str]
"""(step, what became of it): the decision's option, `!` failed, `.` done."""
Way = frozenset[Literal_]


# --- E001 ---------------------------------------------------------------------------------------


def e001(ground: Ground) -> list[Fault]:
    """Cycles among steps (all runbooks together), among runbook steps, and across systems."""
    return [*_step_cycles(ground), *_system_cycles(ground)]


def _step_cycles(ground: Ground) -> list[Fault]:
    book, edges = ground.book, dict[str, set[str]]()
    for runbook in book:
        graph = book.graphs[runbook.id]
        for step in runbook.steps:
            before = edges.setdefault(step.id, set())
            before |= {need for need in graph.needs[step.id] if book.step(need)}
            before |= {source for source, _what in graph.starters.get(step.id, ())}
            if isinstance(step, RunbookStep) and (called := book.get(step.runbook)):
                edges.setdefault(called.steps[0].id, set()).add(step.id)
    faults = []
    for cycle in _cycles(edges):
        place = book.step(cycle[0])
        assert place is not None
        runbook, step = place
        path = step_path(runbook, step)
        faults.append(ground.at("E001", runbook, path, "cycle", way=" → ".join(cycle)))
    return faults


def _system_cycles(ground: Ground) -> list[Fault]:
    """`preconditions: system.X >= L` of a system's recovery, together with the plan's own needs."""
    edges: dict[str, set[str]] = {
        system.id: {need.system for need in system.depends_on if need.kind == "hard"}
        for system in ground.city.systems
    }
    asked: dict[tuple[str, str], tuple[Runbook, int]] = {}
    for runbook in ground.book:
        for index, line in enumerate(runbook.preconditions):
            match = SYSTEM_CONDITION.fullmatch(line.strip())
            if match and runbook.system and runbook.purpose == "recover":
                edges.setdefault(runbook.system, set()).add(match["system"])
                asked[runbook.system, match["system"]] = (runbook, index)
    faults = []
    for cycle in _cycles(edges):
        pairs = pairwise(cycle)
        place = next((asked[pair] for pair in pairs if pair in asked), None)
        if place is not None:  # a cycle of the plan alone is the plan's own fault, said there
            runbook, index = place
            path = ("preconditions", index)
            faults.append(ground.at("E001", runbook, path, "cycle", way=" → ".join(cycle)))
    return faults


def _cycles(edges: dict[str, set[str]]) -> Iterable[list[str]]:
    """One cycle after another, each told from a thing to what it waits for; then it is cut."""
    edges = {node: set(before) for node, before in edges.items()}
    for _count in range(_MAX_CYCLES):
        try:
            TopologicalSorter(edges).prepare()
            return
        except CycleError as error:
            cycle = list(error.args[1])[::-1]  # graphlib tells it from before to after
            yield cycle
            edges[cycle[0]].discard(cycle[1])


# --- E002 ---------------------------------------------------------------------------------------


def e002(ground: Ground) -> list[Fault]:
    """Unreachable steps, what follows a decision that leads elsewhere, joins that cannot be met."""
    faults = []
    for runbook in ground.book:
        faults += _unled(ground, runbook)
        ways = _ways(ground, runbook)
        graph = ground.book.graphs[runbook.id]
        for step in runbook.steps:
            path = step_path(runbook, step)
            dead = [
                need
                for need in graph.needs[step.id]
                if ways.get(need) and not _meet(ways[step.id], ways[need])
            ]
            faults += [
                ground.at("E002", runbook, path, "dead_join", step=step.id, need=need)
                for need in dead
            ]
            if not ways[step.id] and not dead:
                faults.append(ground.at("E002", runbook, path, "unreachable", step=step.id))
    return faults


def _unled(ground: Ground, runbook: Runbook) -> list[Fault]:
    """A step that only stands after a decision whose every option leads elsewhere."""
    faults = []
    graph = ground.book.graphs[runbook.id]
    for step in runbook.steps:
        if step.needs is not None or step.id in graph.starters:
            continue
        for need in graph.needs[step.id]:
            source = runbook.step(need)
            if isinstance(source, DecisionStep) and all(option.next for option in source.options):
                path = step_path(runbook, step)
                faults.append(
                    ground.at("E002", runbook, path, "unled", step=step.id, decision=need)
                )
    return faults


def _ways(ground: Ground, runbook: Runbook) -> dict[str, frozenset[Way]]:
    """Step -> the combinations of answers and failures under which it comes up; empty = never."""
    graph = ground.book.graphs[runbook.id]
    known: dict[str, frozenset[Way]] = {}
    # Only a step that leads somewhere by its answer or failure can contradict "done".
    telling = {source for starters in graph.starters.values() for source, _what in starters}

    def ways(id: str) -> frozenset[Way]:
        if id not in known:
            known[id] = frozenset()  # a cycle ends here; E001 has told it
            known[id] = _limited(_derive(id))
        return known[id]

    def _derive(id: str) -> set[Way]:
        starters = graph.starters.get(id, ())
        called = {
            way | {(source, what if what != "+" else ".")}
            for source, what in starters
            if runbook.step(source)
            for way in ways(source)
        }
        needs = [need for need in graph.needs[id] if runbook.step(need)]
        before = {
            way | {(need, ".")} if need in telling else way for need in needs for way in ways(need)
        }
        return {
            one | two
            for one in (called if starters else {frozenset[Literal_]()})
            for two in (before if needs else {frozenset[Literal_]()})
            if _consistent(one | two)
        }

    return {step.id: ways(step.id) for step in runbook.steps}


def _consistent(way: Way) -> bool:
    """No step both failed and done, no decision answered twice."""
    said: dict[str, set[str]] = {}
    for step, what in way:
        said.setdefault(step, set()).add(what)
    return all(len(whats - {"."}) <= 1 and not {"!", "."} <= whats for whats in said.values())


def _meet(mine: frozenset[Way], theirs: frozenset[Way]) -> bool:
    return any(_consistent(one | two) for one in mine for two in theirs)


def _limited(ways: set[Way]) -> frozenset[Way]:
    """The shortest ones are enough: a way that contains another says nothing more."""
    kept: list[Way] = []
    for way in sorted(ways, key=lambda item: (len(item), sorted(item))):
        if len(kept) >= _MAX_WAYS:
            break
        if not any(other <= way for other in kept):
            kept.append(way)
    return frozenset(kept)
