"""A repository seen from its folder: names and sizes of its objects, without a password or a lock.

restic names every object in `data`, `index`, `snapshots` and `keys` after the SHA-256 of its bytes, and
only announced acts (forget, prune, tag, key) ever remove one. So a name that stood in the last custody
record and is gone shows a deletion or a rollback within one poll. `config` has no such name: its own
digest is kept. Blocking: runs in worker threads.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bcp.kit.errors import BcpError

FOLDERS = ("data", "index", "snapshots", "keys")
_NAME = frozenset("0123456789abcdef")


class ListingGone(BcpError):
    """The folder is not there or cannot be listed: unreachable, not damaged."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Objects by name (`data/3fa0…`) with their size; config and keys by their content."""

    objects: Mapping[str, int]
    config: str | None
    """SHA-256 of the config file; None: there is none."""
    keys: Mapping[str, str]
    """Key file -> SHA-256 of its content."""

    @property
    def size(self) -> int:
        """Bytes of all objects."""
        return sum(self.objects.values())

    def data(self) -> bytes:
        """One `SIZE NAME` line per object, by name: the evidence that goes into the store."""
        return to_bytes(self.objects)

    @property
    def root(self) -> str:
        """SHA-256 of `data()`."""
        return hashlib.sha256(self.data()).hexdigest()

    @property
    def packs(self) -> tuple[str, ...]:
        """Ids of the data packs, sorted."""
        return tuple(sorted(name[5:] for name in self.objects if name.startswith("data/")))


def to_bytes(objects: Mapping[str, int]) -> bytes:
    """The text form of names and sizes."""
    return "".join(f"{objects[name]} {name}\n" for name in sorted(objects)).encode("ascii")


def from_bytes(data: bytes) -> dict[str, int]:
    """The inverse of `to_bytes`."""
    rows = (row.split(" ", 1) for row in data.decode("ascii").splitlines())
    return {name: int(size) for size, name in rows}


def listing(folder: Path) -> Listing:
    """Look at a repository's folder. Raises `ListingGone` when it cannot be looked at."""
    objects: dict[str, int] = {}
    try:
        folder.stat()
        for part in FOLDERS:
            objects.update(_of(folder / part, part))
        keys = {name[5:]: _digest(folder / name) for name in objects if name.startswith("keys/")}
        config = folder / "config"
        return Listing(objects, _digest(config) if config.is_file() else None, keys)
    except OSError as error:
        raise gone(folder, error) from error


def gone(folder: Path, error: OSError) -> ListingGone:
    """The sentence for a folder that cannot be looked at."""
    return ListingGone(
        "リポジトリのフォルダを見られません / the repository's folder cannot be looked at",
        where=str(folder),
        expected="a readable folder",
        got=error.strerror or str(error),
        next_step="マウントと権限を確かめる / check the mount and the permissions",
    )


def _of(folder: Path, part: str) -> Iterable[tuple[str, int]]:
    try:
        found = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            with os.scandir(entry.path) as inner:
                found_inside = list(inner)
            for item in found_inside:
                if is_id(item.name):
                    yield f"{part}/{item.name}", _size(item)
        elif is_id(entry.name):
            yield f"{part}/{entry.name}", _size(entry)


def _size(entry: os.DirEntry[str]) -> int:
    return entry.stat(follow_symlinks=False).st_size


def is_id(name: str) -> bool:
    """Whether it is named like an object. Temporary files of a running backup have other names."""
    return len(name) == 64 and set(name) <= _NAME


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
