"""The book: every runbook of a plan (its own and the shipped ones it takes), with digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from importlib.resources import files
from typing import Any, Literal

from bcp.plan.loader import parse_files, validate
from bcp.plan.marks import Fault, Tree
from bcp.plan.types import Id, Model
from runbooks.form import RUNBOOK, DecisionStep, Runbook, Step


class RunbooksSection(Model):
    """`runbooks:` of the plan. Files of `kind: Runbook` in the plan folder are always read."""

    library: tuple[Id, ...] | Literal["all"] = ()
    """Shipped runbooks to take; one of the same id in the plan comes before the shipped one."""


def digest(runbook: Runbook) -> str:
    """SHA-256 of the content: comments, order of keys and defaults written out do not count."""
    return hashlib.sha256(canonical(runbook)).hexdigest()


def canonical(runbook: Runbook) -> bytes:
    """The bytes behind the digest; `RUNBOOK.validate_json` reads them back to an equal value."""
    data = runbook.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Book:
    """Runbooks by id, in the order read. `trees` (where known) give faults their line."""

    runbooks: tuple[Runbook, ...] = ()
    trees: Mapping[str, Tree] = field(default_factory=dict, compare=False, repr=False)
    original: Book | None = field(default=None, compare=False, repr=False)
    """Of a book amended while an event runs: the frozen one."""

    @cached_property
    def variants(self) -> dict[Any, Book]:
        """Amended versions of it that were asked for (`runbooks.amended`)."""
        return {}

    @cached_property
    def _by_id(self) -> dict[str, Runbook]:
        return {runbook.id: runbook for runbook in self.runbooks}

    @cached_property
    def _steps(self) -> dict[str, tuple[Runbook, Step]]:
        return {step.id: (runbook, step) for runbook in self.runbooks for step in runbook.steps}

    @cached_property
    def _by_system(self) -> dict[str | None, tuple[Runbook, ...]]:
        found: dict[str | None, tuple[Runbook, ...]] = {}
        for runbook in self.runbooks:
            found[runbook.system] = (*found.get(runbook.system, ()), runbook)
        return found

    @cached_property
    def graphs(self) -> dict[str, Graph]:
        """Per runbook id: who waits for whom (see `Graph`)."""
        return {runbook.id: graph(runbook) for runbook in self.runbooks}

    @cached_property
    def cyclic(self) -> bool:
        """Steps wait for each other in a circle (E001): who asks about one must look at all."""
        edges: dict[str, set[str]] = {}
        for found in self.graphs.values():
            for id, needs in found.needs.items():
                sources = {source for source, _what in found.starters.get(id, ())}
                edges.setdefault(id, set()).update(needs, sources)
        try:
            TopologicalSorter(edges).prepare()
        except CycleError:
            return True
        return False

    @cached_property
    def digests(self) -> dict[str, str]:
        """Runbook id -> SHA-256."""
        return {runbook.id: digest(runbook) for runbook in self.runbooks}

    def get(self, id: str) -> Runbook | None:
        """The runbook with this id."""
        return self._by_id.get(id)

    def step(self, id: str) -> tuple[Runbook, Step] | None:
        """A step anywhere in the book, with its runbook."""
        return self._steps.get(id)

    def of_system(self, system: str) -> tuple[Runbook, ...]:
        """The runbooks that recover a system."""
        return self._by_system.get(system, ())

    def __iter__(self) -> Iterator[Runbook]:
        return iter(self.runbooks)

    def __len__(self) -> int:
        return len(self.runbooks)

    def joined(self, shipped: Book, take: tuple[str, ...] | Literal["all"]) -> Book:
        """With the shipped runbooks asked for; the plan's own win over shipped ones."""
        more = [
            runbook
            for runbook in shipped
            if (take == "all" or runbook.id in take) and runbook.id not in self._by_id
        ]
        trees = {**{runbook.id: shipped.trees[runbook.id] for runbook in more}, **self.trees}
        return Book((*self.runbooks, *more), trees)


