"""Commands about who does what: claims, shifts, attempts to reach, escalation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from runbooks.commands.base import On


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignStep(On):
    """担当: a step is taken (`to` None = by me) or given to a person."""

    step: str
    to: str | None = None
    expected_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseStep(On):
    """手を離す: the step is free again; what was begun stays in the log."""

    step: str
    note: str = ""
    expected_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinStep(On):
    """加わる: the second person of a step for two."""

    step: str
    expected_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalateStep(On):
    """代行へ: the step takes longer than it may; the next in succession is named. Fails nothing."""

    step: str
    to: str
    rank: int
    idle: bool = False
    """Nobody has anything in hand: the step is the next one, not a late one."""
    expected_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FillRole(On):
    """役割の担当: a person fills a role from `since` (None = now) until `until` (None = relieved)."""

    role: str
    person: str
    since: datetime | None = None
    until: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveRole(On):
    """交代・離任: the person no longer fills the role."""

    role: str
    person: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TryToReach(On):
    """連絡: somebody was called, with or without success."""

    person: str
    reached: bool
    step: str | None = None
    note: str = ""
