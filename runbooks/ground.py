"""What the gates of stand-down look at beyond the event's own entries: board, backups, announcements. Pure.

The seam: whoever owns a state registers a *source* on the desk, `desk.gate_sources["monitoring"] = source`.
A source says what still holds its gate as `Hold`s (nothing: the condition is met); it is asked by the
desk before a stand-down is decided, and what it said enters the log with the decision, so that a
report can be made again without any board. A gate nobody registered is not asked and not shown.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bcp.plan.model import City
from runbooks.state import Incident

UNSHOWABLE = "unshowable"
"""Nothing in the plan can show it (no backup set of ours): then a person may state it in words."""


@dataclass(frozen=True, slots=True, order=True)
class Hold:
    """One thing that holds a gate. `why` is a word of the catalogue (`runbooks.hold_<why>`)."""

    id: str
    why: str


Ground = Mapping[str, tuple[Hold, ...]]
"""Gate -> what holds it now. A gate that is absent was not asked."""

GateSource = Callable[[Incident, City, datetime], Awaitable[tuple[Hold, ...]]]
"""Asked with the event, its frozen city and the instant."""