@dataclass(frozen=True, slots=True)
class Graph:
    """Edges of one runbook, made explicit (see `runbooks.form` for the rule)."""

    needs: Mapping[str, tuple[str, ...]]
    """Step -> steps that must be settled before; may name steps of other runbooks."""
    starters: Mapping[str, tuple[tuple[str, str], ...]]
    """Step off the straight way -> (step, what of it): option id, `!` failed, `+` done."""
    on_failure: frozenset[str] = frozenset()
    """Steps done only when another one failed."""


def graph(runbook: Runbook) -> Graph:
    """Make `needs`, order of the file, `next`, options and `on_failure` explicit."""
    starters: dict[str, list[tuple[str, str]]] = {}
    for step in runbook.steps:
        if isinstance(step, DecisionStep):
            for option in step.options:
                if option.next is not None:
                    starters.setdefault(option.next, []).append((step.id, option.id))
        if step.on_failure is not None:
            starters.setdefault(step.on_failure, []).append((step.id, "!"))
    needs: dict[str, list[str]] = {}
    ends: list[str] = []  # what the next step of the straight way follows
    for step in runbook.steps:
        by = starters.get(step.id, [])
        failure_only = bool(by) and all(what == "!" for _source, what in by)
        needs[step.id] = list(step.needs) if step.needs is not None else ([] if by else list(ends))
        if failure_only:
            continue
        if by:  # one arm of a decision: what follows the arms waits for every arm taken
            closed = {source for source, _what in by if _every_option_leads_on(runbook, source)}
            ends = [*(end for end in ends if end not in closed), step.id]
        else:
            ends = [step.id]
    for step in runbook.steps:
        if step.next is None:
            continue
        if step.next in starters:
            starters[step.next].append((step.id, "+"))
        elif step.id not in needs.setdefault(step.next, []):
            needs[step.next].append(step.id)
    return Graph(
        {id: tuple(before) for id, before in needs.items()},
        {id: tuple(by) for id, by in starters.items()},
        frozenset(step.on_failure for step in runbook.steps if step.on_failure),
    )


def _every_option_leads_on(runbook: Runbook, id: str) -> bool:
    step = runbook.step(id)
    return isinstance(step, DecisionStep) and all(option.next for option in step.options)


def load(trees: Iterable[Tree]) -> tuple[Book, list[Fault]]:
    """Runbooks of a plan (`Source.runbooks`); every fault at once, broken ones are left out."""
    found: dict[str, Runbook] = {}
    kept: dict[str, Tree] = {}
    faults: list[Fault] = []
    steps: dict[str, str] = {}
    for tree in trees:
        runbook, wrong = _read(tree)
        faults += wrong
        if runbook is None:
            continue
        if runbook.id in found:
            first = kept[runbook.id].mark(("id",))
            message = f"手順書 '{runbook.id}' が二重です (最初は {first}) / duplicate runbook"
            faults.append(Fault(tree.mark(("id",)), "id", message))
            continue
        found[runbook.id], kept[runbook.id] = runbook, tree
        for index, step in enumerate(runbook.steps):
            if step.id in steps:
                message = (
                    f"手順番号 '{step.id}' が二重です (最初は {steps[step.id]}) / duplicate step"
                )
                where = ("steps", index, "id")
                faults.append(Fault(tree.mark(where), f"steps.{index}.id", message))
            steps.setdefault(step.id, str(tree.mark(("steps", index, "id"))))
    return Book(tuple(found.values()), kept), faults


def _read(tree: Tree) -> tuple[Runbook | None, list[Fault]]:
    return validate(RUNBOOK, tree)


def shipped() -> tuple[Book, list[Fault]]:
    """The library that travels with the package (`runbooks/library/*.yaml`)."""
    folder = files("runbooks") / "library"
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".yaml"))
    source = parse_files({f"library/{name}": (folder / name).read_bytes() for name in names})
    book, faults = load(source.runbooks)
    return book, [*source.faults, *faults]


def schema() -> dict[str, Any]:
    """JSON Schema of a runbook file, for editors."""
    return RUNBOOK.json_schema(by_alias=True)
