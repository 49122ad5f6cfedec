"""What the rooms of this wing work with, handed in by `room`; and small blocking helpers for threads."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from backups.acts import Aside
from backups.custody import CopyState, CustodyState
from backups.model import BackupSet, Repository
from backups.pace import Pace
from backups.record import Record
from backups.restic.restic import OnProgress, Restic
from bcp.journal.entry import Actor, Entry, NewEntry
from bcp.journal.evidence import EvidenceStore
from bcp.kit.clock import Clock
from bcp.kit.durable import unwritable
from bcp.kit.workers import Workers

STATE = "backups"
"""The name under which `custody.FOLD` is handed to the journal."""

SYSTEM = Actor("system", "backups")


class Log(Protocol):
    """The part of the journal this wing uses."""

    @property
    def evidence(self) -> EvidenceStore:
        """Files by digest; its methods block."""
        ...

    async def append(self, *new: NewEntry, op: str, actor: Actor) -> Any:
        """Durable when it returns. Raises `Unwritable`."""
        ...

    async def find_op(self, op: str) -> tuple[Entry, ...]:
        """The entries of one operation; empty when it was not recorded."""
        ...

    def state(self, name: str) -> Any:
        """A folded state."""
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """Handed in once; holds no state of its own."""

    log: Log
    workers: Workers
    clock: Clock
    folder: Path
    """`DATA/backups`: caches, ledgers, the manifest being written. Losable."""
    scratch: Path
    """`DATA/scratch`: restored data, destroyed after each test and at start."""

    @property
    def state(self) -> CustodyState:
        """Everything on record."""
        found: CustodyState = self.log.state(STATE)
        return found

    async def write(self, *records: Record | Aside, op: str, actor: Actor = SYSTEM) -> None:
        """Append records in one transaction: all of them or none."""
        await self.log.append(*(record.entry() for record in records), op=op, actor=actor)


@dataclass(frozen=True, slots=True)
class Copy:
    """One set in one repository, with the program that opens it."""

    set: BackupSet
    repository: Repository
    restic: Restic
    tools: Tools
    on_progress: OnProgress | None = None
    retainer: Restic | None = None
    """The same repository with the credential that may delete, when the plan names one."""

    @property
    def keeping(self) -> Restic:
        """The program for forget, prune, tag and key acts."""
        return self.retainer or self.restic

    @property
    def key(self) -> tuple[str, str]:
        """(set, repository)."""
        return self.set.id, self.repository.id

    @property
    def name(self) -> str:
        """`SET/REPOSITORY`."""
        return f"{self.set.id}/{self.repository.id}"

    @property
    def state(self) -> CopyState:
        """What is on record of it."""
        return self.tools.state.copy(*self.key)

    @property
    def patterns(self) -> tuple[bytes, ...]:
        """The set's excludes as bytes."""
        return tuple(pattern.encode() for pattern in self.set.exclude)


def pace(rate: int | None, clock: Clock) -> Pace | None:
    """For one reading at `rate` KiB a second; None: no limit."""
    return Pace(rate * 1024, clock.monotonic) if rate is not None else None


def milliseconds(clock: Clock, since: float) -> int:
    """Whole milliseconds on the monotonic clock since a reading of it."""
    return round((clock.monotonic() - since) * 1000)


def make_private(folder: Path) -> Path:
    """The folder, made when missing, for the owner only. Raises `Unwritable`."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise unwritable(folder, error) from error
    return folder


def free_bytes(folder: Path) -> int | None:
    """Free space for this user on the folder's file system; None: cannot tell."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def destroy(folder: Path) -> bool:
    """Remove a tree with residents' data; True when nothing is left. Follows no link.

    A restored folder without write permission would stop the removal, so its mode is opened first.
    """

    def open_and_retry(function: Callable[..., Any], path: str, _info: Any) -> None:
        with contextlib.suppress(OSError):
            parent = Path(path).parent
            parent.chmod(stat.S_IMODE(parent.lstat().st_mode) | 0o700)
            if not Path(path).is_symlink() and Path(path).is_dir():
                Path(path).chmod(0o700)
            function(path)

    for _attempt in range(3):
        shutil.rmtree(folder, onerror=open_and_retry)
        if not os.path.lexists(folder):
            return True
    return False
