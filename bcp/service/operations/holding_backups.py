"""Pause and go on with the verification of backups."""

from __future__ import annotations

from typing import Any

from bcp.kit.language import Text
from bcp.plan.types import Model
from bcp.service.access.roles import Permission
from bcp.service.house import House
from bcp.service.operations.operation import Answer, Caller, Operation


class Held(Model):
    """Why, in a sentence."""

    reason: str = ""


async def pause(house: House, caller: Caller, parameters: Held) -> Answer:
    """Hold verification back; backups and polls go on, proofs that expire are unknown."""
    await house.room.hold(True, parameters.reason, actor=caller.actor, op=caller.op)
    return Answer({"paused": True}, ("検証を一時停止しました / verification is paused",))


async def resume(house: House, caller: Caller, parameters: Held) -> Answer:
    """Verification goes on; during a declared disaster only after it."""
    await house.room.hold(False, parameters.reason, actor=caller.actor, op=caller.op)
    why = house.room.paused
    line = f"まだ止まっています / still held: {why}" if why else "検証を再開しました / resumed"
    return Answer({"paused": why is not None}, (line,))


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation(
        "backup.pause",
        Text("検証を一時停止する", "pause verification"),
        Permission.OPERATE,
        Held,
        pause,
        True,
    ),
    Operation(
        "backup.resume",
        Text("検証を再開する", "resume verification"),
        Permission.OPERATE,
        Held,
        resume,
        True,
    ),
)
