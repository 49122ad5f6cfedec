"""The generations of a copy as they lie there, by names, sizes and times alone. Blocking; changes nothing."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from backups import walk
from backups.files.model import FilesCopy
from bcp.kit.units import JST

_DATE = re.compile(
    rb"(?<!\d)(20\d\d)[-_.]?(\d\d)[-_.]?(\d\d)(?:[T_ .-]*(\d\d)[:._-]?(\d\d)(?:[:._-]?(\d\d))?)?(?!\d)"
)
_IGNORED = frozenset({b"lost+found", b"@eaDir", b"$RECYCLE.BIN", b"System Volume Information"})
"""What file systems and NAS devices put there themselves."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One copy the product made."""

    path: Path
    name: bytes
    files: int
    size: int
    newest: datetime
    """Of its newest file or folder: when it was last written."""
    made: datetime | None
    """When the copy was made, by the plan's rule; None: its name holds no date."""

    @property
    def id(self) -> str:
        """64 hex digits. Its name itself never enters the log (it may name a person)."""
        return hashlib.sha256(self.name).hexdigest()


def generations(copy: FilesCopy) -> tuple[Generation, ...] | None:
    """Oldest first; None: the folder is not there, cannot be read, or nothing is mounted."""
    folder = copy.folder
    try:
        if copy.marker is not None and not (folder / copy.marker).exists():
            return None
        with os.scandir(os.fsencode(folder)) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        made = list(_each(copy, entries))
    except OSError:
        return None
    return tuple(sorted(made, key=lambda one: (one.made or one.newest, one.name)))


def _each(copy: FilesCopy, entries: list[os.DirEntry[bytes]]) -> Iterator[Generation]:
    marker = os.fsencode(copy.marker) if copy.marker is not None else None
    if copy.generations == "mirror":
        whole = _mirror(copy, marker)
        if whole is not None:
            yield whole
        return
    for entry in entries:
        fits = (
            entry.is_dir(follow_symlinks=False)
            if copy.generations == "folders"
            else entry.is_file(follow_symlinks=False)
        )
        if fits and entry.name not in _IGNORED and entry.name != marker:
            yield _measured(copy, Path(os.fsdecode(entry.path)), entry.name)


def _mirror(copy: FilesCopy, marker: bytes | None) -> Generation | None:
    """All there is; what changes makes it another generation."""
    seen = _measured(copy, copy.folder, b"")
    own = int(marker is not None)
    if seen.files <= own:
        return None
    micro = int(seen.newest.timestamp() * 1_000_000)
    name = b"mirror %d %d %d" % (micro, seen.files, seen.size)
    return Generation(seen.path, name, seen.files, seen.size, seen.newest, seen.newest)


def _measured(copy: FilesCopy, path: Path, name: bytes) -> Generation:
    files = size = newest = 0
    for item in walk.walk([os.fsencode(path)], os.fsencode(path)):
        info = item.stat
        if info is None:
            continue
        newest = max(newest, info.st_mtime_ns)
        if stat.S_ISREG(info.st_mode):
            files, size = files + 1, size + info.st_size
    at = datetime.fromtimestamp(newest // 1000 / 1_000_000, UTC)
    made = at if copy.dated_by == "content" else dated(name)
    return Generation(path, name, files, size, at, made)


def dated(name: bytes) -> datetime | None:
    """The date (and time, JST) in a name such as `daily.2026-11-27_0400`; None: there is none."""
    found = _DATE.search(name)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=JST).astimezone(UTC)
    except ValueError:
        return None
