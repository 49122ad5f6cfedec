"""What a reader of the board gets: frozen values and the rule of staleness. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from bcp.kit.language import Text
from bcp.watch.check import Check, Known
from bcp.watch.confirm import Counter
from bcp.watch.values import Finding, Mute, Observation, Status

WORKS = frozenset({Status.OK, Status.DEGRADED})
"""The states in which people can work; the metric `ict_bcp_check_success` is 1 in them."""

WORST_FIRST = (Status.FAILED, Status.UNKNOWN, Status.DEGRADED, Status.OK)
"""The order in which people look: proven down, then not known, then degraded."""


def stale_after(check: Check) -> timedelta:
    """How long one answer counts: max(3 x every, every + 2 x timeout)."""
    return max(3 * check.every, check.every + 2 * check.timeout)


def worst(statuses: list[Status]) -> Status:
    """The first in `WORST_FIRST` that occurs; unknown for nothing at all."""
    return min(statuses, key=WORST_FIRST.index, default=Status.UNKNOWN)


@dataclass(frozen=True, slots=True)
class CheckView:
    """One check as it stands at one instant, staleness applied."""

    id: str
    check: Check
    status: Status
    since: datetime | None
    """Start of the first observation of this state; for stale ones, when the answer expired."""
    sentence: Text
    last: Observation | None
    """The last look, confirmed or not."""
    findings: tuple[Finding, ...] = ()
    """What stands of its findings: a look that could not tell cures nothing."""
    muted: frozenset[Mute] = frozenset()
    why_muted: Mapping[Mute, Text] = field(default_factory=dict)
    stale: bool = False
    stale_at: datetime | None = None
    """When the last answer stops counting; None before the first."""
    blocked: bool = False
    """It does not run on purpose (no permission, another zone); the sentence says why."""
    pending: bool = False
    """The last look disagrees with the state and is being confirmed."""

    @property
    def works(self) -> bool:
        """Good or degraded: people can work."""
        return self.status in WORKS

    @property
    def looked(self) -> bool:
        """The last look told something and still counts: else its findings are only last known."""
        if self.last is None or self.stale or self.blocked:
            return False
        seen = self.last.outcome
        return seen.status is not Status.UNKNOWN or bool(seen.findings)


def known_of(view: CheckView) -> Known | None:
    """What a judge over several checks may build on; None before the first look and past its time."""
    if view.last is None or view.since is None or view.stale or view.blocked:
        return None
    return Known(view.status, view.since, view.last.started, view.sentence)


class Reading(NamedTuple):
    """What the metrics of one check need, staleness applied: cheap, made ten thousand times a scrape."""

    status: Status
    muted: Collection[Mute]
    last: Observation | None
    runs: Mapping[Status, int]
    """Since the daemon started, every state in the order of `Status`."""
    missed: int
    """Due times that passed while it could not start."""
    blind: float
    """Seconds not observed because of that. Never up, never down."""
    expires: float
    """Monotonic time at which the answer stops counting; infinite when none counts any more."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in one state, for the bars; what no span covers is blind time."""

    subject: str
    status: Status
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Saved:
    """The last known state of a check, as the history keeps it over a restart."""

    check: str
    status: Status
    since: datetime
    sentence: Text
    last: Observation
    works_since: datetime | None = None
    """Since when every answer was good: a restart shorter than an answer counts breaks no row."""
    counter: Counter | None = None
    """Looks that were counted and not confirmed: a daemon that falls over at each of them must not begin
    to count anew each time, or what is down would stay good."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Most places fail at once: perhaps it is this node. Announcing waits, watching goes on."""

    failing: int
    total: int
    since: datetime
    sentence: Text
