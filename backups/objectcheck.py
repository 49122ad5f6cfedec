"""The names check: is every object of a repository what its name says? No password, no lock.

restic names each object of `data`, `index`, `snapshots` and `keys` after the SHA-256 of its bytes, so
whoever sees the folder can prove every byte: bit flips, cut and vanished packs, strangers. It does not
prove that the data can be decrypted (rung 3 does). `config` has no such name: its digest is held against
the record. Runs beside the storage, also where there is neither plan nor password.

Checked objects are noted in a state file as they are done; a killed check goes on where it was. An
object that a prune takes away meanwhile is no fault unless the record demands it.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from backups.objectnotes import Notes
from backups.objects import FOLDERS, ListingGone, gone, is_id
from bcp.kit.clock import Clock
from bcp.kit.workers import Workers

KEEP = 1000
"""Faults kept by name; counts are whole."""

_BATCH, _FILES = 16 << 20, 128
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it must be.

    `changed` (bytes are not what the name says), `missing` (the record demands it), `unreadable` (the
    medium gives an error), `junk` (nothing restic would put there), `config` (not the recorded one).
    """

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a names check found."""

    checked: int
    """Objects whose bytes were hashed or, in this round before a kill, had been."""
    size: int
    resumed: int
    """How many of them were done before a kill."""
    faults: tuple[Fault, ...]
    counts: Mapping[str, int]
    """Faults of each kind, all of them."""
    denied: int
    """Objects this user may not read: nobody can tell."""
    leftover: int
    """Temporary files of backups that were killed: harmless, worth tidying."""
    config: str | None
    """SHA-256 of the config file: compare it with the record."""
    compared: bool
    """Whether the objects and config were held against a record."""
    seconds: float

    @property
    def good(self) -> bool:
        """Every object is what its name says, and none that the record demands is missing."""
        return not self.faults and not self.denied and self.checked > 0


@dataclass(frozen=True, slots=True)
class Record:
    """What must be there (from the custody record); empty when nobody said."""

    objects: Mapping[str, int] | None = None
    """Names with sizes."""
    config: str | None = None


@dataclass(frozen=True, slots=True)
class _Item:
    name: str
    path: str
    size: int
    stamp: int


@dataclass(slots=True)
class _Tally:
    faults: list[Fault]
    counts: dict[str, int]
    checked: int = 0
    size: int = 0
    resumed: int = 0
    denied: int = 0
    leftover: int = 0
    gone: set[str] = field(default_factory=set)
    """Listed, then taken away before they were read (a prune runs beside us)."""

    def fault(self, kind: str, name: str) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if len(self.faults) < KEEP:
            self.faults.append(Fault(kind, name))


OnBytes = Callable[[int, int], None]
"""(bytes checked, bytes in all)."""


async def check(
    folder: Path,
    *,
    workers: Workers,
    clock: Clock,
    record: Record | None = None,
    state: Path | None = None,
    limit: int | None = None,
    threads: int = 2,
    on_bytes: OnBytes | None = None,
) -> Report:
    """Hash every object. `limit`: bytes a second. Raises `ListingGone` when it cannot be looked at."""
    wanted, started = record or Record(), clock.monotonic()
    tally, notes = _Tally([], {}), Notes(state, folder, clock.utc())
    done = await workers.thread(notes.load)
    items = await workers.thread(_list, folder, tally)
    total = sum(item.size for item in items)
    fresh: list[_Item] = []
    for item in items:
        if done.get(item.name) == [item.size, item.stamp]:
            tally.checked, tally.size = tally.checked + 1, tally.size + item.size
            tally.resumed += 1
        else:
            fresh.append(item)
    batches = _batches(fresh)
    read = 0

    async def work() -> None:
        nonlocal read
        for batch in batches:  # shared: whoever is free takes the next
            seen = await workers.thread(_hash_all, batch)
            passed = [item for item, verdict in zip(batch, seen, strict=True) if not verdict]
            for item, verdict in zip(batch, seen, strict=True):
                _count(tally, item, verdict)
            await workers.thread(notes.add, {i.name: (i.size, i.stamp) for i in passed})
            read += sum(item.size for item in batch)
            if on_bytes is not None:
                on_bytes(tally.size, total)
            if limit:
                await clock.sleep_until(started + read / limit)

    try:
        async with asyncio.TaskGroup() as group:
            for _turn in range(max(1, threads)):
                group.create_task(work())
    finally:
        notes.close()
    config = await workers.thread(_against_record, folder, items, wanted, tally)
    await workers.thread(notes.forget)
    return Report(
        tally.checked,
        tally.size,
        tally.resumed,
        tuple(sorted(tally.faults, key=lambda fault: (fault.kind, fault.name))),
        tally.counts,
        tally.denied,
        tally.leftover,
        config,
        wanted.objects is not None,
        clock.monotonic() - started,
    )


def _count(tally: _Tally, item: _Item, verdict: str) -> None:
    if verdict == "gone":
        tally.gone.add(item.name)
        return
    if verdict == "denied":
        tally.denied += 1
        return
    tally.checked, tally.size = tally.checked + 1, tally.size + item.size
    if verdict:
        tally.fault(verdict, item.name)


def _against_record(folder: Path, items: list[_Item], wanted: Record, tally: _Tally) -> str | None:
    """Missing objects and the config, after all was read."""
    there = {item.name for item in items} - tally.gone
    for name in sorted((wanted.objects or {}).keys() - there):
        part, id = name.split("/", 1)
        if not any(path.exists() for path in _places(folder, part, id)):
            tally.fault("missing", name)
    try:
        config: str | None = hashlib.sha256((folder / "config").read_bytes()).hexdigest()
    except FileNotFoundError:
        config = None
    except OSError:
        tally.denied += 1
        return None
    if config is None or (wanted.config is not None and config != wanted.config):
        tally.fault("config", "config")
    return config


def _places(folder: Path, part: str, id: str) -> tuple[Path, Path]:
    return folder / part / id[:2] / id, folder / part / id


# --- looking and hashing: blocking --------------------------------------------------------------


def _list(folder: Path, tally: _Tally) -> list[_Item]:
    """Every object in the order it lies on the medium's folders; strangers are faults."""
    found: list[_Item] = []
    try:
        folder.stat()
        for part in FOLDERS:
            for where, entry in _entries(folder / part):
                name = f"{part}/{entry.name}"
                right = part != "data" or where == "" or entry.name.startswith(where)
                if entry.is_file(follow_symlinks=False) and is_id(entry.name) and right:
                    seen = entry.stat(follow_symlinks=False)
                    found.append(_Item(name, entry.path, seen.st_size, seen.st_mtime_ns))
                elif "-tmp-" in entry.name:
                    tally.leftover += 1
                else:
                    shown = f"{part}/{where}/{entry.name}" if where else name
                    tally.fault("junk", os.fsencode(shown).decode("utf-8", "backslashreplace"))
    except OSError as error:
        raise gone(folder, error) from error
    return sorted(found, key=lambda item: item.name)


