"""What people saw at a site: frozen values, folded from the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from runbooks.damageitems import BEFORE_POWER


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer: by whom (pseudonym), when it was seen, which entry."""

    value: str
    at: datetime
    by: str
    seq: int
    minutes_left: int | None = None
    did: str | None = None
    """Who saw it, where somebody else typed."""


@dataclass(frozen=True, slots=True)
class SiteDamage:
    """One site. Absent items are 未確認."""

    items: Mapping[str, Seen] = field(default_factory=dict)
    history: Mapping[str, tuple[Seen, ...]] = field(default_factory=dict)
    """Every earlier answer, oldest first."""
    power: Mapping[str, bool] = field(default_factory=dict)
    """Answers to 電源を入れる前に."""
    overridden_by: str | None = None
    """Who let the power-on go ahead without the answers; the reason is in the log."""

    @property
    def unanswered(self) -> tuple[str, ...]:
        """Questions nobody answered."""
        return tuple(id for id in BEFORE_POWER if id not in self.power)

    @property
    def unsafe(self) -> tuple[str, ...]:
        """Questions answered with no."""
        return tuple(id for id in BEFORE_POWER if self.power.get(id) is False)

    @property
    def may_power_on(self) -> bool:
        """All answered yes, or overridden with a reason."""
        return self.overridden_by is not None or not (self.unanswered or self.unsafe)
