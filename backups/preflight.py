"""Is this a good moment and place for a backup? Blocking looks at files; runs in a worker thread.

restic itself answers a vanished source with exit code 0 (before 0.19) and saves a source that is a
symbolic link as the bare link; an unmounted share is an empty folder. So nothing here is left to it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from backups.model import BackupSet, Repository
from backups.names import excluded, shown
from backups.tools import free_bytes
from bcp.kit.language import Text, text

LEAST_FREE = 64 << 20
"""Bytes that must be free where the repository is, and where manifests are written."""


_NOTHING = Text("", "")


@dataclass(frozen=True, slots=True)
class Preflight:
    """What was found; a `problem` means: nothing is started."""

    sources: tuple[Path, ...]
    """Real paths, sorted, none inside another."""
    problem: str = ""
    """One bounded word."""
    sentence: Text = _NOTHING


def look(one: BackupSet, repository: Repository, folder: Path) -> Preflight:
    """Every reason not to start, the first one named."""
    sources: list[Path] = []
    for written in one.sources:
        path = Path(written)
        try:
            real = path.resolve(strict=True)
            listed = os.listdir(real) if real.is_dir() else [real.name]  # noqa: PTH208
        except OSError as error:
            why = error.strerror or str(error)
            return _no("source_missing", path=written, why=why)
        if not listed:
            return _no("source_empty", path=written)
        if one.marker is not None and not (real / one.marker).exists():
            return _no("marker_missing", path=written, marker=one.marker)
        if left_out(real, one.exclude):
            return _no("source_excluded", path=written)
        if _inside(folder.resolve(), real) or _holds(repository, real):
            return _no("source_holds_copy", path=written)
        sources.append(real)
    for place in (folder, repository.folder):
        free = free_bytes(place) if place is not None else None
        if free is not None and free < LEAST_FREE:
            return _no("no_space", path=str(place))
    return Preflight(_outermost(sources))


def left_out(source: Path, patterns: tuple[str, ...]) -> bool:
    """Whether an exclude hits the source or a folder above it: restic would then save nothing."""
    wanted = tuple(pattern.encode() for pattern in patterns)
    return any(excluded(os.fsencode(path), wanted) for path in (source, *source.parents))


def _inside(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents


def _holds(repository: Repository, source: Path) -> bool:
    place = repository.folder
    return place is not None and _inside(place.resolve(), source)


def _outermost(sources: list[Path]) -> tuple[Path, ...]:
    kept: list[Path] = []
    for path in sorted(set(sources), key=lambda one: one.parts):
        if not any(_inside(path, other) for other in kept):
            kept.append(path)
    return tuple(kept)


def _no(problem: str, **values: str) -> Preflight:
    told = {name: shown(os.fsencode(value)) for name, value in values.items()}
    return Preflight((), problem, text(f"backups.{problem}", **told))
