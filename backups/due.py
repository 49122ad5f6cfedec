"""What is to be done with a copy next, and when. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from backups.custody import CopyState
from backups.model import BackupSet, Repository
from backups.standing import Memory, latest

BACKUP = 0
POLL = 1
HEAVY = (0, 2, 3, 4)
"""The work that reads or writes much: one at a time per repository, few seats in all."""

_MOST_DOUBLINGS = 12


@dataclass(frozen=True, slots=True, order=True)
class Work:
    """A level to climb (0: a backup) and since when it is due."""

    at: datetime
    level: int


def next_work(
    one: BackupSet,
    copy: Repository,
    state: CopyState,
    memory: Memory,
    now: datetime,
    levels: Collection[int],
) -> Work | None:
    """The work to do first: what is due, lowest level first; else what comes next."""
    planned = [
        Work(at, level)
        for level in levels
        if (at := due(one, copy, state, memory, now, level)) is not None
    ]
    ready = [work for work in planned if work.at <= now]
    return min(ready, key=lambda work: work.level) if ready else min(planned, default=None)


def due(
    one: BackupSet, copy: Repository, state: CopyState, memory: Memory, now: datetime, level: int
) -> datetime | None:
    """When a level is to be climbed next; None: not by itself."""
    if level == BACKUP:
        return _backup(one, copy, state, memory, now)
    interval = one.verify.poll if level == POLL else one.verify.period(level)
    if level > POLL and not state.custody:
        return None  # nothing on record that could be proven
    tried, proof = memory.tried.get(level), latest(state, memory, level)
    if tried is not None and not tried.good:
        return tried.at + retry(one, memory, level, interval)
    if proof is None or not proof.good or proof.at > now:
        return now
    if level == POLL and tried is None:
        return now  # what another process saw is not what is there now
    if level == 3 and _unread(one, state):
        interval = min(interval, one.verify.poll)
    return proof.at + interval


def _backup(
    one: BackupSet, copy: Repository, state: CopyState, memory: Memory, now: datetime
) -> datetime | None:
    if one.every is None or copy.offline:
        return None  # an offline copy is made by hand, when it is attached
    last = memory.tried.get(0) or state.last_job
    if last is None or last.at > now:
        return now
    return last.at + (one.every if last.good else retry(one, memory, 0, one.every))


def retry(one: BackupSet, memory: Memory, level: int, interval: timedelta) -> timedelta:
    """Sooner than the interval after something that was not good, then ever later."""
    doublings = min(memory.failures.get(level, 1) - 1, _MOST_DOUBLINGS)
    wait: timedelta = min(interval, one.verify.poll * 2 ** max(0, doublings))
    return wait


def _unread(one: BackupSet, state: CopyState) -> bool:
    """Some part was never read: go on with the round instead of waiting a day for each part."""
    parts = one.verify.parts
    return any((n, parts) not in state.parts for n in range(1, parts + 1))
