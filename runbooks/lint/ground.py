"""What every rule looks at, and how a fault is placed and worded."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from bcp.kit.language import text
from bcp.plan.marks import Fault, Mark, Path_, Tree, dotted
from bcp.plan.model import City, Role
from runbooks.book import Book
from runbooks.form import Runbook, Step
from runbooks.lint.facts import UNKNOWN, Facts


@dataclass(frozen=True)
class Ground:
    """Book and city, the names that others define, and the facts from outside the files."""

    book: Book
    city: City
    checks: Collection[str] | None
    backups: Collection[str] | None
    tree: Tree | None
    facts: Facts = UNKNOWN

    def role(self, name: str) -> Role | None:
        """A role by id or by name."""
        return next((role for role in self.city.roles if name in (role.id, role.name)), None)

    def at(self, rule: str, runbook: Runbook, path: Path_, key: str, **values: object) -> Fault:
        """A fault in a runbook."""
        tree = self.book.trees.get(runbook.id)
        mark = tree.mark(path) if tree is not None else Mark(f"runbook:{runbook.id}", 1, 1)
        return Fault(mark, dotted(path), _message(rule, key, values))

    def in_plan(self, rule: str, path: Path_, key: str, **values: object) -> Fault:
        """A fault in the plan itself."""
        mark = self.tree.mark(path) if self.tree is not None else Mark("plan", 1, 1)
        return Fault(mark, dotted(path), _message(rule, key, values))


def step_path(runbook: Runbook, step: Step | str, *more: str | int) -> Path_:
    """Where a step (or a key of it) is written."""
    id = step if isinstance(step, str) else step.id
    index = next(i for i, item in enumerate(runbook.steps) if item.id == id)
    return ("steps", index, *more)


def rule_of(fault: Fault) -> str:
    """`E003` of a fault of this room."""
    return fault.message[:4]


def _message(rule: str, key: str, values: dict[str, object]) -> str:
    """Rule, what is wrong, what to do about it; in both languages."""
    old = rule < "E008"  # their words stand with the room's
    said = text(f"runbooks.lint_{key}", **values) if old else text(f"lint.{key}", **values)
    todo = text(f"lint.todo_{rule}")
    return f"{rule}: {said.ja} → {todo.ja} / {said.en} → {todo.en}"
