"""未送信箱 for programs, the pages' script and the command line: recorded late, exactly once."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from bcp.kit.language import Text
from bcp.plan.types import Model
from bcp.service.access.roles import Permission
from bcp.service.house import House
from bcp.service.operations.operation import Answer, Caller, Operation, Verdict
from bcp.service.operations.recovering import actor_of, desk_of
from bcp.service.outbox import KEPT, MOST_ITEMS, Item, replay
from bcp.service.pages.called import called
from bcp.service.pages.late import maker


class Box(Model):
    """An outbox, whole."""

    items: tuple[Item, ...] = Field(max_length=MOST_ITEMS)
    drill: str | None = None
    by: str | None = None
    """Login of the person in whose name it is recorded, from a terminal only."""


async def take_in(house: House, caller: Caller, box: Box) -> Answer:
    """Record every item; what became of each."""
    desk = await desk_of(house, box.drill)
    actor = actor_of(house, caller, box.by)
    results = await replay(
        desk, box.items, maker(house), actor, lambda id: called(house.accounts, id, "ja")
    )
    left = [one for one in results if one.result in KEPT]
    lines = [f"{one.step}: {one.said}" for one in results]
    lines.append(f"{len(results) - len(left)} 件を記録、{len(left)} 件は人の判断が要る / "
                 f"{len(results) - len(left)} recorded, {len(left)} need a person")  # fmt: skip
    verdict = Verdict.FINDING if left else Verdict.GOOD
    return Answer({"results": [one.as_json() for one in results]}, tuple(lines), verdict)


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation(
        "disaster.outbox",
        Text("未送信箱を記録する", "record an outbox"),
        Permission.STEP,
        Box,
        take_in,
        True,
    ),
)
