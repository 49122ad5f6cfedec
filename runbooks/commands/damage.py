"""Commands about what people saw of the damage, and about powering on."""

from __future__ import annotations

from dataclasses import dataclass

from runbooks.commands.base import On


@dataclass(frozen=True, slots=True, kw_only=True)
class ObserveDamage(On):
    """被害チェックシート (様式11): one item of one site, seen by a person at `occurred_at`."""

    site: str
    item: str
    value: str
    """good, partly, bad, unseen (未確認: also to take an answer back)."""
    minutes_left: int | None = None
    """Of fuel or battery."""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPower(On):
    """電源を入れる前に: one question of one site."""

    site: str
    item: str
    safe: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OverridePower(On):
    """電源投入の確認を、理由を記録して飛ばす (until the next answer of that site)."""

    site: str
    reason: str
