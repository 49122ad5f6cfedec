"""自主停止・計画停止 recorded in a real event: the watch calls nobody for what people stopped (R-67)."""

from __future__ import annotations

from collections.abc import Mapping

from bcp.kit.language import Text, text
from bcp.kit.units import jst_short
from bcp.service.house import House

_ON_MACHINES = frozenset({"live", "restore", "switch"})
"""実動, 復元試験, 切替: drills that touch the real machines; their time is kept apart in reports."""


def register(house: House) -> None:
    """Tell the judge. A drill's stops are of the drill alone."""
    house.judge.stops = lambda: stops(house)
    house.judge.drills = lambda: drilled(house)


def drilled(house: House) -> frozenset[str]:
    """Systems that a drill on the real machines works on now."""
    systems = [system.id for system in house.city.systems]
    found: set[str] = set()
    for desk in house.drills.all().values():
        for event in desk.active():
            if event.drill in _ON_MACHINES:
                found.update(id for id in systems if event.in_scope(id))
    return frozenset(found)


def stops(house: House) -> Mapping[str, Text]:
    """Systems that stand still on purpose now, and what is said of it."""
    now = house.clock.utc()
    found: dict[str, Text] = {}
    for incident in house.desk.active():
        for system, stop in incident.stops.items():
            if stop.ended_at is None:
                since = jst_short(stop.since, now)
                found[system] = text(f"watch.stopped_{stop.kind}", since=since, event=incident.id)
    return found
