"""Commands about a suggested declaration. They belong to no event: none runs yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from runbooks.framestate import Nature

REPORT_KINDS = (
    "shaking",
    "flood",
    "fire",
    "power",
    "building",
    "threat_note",
    "files_unreadable",
    "odd_login",
    "provider_call",
    "staff_absent",
    "other",
)
"""What a person may report, as bounded words (R-76: 「プリンターから脅迫文が出る」 is an input)."""
CYBER_REPORTS = frozenset({"threat_note", "files_unreadable", "odd_login"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggest:
    """発動の提案: by a rule of the plan, or by a person in words."""

    level: int
    onset: datetime
    text: str
    rule: str = "person"
    """Rule of the plan, `person` (declare, please) or `report` (something was seen)."""
    kind: str = ""
    """One of REPORT_KINDS, of a report."""
    intensity: str = ""
    """震度 of a report of shaking (`runbooks.intensity.SCALE`); empty: not known."""
    nature: Nature = "disaster"
    systems: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    evidence: tuple[tuple[str, datetime], ...] = ()
    """(check, since when it is red), from the board."""
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutOff:
    """後で: it stays open and is shown again."""

    suggestion: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Dismiss:
    """見送り, with the reason; the rule speaks again on new evidence only."""

    suggestion: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearSuggestion:
    """The board withdraws it: everything it named is good again."""

    suggestion: str


SuggestionCommand = Suggest | PutOff | Dismiss | ClearSuggestion
