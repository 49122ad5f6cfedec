"""Announcements for programs and the command line: approve, withdraw, list."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from bcp.kit.errors import UsageError
from bcp.kit.language import Text, text
from bcp.kit.units import JST, jst
from bcp.plan.types import Model
from bcp.service import announcing
from bcp.service.access.roles import Permission
from bcp.service.house import House
from bcp.service.operations.operation import Answer, Caller, NoParameters, Operation


class Approve(Model):
    """The text as citizens will read it."""

    title: str = Field(max_length=120)
    body: str = Field(max_length=2000)
    easy: str = Field("", max_length=2000)
    """やさしい日本語."""
    title_en: str = Field("", max_length=120)
    body_en: str = Field("", max_length=2000)
    next_update: str | None = None
    """`2026-11-23T15:00` in JST: when the next one is promised."""
    replaces: str | None = None


class Which(Model):
    """One announcement."""

    id: str


def _row(one: announcing.Announcement) -> dict[str, Any]:
    return {
        "id": one.id,
        "seq": one.seq,
        "approved_us": one.approved_us,
        "next_update_us": one.next_update_us,
        "title": one.title,
        "body": one.body,
    }


async def approve(house: House, caller: Caller, parameters: Approve) -> Answer:
    """Enter it, then show it on the public page."""
    draft = announcing.Draft(
        parameters.title,
        parameters.body,
        parameters.easy,
        parameters.title_en,
        parameters.body_en,
        _instant(parameters.next_update),
        parameters.replaces,
    )
    id = await announcing.approve(
        house.journal, house.clock, draft, actor=caller.actor, op=caller.op
    )
    return await _shown(house, id)


async def withdraw(house: House, caller: Caller, parameters: Which) -> Answer:
    """Enter that it no longer holds, then take it off the public page."""
    await announcing.withdraw(
        house.journal, house.clock, parameters.id, actor=caller.actor, op=caller.op
    )
    return await _shown(house, parameters.id)


async def listed(house: House, caller: Caller, _parameters: NoParameters) -> Answer:
    """What stands on the public page by decision."""
    found = await announcing.current(house.journal)
    lines = tuple(f"{one.id}  {jst(one.approved_at)}  {one.title}" for one in found)
    return Answer({"announcements": [_row(one) for one in found]}, lines)


async def _shown(house: House, id: str) -> Answer:
    done = await announcing.show(house.journal, house.status_folder, house.workers)
    said = text("announce.shown" if done else "announce.not_shown_yet")
    return Answer({"id": id, "shown": done}, (f"{id}: {said.ja} / {said.en}",))


def _instant(given: str | None) -> datetime | None:
    if given is None:
        return None
    try:
        found = datetime.fromisoformat(given)
    except ValueError as error:
        raise UsageError("next_update", got=given, expected="2026-11-23T15:00") from error
    return found if found.tzinfo else found.replace(tzinfo=JST)


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation(
        "announce.approve",
        Text("市民へのお知らせを承認する", "approve an announcement"),
        Permission.ANNOUNCE,
        Approve,
        approve,
        True,
    ),
    Operation(
        "announce.withdraw",
        Text("お知らせを取り下げる", "withdraw an announcement"),
        Permission.ANNOUNCE,
        Which,
        withdraw,
        True,
    ),
    Operation(
        "announce.list",
        Text("承認したお知らせ", "approved announcements"),
        Permission.READ,
        NoParameters,
        listed,
    ),
)
