"""Which snapshots may go: the policy proposes, the guard refuses. Pure.

The policy looks at our own record, never at what the repository shows: a flood of forged snapshots must
not push the real ones out. Buckets are days of Japan. What is younger than the RPO, and the newest
snapshot proven at each rung, always stays. Deleting waits while anything is strange or proven bad.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import Field

from backups.custody import CopyState
from backups.record import Custody
from bcp.kit.units import JST
from bcp.plan.types import Duration, Model

_AHEAD = timedelta(minutes=5)


class Retention(Model):
    """How long snapshots stay. Everything a rule keeps stays; the rest may go, at most `most` at once."""

    last: int = Field(3, ge=1)
    """The newest so many, whatever their age."""
    within: Duration | None = None
    """Everything this much older than the newest snapshot or less (`--keep-within` of restic)."""
    daily: int = Field(0, ge=0)
    """The newest of each of so many days that have one."""
    weekly: int = Field(0, ge=0)
    monthly: int = Field(0, ge=0)
    yearly: int = Field(0, ge=0)
    most: int = Field(10, ge=1, le=200)
    """Never remove more than this at once: a wrong rule must not empty a repository."""
    every: Duration | None = None
    """How often it is done by itself; null: only by a person."""
    prune: bool = True
    """Free the space after forgetting."""
    warn_after: Duration = timedelta(days=14)
    """Not done for this long although planned: an alarm (a stale lock can stop it unseen)."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What stays and why, and what may go, each oldest first."""

    keep: tuple[tuple[Custody, str], ...]
    remove: tuple[Custody, ...]


_BUCKETS: Mapping[str, Callable[[datetime], object]] = {
    "daily": lambda at: at.date(),
    "weekly": lambda at: at.isocalendar()[:2],
    "monthly": lambda at: (at.year, at.month),
    "yearly": lambda at: at.year,
}


def propose(
    policy: Retention,
    state: CopyState,
    present: Collection[str],
    rpo: timedelta | None,
    now: datetime,
) -> Proposal:
    """Every snapshot on record that is there, with what becomes of it."""
    there = sorted(
        (one for one in state.kept if one.snapshot in present),
        key=lambda one: one.time,
        reverse=True,
    )
    reasons = _kept(policy, there)
    for one in there:
        word = protected(one, state, rpo, now)
        if word:
            reasons[one.snapshot] = word
    there.reverse()
    keep = tuple((one, reasons[one.snapshot]) for one in there if one.snapshot in reasons)
    return Proposal(keep, tuple(one for one in there if one.snapshot not in reasons))


def _kept(policy: Retention, newest_first: list[Custody]) -> dict[str, str]:
    """Snapshot -> the first rule that keeps it. Incomplete ones count only as `last` or `within`."""
    reasons: dict[str, str] = {}
    whole = [one for one in newest_first if one.complete]
    for one in (*whole[: policy.last], *newest_first[: policy.last]):
        reasons.setdefault(one.snapshot, "last")
    if policy.within is not None and whole:
        for one in newest_first:
            if whole[0].time - one.time <= policy.within:
                reasons.setdefault(one.snapshot, "within")
    for rule, bucket in _BUCKETS.items():
        seen: set[object] = set()
        for one in whole:
            name = bucket(one.time.astimezone(JST))
            if name not in seen and len(seen) < getattr(policy, rule):
                seen.add(name)
                reasons.setdefault(one.snapshot, rule)
    return reasons


def protected(one: Custody, state: CopyState, rpo: timedelta | None, now: datetime) -> str:
    """Why a snapshot must stay whatever a rule or a person says; empty: it may go."""
    if rpo is not None and now - one.time <= rpo:
        return "rpo"
    newest = state.newest
    if newest is not None and newest.snapshot == one.snapshot:
        return "newest"
    proofs = [proof.snapshot for level, proof in state.good.items() if level >= 2]
    return "proven" if one.snapshot in proofs else ""


def objections(
    wanted: Collection[Custody],
    policy: Retention,
    state: CopyState,
    times: Collection[datetime],
    rpo: timedelta | None,
    now: datetime,
) -> tuple[str, ...]:
    """Why nothing may be removed now, in bounded words; empty: it may.

    `times`: of every snapshot the repository shows, strangers included.
    """
    found: list[str] = []
    if state.anomalies:
        found.append("anomaly")
    if state.held is not None:
        found.append("held")
    if any(not state.evidence[level].good for level in state.evidence if level):
        found.append("failed_check")
    if any(not check.good for what, check in state.checks.items() if what in ("names", "agree")):
        found.append("failed_check")
    if any(at > now + _AHEAD for at in times):
        found.append("future")
    if len(wanted) > policy.most:
        found.append("too_many")
    words = {protected(one, state, rpo, now) for one in wanted} - {""}
    found += sorted(words)
    return tuple(dict.fromkeys(found))


def overdue(policy: Retention, state: CopyState, now: datetime) -> timedelta | None:
    """How long retention has not run although it should have; None: it has, or need not."""
    if policy.every is None or not state.custody:
        return None
    done = [act.at for act in state.retained.values()]
    since = max(done) if done else state.custody[0].time
    late = now - since
    return late if late > max(policy.warn_after, policy.every) else None
