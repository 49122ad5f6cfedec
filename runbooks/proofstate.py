"""Values of what people say about systems and services: looks, confirmations, estimates, stops."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Part = Literal["system", "service"]


@dataclass(frozen=True, slots=True)
class Word:
    """A named person's word on a level: 目視 (saw it work) or 業務確認 (its owner accepts it)."""

    kind: Literal["seen", "confirmed"]
    works: bool
    at: datetime
    by: str
    seq: int
    recorded_at: datetime | None = None
    """When it was typed; later than `at` where it came from paper or by phone."""
    contradicted_at: datetime | None = None
    """A proving check was red while it stood: then it proves nothing, and both are shown."""

    @property
    def counts(self) -> bool:
        """Whether it is evidence."""
        return self.works and self.contradicted_at is None

    def late(self, limit: timedelta) -> bool:
        """後入力: typed more than `limit` after it happened."""
        return self.recorded_at is not None and self.recorded_at - self.at > limit


@dataclass(frozen=True, slots=True)
class Estimate:
    """見込み: who said when it will be back (R-72). Earlier ones stay: slips are seen."""

    kind: Part
    id: str
    eta: datetime | None
    """None: 未定."""
    source: Literal["vendor", "provider", "staff"]
    said_at: datetime
    by: str
    seq: int


@dataclass(frozen=True, slots=True)
class Stop:
    """自主停止 or 計画停止: stopped on purpose, neither a failure nor paged (R-67)."""

    kind: Literal["voluntary", "planned"]
    since: datetime
    by: str
    until: datetime | None = None
    """As announced."""
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A hold of a cyber event that was settled: done, or passed by a recorded decision."""

    what: Literal["containment", "evidence", "snapshot"]
    at: datetime
    by: str
    seq: int
    overridden: bool
