"""Command lines of the acts that change what a repository holds. Pure.

Each is announced in the log first (`backups.forget`); none takes `latest`, a short id or a policy:
which snapshots go is decided by us, by full id, after a dry run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from backups.restic.arguments import Target, base, snapshot_id
from backups.restic.parsing import instant


def forget(target: Target, snapshots: Iterable[str], *, dry: bool) -> tuple[str, ...]:
    """Remove the snapshots named; `dry`: only say so."""
    words = [*base(target), "forget", *(["--dry-run"] if dry else [])]
    return (*words, *(snapshot_id(one) for one in snapshots))


def prune(target: Target, *, dry: bool) -> tuple[str, ...]:
    """Remove data that no snapshot needs."""
    return (*base(target), "prune", *(["--dry-run"] if dry else []))


def tag(
    target: Target, snapshots: Iterable[str], add: Iterable[str], remove: Iterable[str]
) -> tuple[str, ...]:
    """Rewrite snapshots with other tags: each gets a new id, its tree stays."""
    words = [*base(target), "tag"]
    for name in add:
        words += ["--add", name]
    for name in remove:
        words += ["--remove", name]
    return (*words, *(snapshot_id(one) for one in snapshots))


def key_add(target: Target, new_password: Path) -> tuple[str, ...]:
    """A further key, for the password in a file."""
    return (*base(target), "key", "add", "--new-password-file", str(new_password))


def key_passwd(target: Target, new_password: Path) -> tuple[str, ...]:
    """Another password for the key that opens now: a new key file, the old one goes."""
    return (*base(target), "key", "passwd", "--new-password-file", str(new_password))


def key_remove(target: Target, key: str) -> tuple[str, ...]:
    """One key fewer; restic refuses the one in use."""
    return (*base(target), "key", "remove", snapshot_id(key))


def copy(target: Target, snapshots: Iterable[str]) -> tuple[str, ...]:
    """Bring snapshots of `target.source` here (restic re-encrypts; the tree keeps its id)."""
    source = target.source
    if source is None:
        raise ValueError("a copy needs a source")
    words = [*base(target), "copy"]
    words += [] if source.wants_login else ["--from-repo", source.location]
    words += ["--from-password-file", str(source.password_file)]
    return (*words, *(snapshot_id(one) for one in snapshots))


def list_locks(target: Target) -> tuple[str, ...]:
    """Names of the locks."""
    return (*base(target, lock=False), "list", "locks")


def cat_lock(target: Target, lock: str) -> tuple[str, ...]:
    """What one lock says of itself."""
    return (*base(target, lock=False), "cat", "lock", snapshot_id(lock))


@dataclass(frozen=True, slots=True)
class Lock:
    """One lock of a repository."""

    id: str
    time: datetime
    host: str
    pid: int
    exclusive: bool
    user: str = ""


def read_lock(id: str, output: bytes) -> Lock | None:
    """A lock as restic shows it (JSON over several lines); None when it cannot be read."""
    try:
        found: Mapping[str, Any] = json.loads(output)
        time = instant(str(found["time"]))
        host, pid = str(found["hostname"]), int(found["pid"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    user = str(found.get("username", ""))
    return Lock(id, time, host, pid, bool(found.get("exclusive", False)), user)


def lock_ids(output: bytes) -> tuple[str, ...]:
    """The names in `list locks`; other lines are skipped."""
    lines = (line.strip().strip('"') for line in output.decode("ascii", "replace").splitlines())
    return tuple(sorted(line for line in lines if len(line) == 64))
