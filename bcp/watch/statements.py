"""目視: what named persons confirmed, folded from the log. Pure.

An entry `observed.confirmed` names the check (subject) and the state seen; the person's name and
note are commitments, so they can be erased without breaking a proof. The last word counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bcp.journal.entry import Entry, NewEntry
from bcp.journal.folding import Fold
from bcp.kit.errors import Refused
from bcp.watch.check import Statement
from bcp.watch.values import Status

KIND = "observed.confirmed"
Statements = Mapping[str, Statement]


def confirm(check: str, status: Status, at: datetime, name: str, note: str) -> NewEntry:
    """The entry for what a person saw. Raises `Refused` without a name: nobody is not a witness."""
    if not name.strip():
        raise Refused("確認した人の名前が必要です / the name of who looked is required")
    values = {"name": name.strip()} | ({"note": note.strip()} if note.strip() else {})
    return NewEntry(KIND, check, {"status": status.value}, None, at, values)


def apply(state: Statements, entry: Entry) -> Statements:
    """The state with one more entry."""
    said = Statement(
        entry.subject, Status(entry.detail["status"]), entry.occurred_at, entry.actor.id
    )
    return {**state, entry.subject: said}


FOLD: Fold[Statements] = Fold({}, apply, kinds=(KIND,))
