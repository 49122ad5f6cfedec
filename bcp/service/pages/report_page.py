"""事後報告 on screen: the verdict in five lines, the topics folded, a page that stays light.

Small topics are in the page, folded; a long one opens on pages of its own. `upto` makes an earlier
edition again. The report is a Japanese document; people are called by name where the reader may
know them, the digest is of the text with pseudonyms. JSON, text, PDF, CSV and XLSX beside it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from aiohttp import web

from bcp.kit.units import JST, whole
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.event import actor, desk_of, event_of, operation
from bcp.service.pages.paper_page import pdf_of
from bcp.service.pages.respond import Absent, Answer, Go, Page, Pages
from bcp.service.pages.visit import Visit
from runbooks.paper.sheet import Block, Table
from runbooks.report import Report
from runbooks.report.facts import report_facts
from runbooks.report.sections import Section
from runbooks.report.sheet import absent, report_sheet, sections
from runbooks.report.verdict import verdict
from runbooks.report.words import said
from runbooks.state import Incident
from runbooks.told import named

_ROWS = 40
"""Of one topic on one page."""
_LETTERS = 3500
"""Of all topics that stand in the first page; the others open on their own."""
_CELL = 12
"""What a cell costs besides its letters."""


def routes(pages: Pages) -> list[Route]:
    """Real and drill."""
    return [
        pages.route(method, base + path, permission, handler)
        for base in ("/disaster", "/drills/{drill}")
        for method, path, permission, handler in (
            ("GET", "/report", Permission.READ_LOG, report_page),
            ("GET", "/report/pdf", Permission.READ_LOG, report_pdf),
            ("GET", "/report/json", Permission.READ_LOG, report_json),
            ("GET", "/report/text", Permission.READ_LOG, report_text),
            ("POST", "/report", Permission.COMMAND, record),
        )
    ]


@dataclass(frozen=True, slots=True)
class Shown:
    """One topic on the page; without blocks it opens on its own."""

    id: str
    title: str
    rows: int
    blocks: tuple[Block, ...]


async def report_page(visit: Visit) -> Answer:
    """First the verdict, then the topics; `?part=` one topic, `?all=1` everything for the printer."""
    incident, report = await _report(visit)
    part = visit.query.get("part", "")
    drawn = await visit.house.workers.thread(
        _drawn, report, visit.called, part, whole(visit.query.get("page", "")) or 0
    )
    if drawn is None:
        raise Absent
    values = {
        **drawn,
        "incident": incident,
        "recordable": not incident.active and visit.may(Permission.COMMAND) and not part,
        "asked": urlencode({k: visit.query[k] for k in ("incident", "upto") if k in visit.query}),
    }
    return Page("report.html", values, live=False)


def _drawn(
    report: Report, called: Callable[[str], str], part: str, page: int
) -> dict[str, object] | None:
    found = sections(report)
    common = {
        "title": said("title"),
        "drill": not report.incident.real,
        "upto": report.upto,
        "digest": report.digest,
        "logged": report.incident.report,
    }
    if not part:
        shown = [one for one in found if one.blocks]
        return {
            **common,
            "lines": verdict(report),
            "parts": _folded(shown, called),
            "nothing": absent(found),
            "topic": None,
        }
    one = next((one for one in found if one.id == part and one.blocks), None)
    if one is None:
        return None
    leaves = _leaves(one)
    here = page if page < len(leaves) else 0
    blocks = tuple(named(block, called) for block in leaves[here])
    topic = Shown(one.id, one.title, one.rows, blocks)
    return {**common, "topic": topic, "pages": len(leaves), "here": here}


def _folded(found: list[Section], called: Callable[[str], str]) -> list[Shown]:
    """As many topics as fit into a light page, in their order; of the others the title."""
    left, out = _LETTERS, []
    for one in found:
        cost = _cost(one)
        fits = cost <= left
        left -= cost if fits else 0
        blocks = tuple(named(block, called) for block in one.blocks) if fits else ()
        out.append(Shown(one.id, one.title, one.rows, blocks))
    return out


def _cost(section: Section) -> int:
    tables = [block for block in section.blocks if isinstance(block, Table)]
    return sum(len(cell) + _CELL for one in tables for row in one.rows for cell in row)


def _leaves(section: Section) -> list[tuple[Block, ...]]:
    """Pages of so many rows each; a table that goes on is cut."""
    leaves: list[list[Block]] = [[]]
    room = _ROWS
    for block in section.blocks:
        if not isinstance(block, Table):
            leaves[-1].append(block)
            continue
        rows = block.rows
        while rows:
            if not room:
                leaves.append([])
                room = _ROWS
            leaves[-1].append(replace(block, rows=rows[:room]))
            room, rows = room - len(rows[:room]), rows[room:]
    return [tuple(leaf) for leaf in leaves]


async def report_pdf(visit: Visit) -> Answer:
    """As PDF, A4."""
    incident, report = await _report(visit)
    day, organization = visit.now.astimezone(JST).date(), visit.house.city.organization
    sheet = await visit.house.workers.thread(report_sheet, report, organization, day)
    shown = replace(sheet, blocks=tuple(named(block, visit.called) for block in sheet.blocks))
    return await pdf_of(visit, (shown,), f"report-{incident.id}")


async def report_json(visit: Visit) -> Answer:
    """For programs: every row of every topic, with the digest of the text."""
    _incident, report = await _report(visit)
    body = await visit.house.workers.thread(_json, report)
    return web.Response(body=body, content_type="application/json", charset="utf-8")


def _json(report: Report) -> bytes:
    facts = {"digest": report.digest, **report_facts(report)}
    return (json.dumps(facts, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()


async def report_text(visit: Visit) -> Answer:
    """The text whose digest is logged, to the byte."""
    _incident, report = await _report(visit)
    body = await visit.house.workers.thread(lambda: report.markdown.encode())
    return web.Response(body=body, content_type="text/plain", charset="utf-8")


async def record(visit: Visit) -> Answer:
    """Make the report and put its digest into the log."""
    incident = event_of(visit)
    if incident is None:
        raise Absent
    await desk_of(visit).record_report(incident, actor(visit), operation(visit))
    return Go(f"{visit.base}/report?incident={incident.id}")


async def _report(visit: Visit) -> tuple[Incident, Report]:
    incident = event_of(visit)
    if incident is None:
        raise Absent
    return incident, await desk_of(visit).report(incident, whole(visit.query.get("upto", "")))
