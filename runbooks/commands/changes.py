"""Commands about emergency changes (緊急変更)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from runbooks.changes import ChangeKind
from runbooks.commands.base import On


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenChange(On):
    """緊急変更の届出: an opened port, a helper's account. Without an end it ends after a day."""

    id: str
    cia: Literal["C", "I", "A"]
    what: str
    expires_at: datetime | None = None
    kind: ChangeKind = "other"
    system: str | None = None
    check: str | None = None
    """The check that will prove the reversal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveChange(On):
    """承認, by another person than the one who declared it; alone only with a reason."""

    id: str
    alone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountersignChange(On):
    """追認 of a change that one person made and approved alone."""

    id: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendChange(On):
    """期限の延長, with a reason."""

    id: str
    expires_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertChange(On):
    """元に戻した: `note` says what was done and how it was checked."""

    id: str
    note: str
    how: Literal["seen", "measured", "attested"] = "seen"
