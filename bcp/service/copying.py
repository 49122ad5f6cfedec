"""The register of printed copies at work: issue, end, and which of them are stale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bcp.journal.canonical import Json
from bcp.journal.entry import Actor, NewEntry
from bcp.journal.folding import View
from bcp.journal.journal import Journal
from bcp.kit.errors import Refused, UsageError
from bcp.kit.language import text
from bcp.kit.units import JST, to_us
from bcp.kit.workers import Workers
from bcp.plan.loader import unknown
from bcp.plan.model import City
from runbooks.paper.copies import ENDED, FOLD_NAME, ISSUED, Copies, Copy, Why, stale
from runbooks.paper.sets import SETS, digest, people_digest, sheets_of
from runbooks.paper.sheets import Press

DUE = timedelta(days=365)
"""A copy is printed again after a year at the latest (every April people change)."""
_HOW = ("returned", "destroyed", "lost")


@dataclass(frozen=True, slots=True)
class Standing:
    """One copy and why it must be printed again."""

    copy: Copy
    why: tuple[Why, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be printed and where it goes."""

    sets: tuple[str, ...]
    site: str
    holder: str
    due: date | None = None
    role: str | None = None
    only_site: str | None = None

    def check(self, city: City) -> None:
        """Raises `UsageError` for what the plan does not know."""
        for name in self.sets:
            if name not in SETS:
                raise UsageError(unknown(name, SETS), where="set")
        if city.site(self.site) is None:
            raise UsageError(unknown(self.site, [s.id for s in city.sites]), where="site")
        for role in filter(None, (self.holder, self.role)):
            if city.role(role) is None:
                raise UsageError(unknown(role, [r.id for r in city.roles]), where="holder")
        if self.only_site is not None and city.site(self.only_site) is None:
            raise UsageError(unknown(self.only_site, [s.id for s in city.sites]), where="only_site")


async def issue(
    journal: Journal,
    workers: Workers,
    press: Press,
    asked: Asked,
    now: datetime,
    *,
    actor: Actor,
    op: str,
) -> str:
    """Enter a printed copy; its id. Durable when it returns. Raises `UsageError`, `Unwritable`."""
    city, book = press.city, press.book
    asked.check(city)
    said = await workers.thread(_digest, press, asked.sets, asked.role, asked.only_site)
    due = datetime.combine(asked.due, datetime.min.time(), JST) if asked.due else now + DUE
    detail: dict[str, Json] = {
        "sets": list(asked.sets),
        "edition": city.organization.edition,
        "digest": said,
        "people": people_digest(city),
        "site": asked.site,
        "holder": asked.holder,
        "due_us": to_us(due),
        "role": asked.role,
        "only_site": asked.only_site,
    }
    if not asked.sets or "runbooks" in asked.sets:
        detail["books"] = {item.id: book.digests[item.id] for item in book}

    def decide(view: View) -> Sequence[NewEntry]:
        state: Copies = view.state(FOLD_NAME)
        return (NewEntry(ISSUED, f"copy-{len(state.items) + 1}", detail, None, now),)

    done = await journal.transact(decide, op=op, actor=actor)
    return done.entries[0].subject


async def end(
    journal: Journal, id: str, how: str, note: str, now: datetime, *, actor: Actor, op: str
) -> None:
    """It came back, was destroyed, or is lost. Raises `UsageError`, `Refused`, `Unwritable`."""
    if how not in _HOW:
        raise UsageError(unknown(how, _HOW), where="how")

    def decide(view: View) -> Sequence[NewEntry]:
        state: Copies = view.state(FOLD_NAME)
        copy = state.items.get(id)
        if copy is None:
            raise UsageError(unknown(id, state.items))
        if copy.ended is not None:
            raise Refused(_both("copy_ended"), got=f"{id}: {copy.ended}")
        values = {"note": note.strip()} if note.strip() else {}
        return (NewEntry(ENDED, id, {"how": how}, None, now, values),)

    await journal.transact(decide, op=op, actor=actor)


async def standing(
    journal: Journal, workers: Workers, press: Press, now: datetime
) -> tuple[Standing, ...]:
    """Every copy that lies somewhere, with why it is stale."""
    copies: Copies = journal.state(FOLD_NAME)
    return await workers.thread(_standing, copies.out, press, now)


def _standing(copies: Sequence[Copy], press: Press, now: datetime) -> tuple[Standing, ...]:
    people = people_digest(press.city)
    known: dict[object, str] = {}
    found = []
    for copy in copies:
        key = (copy.sets, copy.role, copy.only_site)
        if key not in known:
            known[key] = _digest(press, copy.sets, copy.role, copy.only_site)
        found.append(Standing(copy, stale(copy, known[key], people, now)))
    return tuple(found)


def _digest(press: Press, sets: tuple[str, ...], role: str | None, site: str | None) -> str:
    sets = tuple(name for name in sets if name in SETS)
    return digest(sheets_of(press, sets, role=role, site=site))


def printed(copies: Copies) -> dict[str, str]:
    """Runbook -> digest of the edition that lies on paper; the newest print counts."""
    found: dict[str, str] = {}
    for copy in copies.out:
        found |= dict(copy.books)
    return found


def _both(key: str) -> str:
    said = text(f"paper.{key}")
    return f"{said.ja} / {said.en}"
