"""What a borrowed door opens to, and until when: sealed codes and visiting helpers (受援)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Limit:
    """An account that ends by itself.

    `code`: opened with a 緊急用封印コード; staff of `sites[0]`, everything staff does, because the
    one who opens the envelope may be the only one there (R-28). `helper`: 受援; sees and does the
    steps of these runbooks, systems and sites, and nothing else (R-66).
    """

    until_us: int
    origin: Literal["code", "helper"]
    sites: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()
    runbooks: tuple[str, ...] = ()
    code: int | None = None
    """Number on the card."""

    @property
    def helper(self) -> bool:
        """Sees only what is lent."""
        return self.origin == "helper"

    def covers(self, runbook: str, system: str | None, site: str | None = None) -> bool:
        """Whether a step of this runbook, system and site is lent."""
        return runbook in self.runbooks or system in self.systems or site in self.sites
