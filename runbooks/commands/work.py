"""Commands about the work: notes, decisions, hand-over, levels, paper."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from runbooks.commands.base import On


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeDecision(On):
    """決定: `step` with one of its options, or free (`step` None, `question` and `choice`)."""

    rationale: str
    step: str | None = None
    option: str = ""
    question: str = ""
    choice: str = ""
    approved_by: str | None = None
    """Pseudonym of who consented where the option asks for a role's approval."""
    snapshot_at: datetime | None = None
    """Time of the verified snapshot that was chosen, where the step chooses one (`evidence`)."""
    expected_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddNote(On):
    """記録: one line of the chronology, about a step, system, service or the whole (`subject`)."""

    text: str
    subject: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttainLevel(On):
    """実測: the proving checks of a level have held (from the board)."""

    system: str
    level: str
    since: datetime
    checks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoseLevel(On):
    """A proving check of an attained level is red (from the board)."""

    system: str
    level: str
    since: datetime
    checks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StartAlternate(On):
    """代替運用の開始: 「紙で対応中」."""

    service: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndAlternate(On):
    """代替運用の終了; `back_entry`: what was done on paper must still be typed in."""

    service: str
    back_entry: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishBackEntry(On):
    """後入力の完了 of a service."""

    service: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueSheets(On):
    """用紙を渡した."""

    ids: tuple[str, ...]
    to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnSheet(On):
    """用紙が戻り、入力した."""

    id: str
