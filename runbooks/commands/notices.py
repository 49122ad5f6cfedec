"""Commands about messages to everybody on call: told again, and answered."""

from __future__ import annotations

from dataclasses import dataclass

from runbooks.commands.base import On


@dataclass(frozen=True, slots=True, kw_only=True)
class Remind(On):
    """もう一度知らせる: nobody has acted (`runbooks.reminders`). Only the watching service asks for it."""

    what: str
    """unanswered, ratification, change, breach or power."""
    id: str
    rank: int
    """How often it was told, this time included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(On):
    """確認しました: I have heard of it, and have nothing to record yet (R-95)."""
