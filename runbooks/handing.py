"""Command changing hands, and what was told of the event: values of the folded state.

引継ぎ is offered by who commands and passes when the other confirms it; alone only with a reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class HandOver:
    """指揮の引継ぎ that took effect."""

    at: datetime
    by: str
    to: str
    how: Literal["both", "alone", "told"] = "told"
    """`both`: offered and confirmed; `alone`: the other could not confirm; `told`: older entries."""
    sheet: str = ""
    """Digest of the 引継書 in the evidence store."""
    seq: int = 0


@dataclass(frozen=True, slots=True)
class HandOffer:
    """引継ぎの申し出 that waits for the other's confirmation. Until then the giver commands."""

    at: datetime
    by: str
    to: str
    sheet: str
    seq: int


@dataclass(frozen=True, slots=True)
class Issued:
    """状況報告 第n報: its text lies in the evidence store under `digest`."""

    number: int
    at: datetime
    by: str
    digest: str
    seq: int
