"""What is wrong with a book before the disaster: E001 to E007. Pure: book and city in, faults out.

Each rule is a function `(Desk of names) -> faults`; `RULES` says in one sentence what each means.
`lint` runs them all: every fault at once, with file:line:column where the files are known.
"""

from __future__ import annotations

from collections.abc import Collection

from bcp.kit.language import Text, text
from bcp.plan.marks import Fault, Tree
from bcp.plan.model import City
from runbooks.book import Book
from runbooks.lint.flow import e001, e002
from runbooks.lint.ground import Ground
from runbooks.lint.names import e003, e004
from runbooks.lint.times import e005, e006, e007

RULES = ("E001", "E002", "E003", "E004", "E005", "E006", "E007")


def meaning(rule: str) -> Text:
    """What a rule means, for `runbook lint --help` and the manual."""
    return text(f"runbooks.rule_{rule}")


def lint(
    book: Book,
    city: City,
    *,
    checks: Collection[str] | None = None,
    backups: Collection[str] | None = None,
    tree: Tree | None = None,
) -> list[Fault]:
    """Every fault. `checks` and `backups`: the ids the plan defines (None = do not look); `tree`:
    the plan's, for the places of systems and roles.
    """
    ground = Ground(book, city, checks, backups, tree)
    faults = e001(ground)
    cyclic = bool(faults)
    faults += [*e003(ground), *e004(ground)]
    if not cyclic:  # the other rules walk the graph
        faults += [*e002(ground), *e005(ground), *e006(ground)]
    return sorted({*faults, *e007(ground)})
