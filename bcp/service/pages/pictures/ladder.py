"""The ladder of evidence of one copy: six rungs, the higher the more is proven.

0 the job said so, 1 exists and fresh, 2 structure, 3 data read, 4 restored and equal, 5 accepted by
its owner. A rung is full (proven and fresh), striped (proven in part or with reservations), dashed
(proven, but longer ago than allowed), hollow
(never proven), crossed (tried and failed) or dotted (could not tell).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bcp.kit.language import Lang, text
from bcp.kit.units import jst_short
from bcp.service.pages.pictures.svg import Picture, drawing, element

RungState = Literal["proven", "weak", "stale", "never", "failed", "unknown"]
TOP = 5
_COUNTS = ("proven", "weak")


@dataclass(frozen=True, slots=True)
class Rung:
    """What is known of one level of evidence."""

    level: int
    state: RungState
    at: datetime | None = None
    """When it was last proven."""


def reached(rungs: Sequence[Rung]) -> int | None:
    """The highest level proven and fresh, in part too; None when none is."""
    return max((rung.level for rung in rungs if rung.state in _COUNTS), default=None)


def ladder(rungs: Sequence[Rung], now: datetime, lang: Lang = "ja") -> Picture:
    """Six steps of a stair."""
    known = {rung.level: rung for rung in rungs}
    parts, lines = [], []
    for level in range(TOP + 1):
        rung = known.get(level) or Rung(level, "never")
        height = 6 + 5 * level
        x, y = level * 20 + 1, 33 - height
        parts.append(element("rect", class_=f"r {rung.state}", x=x, y=y, width=16, height=height))
        if rung.state == "failed":
            parts.append(
                element("path", class_="r x", d=f"M{x} {y}l16 {height}m0 -{height}l-16 {height}")
            )
        when = f" {jst_short(rung.at, now)}" if rung.at else ""
        lines.append(
            f"{level} {text(f'pages.rung_{level}').pick(lang)}: "
            f"{text(f'pages.rung_{rung.state}').pick(lang)}{when}"
        )
    top = reached(rungs)
    if top is None:
        twin = text("pages.ladder_none").pick(lang)
    else:
        name = text(f"pages.rung_{top}").pick(lang)
        twin = text("pages.ladder_top", level=top, name=name).pick(lang)
    for rung in rungs:
        if rung.state == "failed":
            name = text(f"pages.rung_{rung.level}").pick(lang)
            twin += text("pages.ladder_failed", level=rung.level, name=name).pick(lang)
    svg = drawing(parts, twin, class_="ladder", width=120, height=34)
    return Picture(svg, twin, tuple(lines))
