"""What the source was: a streamed SHA-256 manifest of a tree.

The file can be checked on any machine, in any year: `cd / && sha256sum -c MANIFEST` (names are relative
to the root, raw bytes). Lines beginning with `#` are comments for `sha256sum` and carry the rest:
modes, folders, links, what could not be read, and a last line with the counts, so that a manifest cut
short is seen. Its root is the SHA-256 of the file itself. Memory does not grow with the tree, apart
from eight bytes per name (the stamps that tell what changed while restic was reading).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from array import array
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from backups import walk
from backups.names import escape_line, escape_percent, unescape_line, unescape_percent
from backups.pace import Pace
from backups.walk import Entry, Item
from bcp.kit.durable import unwritable
from bcp.kit.errors import BcpError, Unwritable
from bcp.kit.workers import Workers

HEAD = b"# ict-bcp manifest 1\n"
DEPTH = 4
"""Batches hashed at once: two threads are enough when warm, cold disks like more."""
RUN = 16
"""Small batches a thread reads in one go (about 4,000 files)."""
Read = list[tuple[Entry, int]]
"""Entries with their stamps."""


class BrokenManifest(BcpError):
    """A manifest that is cut, mixed up or of another form."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that was written: where, its root, and what it counted."""

    path: Path
    root: str
    """SHA-256 of the file, hexadecimal."""
    files: int
    size: int
    """Bytes in all files."""
    entries: int
    unreadable: int
    stamps: array[int] = field(repr=False)


# --- writing -----------------------------------------------------------------------------------


async def write(
    workers: Workers,
    roots: Iterable[Path],
    out: Path,
    *,
    base: Path = Path("/"),
    patterns: tuple[bytes, ...] = (),
    pace: Pace | None = None,
) -> Manifest:
    """Hash everything under the roots into `out`. Raises `Unwritable` when `out` cannot be written.

    `pace`: no faster than this. It is used up: a caller that goes away lets its threads go.
    """
    items = walk.walk([os.fsencode(root) for root in roots], os.fsencode(base), patterns)
    groups = walk.batches(items)
    sink, depth = _Sink(out, pace), DEPTH if pace is None else 1
    pending: deque[asyncio.Task[Read]] = deque()
    wrong: Unwritable | None = None
    try:
        async with asyncio.TaskGroup() as group:
            try:
                while not sink.ended:
                    large = await workers.thread(sink.run, groups, alone=not pending)
                    if large:
                        pending.append(
                            group.create_task(workers.thread(walk.read_batch, large, pace))
                        )
                    while pending and (len(pending) >= depth or not large):
                        await workers.thread(sink.add, await pending.popleft())
            except Unwritable as error:  # raised again below: not as a group of one
                wrong = error
        if wrong is not None:
            raise wrong
        return await workers.thread(sink.finish)
    finally:
        if pace is not None:
            pace.stop()
        sink.close()


class _Sink:
    """The file being written, hashed as it grows."""

    def __init__(self, path: Path, pace: Pace | None) -> None:
        self._path, self._pace = path, pace
        try:
            self._file: BinaryIO = path.open("wb", buffering=1 << 20)
        except OSError as error:
            raise unwritable(path, error) from error
        self._sha = hashlib.sha256()
        self._files = self._bytes = self._entries = self._unreadable = 0
        self._stamps: array[int] = array("Q")
        self._held: list[Item] = []
        self._none: list[Item] = []
        self.ended = False
        self._put(HEAD)

    def run(self, groups: Iterator[list[Item]], *, alone: bool) -> list[Item]:
        """Read and write small batches here until a large one comes; give that one back.

        `alone`: nothing is being read elsewhere that must be written first. At most `RUN` batches,
        so that a pause or a cancelled caller is felt.
        """
        for _turn in range(RUN if self._pace is None else 1):
            batch = self._held or next(groups, self._none)
            self._held = []
            if not batch:
                self.ended = alone
                return []
            if not walk.is_small(batch):
                return batch
            if not alone:
                self._held = batch
                return []
            self.add(walk.read_batch(batch, self._pace))
        return []

    def add(self, read: Read) -> None:
        self._put(b"".join(line(entry) for entry, _ in read))
        self._stamps.extend([stamp for _, stamp in read])
        self._entries += len(read)
        for entry, _ in read:
            if entry.kind == "f":
                self._files += 1
                self._bytes += entry.size
            elif entry.kind == "x":
                self._unreadable += 1

    def finish(self) -> Manifest:
        self._put(_end(self._files, self._bytes, self._entries))
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise unwritable(self._path, error) from error
        return Manifest(
            self._path,
            self._sha.hexdigest(),
            self._files,
            self._bytes,
            self._entries,
            self._unreadable,
            self._stamps,
        )

    def close(self) -> None:
        with contextlib.suppress(OSError):  # tries again what could not be written: said already
            self._file.close()

    def _put(self, data: bytes) -> None:
        self._sha.update(data)
        try:
            self._file.write(data)
        except OSError as error:
            raise unwritable(self._path, error) from error


