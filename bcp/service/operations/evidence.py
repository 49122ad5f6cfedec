"""証拠報告書 for programs and the command line."""

from __future__ import annotations

from functools import partial
from typing import Any

from bcp.kit.errors import UsageError
from bcp.kit.language import Text
from bcp.plan.loader import unknown
from bcp.plan.types import Id, Model
from bcp.service.access.roles import Permission
from bcp.service.backup_report import as_data, build, in_words
from bcp.service.house import House
from bcp.service.operations.operation import Answer, Caller, Operation
from bcp.service.pages.called import called


class Asked(Model):
    """One system, or the city."""

    system: Id | None = None


async def backups(house: House, _caller: Caller, p: Asked) -> Answer:
    """What is proven, what is only stated, what nobody has checked."""
    house.require_log()
    city = house.city
    system = city.system(p.system) if p.system is not None else None
    if p.system is not None and system is None:
        raise UsageError(unknown(p.system, [one.id for one in city.systems]))
    report = build(
        city, house.room, house.clock.utc(), partial(called, house.accounts, lang="ja"), system
    )
    return Answer(as_data(report), tuple(in_words(report)))


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation(
        "report.backups",
        Text("バックアップの証拠報告書", "evidence of backups"),
        Permission.READ_FINDINGS,
        Asked,
        backups,
    ),
)
