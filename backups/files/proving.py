"""What a restore by the product itself proves. Pure but for reading manifests (blocking)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from backups import manifest
from backups.files import restored
from backups.files.model import FilesSet
from backups.manifest import Manifest
from backups.planned import Key
from backups.record import Custody, Evidence, Result
from backups.walk import Entry
from bcp.journal.errors import JournalError
from bcp.kit.errors import Refused, UsageError
from bcp.kit.language import text

_BY_RESTORE = (2, 3)
"""Rungs that a whole restore proves beside 4: what came back equal was sound and was read."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A folder into which the product restored a generation."""

    folder: Path
    generation: str = ""
    """64 hex digits or their beginning; empty: the newest on record."""
    partial: bool = False
    took: timedelta | None = None
    """How long the restore took, as a person measured it."""


def proofs(
    key: Key,
    custody: Custody,
    before: Custody | None,
    verdict: restored.Verdict,
    said: Restored,
    now: datetime,
) -> list[Evidence]:
    """Rung 4 first; the ones below with it where everything came back equal."""
    first = _proof(key, custody, before, verdict, said, now)
    if not first.good or said.partial:
        return [first]
    return [first, *(_lower(first, level) for level in _BY_RESTORE)]


def compare(
    load: Callable[[str], bytes],
    one: FilesSet,
    custody: Custody,
    before: Custody | None,
    taken: Manifest,
    said: Restored,
) -> restored.Verdict:
    """Blocking. Raises `Refused` when a manifest is gone or damaged."""

    def source(digest: str | None) -> list[bytes]:
        return load(str(digest)).splitlines(keepends=True)

    try:
        after = source(custody.source)
        earlier = source(before.source) if before is not None else after
    except JournalError as error:
        raise Refused(text("backups.unknown_manifest_gone", place="").ja) from error

    def entries(lines: list[bytes]) -> Iterable[Entry]:
        found = manifest.parse(lines)
        if len(one.sources) != 1:
            return found
        return restored.within(found, os.fsencode(one.sources[0]))

    return restored.judge(
        lambda: entries(earlier),
        lambda: entries(after),
        manifest.read(taken.path),
        partial=said.partial,
    )


def base_of(one: FilesSet, folder: Path) -> Path:
    """Where the restored source begins: the product may have kept the whole path. Blocking."""
    if not folder.is_absolute() or not folder.is_dir():
        raise UsageError(text("backups.files_folder").ja, got=str(folder))
    inside = [folder / source.strip("/") for source in one.sources]
    if len(inside) == 1:
        return inside[0] if inside[0].is_dir() else folder
    missing = [str(path) for path in inside if not path.exists()]
    if missing:
        raise UsageError(text("backups.files_inside").ja, expected=", ".join(missing))
    return folder


def _proof(
    key: Key,
    custody: Custody,
    before: Custody | None,
    verdict: restored.Verdict,
    said: Restored,
    now: datetime,
) -> Evidence:
    names = ("files", "size", "missing", "extra", "changed", "modes", "excused")
    facts = {name: getattr(verdict, name) for name in names} | {"by_product": 1}
    if said.took is not None:
        facts["restore_ms"] = round(said.took.total_seconds() * 1000)
    if said.partial:
        facts |= {"sampled": 1, "of": custody.files}
    result, reason = Result.GOOD, ""
    if not verdict.files:
        result, reason = Result.INCONCLUSIVE, "nothing_compared"
    elif not verdict.equal:
        # Without the source as it was before, a difference may be a change of the source.
        sure = before is not None
        result, reason = (Result.BAD, "differs") if sure else (Result.INCONCLUSIVE, "no_before")
    return Evidence(*key, 4, result, now, reason, custody.snapshot, custody.time, facts)


def _lower(proof: Evidence, level: int) -> Evidence:
    facts = {"by_product": 1}
    return Evidence(
        proof.set, proof.repository, level, Result.GOOD, proof.at, "", proof.snapshot,
        proof.snapshot_time, facts,
    )  # fmt: skip
