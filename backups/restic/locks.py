"""The lock doctor: who holds a repository, since when, and which locks nobody holds any more.

A killed restic leaves its lock, and every later prune fails without a word (52 days in one case of the
study). restic's own `unlock` also takes away any lock older than 30 minutes of *another* host, whose clock
or network may merely be behind: so only locks of this host whose process is gone are removed here,
one by one; everybody else's is named with its age and left to people.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol
from weakref import WeakValueDictionary

from backups.restic import arguments, changing
from backups.restic.arguments import Target
from backups.restic.changing import Lock
from backups.restic.verdict import Judgement
from bcp.kit import process

RESTIC_STALE = timedelta(minutes=30)
"""restic refreshes a lock every five minutes and calls it stale after this."""

_QUICK = 60.0
_READ = 15.0
"""Deadline of reading one lock: restic before 0.16 looks for one that has vanished for a quarter of an hour."""

_TURNS: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
"""By place: at a start the poll and the doctor look at once, and what one removes the other would miss."""


class Caller(Protocol):
    """The part of `Restic` used here."""

    target: Target

    async def once(
        self, words: tuple[str, ...], deadline: float
    ) -> tuple[process.Completed, Judgement]:
        """One call, no second try."""
        ...


@dataclass(frozen=True, slots=True)
class Seen:
    """One lock and what is to be thought of it."""

    lock: Lock
    age: timedelta
    own: bool
    """Of this host."""
    stale: bool
    """Of this host, and its process is gone: may be removed."""
    suspicious: bool
    """Of another host and not refreshed for half an hour: a person must look there."""


Holds = Callable[[int, datetime], bool]
"""Whether the process that took a lock at that time still runs under its number."""


def judge(locks: Iterable[Lock], host: str, now: datetime, holds: Holds) -> tuple[Seen, ...]:
    """What is to be thought of each lock, the oldest first. Pure."""
    seen = []
    for lock in locks:
        own, age = lock.host == host, now - lock.time
        dead = own and not holds(lock.pid, lock.time)
        seen.append(Seen(lock, age, own, dead, not own and age > RESTIC_STALE))
    return tuple(sorted(seen, key=lambda one: one.lock.time))


def still_holds(pid: int, taken: datetime) -> bool:
    """A process with this number that began before the lock was taken. In doubt: yes."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        if fields[0] == b"Z":
            return False
        ticks = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        boot = next(
            int(line.split()[1])
            for line in Path("/proc/stat").read_text(encoding="ascii").splitlines()
            if line.startswith("btime ")
        )
    except FileNotFoundError:
        return not Path("/proc/self/stat").exists()  # no such process; without /proc: in doubt
    except (OSError, ValueError, IndexError, StopIteration):
        return True
    # A lock is refreshed, so its time is later than its process; a minute for a stepped clock.
    return datetime.fromtimestamp(boot + ticks, UTC) <= taken + timedelta(minutes=1)


async def look(
    restic: Caller, now: datetime, host: str | None = None
) -> tuple[Judgement, tuple[Seen, ...]]:
    """Every lock of a repository; takes none itself. One that vanishes meanwhile is left out."""
    async with _turn(restic):
        return await _look(restic, now, host)


def _turn(restic: Caller) -> asyncio.Lock:
    return _TURNS.setdefault(restic.target.location, asyncio.Lock())


async def _look(
    restic: Caller, now: datetime, host: str | None = None
) -> tuple[Judgement, tuple[Seen, ...]]:
    ended, judged = await restic.once(changing.list_locks(restic.target), _QUICK)
    if not judged.good:
        return judged, ()
    found: list[Lock] = []
    for id in changing.lock_ids(ended.stdout):
        said, good = await restic.once(changing.cat_lock(restic.target, id), _READ)
        lock = changing.read_lock(id, said.stdout) if good.good else None
        if lock is not None:
            found.append(lock)
    return judged, judge(found, host or socket.gethostname(), now, still_holds)


async def heal(restic: Caller, now: datetime) -> tuple[str, ...]:
    """Remove the stale locks of this host; their ids. Never another host's."""
    async with _turn(restic):
        return await _heal(restic, now)


async def _heal(restic: Caller, now: datetime) -> tuple[str, ...]:
    _judged, seen = await _look(restic, now)
    stale = [one for one in seen if one.stale]
    folder = Path(restic.target.location)
    if not stale:
        return ()
    if folder.is_absolute():
        for one in stale:
            (folder / "locks" / one.lock.id).unlink(missing_ok=True)
    elif not any(one.suspicious for one in seen):
        # No command of restic removes one lock; here its own rule takes away no more than ours.
        _ended, judged = await restic.once(arguments.unlock(restic.target), _QUICK)
        if not judged.good:
            return ()
    else:
        return ()
    return tuple(one.lock.id for one in stale)
