"""`disaster.suggest`: when the board proposes a declaration (R-26, R-63). It never declares."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field

from bcp.plan.types import CheckId, Duration, Id, Model


class SuggestRule(Model):
    """One rule: enough of the named checks are red for `hold`, over independent things.

    Checks are named one by one, by the system or by the site they look at. Two checks of one
    system are one voice. A single functional check is a rule with one check and `at_least: 1`.
    """

    id: Id
    name: str
    clause: str | None = None
    """発動基準: which sentence of the city's plan this is."""
    checks: tuple[CheckId, ...] = ()
    systems: tuple[Id, ...] = ()
    sites: tuple[Id, ...] = ()
    percent: int = Field(80, ge=1, le=100)
    """Share of the checks with a verdict that must be red."""
    at_least: int = Field(3, ge=1)
    """Independent things (systems) that must be red."""
    vantages: int = Field(1, ge=1)
    """Places from which it must have been seen red."""
    hold: Duration = timedelta(minutes=5)
    level: int = Field(3, ge=1, le=9)
    nature: Literal["disaster", "failure", "cyber"] = "disaster"
    scope_systems: tuple[Id, ...] = ()
    """Proposed scope; without it `systems`, and what stands at `sites`."""
