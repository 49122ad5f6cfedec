"""Values of targets: a rung of a system, a service, and a judgement changed by late entry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal


class Goal(StrEnum):
    """達成・未達・超過・未設定・未確認."""

    ATTAINED = "attained"
    PENDING = "pending"
    OVERDUE = "overdue"
    UNSET = "unset"
    UNPROVEN = "unproven"
    """No check proves this level: nobody can tell until somebody looks."""


Evidence = Literal["probe", "seen", "confirmed"]
"""実測 (checks held), 目視 (a named person saw it), 業務確認 (its owner accepts it)."""


@dataclass(frozen=True, slots=True)
class LateWord:
    """A target that was judged anew when paper was typed in."""

    typed_at: datetime
    before: Goal
    """What stood until then."""


@dataclass(frozen=True, slots=True)
class LevelTarget:
    """One rung of one system."""

    system: str
    level: str
    name: str
    rto: timedelta | None
    deadline: datetime | None
    goal: Goal
    attained_at: datetime | None
    """First green time of the proving checks; None while not attained by evidence."""
    held: bool
    """Whether it is held now (by the log)."""
    relapsed: bool
    """It was attained and lost again, at least once."""
    slack: timedelta | None
    """Deadline minus attained (or now): negative = 超過."""
    rpo: timedelta | None
    rpo_attained: timedelta | None
    """Onset minus time of the verified snapshot that was restored."""
    proven_by: tuple[str, ...]
    unconfirmed: bool
    contract_rto: timedelta | None = None
    system_name: str = ""
    season: str = ""
    """The season that set this RTO; empty: none did."""
    business_time: bool = False
    """The RTO counts business hours only."""
    evidence: Evidence | None = None
    """What attained it."""
    confirmed_at: datetime | None = None
    """業務確認 by its owner; technically restored is not confirmed (R-18)."""
    typed_in: LateWord | None = None
    """Attained by a word typed in later: both are shown (後入力)."""
    said_at: datetime | None = None
    """A named person saw it before the checks testified; the checks decide, both are shown."""

    @property
    def late(self) -> bool:
        """Attained, but after its deadline."""
        return self.attained_at is not None and self.slack is not None and self.slack < timedelta()


@dataclass(frozen=True, slots=True)
class ServiceTarget:
    """One 業務: restored when every system it needs stands at the level it needs."""

    service: str
    name: str
    rto: timedelta | None
    deadline: datetime | None
    goal: Goal
    attained_at: datetime | None
    slack: timedelta | None
    mtpd_at: datetime | None
    on_paper: bool
    """紙で対応中."""
    on_paper_since: datetime | None
    missing: tuple[tuple[str, str], ...]
    """(system, level) still wanting."""
    unconfirmed: bool
    season: str = ""
    business_time: bool = False
    confirmed_at: datetime | None = None
    typed_in: LateWord | None = None
