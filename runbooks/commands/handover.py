"""Commands by which the command changes hands, and 状況報告 is issued."""

from __future__ import annotations

from dataclasses import dataclass

from runbooks.commands.base import On


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferHandOver(On):
    """引継ぎの申し出 by who commands now; the command stays until the other confirms."""

    to: str
    """Pseudonym of the receiver."""
    summary: str
    sheet: str = ""
    """Digest of the 引継書 as printed, in the evidence store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmHandOver(On):
    """引継ぎの確認 by the receiver: with it the command passes."""

    offer: int | None = None
    """Entry of the offer the page was drawn from; None = the one that stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawHandOver(On):
    """申し出の取下げ (giver) or 辞退 (receiver); the command stays where it is."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOverAlone(On):
    """緊急: one side alone, because the other cannot confirm. Stays marked as unconfirmed."""

    to: str
    reason: str
    sheet: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueSituation(On):
    """状況報告 第n報: its text is in the evidence store already."""

    number: int
    digest: str
    remark: str = ""
    """The commander's own words."""
