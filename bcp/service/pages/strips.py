"""Bars from the history: reads only. Without a history the strip is blind, and says so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bcp.service.pages.pictures.bars import Cell, bars
from bcp.service.pages.pictures.svg import Picture
from bcp.service.pages.visit import Visit
from bcp.watch import spans
from bcp.watch.spans import Bar


async def strips(
    visit: Visit, subjects: Sequence[str], *, days: bool = False, wide: bool = False
) -> dict[str, Picture]:
    """One strip per subject: the id of a check, `system:ID` or `service:ID`."""
    unit: spans.Unit = "day" if days else "hour"
    count, board = (90 if days else 24), visit.house.board
    tails = [span for id in subjects if id in board and (span := board.open_span(id, visit.now))]
    found = await visit.house.history.reader.bars(subjects, unit, count, tails)
    return {
        subject: bars([_cell(bar) for bar in found.get(subject, ())], visit.lang, wide=wide)
        for subject in subjects
    }


def _cell(bar: Bar) -> Cell:
    length = timedelta(seconds=bar.length)
    return Cell(bar.start, length, {status.value: s for status, s in bar.seconds.items() if s > 0})
