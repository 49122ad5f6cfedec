"""稼働報告 for programs and the command line."""

from __future__ import annotations

from datetime import date
from typing import Any

from bcp.kit.language import Text
from bcp.plan.types import Model
from bcp.service.access.roles import Permission
from bcp.service.house import House
from bcp.service.operations.operation import Answer, Caller, Operation
from bcp.service.uptime_report import as_data, build, in_words, period_of


class Asked(Model):
    """A month (2026-11), a fiscal year, or days; without any the running month."""

    month: str | None = None
    year: int | None = None
    first: date | None = None
    last: date | None = None


async def availability(house: House, _caller: Caller, p: Asked) -> Answer:
    """稼働報告 per service and system."""
    period = period_of(house.clock.utc(), p.month, p.year, p.first, p.last)
    report = await build(house.city, house.history, house.clock, period)
    return Answer(as_data(report), tuple(in_words(report)))


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation(
        "report.availability",
        Text("稼働報告", "availability"),
        Permission.READ,
        Asked,
        availability,
    ),
)
