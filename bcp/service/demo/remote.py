"""The faults for API, control socket and command line: `ict-bcp demo faults|break|heal`."""

from __future__ import annotations

from typing import Any

from bcp.kit.language import Text
from bcp.kit.units import jst, to_us
from bcp.plan.types import Id, Model
from bcp.service.access.roles import Permission
from bcp.service.demo.city import PracticeCity
from bcp.service.demo.faults import FaultState
from bcp.service.house import House
from bcp.service.operations.operation import Answer, Caller, NoParameters, Operation

EVERYTHING = "all"
"""In place of a fault's id, to heal whatever is broken."""


class SetFault(Model):
    """Break (`on`) or heal one fault; `all` with `on: false` heals everything."""

    id: Id
    on: bool


def _row(state: FaultState) -> dict[str, Any]:
    return {
        "id": state.fault.id,
        "pillar": state.fault.pillar,
        "title": state.fault.title.ja,
        "title_en": state.fault.title.en,
        "look": state.fault.look.ja,
        "look_en": state.fault.look.en,
        "active": state.active,
        "since_us": to_us(state.since) if state.since else None,
    }


def _line(state: FaultState) -> str:
    mark = f"■ 故障中 {jst(state.since, '%H:%M:%S')} から" if state.since else "● 正常"
    return f"{state.fault.id:<20} {mark}  {state.fault.title.ja} / {state.fault.title.en}"


async def list_faults(city: PracticeCity) -> list[dict[str, Any]]:
    """Every fault with `id title look active since_us` (microseconds UTC, null when whole)."""
    return [_row(state) for state in city.faults.states()]


async def set_fault(city: PracticeCity, id: str, on: bool) -> dict[str, Any]:
    """Break or heal one fault, see `SetFault`.

    Raises `UsageError` (no such fault), `Refused` (nothing to damage yet, another damage of the
    repository is active), `Unwritable`.
    """
    if id == EVERYTHING and not on:
        await city.faults.heal_all()
        return {"id": EVERYTHING, "active": False}
    return _row(await (city.faults.inject(id) if on else city.faults.heal(id)))


def operations(city: PracticeCity) -> tuple[Operation[Any], ...]:
    """`practice.faults` and `practice.set`, for the one list that every door serves."""

    async def faults(_house: House, _caller: Caller, _wanted: NoParameters) -> Answer:
        lines = tuple(_line(state) for state in city.faults.states())
        return Answer({"faults": await list_faults(city)}, lines)

    async def set_one(_house: House, _caller: Caller, wanted: SetFault) -> Answer:
        row = await set_fault(city, wanted.id, wanted.on)
        shown = [
            state for state in city.faults.states() if wanted.id in (state.fault.id, EVERYTHING)
        ]
        lines = [_line(state) for state in shown]
        if wanted.on:
            lines += [f"  {row['look']}", f"  {row['look_en']}"]
        return Answer(row, tuple(lines))

    return (
        Operation(
            "practice.faults",
            Text("練習の故障の一覧", "faults to practise"),
            Permission.READ,
            NoParameters,
            faults,
        ),
        Operation(
            "practice.set",
            Text("練習の故障を起こす・直す", "inject or heal a fault"),
            Permission.OPERATE,
            SetFault,
            set_one,
            writes=True,
        ),
    )
