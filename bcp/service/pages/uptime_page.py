"""`/availability`: 稼働報告 of a month, a fiscal year or any days; the same as CSV and XLSX."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from urllib.parse import urlencode

from aiohttp import web

from bcp.kit.errors import UsageError
from bcp.kit.language import text
from bcp.kit.units import whole
from bcp.service import uptime_report
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.respond import Answer, Page, Pages
from bcp.service.pages.visit import Visit
from bcp.service.uptime_report import Report, build, period_of

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_ASKED = ("month", "year", "from", "to")


def routes(pages: Pages) -> list[Route]:
    """The page and its two files."""
    return [
        pages.route("GET", "/availability", Permission.READ, show),
        pages.route("GET", "/availability/csv", Permission.READ, csv_file),
        pages.route("GET", "/availability/xlsx", Permission.READ, xlsx_file),
    ]


async def show(visit: Visit) -> Answer:
    """Services, then systems that were looked at; the rest by number."""
    report = await _report(visit)
    seen = [line for line in report.lines if line.uptime.since is not None]
    values = {
        "report": report,
        "groups": [
            (kind, [one for one in seen if one.kind == kind]) for kind in ("service", "system")
        ],
        "unseen": len(report.lines) - len(seen),
        "asked": {name: visit.query.get(name, "") for name in _ASKED},
        "query": urlencode({n: v for n in _ASKED if (v := visit.query.get(n, ""))}),
        "percent": uptime_report.percent,
        "span": uptime_report.length,
    }
    return Page("availability.html", values)


async def csv_file(visit: Visit) -> Answer:
    """UTF-8 with BOM."""
    return await _file(visit, uptime_report.as_csv, "text/csv", "csv")


async def xlsx_file(visit: Visit) -> Answer:
    """A workbook."""
    return await _file(visit, uptime_report.as_xlsx, _XLSX, "xlsx")


async def _file(
    visit: Visit, made: Callable[[Report], bytes], kind: str, ending: str
) -> web.Response:
    report = await _report(visit)
    body = await visit.house.workers.thread(made, report)
    name = f"availability-{report.period.first}-{report.period.last}.{ending}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=body, content_type=kind, headers=headers)


async def _report(visit: Visit) -> Report:
    query, house = visit.query, visit.house
    period = period_of(
        visit.now,
        query.get("month") or None,
        whole(query.get("year", "")),
        _day(visit, "from"),
        _day(visit, "to"),
    )
    return await build(house.city, house.history, house.clock, period)


def _day(visit: Visit, name: str) -> date | None:
    given = visit.query.get(name, "")
    try:
        return date.fromisoformat(given) if given else None
    except ValueError as error:
        said = text("uptime.bad_period").pick(visit.lang)
        raise UsageError(said, got=given[:40], expected="2026-11-01") from error
