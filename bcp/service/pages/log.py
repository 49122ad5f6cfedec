"""`/log`: the integrity log for people: newest first, what is signed, whether it can be written.

Names and free text stand in the value store; an erased one shows as 消去済 and every proof holds.
`/log/entries/N` is one entry whole: what the list shortens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bcp.journal.entry import Entry
from bcp.journal.selfcheck import Verified
from bcp.kit.language import catalogue
from bcp.kit.units import whole
from bcp.plan import personal
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.entry_words import Names, Pair, in_short, pairs
from bcp.service.pages.render import Words
from bcp.service.pages.respond import Absent, Answer, Page, Pages
from bcp.service.pages.visit import Visit

_PER_PAGE = 40
_FILTERS = ("incident.", "check.", "backup.", "audit.", "account.", "session.", "plan.", "log.")
_OF_PEOPLE = ("account.", "session.")
"""Kinds whose subject is the pseudonym of an account."""


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as a person reads it."""

    entry: Entry
    what: str
    subject: str
    who: str
    detail: str
    """The telling facts, in one line."""
    pairs: tuple[Pair, ...]
    said: tuple[tuple[str, str], ...]
    late: bool


def routes(pages: Pages) -> list[Route]:
    """Reading and verifying. Verifying changes nothing, so an auditor may."""
    return [
        pages.route("GET", "/log", Permission.READ_LOG, show),
        pages.route("GET", "/log/entries/{id}", Permission.READ_LOG, one),
        pages.route("POST", "/log/verify", Permission.READ_LOG, verify),
    ]


async def verify(visit: Visit) -> Answer:
    """Read everything again, now."""
    house = visit.house
    verified = await house.journal.verify(house.workers.process)
    house.note_verified(verified.ok)
    return await show(visit, verified)


async def show(visit: Visit, verified: Verified | None = None) -> Answer:
    """Forty entries and the state of the log."""
    journal, words = visit.house.journal, Words(visit.lang, visit.now)
    kind, incident = visit.query.get("kind", ""), visit.query.get("incident", "")
    entries = await journal.read(
        kind=kind or None,
        incident=incident or None,
        before=whole(visit.query.get("before", "")),
        limit=_PER_PAGE,
        reverse=True,
    )
    lines = [
        line(e, await journal.reveal(e), words, names(visit), named(e.subject, visit))
        for e in entries
    ]
    checkpoint, _note, signed_at = journal.signed
    values = {
        "lines": lines,
        "older": entries[-1].seq if len(entries) == _PER_PAGE else None,
        "kind": kind,
        "incident": incident,
        "kinds": _FILTERS,
        "journal": journal,
        "checkpoint": checkpoint,
        "signed_at": signed_at,
        "verified": verified,
        "last_verified": visit.house.verified,
        "last_verified_at": visit.house.verified_at,
    }
    return Page("log.html", values, live=verified is None)


async def one(visit: Visit) -> Answer:
    """One entry, nothing shortened."""
    journal, words = visit.house.journal, Words(visit.lang, visit.now)
    seq = whole(visit.parts["id"])
    found = () if seq is None else await journal.read(since=seq, before=seq + 1, limit=1)
    if not found:
        raise Absent
    entry = found[0]
    told = await journal.reveal(entry)
    shown = line(entry, told, words, names(visit), named(entry.subject, visit))
    return Page("log_entry.html", {"l": shown}, live=False)


def names(visit: Visit) -> Names:
    """As this reader may know them."""
    return Names(visit.called, lambda id: named(id, visit), visit.house.city.disaster.level_name)


def line(entry: Entry, values: Mapping[str, str], words: Words, known: Names, subject: str) -> Line:
    """In words; `subject` is its name on screen. An unknown kind shows its own name."""
    key = f"pages.log_{entry.kind.replace('.', '_')}"
    what = words.word(key) if key in catalogue() else entry.kind
    told = sorted(name for name in entry.commitments if not name.startswith(personal.PREFIX))
    said = tuple((name, values.get(name, words.t("erased"))) for name in told)
    late = (entry.recorded_at - entry.occurred_at).total_seconds() > 300
    found = pairs(entry, words, known)
    of_person = entry.kind.startswith(_OF_PEOPLE)
    subject = known.called(entry.subject) if of_person else subject
    if of_person:  # the name stands as the subject already
        said = tuple((name, value) for name, value in said if value != subject)
    who = known.called(entry.actor.id)
    return Line(entry, what, subject, who, in_short(found), found, said, late)


def named(subject: str, visit: Visit) -> str:
    """The plan's name of what an entry is about: a check, a copy (`backup/SET/COPY`), a system, a
    service, a site; else the subject as it is."""
    city = visit.house.city
    known = city.system(subject) or city.service(subject) or city.site(subject)
    if known is not None:
        return known.name
    board, (what, _, rest) = visit.house.board, subject.partition("/")
    if subject in board:
        return board.view(subject).check.name or subject
    set_id, _, copy = rest.partition("/")
    one = next((one for one in visit.house.room.sets if one.id == set_id), None)
    if what != "backup" or one is None:
        return subject
    return f"{one.name or one.id} → {copy}" if copy else one.name or one.id
