"""差し込み: commands that change the runbooks of a running event. The frozen plan stays as it is."""

from __future__ import annotations

from dataclasses import dataclass

from runbooks.commands.base import On


@dataclass(frozen=True, slots=True, kw_only=True)
class AddStep(On):
    """A new step; `after` = it waits for that one, `before` = that one waits for it."""

    runbook: str
    step: str
    title: str
    reason: str
    type: str = "action"
    role: str | None = None
    how: str = ""
    expect: str = ""
    safety: str = ""
    after: str | None = None
    before: str | None = None
    people: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceStep(On):
    """Other words or another role for a step nobody has begun."""

    step: str
    reason: str
    title: str = ""
    role: str | None = None
    how: str = ""
    expect: str = ""
    safety: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveStep(On):
    """Another place for a step nobody has begun."""

    step: str
    reason: str
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpliceRunbook(On):
    """Another runbook of the frozen book, between steps of a running one (ransomware!)."""

    runbook: str
    """The one that is put in."""
    into: str
    step: str
    """Id of the new step that stands for it."""
    reason: str
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AbandonRunbook(On):
    """手順書の断念: its open steps are taken out; `instead` is the way that is gone now."""

    runbook: str
    reason: str
    instead: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRunbook(On):
    """断念の取消: its open steps are asked for again."""

    runbook: str
    reason: str
