"""Walks a folder for the host files check: capped, one file system, links judged by their target.

Nothing is written, nothing is read but names and modes; `contents` reads first bytes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bcp.kit.errors import NotPermitted
from bcp.watch.check import HostAccess
from probes.confidentiality import contents
from probes.confidentiality.access import Access, look

_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Unseen:
    """Something that could not be looked at, and why."""

    path: Path
    reason: str


@dataclass(slots=True)
class Budget:
    """How much may still be looked at, over all places of one run."""

    left: int
    stopped: Callable[[], bool]

    @property
    def spent(self) -> bool:
        """No more entries, or the caller gave up."""
        return self.left <= 0 or self.stopped()


def reason(error: Exception) -> str:
    """A short ground, without content."""
    if isinstance(error, PermissionError):
        return "読む権限がない / no permission"
    if isinstance(error, OSError):
        return os.strerror(error.errno) if error.errno else type(error).__name__
    return error.what if isinstance(error, NotPermitted) else str(error)


def walk(top: Access, host: HostAccess, budget: Budget) -> Iterator[Access | Unseen]:
    """Everything below `top`, each file once however many links lead to it.

    Pack files of a restic repository are left out: they are many, and whoever cannot enter or
    write the folders around them cannot reach them; the folders are looked at.
    """
    met = {(top.device, top.inode)}
    waiting = [(top, 0, contents.is_restic(top.path))]
    while waiting:
        folder, depth, restic = waiting.pop()
        try:
            paths = sorted(folder.path.iterdir())
        except OSError as error:
            yield Unseen(folder.path, reason(error))
            continue
        for path in paths:
            if budget.spent:
                yield Unseen(top.path, "件数の上限 max_entries に達した / cap reached")
                return
            budget.left -= 1
            try:
                access = _target(path, host)
            except FileNotFoundError:
                continue  # a broken link, or gone since the listing
            except (OSError, ValueError, RuntimeError, NotPermitted) as error:
                yield Unseen(path, reason(error))
                continue
            if (access.device, access.inode) in met:
                continue
            met.add((access.device, access.inode))
            yield access
            if not access.is_dir:
                continue
            if access.device != top.device:
                yield Unseen(path, "別のファイルシステム / another file system")
            elif depth >= _DEPTH:
                yield Unseen(path, "深すぎる / too deep")
            elif not (restic and depth == 1 and folder.path.name == "data"):
                waiting.append((access, depth + 1, restic))


def _target(path: Path, host: HostAccess) -> Access:
    """The path itself, or what a link leads to, if that may be read. Raises as `look`."""
    return look(host.require(path)) if path.is_symlink() else look(path)


def secrets_in(folder: Path, budget: Budget) -> Iterator[Path | Unseen]:
    """Files lying directly in a folder that hold a password, proven by name and shape."""
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        yield Unseen(folder, reason(error))
        return
    for path in paths:
        if budget.spent:
            yield Unseen(folder, "件数の上限 max_entries に達した / cap reached")
            return
        budget.left -= 1
        try:
            access = look(path)
            if not access.is_file or not contents.may_be_secret(path.name, access.size):
                continue
            if contents.is_secret(contents.head(path, 4097), path.name):
                yield path
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            yield Unseen(path, reason(error))
