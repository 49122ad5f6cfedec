"""`/disaster/paper`: what was written on paper is typed in, sheet by sheet (後入力).

The typed code (or the QR text) of a sheet opens its steps in the order of the paper. Kept are the
time it happened, the time of entry, who did it, who wrote it and who typed it, and whether the time
is exact. Where the code cannot be read, the runbook is chosen by its name.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

from bcp.kit import typed_code
from bcp.kit.errors import UsageError
from bcp.kit.language import text
from bcp.kit.units import JST
from bcp.plan.model import City
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.heard import Told, record_all
from bcp.service.pages.event import actor, desk_of, event_of
from bcp.service.pages.respond import Absent, Answer, Go, Page, Pages
from bcp.service.pages.visit import Visit
from runbooks import commands as c
from runbooks.book import Book
from runbooks.form import DecisionStep
from runbooks.heard import Heard
from runbooks.paper.forms import damage
from runbooks.paper.plan_forms import first_hours
from runbooks.paper.sheet import Sheet, Steps
from runbooks.paper.sheets import Press, runbook
from runbooks.scribe import Act, Line
from runbooks.spoken import instant_of, people, person_of
from runbooks.state import Incident

_ACTS: dict[str, Act] = {"done": "done", "start": "start", "failed": "failed", "skip": "skip"}


@dataclass(frozen=True, slots=True)
class Found:
    """A sheet of paper found by its code."""

    title: str
    code: str
    steps: tuple[str, ...]
    damage: bool = False


def routes(pages: Pages) -> list[Route]:
    """Real and drill: the same handlers."""
    return [
        route
        for base in ("/disaster", "/drills/{drill}")
        for route in (
            pages.route("GET", base + "/paper", Permission.STEP, ask),
            pages.route("POST", base + "/paper", Permission.STEP, take),
        )
    ]


async def ask(visit: Visit) -> Answer:
    """Ask for the code; with one, the steps of its sheet."""
    incident = event_of(visit)
    if incident is None:
        raise Absent
    found = await _find(visit, incident)
    if found is not None and found.damage:
        return Go(f"{visit.base}/damage?sheet={found.code}")
    return await _page(visit, incident, found, [])


async def take(visit: Visit) -> Answer:
    """Record every row that was filled in; rows that cannot be recorded come back."""
    incident = event_of(visit)
    if incident is None:
        raise Absent
    found = await _find(visit, incident)
    if found is None:
        raise UsageError(text("backentry.no_sheet").pick(visit.lang), got=visit.field("code")[:40])
    desk = desk_of(visit)
    frozen = await desk.frozen(incident)
    day, about = _day(visit), visit.field("about") == "1"
    known = {name: a.id for a in visit.house.accounts.everybody() for name in (a.login, a.name)}
    lines = await visit.house.workers.thread(
        _lines, visit, found, day, about, visit.house.city, frozen.book, known
    )
    op = visit.field("op")
    op = op if op.isalnum() and len(op) <= 32 else visit.op
    how = Heard("paper", wrote=visit.field("wrote")[:60], sheet=found.code or None)
    told = await record_all(desk, incident.id, lines, how, actor(visit), op)
    bad = [one for one in told if not one.kept]
    if visit.field("all") == "1" and not bad and (id := _open_sheet(incident, found)):
        back = c.ReturnSheet(incident=incident.id, id=id)
        end = hashlib.sha256(f"{op} back".encode()).hexdigest()[:40]
        await desk.do(back, actor(visit), end)
    return await _page(visit, event_of(visit) or incident, found, told, op)


async def _page(
    visit: Visit, incident: Incident, found: Found | None, told: list[Told], op: str = ""
) -> Answer:
    desk = desk_of(visit)
    seen = await desk.situation(incident)
    rows = [seen.steps[id] for id in found.steps if id in seen.steps] if found else []
    bad = {one.line.step: one for one in told if not one.kept}
    values = {
        "incident": incident,
        "found": found,
        "asked": visit.query.get("code", "") or visit.field("code"),
        "rows": rows,
        "told": told,
        "bad": bad,
        "op": op or visit.op,
        "today": visit.now.astimezone(JST).date().isoformat(),
        "books": [b for id in incident.runbooks if (b := seen.book.get(id)) is not None],
        "open": [item for item in incident.sheets.values() if item.closed_at is None],
        "grouped": typed_code.grouped,
        "field": visit.field,
        "choices": {
            row.step.id: row.step.options for row in rows if isinstance(row.step, DecisionStep)
        },
        "acts": tuple(_ACTS),
    }
    return Page("sheet_entry.html", values, live=False)


async def _find(visit: Visit, incident: Incident) -> Found | None:
    """The sheet of a typed code, a QR text, or a runbook chosen by name."""
    asked = (visit.query.get("code") or visit.field("code")).strip()[:200]
    named = visit.query.get("runbook") or visit.field("runbook")
    if not asked and not named:
        return None
    frozen = await desk_of(visit).frozen(incident)
    if not asked:
        book = frozen.book.get(named)
        return Found(book.title, "", tuple(step.id for step in book.steps)) if book else None
    code = typed_code.read(asked.rpartition("|")[2], 8)
    if code is None:
        raise UsageError(
            text("backentry.bad_code").pick(visit.lang), got=asked[:40], expected="ABCD-EFGH"
        )
    house, day = visit.house, visit.now.astimezone(JST).date()
    found = await house.workers.thread(
        _search, code, house.city, (house.book, frozen.book), day, visit.drill, incident.id
    )
    if found is None:
        raise UsageError(
            text("backentry.other_edition").pick(visit.lang),
            got=typed_code.grouped(code),
            next_step=text("backentry.by_name").pick(visit.lang),
        )
    return found


def _search(
    code: str,
    city: City,
    books: tuple[Book, ...],
    day: date,
    drill: str | None,
    incident: str,
) -> Found | None:
    """Every sheet as it may have been printed: before the event or for it, with or without 【訓練】."""
    for book in books:
        for mark in dict.fromkeys((drill, None, "訓練")):
            for event in (None, incident):
                press = Press(city, book, day, mark, event)
                for sheet in (*(runbook(press, one) for one in book), *first_hours(press)):
                    if sheet.code == code:
                        return Found(sheet.title, code, _steps(sheet))
                blank = damage(press)
                if blank.code == code:
                    return Found(blank.title, code, (), damage=True)
    return None


def _steps(sheet: Sheet) -> tuple[str, ...]:
    return tuple(
        line.id for block in sheet.blocks if isinstance(block, Steps) for line in block.steps
    )


def _open_sheet(incident: Incident, found: Found) -> str | None:
    """The registered sheet this is, by its code."""
    for item in incident.sheets.values():
        if item.closed_at is None and item.id.replace("-", "").upper() == found.code:
            return item.id
    return None


def _day(visit: Visit) -> date:
    given = visit.field("day")
    try:
        return date.fromisoformat(given)
    except ValueError as error:
        raise UsageError(
            text("pages.bad_time").pick(visit.lang), got=given, expected="2026-11-23"
        ) from error


def _lines(
    visit: Visit,
    found: Found,
    day: date,
    about: bool,
    city: City,
    book: Book,
    known: dict[str, str],
) -> list[Line]:
    """The rows that were filled in, as the scribe's lines: one grammar for time and act."""
    lines, names = [], people(city, known)
    for number, step in enumerate(found.steps, 1):
        result, clock = visit.field(f"r-{step}")[:40], visit.field(f"t-{step}")[:20]
        note, who = visit.field(f"n-{step}")[:200], visit.field(f"w-{step}")[:60]
        if not result:
            continue
        at, problem = instant_of(clock, day, visit.now)
        act: Act = _ACTS.get(result, "decide")
        if act in ("failed", "skip") and not note:
            problem = problem or text("backentry.no_reason")
        raw = " ".join(filter(None, (step, result, day.isoformat(), clock, who, note)))
        option = result if act == "decide" else ""
        did = person_of(who, names)
        lines.append(
            Line(number, raw, step, "", act, at, None, about, who, did, option, note, problem)
        )
    return lines
