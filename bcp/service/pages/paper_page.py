"""Paper on screen: the sheets of `runbooks.paper` as print pages and PDF.

The same values are set by Typst for the PDF and drawn here as HTML with a print style, so that a
node without the PDF extra still prints. Contact sheets hold personal data: their own permission.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlencode

from aiohttp import web

from bcp.kit.errors import UsageError
from bcp.kit.units import whole
from bcp.plan.loader import unknown
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.respond import Absent, Answer, Page, Pages
from bcp.service.pages.visit import Visit
from bcp.service.press import printing
from runbooks.paper.pdf import print_set
from runbooks.paper.sets import BLANK_DAMAGE, SETS, TITLES, sheets_of
from runbooks.paper.sheet import Sheet
from runbooks.paper.sheets import Press, runbook

_BLANKS = 50


def routes(pages: Pages) -> list[Route]:
    """Sheets to print."""
    return [
        pages.route("GET", "/paper", Permission.READ_PERSONAL, disaster_paper),
        pages.route("GET", "/paper/pdf", Permission.READ_PERSONAL, disaster_pdf),
        pages.route("GET", "/runbooks/{id}/print", Permission.READ, runbook_paper),
        pages.route("GET", "/runbooks/{id}/pdf", Permission.READ, runbook_pdf),
    ]


async def disaster_paper(visit: Visit) -> Answer:
    """What was chosen (`?set=8&role=…&n=10`); without a choice the first three sheets."""
    names = () if visit.query.get("set") else ("card", "9", "11")
    sheets = _chosen(visit, names)
    page = _page(sheets, "/paper/pdf?" + urlencode(dict(visit.query)))
    values = {"choose": TITLES, "city": visit.house.city, "asked": visit.query}
    return replace(page, values={**page.values, **values})


async def disaster_pdf(visit: Visit) -> Answer:
    """The same as PDF; without a choice the whole set, runbooks included."""
    return await pdf_of(visit, _chosen(visit, ()), "disaster-set")


def _chosen(visit: Visit, names: tuple[str, ...]) -> tuple[Sheet, ...]:
    name, role, site = (visit.query.get(key) or None for key in ("set", "role", "site"))
    if name is not None and name != "all":
        if name not in SETS:
            raise UsageError(unknown(name, SETS))
        names = (name,)
    blanks = 1 if names else BLANK_DAMAGE  # a whole set has as many as a night of rounds needs
    count = min(whole(visit.query.get("n", "")) or blanks, _BLANKS)
    return sheets_of(_press(visit), names, role=role, site=site, damage=count)


async def runbook_paper(visit: Visit) -> Answer:
    """One runbook to print."""
    return _page((_runbook(visit),), f"/runbooks/{visit.parts['id']}/pdf")


async def runbook_pdf(visit: Visit) -> Answer:
    """One runbook as PDF."""
    return await pdf_of(visit, (_runbook(visit),), visit.parts["id"])


def _press(visit: Visit) -> Press:
    return printing(visit.house, visit.drill)


def _runbook(visit: Visit) -> Sheet:
    book = visit.house.book.get(visit.parts["id"])
    if book is None:
        raise Absent
    return runbook(_press(visit), book)


def _page(sheets: Sequence[Sheet], pdf: str) -> Page:
    return Page("sheet.html", {"sheets": sheets, "pdf": pdf}, live=False)


async def pdf_of(visit: Visit, sheets: Sequence[Sheet], name: str) -> web.Response:
    """Sheets set as PDF, shown in the browser."""
    body = await print_set(sheets, visit.house.workers)
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise UsageError("name", got=name)
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"'}
    return web.Response(body=body, content_type="application/pdf", headers=headers)
