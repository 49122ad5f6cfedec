"""クロノロジー as a download: CSV for any spreadsheet, XLSX for Excel."""

from __future__ import annotations

from aiohttp import web

from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.event import desk_of, event_of
from bcp.service.pages.respond import Absent, Answer, Pages
from bcp.service.pages.visit import Visit
from runbooks.export_table import Row, as_csv, as_xlsx, rows
from runbooks.state import Incident

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def routes(pages: Pages) -> list[Route]:
    """Beside the report, real and drill."""
    return [
        route
        for base in ("/disaster", "/drills/{drill}")
        for route in (
            pages.route("GET", base + "/report/csv", Permission.READ_LOG, csv_file),
            pages.route("GET", base + "/report/xlsx", Permission.READ_LOG, xlsx_file),
        )
    ]


async def csv_file(visit: Visit) -> Answer:
    """UTF-8 with BOM."""
    incident, table = await _table(visit)
    body = await visit.house.workers.thread(as_csv, table, drill=not incident.real)
    return _file(body, "text/csv", f"chronology-{incident.id}.csv")


async def xlsx_file(visit: Visit) -> Answer:
    """A workbook."""
    incident, table = await _table(visit)
    made = incident.last_at or incident.declared_at
    title = f"クロノロジー {incident.id}"
    body = await visit.house.workers.thread(
        as_xlsx, table, title=title, drill=not incident.real, made=made
    )
    return _file(body, _XLSX, f"chronology-{incident.id}.xlsx")


async def _table(visit: Visit) -> tuple[Incident, tuple[Row, ...]]:
    incident = event_of(visit)
    if incident is None:
        raise Absent
    desk = desk_of(visit)
    entries = await desk.entries(incident)
    texts = await desk.texts(entries)
    return incident, await visit.house.workers.thread(rows, entries, texts, visit.called)


def _file(body: bytes, kind: str, name: str) -> web.Response:
    safe = "".join(
        letter for letter in name if letter.isascii() and (letter.isalnum() or letter in "-_.")
    )
    headers = {"Content-Disposition": f'attachment; filename="{safe}"'}
    return web.Response(body=body, content_type=kind, headers=headers)
