"""Times of the year in which the class or a limit differs (R-38). Pure."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from bcp.plan.types import Duration, LevelId, Model

Priority = Literal["S", "A", "B", "C", "D"]
"""災害時優先度: S within 3 h, A 24 h, B 72 h, C 7 days, D 30 days (proposal, 要確認)."""


class Season(Model):
    """A time of the year in which the class differs (R-38). Days as `MM-DD`, both included."""

    name: str
    first: str = Field(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")
    last: str = Field(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")
    priority: Priority
    rto: Duration | None = None
    rto_disaster: Duration | None = None
    level: LevelId | None = None
    """Of a system: the level whose RTO the season changes; without it every level with an RTO."""

    def covers(self, day: date) -> bool:
        """Whether the day lies in it; a season may run over the turn of the year."""
        at = day.strftime("%m-%d")
        if self.first <= self.last:
            return self.first <= at <= self.last
        return at >= self.first or at <= self.last


def season_of(seasons: tuple[Season, ...], day: date) -> Season | None:
    """The season of a day; the first one written where several cover it."""
    return next((season for season in seasons if season.covers(day)), None)
