"""Commands about the event as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from runbooks.commands.base import On
from runbooks.framestate import Capacity, DrillKind, Nature
from runbooks.framestate import Tried as Tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Declare:
    """発動. Real or drill is decided by the store it goes to, never by the request."""

    level: int
    onset: datetime
    reason: str
    nature: Nature = "disaster"
    capacity: Capacity = "principal"
    role: str | None = None
    """Role (id) of the authority in whose name it is done."""
    basis: str = ""
    """根拠: which criterion of the plan, which report."""
    systems: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    runbooks: tuple[str, ...] = ()
    """Empty: every runbook of the book that fits scope, nature and hours."""
    hours: Literal["in_hours", "off_hours"] | None = None
    drill: DrillKind | None = None
    gates: tuple[str, ...] = ()
    """Further conditions of stand-down, as ids."""
    links: tuple[str, ...] = ()
    """Running events this one belongs to (余震, 併発): their clocks go on, this one has its own."""
    suggestion: str | None = None
    """The suggestion it came of."""
    tried: tuple[Tried, ...] = ()
    """A deputy: who before him could not be reached, and when."""
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeLevel(On):
    """段階の変更."""

    level: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeScope(On):
    """範囲の変更 (一部解除 is `EndPart`). Empty tuples mean all."""

    reason: str
    systems: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EndPart(On):
    """一部解除 of one service, system or site, with evidence of recovery, or waived with a reason."""

    kind: Literal["service", "system", "site"]
    id: str
    reason: str = ""
    waived: bool = False
    """Without evidence, by decision: the reason stays in the report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumePart(On):
    """The part belongs to the event again (再発); no clock is reset."""

    kind: Literal["service", "system", "site"]
    id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddRunbook(On):
    """手順書の追加 (of the frozen book): 「状況が違う」."""

    runbook: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectOnset(On):
    """発災時刻の訂正; all deadlines move, the earlier statements stay."""

    onset: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratify(On):
    """事後承認."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrule(On):
    """不承認; the event must then be cancelled or its scope changed."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel(On):
    """取消 of a mistaken declaration; not 解除."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore(On):
    """復旧: every system in scope stands at its target with evidence, or is waived with a reason."""

    waived: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relapse(On):
    """再発: the same event goes on, no clock is reset."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginStandDown(On):
    """解除の準備: the gates are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetGate(On):
    """The condition of a gate is met; `check` names the evidence where there is one."""

    gate: str
    check: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseGate(On):
    """A gate closed by decision of the authority, with a reason (用紙焼失)."""

    gate: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StandDown(On):
    """解除."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordReport(On):
    """The report was made; its digest is in the evidence store."""

    digest: str
    upto: int
    """The last entry it covers: with it the same bytes can be made again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review(On):
    """事後検証の承認; afterwards only addenda."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preempt(On):
    """訓練中止: a real event was declared."""

    real: str
