"""`disaster`: who may declare, in which order, by which criteria."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from bcp.plan.suggesting import SuggestRule
from bcp.plan.types import Duration, Id, Intensity, Model


class DisasterLevel(Model):
    """段階 of a declaration, e.g. 1 警戒, 2 一部発動, 3 全面発動."""

    number: int = Field(ge=1, le=9)
    name: str
    meaning: str | None = None


class Disaster(Model):
    """Who may declare, in which order, by which criteria (様式8, 10; R-16, R-26 to R-28)."""

    levels: tuple[DisasterLevel, ...] = (
        DisasterLevel(number=1, name="警戒"),
        DisasterLevel(number=2, name="一部発動"),
        DisasterLevel(number=3, name="全面発動"),
    )
    authority: tuple[Id, ...] = ()
    """Roles that may declare, first one first; the others follow when it cannot be reached."""
    criteria: tuple[str, ...] = ()
    """When to declare, as sentences of the city's plan; shown beside the button."""
    ratify_within: Duration = timedelta(hours=24)
    """事後承認 of a declaration made by a deputy or by whoever is there."""
    intensity: Intensity | None = None
    """発動基準の震度: a report of this or more proposes the highest level, of less the lowest."""
    suggest: tuple[SuggestRule, ...] = ()
    """When the board proposes a declaration; a person always may."""

    def level_name(self, number: int) -> str:
        """全面発動 for 3; the number itself where the plan has no such level."""
        return next((one.name for one in self.levels if one.number == number), str(number))

    envelope: str | None = None
    """Where the sealed envelope lies (封筒の場所); printed on the card of the first to arrive."""
