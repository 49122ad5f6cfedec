"""What a killed process left, cleared at the start. Nothing here stops a start: a full disk is a state.

Restored data is residents' data: it is destroyed first and recorded then. The order of the writes is the
design: a restored folder is emptied, `backup.destroyed` is written, the empty folder is removed. If we die
in between, or the log cannot be written, the empty folder tells the next start that a word is missing.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

import structlog

from backups.record import Destroyed
from backups.tools import Tools, destroy, make_private
from bcp.kit.errors import BcpError

log = structlog.get_logger(__name__)

LITTER = (
    "dumps/*",  # residents' data too, but of the live system itself: never restored, never shown
    "tmp/*",
    "cache/restic-check-cache-*",
    "cache/*/restic-check-cache-*",
    "restored-*.sha256",
)
"""Below `DATA/backups`: of no use to anybody once the process that made it is gone."""


async def clear(tools: Tools) -> None:
    """At the start, before any work."""
    found, gone = await tools.workers.thread(_hollow_all, tools.scratch)
    if found and await record(tools, "scratch", "start", gone=gone, things=len(found)):
        await tools.workers.thread(_remove, found)
    await tools.workers.thread(_sweep, tools.folder)


async def destroyed(
    tools: Tools, set_id: str, repository: str, place: Path, snapshot: str | None
) -> bool:
    """Destroy a restored folder and record that; whether all of it is gone."""
    if not await tools.workers.thread(os.path.lexists, place):
        return True
    gone = await tools.workers.thread(hollow, place)
    if await record(tools, set_id, repository, gone=gone, snapshot=snapshot):
        await tools.workers.thread(destroy, place)
    return gone


async def record(
    tools: Tools,
    set_id: str,
    repository: str,
    *,
    gone: bool,
    snapshot: str | None = None,
    things: int = 1,
) -> bool:
    """Say in the log that restored data was destroyed (or, `gone` false, that some is left); whether it
    could be said."""
    word = Destroyed(set_id, repository, tools.clock.utc(), gone, snapshot, things)
    try:
        await tools.write(word, op=f"destroyed/{secrets.token_hex(8)}")
    except BcpError as error:  # the log says no, aloud, by itself; the folder stays as a sign
        log.warning("destroyed and not recorded", why=error.what)
        return False
    return True


def hollow(place: Path) -> bool:
    """Destroy what is in a folder, or the bytes of a file; an empty shell stays. Whether all is gone."""
    if place.is_symlink() or not place.is_dir():
        with contextlib.suppress(OSError):
            place.unlink() if place.is_symlink() else os.truncate(place, 0)
        return place.is_symlink() or not os.path.lexists(place) or not place.lstat().st_size
    with contextlib.suppress(OSError):
        place.chmod(0o700)
    left = [thing for thing in _in(place) if not _gone(thing)]  # each, whatever became of another
    return not left


def _hollow_all(scratch: Path) -> tuple[list[Path], bool]:
    with contextlib.suppress(BcpError):  # a full disk: made when it is needed
        make_private(scratch)
    things = _in(scratch)
    left = [thing for thing in things if not hollow(thing)]
    return things, not left


def _remove(things: list[Path]) -> None:
    for thing in things:
        _gone(thing)


def _sweep(folder: Path) -> None:
    for pattern in LITTER:
        for thing in _matching(folder, pattern):
            if not _gone(thing):
                log.warning("a leftover cannot be removed", where=str(thing))


def _gone(thing: Path) -> bool:
    if thing.is_dir() and not thing.is_symlink():
        return destroy(thing)
    with contextlib.suppress(OSError):
        thing.unlink(missing_ok=True)
    return not os.path.lexists(thing)


def _in(folder: Path) -> list[Path]:
    return _matching(folder, "*")


def _matching(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []
