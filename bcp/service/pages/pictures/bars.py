"""Bars of the last 24 hours and 90 days: the calmer, the lower.

Good time is a low even line, degraded half high, down full height, so that the eye finds the
mountain. Not known (?) is a column of dots, planned a double line, not observed at all (blind)
nothing but the base line: neither is ever mistaken for good or for down, in colour or in print.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from bcp.kit.language import Lang, text
from bcp.kit.units import JST, duration_ja, format_duration
from bcp.service.pages.pictures.svg import Picture, drawing, element, number

KINDS = ("failed", "degraded", "unknown", "planned", "ok", "blind")
"""The first of these that counts gives the cell its shape."""

_MIN_SHARE = 0.5
"""Good and planned speak for a cell only when seen for half of it; else it is blind."""
_HEIGHT = 28
_SHAPE: Mapping[str, tuple[tuple[float, float], ...]] = {
    # (centre, thickness) of the strokes that make the shape
    "failed": ((14, 28),),
    "brief": ((20, 16),),
    "degraded": ((21, 14),),
    "unknown": ((4, 4), (12, 4), (20, 4)),
    "planned": ((21, 3), (26, 3)),
    "ok": ((25, 6),),
    "blind": ((27.5, 1),),
}
_BRIEF = 0.1
"""Down for less than this share of the cell: a lower bar, still red."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One hour or day: seconds per state. What they do not cover was not observed."""

    start: datetime
    length: timedelta
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The state that the cell shows."""
        total = self.length.total_seconds()
        for kind in ("failed", "degraded", "unknown"):
            if self.seconds.get(kind, 0.0) > 0:
                brief = kind == "failed" and self.seconds["failed"] < total * _BRIEF
                return "brief" if brief else kind
        for kind in ("planned", "ok"):
            if self.seconds.get(kind, 0.0) >= total * _MIN_SHARE:
                return kind
        return "blind"


def bars(
    cells: Sequence[Cell], lang: Lang = "ja", *, cell: float = 5, wide: bool = False
) -> Picture:
    """A strip of cells, oldest first. `wide` stretches over the room there is (detail pages)."""
    gap = 1 if cell < 8 else 2
    width = len(cells) * (cell + gap)
    parts = []
    for kind in _SHAPE:
        runs = "".join(
            f"M{number(start * (cell + gap))} {{y}}h{number(count * (cell + gap) - gap)}"
            for start, count in _runs([c.kind for c in cells], kind)
        )
        parts += [
            element(
                "path",
                class_=f"b {kind}",
                d=runs.replace("{y}", number(centre)),
                stroke_width=number(thickness),
                stroke_dasharray=f"{number(cell)} {gap}",
            )
            for centre, thickness in _SHAPE[kind]
            if runs
        ]
    twin, lines = _twin(cells, lang)
    size = {"preserveAspectRatio": "none", "class_": "bars full"} if wide else {"class_": "bars"}
    svg = drawing(
        parts,
        twin,
        viewBox=f"0 0 {number(width)} {_HEIGHT}",
        width=None if wide else number(width),
        height=None if wide else _HEIGHT,
        **size,
    )
    return Picture(svg, twin, lines)


def _runs(kinds: Sequence[str], wanted: str) -> list[tuple[int, int]]:
    runs, at = [], 0
    for kind, group in groupby(kinds):
        count = len(list(group))
        if kind == wanted:
            runs.append((at, count))
        at += count
    return runs


def _twin(cells: Sequence[Cell], lang: Lang) -> tuple[str, tuple[str, ...]]:
    """`24時間: 停止 3時間25分、未観測 1時間`, and a line for each cell that is not plainly good."""
    if not cells:
        return text("pages.bars_none").pick(lang), ()
    span = cells[-1].start + cells[-1].length - cells[0].start
    sums = {kind: sum(cell.seconds.get(kind, 0.0) for cell in cells) for kind in KINDS}
    sums["blind"] = max(0.0, span.total_seconds() - sum(sums.values()))
    said = [
        f"{text(f'pages.state_{kind}').pick(lang)} {_length(sums[kind], lang)}"
        for kind in KINDS
        if sums[kind] >= 1
    ]
    days = span >= timedelta(days=3)
    head = _length(span.total_seconds(), lang) if not days else f"{span.days}{_d(lang)}"
    form = "%m/%d" if days else "%m/%d %H:%M"
    lines = tuple(
        f"{cell.start.astimezone(JST).strftime(form)}  "
        + ", ".join(
            f"{text(f'pages.state_{kind}').pick(lang)} {_length(cell.seconds[kind], lang)}"
            for kind in KINDS
            if cell.seconds.get(kind, 0) >= 1
        )
        for cell in cells
        if cell.kind not in ("ok", "blind")
    )
    return f"{head}: " + ("、" if lang == "ja" else ", ").join(said), lines


def _d(lang: Lang) -> str:
    return "日" if lang == "ja" else " d"


def _length(seconds: float, lang: Lang) -> str:
    length = timedelta(seconds=int(seconds))
    if lang == "ja":
        return duration_ja(length)
    if seconds >= 3600:
        length = timedelta(minutes=int(seconds // 60))
    return format_duration(length)
