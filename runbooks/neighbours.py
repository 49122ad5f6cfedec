"""What the desk needs of others, as protocols: the board it reads, the drills it stops."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from bcp.watch.view import CheckView


class Evidence(Protocol):
    """What of the board this room reads (`bcp.watch.board.Board` is one)."""

    def __contains__(self, id: object) -> bool:
        """Whether the plan has this check."""
        ...

    def view(self, id: str, now: datetime | None = None) -> CheckView:
        """One check as it stands."""
        ...

    def since_ok(self, id: str, now: datetime | None = None) -> datetime | None:
        """Since when every answer was good without a gap."""
        ...


class Preemptable(Protocol):
    """The running drills (`runbooks.drills.Drills`)."""

    async def preempt(self, real: str) -> None:
        """Stop them: a real event was declared."""
        ...
