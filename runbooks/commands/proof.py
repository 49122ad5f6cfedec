"""Commands by which named people speak for a system or service, and the holds of a cyber event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from runbooks.commands.base import On
from runbooks.proofstate import Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm(On):
    """業務確認 by the business owner: the service, or a system at a level, does its work again."""

    kind: Part
    id: str
    level: str = ""
    """Of a system; without it the level at which it counts as restored."""
    works: bool = True
    """False takes it back."""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObserveLevel(On):
    """目視: a named person saw the system work (or not) at this level."""

    system: str
    level: str
    note: str
    works: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveEstimate(On):
    """見込み: when it will be back, as somebody said; None = 未定."""

    kind: Part
    id: str
    eta: datetime | None
    source: Literal["vendor", "provider", "staff"] = "staff"
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopSystem(On):
    """自主停止 (to be safe) or 計画停止."""

    system: str
    kind: Literal["voluntary", "planned"]
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndStop(On):
    """The stop on purpose is over."""

    system: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle(On):
    """封じ込め or 証拠保全 is done (or `override`n by decision): recovery may go on (cyber)."""

    what: Literal["containment", "evidence", "snapshot"]
    reason: str
    """What was done; of an override, why it is passed."""
    override: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DateIntrusion(On):
    """侵入時刻: copies made after it may carry the intruder."""

    intrusion_at: datetime
    reason: str


ProofCommand = Confirm | ObserveLevel | GiveEstimate | StopSystem | EndStop | Settle | DateIntrusion
