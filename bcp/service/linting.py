"""Whether the runbooks of a plan are fit to be followed: every E and W rule over the whole plan.

A faulty runbook is a finding, not a reason to stop watching: `check-config` and `runbook lint` tell
it and exit with 1, the daemon takes the plan over and warns. Even a cycle traps nobody: the derivation
of what comes next cuts it open at the first of its steps in the file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from backups.care import care_ids
from backups.ladder import derived_ids
from backups.model import BackupSet
from backups.systems import rpo_ids
from bcp.plan.marks import Fault
from bcp.service.plan import Plan, trees_of
from runbooks.lint import Copies, Facts, lint, unchecked, warn


@dataclass(frozen=True, slots=True)
class Linted:
    """What stands against the runbooks of a plan."""

    errors: tuple[Fault, ...]
    """They block approval."""
    warnings: tuple[Fault, ...]
    unchecked: tuple[str, ...]
    """Rules that could not be looked at (or not wholly): not the same as good."""


def lint_plan(plan: Plan, *, placed: bool = True) -> list[Fault]:
    """Every error. `placed`: with the lines of the plan's own files, which are read again for it."""
    tree = trees_of(plan) if placed else None
    facts = Facts(copies=copies_of(plan))
    return lint(plan.book, plan.city, **_names(plan), tree=tree, facts=facts)


def lint_whole(plan: Plan, today: date, known: Facts | None = None) -> Linted:
    """Errors and warnings; `known`: what the log tells (None = no log was asked)."""
    facts = replace(known or Facts(), today=today, copies=copies_of(plan))
    tree = trees_of(plan)
    errors = lint(plan.book, plan.city, **_names(plan), tree=tree, facts=facts)
    warnings = warn(plan.book, plan.city, tree=tree, facts=facts)
    return Linted(tuple(errors), tuple(warnings), unchecked(facts) if len(plan.book) else ())


def copies_of(plan: Plan) -> dict[str, Copies]:
    """The plan's backup sets as the rules see them."""
    return {
        one.id: Copies(
            one.system,
            one.every if isinstance(one, BackupSet) else one.rpo,
            tuple(copy.site for copy in one.repositories),
        )
        for one in plan.backups
    }


def _names(plan: Plan) -> dict[str, list[str]]:
    checks = [
        *(check.id for check in plan.checks),
        *derived_ids(plan.backups),
        *care_ids(plan.backups),
        *rpo_ids(plan.city, plan.backups),
    ]
    return {"checks": checks, "backups": [item.id for item in plan.backups]}
