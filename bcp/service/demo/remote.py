"""The faults for the control socket and the command line: `ict-bcp demo break|heal|faults`."""

from __future__ import annotations

from typing import Any

from bcp.kit.units import to_us
from bcp.service.demo.city import PracticeCity
from bcp.service.demo.faults import FaultState


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


async def list_faults(city: PracticeCity) -> list[dict[str, Any]]:
    """Every fault with `id title look active since_us` (microseconds UTC, null when whole)."""
    return [_row(state) for state in city.faults.states()]


async def set_fault(city: PracticeCity, id: str, on: bool) -> dict[str, Any]:
    """Break (`on`) or heal one fault; `all` with `on=False` heals everything.

    Raises `UsageError` (no such fault), `Refused` (nothing to damage yet, another damage of the
    repository is active), `Unwritable`.
    """
    if id == "all" and not on:
        await city.faults.heal_all()
        return {"id": "all", "active": False}
    return _row(await (city.faults.inject(id) if on else city.faults.heal(id)))
