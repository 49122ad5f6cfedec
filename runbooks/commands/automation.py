"""Commands about what a machine does for a step: asked for, confirmed, begun, ended, countersigned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from runbooks.commands.base import On
from runbooks.worked import RunState


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRun(On):
    """実行の申請: one person says what is to run, with the word to type again."""

    step: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    retype: str = ""
    alone: str = ""
    """単独実施: the reason why the second person cannot be reached."""
    expected_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmRun(On):
    """実行の確認 by the second person."""

    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawRun(On):
    """申請の取消, before it begins."""

    run: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginRun(On):
    """The machine begins (written before the child starts; from the service, never a person)."""

    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRun(On):
    """What came of it (from the service)."""

    run: str
    state: RunState
    exit: int | None = None
    seconds: int = 0
    output: str = ""
    """The last lines, redacted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountersignRun(On):
    """事後確認 of what one person did alone, by another person."""

    run: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPhoto(On):
    """写真: kept in the evidence store before the entry names it."""

    subject: str
    digest: str
    kind: str
    size: int
    stripped: bool
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasePhoto(On):
    """写真を消す: the picture goes for good, the entries and its digest stay."""

    digest: str
    reason: str
