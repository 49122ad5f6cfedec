"""Several events at once: what a deadline is under each of them. Pure.

No clock is reset and none is hidden: every running event's deadline is shown, and the earliest one
that is still open is the one that counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from runbooks.targets import Goal, LevelTarget


@dataclass(frozen=True, slots=True)
class Under:
    """One deadline of a system and level under one event."""

    incident: str
    onset: datetime
    deadline: datetime | None
    goal: Goal


@dataclass(frozen=True, slots=True)
class Joint:
    """The same level under every event that covers it."""

    system: str
    level: str
    under: tuple[Under, ...]

    @property
    def counts(self) -> Under | None:
        """The earliest deadline still open; the earliest of all when none is."""
        dated = [one for one in self.under if one.deadline is not None]
        still = [one for one in dated if one.goal is not Goal.ATTAINED]
        return min(still or dated, key=lambda one: (one.deadline, one.incident), default=None)


def joint(events: Iterable[tuple[str, datetime, tuple[LevelTarget, ...]]]) -> tuple[Joint, ...]:
    """(event, onset, its targets) of every running event -> levels that more than one covers."""
    found: dict[tuple[str, str], list[Under]] = {}
    for incident, onset, targets in events:
        for one in targets:
            under = Under(incident, onset, one.deadline, one.goal)
            found.setdefault((one.system, one.level), []).append(under)
    return tuple(
        Joint(system, level, tuple(under))
        for (system, level), under in found.items()
        if len(under) > 1
    )
