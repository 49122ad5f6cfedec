"""What faults do to files, so that every one can be undone exactly.

A fault of this kind first *chooses* (and what it chose is written down durably), then acts, then
may be undone. `act` and `undo` do the same thing however often they run: if we die between writing
down and acting, the next start acts again. Blocking: everything here runs in a worker thread.
"""

from __future__ import annotations

import os
import shutil
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path

from bcp.kit.errors import Refused
from bcp.service.demo.folders import Folders

Memory = Mapping[str, int | str | list[str]]
"""What must be known to undo it; JSON."""

_OBJECTS = ("data", "index", "snapshots")


class Damage(ABC):
    """One thing done to files of the practice city."""

    @abstractmethod
    def choose(self, folders: Folders) -> Memory:
        """What will be damaged. Raises `Refused` when there is nothing to damage yet."""

    @abstractmethod
    def act(self, folders: Folders, memory: Memory) -> None:
        """Do it."""

    @abstractmethod
    def undo(self, folders: Folders, memory: Memory) -> None:
        """Put back the very bytes, modes and times."""


class OpenMode(Damage):
    """A file or folder of the practice city becomes readable for everybody on the host."""

    def __init__(self, name: str, mode: int) -> None:
        self._name, self._mode = name, mode

    def _path(self, folders: Folders) -> Path:
        path = getattr(folders, self._name)
        assert isinstance(path, Path)
        return path

    def choose(self, folders: Folders) -> Memory:
        return {"mode": stat.S_IMODE(self._path(folders).stat().st_mode)}

    def act(self, folders: Folders, memory: Memory) -> None:
        self._path(folders).chmod(self._mode)

    def undo(self, folders: Folders, memory: Memory) -> None:
        mode = memory["mode"]
        assert isinstance(mode, int)
        self._path(folders).chmod(mode)


class FlipByte(Damage):
    """One bit of one byte in the largest pack: what a dying disk does."""

    def choose(self, folders: Folders) -> Memory:
        packs = [path for path in objects(folders.repository) if _kind(folders, path) == "data"]
        if not packs:
            raise nothing_yet()
        pack = max(packs, key=lambda path: (path.stat().st_size, path.name))
        offset = pack.stat().st_size // 2
        with pack.open("rb") as file:
            file.seek(offset)
            old = file.read(1)[0]
        name = pack.relative_to(folders.repository).as_posix()
        return {"pack": name, "offset": offset, "old": old}

    def act(self, folders: Folders, memory: Memory) -> None:
        self._write(folders, memory, flip=1)

    def undo(self, folders: Folders, memory: Memory) -> None:
        self._write(folders, memory, flip=0)

    def _write(self, folders: Folders, memory: Memory, flip: int) -> None:
        name, offset, old = memory["pack"], memory["offset"], memory["old"]
        assert isinstance(name, str)
        assert isinstance(offset, int)
        assert isinstance(old, int)
        path = folders.repository / name
        if not path.exists():
            return  # pruned since: the damage went with it
        before = path.stat()
        path.chmod(0o600)  # restic leaves packs read-only
        try:
            with path.open("r+b") as file:
                file.seek(offset)
                file.write(bytes([old ^ flip]))
        finally:
            path.chmod(stat.S_IMODE(before.st_mode))
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


class TakeAway(Damage):
    """Objects of the repository vanish; they are kept aside and come back with their bytes."""

    def __init__(self, id: str, *, rollback: bool) -> None:
        self._id, self._rollback = id, rollback

    def choose(self, folders: Folders) -> Memory:
        found = rolled_back(folders.repository) if self._rollback else newest(folders.repository)
        return {"objects": [path.relative_to(folders.repository).as_posix() for path in found]}

    def act(self, folders: Folders, memory: Memory) -> None:
        for name in self._names(memory):
            _move(folders.repository / name, folders.kept / self._id / name)

    def undo(self, folders: Folders, memory: Memory) -> None:
        for name in self._names(memory):
            _move(folders.kept / self._id / name, folders.repository / name)
        shutil.rmtree(folders.kept / self._id, ignore_errors=True)

    @staticmethod
    def _names(memory: Memory) -> list[str]:
        names = memory["objects"]
        assert isinstance(names, list)
        return names


def objects(repository: Path) -> Iterator[Path]:
    """Every object of a repository, in a stable order; config, keys and locks are none."""
    for kind in _OBJECTS:
        for path in sorted((repository / kind).rglob("*")):
            if path.is_file() and not path.name.endswith("-tmp"):
                yield path


def _kind(folders: Folders, path: Path) -> str:
    return path.relative_to(folders.repository).parts[0]


def _snapshots(repository: Path) -> list[Path]:
    """Snapshot files, newest first."""
    found = [path for path in (repository / "snapshots").glob("*") if path.is_file()]
    return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)


def newest(repository: Path) -> list[Path]:
    """The file of the newest snapshot. Raises `Refused` when there is none yet."""
    found = _snapshots(repository)
    if not found:
        raise nothing_yet()
    return found[:1]


def rolled_back(repository: Path) -> list[Path]:
    """What must vanish so that the repository is as it was before its newest snapshot.

    restic never changes an object and writes the snapshot last: everything younger than the
    snapshot before belongs to the newest one. With one snapshot only, the older state is the
    repository as it was created. Raises `Refused` when there is no snapshot yet.
    """
    found = _snapshots(repository)
    if not found:
        raise nothing_yet()
    marks = found[1:2] or [repository / "config", *(repository / "keys").iterdir()]
    limit = max(path.stat().st_mtime_ns for path in marks)
    return [path for path in objects(repository) if path.stat().st_mtime_ns > limit]


def nothing_yet() -> Refused:
    """There is no backup to damage."""
    return Refused(
        "まだバックアップがありません / there is no backup yet",
        next_step="最初のバックアップが終わるまで1分ほど待つ / wait a minute for the first one",
    )


def _move(old: Path, new: Path) -> None:
    """Rename within one file system. What stands at the goal already has the same name, so (names
    are hashes) the same bytes: restic may have written it anew meanwhile."""
    if not old.exists():
        return
    new.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if new.exists():
        old.unlink()
    else:
        old.rename(new)
