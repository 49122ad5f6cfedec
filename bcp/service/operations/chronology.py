"""クロノロジー for programs and the command line: every entry of an event, as rows of a table."""

from __future__ import annotations

from typing import Any

from bcp.kit.errors import UsageError
from bcp.kit.language import Text
from bcp.plan.loader import unknown
from bcp.service.access.roles import Permission
from bcp.service.house import House
from bcp.service.operations.operation import Answer, Caller, Operation
from bcp.service.operations.recovering import Which, desk_of
from bcp.service.pages.called import called
from runbooks.desk import Desk
from runbooks.export_table import COLUMNS, Row, rows
from runbooks.state import Incident


async def table_of(house: House, desk: Desk, incident: Incident) -> tuple[Row, ...]:
    """The rows of an event; names instead of pseudonyms, as who may read the log reads them."""
    entries = await desk.entries(incident)
    texts = await desk.texts(entries)

    def name(id: str) -> str:
        return called(house.accounts, id, "ja")

    return await desk.workers.thread(rows, entries, texts, name)


async def chronology(house: House, _caller: Caller, parameters: Which) -> Answer:
    """Every entry, in the order in which things happened."""
    desk = await desk_of(house, parameters.drill)
    incident = desk.incident(parameters.incident) if parameters.incident else desk.state.latest
    if incident is None:
        raise UsageError(unknown(parameters.incident or "-", desk.state.items))
    table = await table_of(house, desk, incident)
    lines = tuple("  ".join((row[1], *row[3:8])).strip() for row in table)
    data = {
        "incident": incident.id,
        "drill": None if incident.real else incident.stage,
        "columns": list(COLUMNS),
        "rows": [list(row) for row in table],
    }
    return Answer(data, lines)


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation(
        "disaster.chronology",
        Text("クロノロジー", "the chronology"),
        Permission.READ_LOG,
        Which,
        chronology,
    ),
)
