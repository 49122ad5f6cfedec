"""Bars from the history: reads only. Without a history the strip is blind, and says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from bcp.service.pages.pictures.bars import KINDS, Cell, bars
from bcp.service.pages.pictures.svg import Picture
from bcp.service.pages.visit import Visit

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def strips(
    visit: Visit, groups: Mapping[str, Sequence[str]], *, days: bool = False, wide: bool = False
) -> dict[str, Picture]:
    """One strip per name: the checks of each group as one line."""
    step, count = (DAY, 90) if days else (HOUR, 24)
    wanted = sorted({check for checks in groups.values() for check in checks})
    cells = await _read(visit, wanted, step, count)
    return {
        name: bars(together([cells[check] for check in checks]), visit.lang, cell=5, wide=wide)
        for name, checks in groups.items()
        if checks
    }


async def _read(
    visit: Visit, checks: Sequence[str], step: timedelta, count: int
) -> dict[str, list[Cell]]:
    raise NotImplementedError


def empty(now: datetime, step: timedelta, count: int) -> list[Cell]:
    """Cells of whole hours or days up to now, nothing observed."""
    whole = int(now.timestamp()) // int(step.total_seconds()) * int(step.total_seconds())
    last = datetime.fromtimestamp(whole, tz=now.tzinfo)
    return [Cell(last - step * back, step) for back in reversed(range(count))]


def together(lines: Sequence[Sequence[Cell]]) -> list[Cell]:
    """Several checks as one line: as bad as the worst at any time (an upper bound)."""
    return [_merge(cells) for cells in zip(*lines, strict=True)]


def _merge(cells: Sequence[Cell]) -> Cell:
    left = cells[0].length.total_seconds()
    seconds: dict[str, float] = {}
    for kind in KINDS:
        if kind == "blind":
            continue
        most = min(left, max(cell.seconds.get(kind, 0.0) for cell in cells))
        if most > 0:
            seconds[kind] = most
            left -= most
    return Cell(cells[0].start, cells[0].length, seconds)
