"""What a report says of one target: rung, system, service, linked event. Values. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from runbooks.drilled import Drilled
from runbooks.targets import Goal, LevelTarget, ServiceTarget

Contract = Literal["within", "over", "open"]
"""契約の復旧時間: 以内, 超過, まだ戻っていない."""


@dataclass(frozen=True, slots=True)
class LevelRow:
    """One rung of one system."""

    target: LevelTarget
    required: bool
    """The level at which this system counts as restored."""
    known_at: datetime | None
    """When the evidence entered the log."""
    goal_then: Goal
    """What was on record when the deadline passed (or at the end)."""
    spells: tuple[tuple[datetime, datetime | None], ...]
    """From when to when it was held, oldest first, since onset."""

    @property
    def revised(self) -> bool:
        """未達 → 達成(後入力): shown as both."""
        return self.goal_then is not self.target.goal


@dataclass(frozen=True, slots=True)
class SystemRow:
    """One system against its target and its contract."""

    system: str
    name: str
    wanted: str
    """Target level (RLO); empty: the plan names none."""
    reached: str
    """Highest level held with evidence at the end; empty: none."""
    goal: Goal
    elapsed: timedelta | None
    """Onset to the first green of the target level."""
    confirmed_after: timedelta | None
    """Onset to the business owner's confirmation."""
    contract_rto: timedelta | None
    contract: Contract | None
    drilled: Drilled | None
    """The best drill of the target level known then (R-39); None: never measured."""
    rpo: timedelta | None
    rpo_attained: timedelta | None
    rpo_proven: bool
    """The log knows the restored copy as verified; else the time is only said (申告)."""
    waived: bool
    ended_at: datetime | None
    """一部解除."""

    @property
    def rpo_met(self) -> bool | None:
        """Whether no more was lost than planned; None: not known or no limit."""
        if self.rpo is None or self.rpo_attained is None:
            return None
        return self.rpo_attained <= self.rpo


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """One 業務, as its citizens had it."""

    target: ServiceTarget
    known_at: datetime | None
    goal_then: Goal
    elapsed: timedelta | None
    confirmed_after: timedelta | None
    paper_from: datetime | None
    paper_until: datetime | None
    back_entry: str
    """後入力 of paper work: none, open, done."""

    @property
    def revised(self) -> bool:
        """未達 → 達成(後入力): shown as both."""
        return self.goal_then is not self.target.goal


@dataclass(frozen=True, slots=True)
class LinkedRow:
    """The same target level under each event that covered it; no clock was reset."""

    system: str
    level: str
    incident: str
    onset: datetime
    deadline: datetime | None
    attained_at: datetime | None
    goal: Goal
    counts: bool
    """The deadline that counts (the earliest still open, else the earliest)."""


@dataclass(frozen=True, slots=True)
class Goals:
    """Everything about targets."""

    levels: tuple[LevelRow, ...]
    systems: tuple[SystemRow, ...]
    services: tuple[ServiceRow, ...]
    linked: tuple[LinkedRow, ...]
