"""The graph of a runbook as nested blocks, for formats that know only sequence, parallel and branch.

Exact where the order of the steps is series-parallel. Where it is not (A before C and D, B before D
alone), a level is done whole before the next one begins, and every wait that this adds is told in
`Flow.added`. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from runbooks.book import Graph, graph
from runbooks.form import DecisionStep, Runbook, Step

Condition = frozenset[tuple[str, str]]
"""Under which answers or failures a step comes up; empty = always."""
ALWAYS: Condition = frozenset()


@dataclass(frozen=True, slots=True)
class One:
    """A step, what follows each answer of it, and what is done when it fails."""

    step: Step
    arms: Mapping[str, Sequence] = field(default_factory=dict)
    failed: Sequence = ()


@dataclass(frozen=True, slots=True)
class Together:
    """Branches side by side; what follows waits for all."""

    branches: tuple[Sequence, ...]


Block = One | Together
Sequence = tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Flow:
    """The blocks, and what of the order they cannot say."""

    blocks: Sequence
    added: tuple[tuple[str, str], ...]
    """(step, a step it now waits for although the runbook does not ask for it)."""
    unsaid: tuple[tuple[str, str], ...]
    """(step, what) of edges that lead out of the blocks: `next` into an arm, other runbooks."""


def flow(runbook: Runbook) -> Flow:
    """The blocks of a runbook. A book with a cycle (E001) is cut open at the first of its steps."""
    return _Maker(runbook).make()


class _Maker:
    def __init__(self, runbook: Runbook) -> None:
        self.runbook, self.graph = runbook, graph(runbook)
        self.steps = {step.id: step for step in runbook.steps}
        self.order = {id: index for index, id in enumerate(self.steps)}
        self.conditions: dict[str, Condition] = {}
        self.added: list[tuple[str, str]] = []
        self.unsaid: list[tuple[str, str]] = []

    def make(self) -> Flow:
        for id in self.steps:
            self._condition(id)
        blocks = self._of(ALWAYS)
        for id, needs in self.graph.needs.items():
            self.unsaid += [(id, need) for need in needs if need not in self.steps]
        for id, by in self.graph.starters.items():
            self.unsaid += [(source, id) for source, what in by if what == "+"]
        return Flow(blocks, tuple(self.added), tuple(self.unsaid))

    # --- under which condition a step stands ----------------------------------------------------

    def _condition(self, id: str) -> Condition:
        if id in self.conditions:
            return self.conditions[id]
        self.conditions[id] = ALWAYS  # a cycle ends here
        by = [(s, what) for s, what in self.graph.starters.get(id, ()) if what != "+"]
        if by:
            found = frozenset(by)
        else:
            needs = [need for need in self.graph.needs[id] if need in self.steps]
            found = _deepest_common([self._chain(self._condition(need)) for need in needs])
        self.conditions[id] = found
        return found

    def _chain(self, condition: Condition) -> list[Condition]:
        """A condition and the ones it stands within, the outermost (always) last."""
        chain = [condition]
        while chain[-1] and len(chain) <= len(self.steps):
            outer = [self._condition(source) for source, _what in chain[-1]]
            chain.append(outer[0] if len(set(outer)) == 1 else ALWAYS)
        return chain

    # --- the blocks of one condition -------------------------------------------------------------

    def _of(self, condition: Condition) -> Sequence:
        members = [id for id in self.steps if self.conditions[id] == condition]
        before: dict[str, set[str]] = {}
        for id in sorted(members, key=self._depth):
            direct = {self._anchor(need, condition) for need in self.graph.needs[id]} - {None, id}
            known = {need for need in direct if need in before}
            before[id] = known.union(*(before[need] for need in known))
        return self._sequence(list(before), before)

    def _depth(self, id: str) -> tuple[int, int]:
        return self._height(id, frozenset()), self.order[id]

    def _height(self, id: str, path: frozenset[str]) -> int:
        if id in path or id not in self.steps:
            return 0
        sources = [source for source, what in self.graph.starters.get(id, ()) if what != "+"]
        waits = (*self.graph.needs[id], *sources)
        return 1 + max((self._height(one, path | {id}) for one in waits), default=0)

    def _anchor(self, id: str, condition: Condition) -> str | None:
        """The step of this condition from which a need hangs."""
        for _hop in self.steps:
            if id not in self.steps:
                return None
            mine = self.conditions[id]
            if mine == condition:
                return id
            if not mine:
                return None
            id = min((source for source, _what in mine), key=lambda one: self.order.get(one, 0))
        return None

    def _sequence(self, ids: list[str], before: Mapping[str, set[str]]) -> Sequence:
        """Series where all of a part comes before all of the rest, parallel where nothing joins."""
        if len(ids) <= 1:
            return tuple(self._one(id) for id in ids)
        parts = _parts(ids, before)
        if len(parts) > 1:
            return (Together(tuple(self._sequence(part, before) for part in parts)),)
        for cut in range(1, len(ids)):
            head, tail = ids[:cut], ids[cut:]
            if all(set(head) <= before[id] for id in tail):
                return (*self._sequence(head, before), *self._sequence(tail, before))
        own = set(ids)
        head = [id for id in ids if not before[id] & own]
        tail = [id for id in ids if id not in head]
        self.added += [(id, one) for id in tail for one in head if one not in before[id]]
        return (*self._sequence(head, before), *self._sequence(tail, before))

    def _one(self, id: str) -> One:
        step = self.steps[id]
        arms: dict[str, Sequence] = {}
        if isinstance(step, DecisionStep):
            for option in step.options:
                keys = [c for c in self._conditions() if (id, option.id) in c]
                arms[option.id] = tuple(block for key in keys for block in self._of(key))
        failed = tuple(
            block for key in self._conditions() if (id, "!") in key for block in self._of(key)
        )
        return One(step, arms, failed)

    def _conditions(self) -> list[Condition]:
        return list(dict.fromkeys(c for c in self.conditions.values() if c))


def _deepest_common(chains: list[list[Condition]]) -> Condition:
    if not chains:
        return ALWAYS
    shared = set(chains[0]).intersection(*chains[1:])
    return next((one for one in chains[0] if one in shared), ALWAYS)


def _parts(ids: list[str], before: Mapping[str, set[str]]) -> list[list[str]]:
    """Weakly connected parts, each in the order given."""
    own = set(ids)
    part: dict[str, set[str]] = {id: {id} for id in ids}
    for id in ids:
        for other in before[id] & own:
            if part[other] is not part[id]:
                joined = part[other] | part[id]
                for member in joined:
                    part[member] = joined
    unique = dict.fromkeys(frozenset(group) for group in part.values())
    return [[one for one in ids if one in group] for group in unique]


def walk(blocks: Iterable[Block]) -> Iterable[One]:
    """Every step of the blocks, arms and failures included."""
    for block in blocks:
        if isinstance(block, Together):
            for branch in block.branches:
                yield from walk(branch)
            continue
        yield block
        for arm in block.arms.values():
            yield from walk(arm)
        yield from walk(block.failed)


__all__ = ["Block", "Flow", "Graph", "One", "Sequence", "Together", "flow", "walk"]
