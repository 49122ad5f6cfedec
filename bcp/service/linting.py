"""Whether the runbooks of a plan are fit to be followed (E001 to E007).

A faulty runbook is a finding, not a reason to stop watching: `check-config` and `runbook lint` tell
it and exit with 1, the daemon takes the plan over and warns. Even a cycle traps nobody: the derivation
of what comes next cuts it open at the first of its steps in the file.
"""

from __future__ import annotations

from backups.ladder import derived_ids
from bcp.plan.marks import Fault
from bcp.service.plan import Plan, trees_of
from runbooks.lint import lint


def lint_plan(plan: Plan, *, placed: bool = True) -> list[Fault]:
    """Every fault. `placed`: with the lines of the plan's own files, which are read again for it."""
    checks = [*(check.id for check in plan.checks), *derived_ids(plan.backups)]
    backups = [item.id for item in plan.backups]
    tree = trees_of(plan) if placed else None
    return lint(plan.book, plan.city, checks=checks, backups=backups, tree=tree)
