"""Several vantages look at one thing: what they say together. Pure.

Down needs a quorum that says so, and so does good; one that cannot tell, or does not report, votes for
neither. Where some reach it and some do not, people reach it in part: degraded, and said by name. So one
place with a broken line calls nothing down, and a place that went silent makes nothing good.

Today the vantages are checks of one node that take different ways (`probes.availability.quorum`). Several
nodes bring `Observation.vantage`: each node confirms its own answers first (`confirm`), then this counts
the confirmed states. Answers of two vantages must never meet in one `confirm.Counter`: two places that
disagree would look like one that flaps.
"""

from __future__ import annotations

from collections.abc import Sequence

from bcp.watch.values import Status
from bcp.watch.view import WORKS


def majority(vantages: int) -> int:
    """More than half: two majorities cannot contradict each other."""
    return vantages // 2 + 1


def vote(seen: Sequence[Status], quorum: int) -> Status:
    """The state `quorum` vantages agree on; each has one voice."""
    down = sum(one is Status.FAILED for one in seen)
    works = sum(one in WORKS for one in seen)
    if down >= quorum:
        return Status.FAILED
    if works >= quorum:
        fine = sum(one is Status.OK for one in seen)
        return Status.OK if fine >= quorum and not down else Status.DEGRADED
    return Status.DEGRADED if works and down else Status.UNKNOWN
