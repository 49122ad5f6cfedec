"""`/disaster/chronology`: クロノロジー, searchable, paged, printable; by when it happened.

Every line says when it happened and, where that was typed later, when it was recorded (後入力). Names
are for those who may know them: others read role and pseudonym. The search runs in a worker over a
projection of the log; fifty thousand entries are no scan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from bcp.journal.chronology import Found, Sought, find, kinds, people
from bcp.journal.entry import Entry
from bcp.kit.language import catalogue
from bcp.kit.units import whole
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.event import desk_of, event_of, parse_time
from bcp.service.pages.log import Line, line, named, names
from bcp.service.pages.render import Words
from bcp.service.pages.respond import Absent, Answer, Page, Pages
from bcp.service.pages.visit import Visit
from runbooks.frozen import Frozen
from runbooks.state import LATE_SECONDS

_PER_PAGE = 40
_ASKED = ("q", "who", "about", "kind", "from", "to", "late", "old")
_PERSONAL = frozenset({"holder", "name", "contact"})
"""Names of values that hold nothing but a person's name."""


def routes(pages: Pages) -> list[Route]:
    """Real and drill: the same handler."""
    return [
        pages.route("GET", base + "/chronology", Permission.READ_LOG, show)
        for base in ("/disaster", "/drills/{drill}")
    ]


async def show(visit: Visit) -> Answer:
    """One page of what was found."""
    incident, desk = event_of(visit), desk_of(visit)
    if incident is None:
        raise Absent
    frozen = await desk.frozen(incident)
    asked = {name: visit.query.get(name, "").strip()[:200] for name in _ASKED}
    known = await kinds(desk.journal, incident.id)
    spans = await people(desk.journal, incident.id)
    sought = await visit.house.workers.thread(
        _sought, visit, incident.id, frozen, asked, list(known), [one.actor for one in spans]
    )
    page = max(0, whole(visit.query.get("page", "")) or 0)
    found = await find(
        desk.journal, sought, _PER_PAGE, page * _PER_PAGE, oldest_first=bool(asked["old"])
    )
    values = {
        "incident": incident,
        "lines": [await _line(visit, entry) for entry in found.entries],
        "asked": asked,
        "asking": any(said for name, said in asked.items() if name != "old"),
        "called": _named(frozen),
        "kinds": sorted((_kind(visit, kind), kind, count) for kind, count in known.items()),
        "who": [(one.actor, _called(visit, one.actor, "")) for one in spans],
        "systems": [(one.id, one.name) for one in frozen.city.systems if incident.in_scope(one.id)],
        **_around(found, page, asked, incident.id),
    }
    return Page("chronology.html", values, live=False)


def _named(frozen: Frozen) -> dict[str, str]:
    """What a subject is called in the plan of the event."""
    return (
        {one.id: one.name for one in frozen.city.systems}
        | {one.id: one.name for one in frozen.city.services}
        | {step.id: f"{step.id} {step.title}" for book in frozen.book for step in book.steps}
    )


def _around(found: Found, page: int, asked: Mapping[str, str], incident: str) -> dict[str, Any]:
    """Where one is, and the addresses of the pages beside it."""
    kept = {"incident": incident, **{name: said for name, said in asked.items() if said}}

    def place(number: int) -> str:
        return "?" + urlencode({**kept, "page": number})

    first = page * _PER_PAGE
    last = first + len(found.entries)
    return {
        "total": found.total,
        "first": first + 1 if found.entries else 0,
        "last": last,
        "before": place(page - 1) if page else None,
        "after": place(page + 1) if last < found.total else None,
        "turned": "?" + urlencode({**kept, "old": "" if asked["old"] else "1"}),
        "download": urlencode(kept),
    }


def _sought(
    visit: Visit,
    incident: str,
    frozen: Frozen,
    asked: Mapping[str, str],
    known: list[str],
    actors: list[str],
) -> Sought:
    """The question, with every name that holds the words. Raises `UsageError` for a bad time."""
    words = asked["q"]
    subjects: list[str] = []
    if words:
        lower = words.lower()
        steps = [step for book in frozen.book for step in book.steps]
        named = [(one.id, f"{one.id} {one.name}") for one in frozen.city.systems]
        named += [(one.id, f"{one.id} {one.name}") for one in frozen.city.services]
        named += [(one.id, f"{one.id} {one.title}") for one in frozen.book]
        named += [(step.id, f"{step.id} {step.title}") for step in steps]
        subjects = [id for id, name in named if lower in name.lower()]
    return Sought(
        incident,
        words,
        subjects,
        [kind for kind in known if words and words in _kind(visit, kind)],
        [one for one in actors if words and words in _called(visit, one, "")],
        kinds=[asked["kind"]] if asked["kind"] else None,
        actors=[asked["who"]] if asked["who"] else None,
        subjects=_about(frozen, asked["about"]) if asked["about"] else None,
        since=_time(visit, asked["from"]),
        until=_time(visit, asked["to"]),
        late_seconds=LATE_SECONDS if asked["late"] else None,
    )


def _about(frozen: Frozen, id: str) -> list[str]:
    """A step, or a system with everything that belongs to it."""
    books = [book for book in frozen.book if book.system == id or book.id == id]
    return [id, *(book.id for book in books), *(s.id for book in books for s in book.steps)]


def _time(visit: Visit, said: str) -> datetime | None:
    return parse_time(said, visit.lang)


async def _line(visit: Visit, entry: Entry) -> Line:
    texts = await desk_of(visit).journal.reveal(entry)
    if not visit.may(Permission.READ_PERSONAL):
        hidden = visit.word("event.name_hidden")
        texts = {name: hidden if name in _PERSONAL else said for name, said in texts.items()}
    words = Words(visit.lang, visit.now)
    subject = named(entry.subject, visit)
    known = replace(names(visit), called=lambda id: _called(visit, id, entry.actor.capacity))
    return line(entry, texts, words, known, subject)


def _called(visit: Visit, id: str, capacity: str) -> str:
    """The name for those who may know it, else role and pseudonym."""
    if visit.may(Permission.READ_PERSONAL) or not id.startswith("u-"):
        return visit.called(id)
    key = f"access.role_{capacity}"
    role = visit.word(key) if capacity and key in catalogue() else visit.word("event.somebody")
    return f"{role} {id}"


def _kind(visit: Visit, kind: str) -> str:
    key = f"pages.log_{kind.replace('.', '_')}"
    return visit.word(key) if key in catalogue() else kind
