"""What is wrong with a book before the disaster. Pure: book, city and facts in, faults out.

Each rule is a function `(Ground) -> faults`; `meaning` says in one sentence what it means, every
message says what to do. `lint` runs the rules that block approval (E), `warn` those that do not (W):
every fault at once, with file:line:column where the files are known. What needs more than the files
comes as `Facts`; a rule without its facts is told by `unchecked`, never passed over as good.
"""

from __future__ import annotations

from collections.abc import Collection

from bcp.kit.language import Text, text
from bcp.plan.marks import Fault, Tree
from bcp.plan.model import City
from runbooks.book import Book
from runbooks.lint.acts import e009, e010
from runbooks.lint.chance import w101
from runbooks.lint.copies import e008, w108
from runbooks.lint.facts import UNKNOWN, Copies, Facts, unchecked
from runbooks.lint.flow import e001, e002
from runbooks.lint.ground import Ground, rule_of
from runbooks.lint.names import e003, e004
from runbooks.lint.people import w105
from runbooks.lint.proof import w104, w106, w110
from runbooks.lint.times import e005, e006, e007
from runbooks.lint.upkeep import w102, w107, w109
from runbooks.lint.wording import w103, w111

__all__ = [
    "ERRORS",
    "RULES",
    "WARNINGS",
    "Copies",
    "Facts",
    "lint",
    "meaning",
    "rule_of",
    "unchecked",
    "warn",
]

ERRORS = tuple(f"E{number:03d}" for number in range(1, 11))
WARNINGS = tuple(f"W{number}" for number in range(101, 112))
RULES = (*ERRORS, *WARNINGS)


def meaning(rule: str) -> Text:
    """What a rule means, for `runbook lint --rules` and the manual."""
    return text(f"runbooks.rule_{rule}")


def lint(
    book: Book,
    city: City,
    *,
    checks: Collection[str] | None = None,
    backups: Collection[str] | None = None,
    tree: Tree | None = None,
    facts: Facts = UNKNOWN,
) -> list[Fault]:
    """Every fault that blocks approval. `checks` and `backups`: the ids the plan defines (None = do
    not look); `tree`: the plan's, for the places of systems and roles.
    """
    ground = Ground(book, city, checks, backups, tree, facts)
    faults = e001(ground)
    cyclic = bool(faults)
    faults += [*e003(ground), *e004(ground), *e008(ground), *e009(ground), *e010(ground)]
    if not cyclic:  # the other rules walk the graph
        faults += [*e002(ground), *e005(ground), *e006(ground)]
    return sorted({*faults, *e007(ground)})


def warn(
    book: Book, city: City, *, tree: Tree | None = None, facts: Facts = UNKNOWN
) -> list[Fault]:
    """Everything worth mending that blocks nothing."""
    ground = Ground(book, city, None, None, tree, facts)
    faults = [
        *(w101(ground) if not e001(ground) else ()),
        *w102(ground),
        *w103(ground),
        *w104(ground),
        *w105(ground),
        *w106(ground),
        *w107(ground),
        *w108(ground),
        *w109(ground),
        *w110(ground),
        *w111(ground),
    ]
    return sorted(set(faults))
