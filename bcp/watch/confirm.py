"""When an answer becomes the state: n of m, recovery confirmed too. Pure.

Rules, in words:

- The first answer ever is the state at once: a new check has a verdict after one run.
- Worse needs `failures` answers at least that bad within the last `of` known ones.
- Better needs `successes` answers in a row that are better than the state.
- `unknown` is never counted as bad or good. Two in a row make the state unknown; one alone only
  breaks a row of good ones.
- A change clears what was counted, so old failures never flip a recovered state back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from bcp.watch.check import Confirm
from bcp.watch.values import Observation, Status, Transition

UNKNOWN_IN_A_ROW = 2
"""So many times not being able to tell makes the state unknown."""

RANK = {Status.OK: 0, Status.DEGRADED: 1, Status.FAILED: 2}
"""How bad a known status is. `unknown` has no rank on purpose."""


class Look(NamedTuple):
    """One answer that was counted."""

    status: Status
    started: datetime


@dataclass(frozen=True, slots=True)
class Counter:
    """What confirmation remembers of one check. The empty one knows nothing."""

    status: Status | None = None
    """The confirmed state; None before the first answer."""
    since: datetime | None = None
    """Start of the first observation of the state."""
    last: Status | None = None
    """What the last look said, confirmed or not."""
    window: tuple[Look, ...] = ()
    """The last m known answers since the last change."""
    better: tuple[Look, ...] = ()
    """Answers in a row that are better than the state."""
    unseen: tuple[Look, ...] = ()
    """Unknown answers in a row."""

    @property
    def pending(self) -> bool:
        """The last look disagrees with the state: look again soon."""
        return self.last is not self.status


def advance(
    counter: Counter, observation: Observation, confirm: Confirm, at: datetime
) -> tuple[Counter, Transition | None]:
    """Count one observation; a Transition comes out when the state changes at `at`."""
    look = Look(observation.outcome.status, observation.started)
    if counter.status is None:
        old, verdict = Status.UNKNOWN, look
    else:
        old = counter.status
        counter = _count(counter, look, confirm)
        found = _verdict(counter, look, confirm)
        if found is None:
            return counter, None
        verdict = found
    settled = Counter(status=verdict.status, since=verdict.started, last=look.status)
    if verdict.status is old:  # the very first answer was "cannot tell"
        return settled, None
    why = observation.outcome.sentence
    return settled, Transition(
        observation.check, old, verdict.status, verdict.started, max(at, verdict.started), why
    )


def _count(counter: Counter, look: Look, confirm: Confirm) -> Counter:
    if look.status is Status.UNKNOWN:
        unseen = (*counter.unseen, look)[:UNKNOWN_IN_A_ROW]
        return replace(counter, last=look.status, better=(), unseen=unseen)
    size = confirm.of or confirm.failures
    return replace(
        counter,
        last=look.status,
        window=(*counter.window, look)[-size:],
        better=(*counter.better, look) if _improves(counter.status, look.status) else (),
        unseen=(),
    )


def _improves(state: Status | None, seen: Status) -> bool:
    """From unknown, whatever works is better; else only what ranks below the state."""
    if state is Status.UNKNOWN or state is None:
        return seen is not Status.FAILED
    return RANK[seen] < RANK[state]


def _verdict(counter: Counter, look: Look, confirm: Confirm) -> Look | None:
    """The new state and when it began, or None while nothing is confirmed."""
    state = counter.status
    if look.status is Status.UNKNOWN:
        known = state is not Status.UNKNOWN
        return counter.unseen[0] if known and len(counter.unseen) >= UNKNOWN_IN_A_ROW else None
    rank = 0 if state is None else RANK.get(state, 0)
    for worse in (Status.FAILED, Status.DEGRADED):
        bad = [seen for seen in counter.window if RANK[seen.status] >= RANK[worse]]
        reached = RANK[look.status] >= RANK[worse] and len(bad) >= confirm.failures
        if reached and rank < RANK[worse]:
            return Look(worse, bad[0].started)
    if len(counter.better) >= confirm.successes:
        row = counter.better
        return Look(max((seen.status for seen in row), key=RANK.__getitem__), row[0].started)
    return None
