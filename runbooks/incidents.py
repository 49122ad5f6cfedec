"""Every event of one journal: which run, which is the most urgent, what is suggested. Frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from runbooks.framestate import Suggestion
from runbooks.state import Incident, OpenItem, Phase

if TYPE_CHECKING:
    from runbooks.drilled import Drilled

_URGENCY = (
    Phase.DECLARED,
    Phase.RESTORED,
    Phase.STANDING_DOWN,
    Phase.STOOD_DOWN,
    Phase.REVIEWED,
    Phase.CANCELLED,
)
"""What is not restored yet comes first."""


@dataclass(frozen=True, slots=True)
class Incidents:
    """Every event of one journal, oldest first, and the suggestions. Several events may be active."""

    items: Mapping[str, Incident] = field(default_factory=dict)
    open: tuple[str, ...] = ()
    """Ids of those that run, oldest first."""
    suggestions: Mapping[str, Suggestion] = field(default_factory=dict)
    codes: Mapping[str, OpenItem] = field(default_factory=dict)
    """緊急用封印コード that were used; closed when the envelope was replaced."""
    drilled: Mapping[tuple[str, str], Drilled] = field(default_factory=dict)
    """(System, level) -> the best result of a drill that measured it."""
    last_drill: datetime | None = None
    """When a drill was last closed."""

    def get(self, id: str) -> Incident | None:
        """The event with this id."""
        return self.items.get(id)

    @property
    def actives(self) -> tuple[Incident, ...]:
        """Those that run, the most urgent first: what is not restored yet, then the newest."""
        running = [self.items[id] for id in reversed(self.open)]
        return tuple(sorted(running, key=lambda item: _URGENCY.index(item.phase)))

    @property
    def active(self) -> Incident | None:
        """The most urgent one: what a page shows that names none."""
        return next(iter(self.actives), None)

    @property
    def latest(self) -> Incident | None:
        """The last declared one, running or not."""
        return next(reversed(self.items.values()), None)  # type: ignore[call-overload]