def line(entry: Entry) -> bytes:
    """The line (for a file: two) of one entry."""
    if entry.kind == "f":
        marked, name = escape_line(entry.name)
        lead = "\\" if marked else ""
        head = f"# f\t{entry.mode:o}\t{entry.size}\n{lead}{entry.digest}  "
        return head.encode("ascii") + name + b"\n"
    name_text, target = escape_percent(entry.name), escape_percent(entry.target)
    if entry.kind == "d":
        return f"# d\t{entry.mode:o}\t{name_text}\n".encode("ascii")
    return f"# {entry.kind}\t{target}\t{name_text}\n".encode("ascii")


def _end(files: int, size: int, entries: int) -> bytes:
    return f"# end\t{files}\t{size}\t{entries}\n".encode("ascii")


# --- reading -----------------------------------------------------------------------------------


def read(path: Path) -> Iterator[Entry]:
    """The entries of a manifest in their order. Raises `BrokenManifest` when it is cut or damaged."""
    with path.open("rb", buffering=1 << 20) as file:
        yield from parse(file, str(path))


def parse(lines: Iterable[bytes], where: str = "manifest") -> Iterator[Entry]:
    """The same from lines. What was yielded before the fault must not be used as the whole."""
    rows = iter(lines)
    if next(rows, b"") != HEAD:
        raise _broken(where, "first line")
    files = size = entries = 0
    try:
        for row in rows:
            if not row.endswith(b"\n"):
                break
            word, *rest = row[:-1].split(b"\t")
            if word == b"# end":
                if row != _end(files, size, entries) or next(rows, None) is not None:
                    raise _broken(where, "counts")
                return
            if word == b"# f":
                entry = _file(rest, next(rows, b""))
                files, size = files + 1, size + entry.size
            else:
                entry = _other(word, rest)
            entries += 1
            yield entry
    except (ValueError, IndexError) as error:
        raise _broken(where, f"entry {entries + 1}") from error
    raise _broken(where, "no last line")


def _file(meta: list[bytes], row: bytes) -> Entry:
    mode, size = int(meta[0], 8), int(meta[1])
    marked = row.startswith(b"\\")
    digest, name = row[marked : 64 + marked], row[66 + marked : -1]
    if not row.endswith(b"\n") or row[64 + marked : 66 + marked] != b"  ":
        raise ValueError("file line")
    bytes.fromhex(digest.decode("ascii"))
    return Entry("f", unescape_line(name) if marked else name, mode, size, digest.decode("ascii"))


def _other(word: bytes, rest: list[bytes]) -> Entry:
    kind, first, name = word[2:].decode("ascii"), rest[0].decode("ascii"), rest[1].decode("ascii")
    if word[:2] != b"# " or kind not in ("d", "l", "o", "x"):
        raise ValueError("kind")
    if kind == "d":
        return Entry("d", unescape_percent(name), int(first, 8))
    return Entry(kind, unescape_percent(name), target=unescape_percent(first))


def _broken(where: str, got: str) -> BrokenManifest:
    return BrokenManifest(
        "マニフェストが壊れているか途中で切れています / manifest damaged or cut short",
        where=where,
        expected="a whole manifest with its last line",
        got=got,
        next_step="証跡の控えから戻す / restore it from a copy of the evidence store",
    )
