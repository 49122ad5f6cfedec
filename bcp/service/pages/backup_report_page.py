"""`/backups/report`: 証拠報告書 of the city or of one system (`?system=ID`), also as PDF and XLSX."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from aiohttp import web

from bcp.kit.units import JST
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.backup_report import Report, as_xlsx, build, sheet
from bcp.service.pages.paper_page import pdf_of
from bcp.service.pages.respond import Absent, Answer, Page, Pages
from bcp.service.pages.visit import Visit
from runbooks.paper.sheet import Sheet
from runbooks.paper.sheets import Press

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def routes(pages: Pages) -> list[Route]:
    """One report in three forms."""
    findings = Permission.READ_FINDINGS
    return [
        pages.route("GET", "/backups/report", findings, show),
        pages.route("GET", "/backups/report/pdf", findings, pdf),
        pages.route("GET", "/backups/report/xlsx", findings, xlsx),
    ]


async def show(visit: Visit) -> Answer:
    """On screen, ready to print."""
    asked = "?" + urlencode(dict(visit.query)) if visit.query else ""
    page = Page("sheet.html", {"sheets": (_sheet(visit),)}, live=False)
    files = {"pdf": f"/backups/report/pdf{asked}", "xlsx": f"/backups/report/xlsx{asked}"}
    return replace(page, values={**page.values, **files})


async def pdf(visit: Visit) -> Answer:
    """A4."""
    return await pdf_of(visit, (_sheet(visit),), "backup-evidence")


async def xlsx(visit: Visit) -> Answer:
    """A workbook."""
    body = await visit.house.workers.thread(as_xlsx, _report(visit))
    headers = {"Content-Disposition": 'attachment; filename="backup-evidence.xlsx"'}
    return web.Response(body=body, content_type=_XLSX, headers=headers)


def _report(visit: Visit) -> Report:
    house, id = visit.house, visit.query.get("system")
    system = house.city.system(id) if id else None
    if id and system is None:
        raise Absent
    return build(house.city, house.room, visit.now, visit.called, system)


def _sheet(visit: Visit) -> Sheet:
    day = visit.now.astimezone(JST).date()
    return sheet(_report(visit), Press(visit.house.city, visit.house.book, day, visit.drill))
