"""Paper on screen: the sheets of `runbooks.paper` as print pages and PDF, and the report.

The same values are set by Typst for the PDF and drawn here as HTML with a print style, so that a
node without the PDF extra still prints. Contact sheets hold personal data: their own permission.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlencode

from aiohttp import web

from bcp.kit.errors import UsageError
from bcp.kit.units import JST, whole
from bcp.plan.loader import unknown
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.event import actor, desk_of, event_of, operation
from bcp.service.pages.respond import Absent, Answer, Go, Page, Pages
from bcp.service.pages.visit import Visit
from runbooks.paper.pdf import print_set
from runbooks.paper.sets import SETS, TITLES, sheets_of
from runbooks.paper.sheet import Block, Heading, Sheet, Table
from runbooks.paper.sheets import Press, runbook
from runbooks.reporttext import report_sheet
from runbooks.state import Incident

_BLANKS = 50
_ROWS = 60
"""Of a table on one page on screen."""


def routes(pages: Pages) -> list[Route]:
    """Sheets and reports, real and drill."""
    found = [
        pages.route("GET", "/paper", Permission.READ_PERSONAL, disaster_paper),
        pages.route("GET", "/paper/pdf", Permission.READ_PERSONAL, disaster_pdf),
        pages.route("GET", "/runbooks/{id}/print", Permission.READ, runbook_paper),
        pages.route("GET", "/runbooks/{id}/pdf", Permission.READ, runbook_pdf),
    ]
    for base in ("/disaster", "/drills/{drill}"):
        found += [
            pages.route("GET", base + "/report", Permission.READ_LOG, report_page),
            pages.route("GET", base + "/report/pdf", Permission.READ_LOG, report_pdf),
            pages.route("POST", base + "/report", Permission.COMMAND, record),
        ]
    return found


async def disaster_paper(visit: Visit) -> Answer:
    """What was chosen (`?set=8&role=…&n=10`); without a choice the first three sheets."""
    names = () if visit.query.get("set") else ("card", "9", "11")
    sheets = _chosen(visit, names)
    page = _page(sheets, "/paper/pdf?" + urlencode(dict(visit.query)))
    values = {"choose": TITLES, "city": visit.house.city, "asked": visit.query}
    return replace(page, values={**page.values, **values})


async def disaster_pdf(visit: Visit) -> Answer:
    """The same as PDF; without a choice the whole set, runbooks included."""
    return await _pdf(visit, _chosen(visit, ()), "disaster-set")


def _chosen(visit: Visit, names: tuple[str, ...]) -> tuple[Sheet, ...]:
    name, role, site = (visit.query.get(key) or None for key in ("set", "role", "site"))
    if name is not None and name != "all":
        if name not in SETS:
            raise UsageError(unknown(name, SETS))
        names = (name,)
    count = min(whole(visit.query.get("n", "")) or 1, _BLANKS)
    return sheets_of(_press(visit), names, role=role, site=site, damage=count)


async def runbook_paper(visit: Visit) -> Answer:
    """One runbook to print."""
    return _page((_runbook(visit),), f"/runbooks/{visit.parts['id']}/pdf")


async def runbook_pdf(visit: Visit) -> Answer:
    """One runbook as PDF."""
    return await _pdf(visit, (_runbook(visit),), visit.parts["id"])


async def report_page(visit: Visit) -> Answer:
    """The report as far as it goes, part by part on screen (`?all=1` whole, for the printer)."""
    incident, sheet = await _report(visit)
    recordable = incident if not incident.active and visit.may(Permission.COMMAND) else None
    pdf = f"{visit.base}/report/pdf?incident={incident.id}"
    split = parts(sheet.blocks)
    small = sum(len(b.rows) for b in sheet.blocks if isinstance(b, Table)) <= _ROWS
    if small and visit.query.get("all") == "1":
        return _page((sheet,), pdf, recordable)
    asked = whole(visit.query.get("part", "")) or 0
    index = asked if asked < len(split) else 0
    values = {
        "sheets": (replace(sheet, blocks=split[index]),),
        "pdf": pdf,
        "incident": recordable,
        "event": incident.id,
        "parts": _named(split, sheet.title),
        "here": index,
        "small": small,
    }
    return Page("sheet.html", values, live=False)


def _named(split: list[tuple[Block, ...]], title: str) -> list[tuple[int, str]]:
    """The parts' headings; what goes on under the same one is numbered."""
    heads = [b[0].text if isinstance(b[0], Heading) else title for b in split]
    named = []
    for index, head in enumerate(heads):
        number = heads[: index + 1].count(head)
        named.append((index, f"{head} {number}" if heads.count(head) > 1 else head))
    return named


def parts(blocks: tuple[Block, ...]) -> list[tuple[Block, ...]]:
    """Cut before every heading, and a long table after every so many rows: a page stays light."""
    found: list[list[Block]] = []
    for block in blocks:
        if isinstance(block, Heading) or not found:
            found.append([])
        if not isinstance(block, Table) or len(block.rows) <= _ROWS:
            found[-1].append(block)
            continue
        head = [one for one in found[-1] if isinstance(one, Heading)]
        for begin in range(0, len(block.rows), _ROWS):
            if begin:
                found.append(list(head))
            found[-1].append(replace(block, rows=block.rows[begin : begin + _ROWS]))
    return [tuple(part) for part in found]


async def report_pdf(visit: Visit) -> Answer:
    """The report as PDF."""
    incident, sheet = await _report(visit)
    return await _pdf(visit, (sheet,), f"report-{incident.id}")


async def record(visit: Visit) -> Answer:
    """Make the report and put its digest into the log."""
    incident = event_of(visit)
    if incident is None:
        raise Absent
    await desk_of(visit).record_report(incident, actor(visit), operation(visit))
    return Go(f"{visit.base}/report?incident={incident.id}")


async def _report(visit: Visit) -> tuple[Incident, Sheet]:
    incident = event_of(visit)
    if incident is None:
        raise Absent
    made = await desk_of(visit).report(incident)
    day, organization = visit.now.astimezone(JST).date(), visit.house.city.organization
    return incident, await visit.house.workers.thread(report_sheet, made, organization, day)


def _press(visit: Visit) -> Press:
    house = visit.house
    return Press(house.city, house.book, visit.now.astimezone(JST).date(), visit.drill)


def _runbook(visit: Visit) -> Sheet:
    book = visit.house.book.get(visit.parts["id"])
    if book is None:
        raise Absent
    return runbook(_press(visit), book)


def _page(sheets: Sequence[Sheet], pdf: str, recordable: Incident | None = None) -> Page:
    return Page(
        "sheet.html",
        {"sheets": sheets, "pdf": pdf, "incident": recordable, "parts": ()},
        live=False,
    )


async def _pdf(visit: Visit, sheets: Sequence[Sheet], name: str) -> web.Response:
    body = await print_set(sheets, visit.house.workers)
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise UsageError("name", got=name)
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"'}
    return web.Response(body=body, content_type="application/pdf", headers=headers)