def _entries(folder: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """(sub-folder or nothing, entry)."""
    try:
        outer = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in outer:
        if entry.is_dir(follow_symlinks=False) and len(entry.name) == 2:
            with os.scandir(entry.path) as inner:
                for item in list(inner):
                    yield entry.name, item
        else:
            yield "", entry


def _batches(items: list[_Item]) -> Iterator[list[_Item]]:
    batch: list[_Item] = []
    size = 0
    for item in items:
        batch.append(item)
        size += item.size
        if size >= _BATCH or len(batch) >= _FILES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _hash_all(batch: list[_Item]) -> list[str]:
    """One word an item: empty (it is what its name says), changed, gone, denied, unreadable."""
    buffer = bytearray(_BLOCK)
    return [_hash(item, buffer) for item in batch]


def _hash(item: _Item, buffer: bytearray) -> str:
    digest, view = hashlib.sha256(), memoryview(buffer)
    try:
        fd = os.open(item.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            while got := os.readv(fd, [buffer]):
                digest.update(view[:got])
        finally:
            os.close(fd)
    except FileNotFoundError:
        return "gone"
    except OSError as error:
        return "denied" if error.errno in (errno.EACCES, errno.EPERM) else "unreadable"
    return "" if digest.hexdigest() == item.name.rpartition("/")[2] else "changed"


__all__ = ["Fault", "ListingGone", "Record", "Report", "check"]
