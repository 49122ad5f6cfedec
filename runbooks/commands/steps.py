"""Commands about one step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from runbooks.commands.base import On


@dataclass(frozen=True, slots=True, kw_only=True)
class StartStep(On):
    """着手."""

    step: str
    expected_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishStep(On):
    """完了. `snapshot_at`: time of the verified snapshot that was restored, where one was."""

    step: str
    expected_version: int | None = None
    note: str = ""
    snapshot_at: datetime | None = None
    paper: bool = False
    """後入力 from paper: may come before what it waited for was typed in."""
    together: str | None = None
    """Who did it with me (a step for two), or who read aloud while I answered."""
    alone: str = ""
    """単独実施: the reason why the second person a step asks for was not there."""
    answer: str = ""
    """The answer to the challenge, as the screen asks for it."""
    again: bool = False
    """A loop (`while`): this round is done, another one follows."""
    approver: str | None = None
    """An approval step: who approved, where it is not the one who records it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailStep(On):
    """「できない」."""

    step: str
    reason: str
    expected_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipStep(On):
    """飛ばす. A mandatory step needs `approved_by`, another person than the one who skips."""

    step: str
    reason: str
    approved_by: str | None = None
    expected_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitStep(On):
    """待ち: somebody outside must act; `until` is what they promised."""

    step: str
    until: datetime
    waits_for: str = ""
    expected_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenStep(On):
    """戻す (undo) or try again; followers are never reset, they are marked for review."""

    step: str
    reason: str
    expected_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestStep(On):
    """目視: another person saw it work where the probe cannot tell."""

    step: str
    note: str
    alone: str = ""
    """Reason why the doer attests alone (単独): nobody else can be reached."""
    expected_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyStep(On):
    """The probe's word on a step (from the board, never from a person)."""

    step: str
    passed: bool
    check: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiveProof(On):
    """免除: what follows a `gate: verified` may go on without proof, for a reason that stays."""

    step: str
    reason: str
    alone: str = ""
    """Reason why the doer himself waives it."""
    expected_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewStep(On):
    """見直した: something it was built on was undone; it still holds, or was put right."""

    step: str
    note: str
    expected_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelStep(On):
    """中止: this event does not need the step (an amendment, so for the command)."""

    step: str
    reason: str
    expected_version: int | None = None
