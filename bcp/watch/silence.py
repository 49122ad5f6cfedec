"""Who is silenced now and why: the one place that mutes checks. Probing and recovery go on.

Three grounds: something above is down (`rollup`), a window of the plan (計画停止), a stop recorded in a
declared event (自主停止). Each refresh says the whole truth anew; what is no longer said is let go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime

from bcp.kit.language import Text, text
from bcp.kit.units import jst_short
from bcp.plan.model import City
from bcp.plan.windows import Window, concerns
from bcp.watch.board import Board
from bcp.watch.slices import Slices
from bcp.watch.values import Mute, Pillar
from bcp.watch.view import CheckView

Wanted = Mapping[tuple[str, Mute], Text]
_MUTES = {"maintenance": Mute.MAINTENANCE}


class Silencer:
    """Owner of every mute on the board."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._muted: dict[tuple[str, Mute], Text] = {}
        self._minute = -1
        self._city: City | None = None
        self._active: tuple[tuple[Window, datetime], ...] = ()

    def active(self, city: City, now: datetime) -> tuple[tuple[Window, datetime], ...]:
        """Windows that are on, with their ends; looked at once a minute, as fine as they are written."""
        minute = int(now.timestamp() // 60)
        if minute != self._minute or city is not self._city:
            found = ((one, one.active(now)) for one in city.windows)
            self._active = tuple((one, end) for one, end in found if end is not None)
            self._minute, self._city = minute, city
        return tuple((one, end) for one, end in self._active if end > now)

    async def apply(self, wanted: Wanted, slices: Slices) -> None:
        """Mute what is wanted and let the rest go."""
        for (id, mute), reason in wanted.items():
            self._board.mute(id, mute, reason)
            if slices.due():
                await asyncio.sleep(0)
        for id, mute in self._muted.keys() - wanted.keys():
            self._board.unmute(id, mute)
        self._muted = dict(wanted)


def planned_systems(
    city: City,
    active: tuple[tuple[Window, datetime], ...],
    stops: Mapping[str, Text],
    now: datetime,
) -> frozenset[str]:
    """Systems that are stopped on purpose as a whole; a window of one check stops no system."""
    found = {id for id in stops if city.system(id) is not None}
    for system in city.systems if active else ():
        stands = [one.site for one in system.hosted(now.date()) if one.site is not None]
        if any(concerns(window, "", system.id, None, stands) for window, _end in active):
            found.add(system.id)
    return frozenset(found)


def planned(
    city: City,
    views: Iterable[CheckView],
    active: tuple[tuple[Window, datetime], ...],
    stops: Mapping[str, Text],
    now: datetime,
) -> dict[tuple[str, Mute], Text]:
    """What the plan and a declared event silence. Availability alone: a copy that fails is no stop."""
    found: dict[tuple[str, Mute], Text] = {}
    if not active and not stops:
        return found
    for view in views:
        check = view.check
        if check.pillar is not Pillar.AVAILABILITY:
            continue
        system = city.system(check.system) if check.system else None
        hosted = system.hosted(now.date()) if system is not None else ()
        stands = [one.site for one in hosted if one.site is not None]
        for window, end in active:
            if concerns(window, check.id, check.system, check.site, stands):
                mute = _MUTES.get(window.kind, Mute.PLANNED)
                until = jst_short(end, now)
                said = text(f"watch.window_{window.kind}", name=window.name, until=until)
                found.setdefault((check.id, mute), said)
        if check.system is not None and (why := stops.get(check.system)) is not None:
            found.setdefault((check.id, Mute.PLANNED), why)
    return found
