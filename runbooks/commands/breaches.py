"""Commands about the breach to report (個人情報の漏えい・滅失・毀損の報告)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from runbooks.breaches import Harm, Stage
from runbooks.commands.base import On


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBreach(On):
    """Personal data was, or may have been, leaked, lost or altered: the clock runs from `aware_at`."""

    harm: Harm
    what: str
    aware_at: datetime | None = None
    """When the city became aware (None = when it happened to be said)."""
    malicious: bool = False
    """By an attack or on purpose: the full report has 60 days instead of 30."""
    system: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportBreach(On):
    """速報 or 確報 was sent: `note` says to whom and under which number."""

    id: str
    stage: Stage
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DropBreach(On):
    """No report is due after all (not personal data, encrypted, below the limit): with the reason."""

    id: str
    reason: str
