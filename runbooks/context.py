"""What a decision may look at besides the state, and how it says no. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bcp.journal.canonical import Json
from bcp.journal.entry import Actor, NewEntry
from bcp.kit.errors import Refused
from bcp.kit.language import text
from bcp.kit.units import jst
from bcp.plan.automation import Automation
from bcp.plan.model import City
from runbooks.book import Book
from runbooks.ground import Ground
from runbooks.state import Incident

FUTURE = timedelta(minutes=10)
"""A typed time may lie this far ahead (clocks differ); more is a slip of the pen."""


@dataclass(frozen=True, slots=True)
class Context:
    """Handed in by the desk. For a running event `book` and `city` are the frozen ones."""

    actor: Actor
    stage: str
    """`real` or the drill's id: fixed by the store, never by the request."""
    city: City
    book: Book
    plan: str = ""
    frozen: str = ""
    clock_suspect: bool = False
    """The wall clock cannot be trusted: then no typed time is refused."""
    unseen: frozenset[str] = frozenset()
    """Systems whose proof nobody can see now (stale, not run): asked before 復旧 only."""
    holders: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Pseudonym -> what he is: roles of the plan and capacities of his account. Empty: not known."""
    allowed: tuple[Automation, ...] = ()
    """The allow-list of the plan in force: what a machine may do."""
    people: Mapping[str, str] = field(default_factory=dict)
    """Of a declaration: what `freeze` took out of the frozen plan, values of its entry."""
    ground: Ground = field(default_factory=dict)
    """What the sources of the gates say now: asked before gates and 解除 only."""


class Conflict(Refused):
    """Two people said different things about one step: 409, both statements shown."""

    def __init__(self, step: str, recorded: str, by: str, at: datetime | None, wanted: str) -> None:
        self.step, self.recorded, self.by, self.at, self.wanted = step, recorded, by, at, wanted
        when = jst(at, "%H:%M") if at is not None else "?"
        said = text(
            "runbooks.conflict", step=step, recorded=recorded, by=by, at=when, wanted=wanted
        )
        super().__init__(
            both(said.ja, said.en),
            where=step,
            expected=recorded,
            got=wanted,
            next_step=_say("runbooks.conflict_next"),
        )


def both(ja: str, en: str) -> str:
    """One line in both languages."""
    return f"{ja} / {en}"


def _say(key: str, **values: object) -> str:
    found = text(key, **values)
    return both(found.ja, found.en)


def refuse(key: str, allowed: str | None = None, **values: object) -> Refused:
    """A refusal that says what is allowed instead (`allowed` = key of that sentence)."""
    next_step = _say(allowed or "runbooks.look_again", **values)
    refused = Refused(_say(f"runbooks.{key}", **values), next_step=next_step)
    refused.lacks = _LACKS.get(key, ())
    return refused


_LACKS = {
    "needs_people": ("together", "alone"),
    "answer_missing": ("answer",),
    "answer_wrong": ("answer",),
    "approval_missing": ("approved_by",),
    "mandatory": ("approved_by",),
    "not_holder": ("approved_by",),
    "attest_other": ("alone",),
    "waive_other": ("alone",),
    "run_retype": ("retype",),
    "reason_missing": ("reason",),
    "note_missing": ("note",),
}
"""Refusals that one more field turns into a yes."""


def need_text(value: str, what: str = "reason") -> str:
    """A reason that is not blank."""
    if not value.strip():
        raise refuse(f"{what}_missing")
    return value.strip()


def need_known(ids: Iterable[str], known: Iterable[str], what: str) -> None:
    """Refuse a name that the plan does not know."""
    names = list(known)
    for id in ids:
        if id not in names:
            raise refuse("unknown", what=what, id=id, known=", ".join(names[:20]))


_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")


def need_ids(given: Iterable[str]) -> None:
    """What enters the entry itself can never be erased: ids there, words in the texts."""
    for id in given:
        if _ID.fullmatch(id) is None:
            raise refuse("id_only", id=id)


def when(context: Context, typed: datetime | None, at: datetime) -> datetime:
    """When it happened: as typed, else now. Refuses the future unless the clock is suspect."""
    if typed is None:
        return at
    if typed > at + FUTURE and not context.clock_suspect:
        raise refuse("future", time=jst(typed), now=jst(at))
    return typed


def entry(
    incident: Incident | str,
    word: str,
    subject: str,
    occurred_at: datetime,
    detail: Mapping[str, Json] | None = None,
    **texts: str,
) -> NewEntry:
    """An entry of this room: `incident.<word>`; blank texts are left out."""
    id = incident if isinstance(incident, str) else incident.id
    values = {name: value for name, value in texts.items() if value.strip()}
    return NewEntry(f"incident.{word}", subject, detail or {}, id, occurred_at, values)
