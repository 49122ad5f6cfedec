"""How long a restore would take, from what restores did take. Pure; a range with its ground, never one number.

実績: a whole snapshot of about this size was restored. 推定: only smaller ones or files by lot were, so
the speed is carried over. Nothing measured: nothing is said (None).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from backups.custody import CopyState

_ALIKE = 2
"""Up to so many times the largest size ever restored whole counts as 実績."""
_LEAST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Estimate:
    """From the quickest to the slowest measured speed."""

    low: timedelta
    high: timedelta
    measured: bool
    """True: 実績; false: 推定."""
    size: int
    """Bytes it speaks of."""


def of_copy(state: CopyState) -> Estimate | None:
    """Restoring the newest snapshot on record of one copy."""
    newest = state.newest
    runs = [
        (one.facts["size"], one.facts["restore_ms"], not one.facts.get("sampled"))
        for one in state.measured
        if one.facts.get("size", 0) > 0 and one.facts.get("restore_ms", 0) > 0
    ]
    if newest is None or not runs:
        return None
    whole = [run for run in runs if run[2]] or runs
    seconds = sorted(newest.size * ms / size / 1000 for size, ms, _ in whole)
    largest = max((size for size, _, entire in runs if entire), default=0)
    low, high = (timedelta(seconds=round(s)) for s in (seconds[0], seconds[-1]))
    measured = newest.size <= largest * _ALIKE
    return Estimate(max(low, _LEAST), max(high, _LEAST), measured, newest.size)


def of_set(copies: Iterable[CopyState]) -> Estimate | None:
    """The quickest copy of a set."""
    known = [one for one in map(of_copy, copies) if one is not None]
    return min(known, key=lambda one: one.high, default=None)


def of_system(sets: Iterable[Iterable[CopyState]]) -> Estimate | None:
    """All sets of a system, one after another; None when the time of any of them is not known."""
    each = [of_set(copies) for copies in sets]
    known = [one for one in each if one is not None]
    if not each or len(known) != len(each):
        return None
    return Estimate(
        sum((one.low for one in known), timedelta()),
        sum((one.high for one in known), timedelta()),
        all(one.measured for one in known),
        sum(one.size for one in known),
    )
