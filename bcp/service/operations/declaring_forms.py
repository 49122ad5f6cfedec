"""What the operations about an event's frame ask for: their parameters, which are the API's schema."""

from __future__ import annotations

from typing import Literal

from bcp.plan.types import Id, Intensity, Model
from bcp.service.operations.recovering import In

Nature = Literal["disaster", "failure", "cyber"]


class Report(Model):
    """提案・通報: what was seen, in words."""

    text: str
    kind: str = ""
    """A bounded word (`threat_note`, `shaking`, `flood` …); empty: a plain wish to declare."""
    intensity: Intensity | None = None
    """震度 of a report of shaking; with it the level follows the criterion of the plan."""
    level: int = 3
    nature: Nature | None = None
    onset: str | None = None
    systems: tuple[Id, ...] = ()
    sites: tuple[Id, ...] = ()
    by: str | None = None


class Answering(Model):
    """A suggestion, and why."""

    suggestion: str
    reason: str = ""
    minutes: int = 30
    by: str | None = None


class Reason(In):
    """Why."""

    reason: str = ""


class Level(Reason):
    """段階."""

    level: int


class Scope(Reason):
    """範囲: empty = all."""

    systems: tuple[Id, ...] = ()
    services: tuple[Id, ...] = ()
    sites: tuple[Id, ...] = ()


class Onset(Reason):
    """発災時刻."""

    onset: str


class Part(Reason):
    """一部解除."""

    kind: Literal["service", "system", "site"]
    id: Id
    waive: bool = False


class Said(Reason):
    """業務確認・見込み: of a system or service."""

    kind: Literal["service", "system"]
    id: Id
    level: str = ""
    works: bool = True


class Seen(Reason):
    """目視 of a level."""

    system: Id
    level: str
    works: bool = True


class Estimate(In):
    """見込み."""

    kind: Literal["service", "system"]
    id: Id
    eta: str | None = None
    source: Literal["vendor", "provider", "staff"] = "staff"
    note: str = ""


class Stopping(Reason):
    """自主停止・計画停止."""

    system: Id
    kind: Literal["voluntary", "planned"] = "voluntary"
    until: str | None = None


class Hold(Reason):
    """封じ込め・証拠保全."""

    what: Literal["containment", "evidence", "snapshot"]


class Intrusion(Reason):
    """侵入時刻."""

    at: str
