"""`site_event`: from when on systems of one place that are down are one event (拠点の一斉停止, R-84)."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, model_validator

from bcp.plan.types import Duration, Model


class SiteEventRule(Model):
    """It begins high and ends low: what swings around one limit would be told again and again."""

    least: int = Field(3, ge=2)
    """It begins with so many systems down …"""
    percent: int = Field(60, ge=1, le=100)
    """… which are this share of those at the place of which something is known."""
    within: Duration = timedelta(minutes=10)
    """At once: so many of them fell within this time."""
    ends_below: int = Field(2, ge=1)
    """It goes on while so many are down …"""
    ends_below_percent: int = Field(30, ge=1, le=100)
    """… and this share."""

    @model_validator(mode="after")
    def _ends_lower(self) -> SiteEventRule:
        if self.ends_below > self.least or self.ends_below_percent > self.percent:
            raise ValueError(
                "終わりの値は始まりの値まで / ends_below must not be above what it begins with"
            )
        if self.within <= timedelta():
            raise ValueError("within は0より長く / within must be longer than 0")
        return self
