"""Values of the frame of an event: phases, authority, onset, suggestions, ends of parts.

Kept beside `state` (which re-exports what others need) so that each stays readable.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

Nature = Literal["disaster", "failure", "cyber"]
"""大規模災害 (targets `rto_disaster`), 通常の障害 and サイバー (targets `rto`)."""

Capacity = Literal["principal", "deputy", "on_site"]
"""本人, 代行, 現場 (whoever is there): the last two need a later ratification."""

DrillKind = Literal["tabletop", "communication", "muster", "live", "restore", "switch"]
"""机上, 情報伝達, 参集, 実動, 復元試験, 切替."""

NATURES = ("disaster", "failure", "cyber")
CAPACITIES = ("principal", "deputy", "on_site")
DRILL_KINDS = ("tabletop", "communication", "muster", "live", "restore", "switch")


class Phase(StrEnum):
    """Where the event stands. 取消 is not 解除."""

    DECLARED = "declared"
    RESTORED = "restored"
    STANDING_DOWN = "standing_down"
    STOOD_DOWN = "stood_down"
    REVIEWED = "reviewed"
    CANCELLED = "cancelled"


ACTIVE = frozenset({Phase.DECLARED, Phase.RESTORED, Phase.STANDING_DOWN})


class Ratification(StrEnum):
    """事後承認."""

    NONE = "none"
    PENDING = "pending"
    RATIFIED = "ratified"
    OVERRULED = "overruled"


@dataclass(frozen=True, slots=True)
class OnsetMark:
    """One statement of when it began; the last one counts, none is forgotten."""

    onset: datetime
    said_at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Mark:
    """One statement of level or scope; the last one counts, none is forgotten."""

    what: Literal["level", "scope"]
    value: tuple[str, ...]
    at: datetime
    by: str
    seq: int


@dataclass(frozen=True, slots=True)
class Tried:
    """Somebody of the authority who was called before a deputy declared (R-16)."""

    role: str
    at: datetime
    outcome: Literal["no_answer", "unreachable", "hurt", "absent"]


@dataclass(frozen=True, slots=True)
class PartEnd:
    """一部解除 of one service, system or site; `until` when it came back under the event."""

    kind: Literal["service", "system", "site"]
    id: str
    at: datetime
    by: str
    seq: int


@dataclass(frozen=True, slots=True)
class Suggestion:
    """発動の提案: never more than a proposal. The texts stay in the log's value store."""

    id: str
    rule: str
    """Rule of the plan; `person` or `report` where people said so."""
    state: Literal["open", "later", "dismissed", "cleared", "declared"]
    at: datetime
    by: str
    seq: int
    level: int
    nature: Nature
    onset: datetime
    """Proposed, from the board's history."""
    kind: str = ""
    """Kind of a report: a bounded word (`threat_note`, `fire` …)."""
    intensity: str = ""
    """震度 as reported, the highest so far."""
    systems: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    evidence: tuple[tuple[str, datetime], ...] = ()
    """(check, since when it was red)."""
    until: datetime | None = None
    """後で: shown again from then on."""
    closed_at: datetime | None = None
    closed_by: str | None = None
    incident: str | None = None
    """The event that came of it."""

    @property
    def open(self) -> bool:
        """Still to be answered."""
        return self.state in ("open", "later")

    @property
    def scope(self) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        """What it is about: at most one is open for it."""
        return (self.rule, self.systems, self.sites)
