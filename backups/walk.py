"""Walks a tree in one fixed order and hashes its files in batches. Blocking: runs in worker threads.

The order (depth first, names sorted as bytes, a folder before what is in it) is what lets two manifests
of a million files be compared with two cursors instead of two tables in memory.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

from backups.names import excluded
from backups.pace import Pace

BATCH_FILES = 256
BATCH_BYTES = 8 << 20
LARGE = 256 << 10
"""From this mean size of a file on, a second thread helps; below, they only fight for the
interpreter: one thread alone is twice as fast (benchmarks/backups_manifest.py)."""
_CHUNK = 1 << 20
_MASK = (1 << 64) - 1
_CHANGED = 0
"""The stamp of what could not be looked at: equal to no later one."""

_local = threading.local()


class Item(NamedTuple):
    """One name of a tree before its content is read."""

    path: bytes
    name: bytes
    """Relative to the base, without a leading slash."""
    stat: os.stat_result | None
    """None: it vanished or may not be looked at; `error` says why."""
    error: str = ""


class Entry(NamedTuple):
    """One line of a manifest. `kind`: f file, d folder, l symbolic link, o other, x unreadable."""

    kind: str
    name: bytes
    mode: int = 0
    size: int = 0
    digest: str = ""
    target: bytes = b""
    """Where a link points; for `o` and `x` one word why."""

    @property
    def key(self) -> list[bytes]:
        """The order of a manifest."""
        return self.name.split(b"/")


def walk(roots: Iterable[bytes], base: bytes, patterns: tuple[bytes, ...] = ()) -> Iterator[Item]:
    """Everything under the roots; a folder that cannot be listed is an item with an error."""
    cut = len(base.rstrip(b"/")) + 1
    for root in sorted(roots, key=lambda path: path.split(b"/")):
        yield from _walk(root, cut, patterns)


def _walk(top: bytes, cut: int, patterns: tuple[bytes, ...]) -> Iterator[Item]:
    stack = [iter((top,))]
    while stack:
        path = next(stack[-1], None)
        if path is None:
            stack.pop()
            continue
        if patterns and excluded(path, patterns):
            continue
        try:
            info = os.lstat(path)
        except OSError as error:
            yield Item(path, path[cut:], None, _word(error))
            continue
        if not stat.S_ISDIR(info.st_mode):
            yield Item(path, path[cut:], info)
            continue
        try:
            names = sorted(os.listdir(path))  # noqa: PTH208 - bytes in, bytes out
        except OSError as error:
            yield Item(path, path[cut:], None, _word(error))
            continue
        yield Item(path, path[cut:], info)
        prefix = path.rstrip(b"/") + b"/"
        stack.append(iter([prefix + name for name in names]))


def batches(items: Iterator[Item]) -> Iterator[list[Item]]:
    """Groups worth one task: one task per small file is three times slower than one thread."""
    batch: list[Item] = []
    weight = 0
    for item in items:
        batch.append(item)
        weight += item.stat.st_size if item.stat is not None else 0
        if len(batch) >= BATCH_FILES or weight >= BATCH_BYTES:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch


def is_small(batch: Sequence[Item]) -> bool:
    """Whether reading this batch beside another gains nothing."""
    return sum(item.stat.st_size for item in batch if item.stat is not None) < LARGE * len(batch)


def read_batch(items: Sequence[Item], pace: Pace | None = None) -> list[tuple[Entry, int]]:
    """Hash what is a file; each entry comes with its stamp. Raises `Stopped` when `pace` was."""
    return [_read(item, pace) for item in items]


def stamp(item: Item) -> int:
    """A number that changes when the file does (size, times, inode); 64 bits, this process only."""
    info = item.stat
    if info is None:
        return _CHANGED
    if stat.S_ISDIR(info.st_mode):
        return (hash(("d", info.st_mode)) & _MASK) or 1
    return _stamp(info)


def _stamp(info: os.stat_result) -> int:
    known = (info.st_mtime_ns, info.st_ctime_ns, info.st_size, info.st_ino, info.st_mode)
    return (hash(known) & _MASK) or 1


def _read(item: Item, pace: Pace | None) -> tuple[Entry, int]:
    """The stamp is of *before* the reading: a later walk then shows a change while it was read."""
    path, name, info, error = item
    if info is None:
        return Entry("x", name, target=error.encode()), _CHANGED
    mode = info.st_mode
    try:
        if stat.S_ISREG(mode):
            digest, size = _digest(path, info.st_size, pace)
            return Entry("f", name, mode & 0o7777, size, digest), _stamp(info)
        if stat.S_ISDIR(mode):
            return Entry("d", name, mode & 0o7777), stamp(item)
        if stat.S_ISLNK(mode):
            target = os.readlink(path)  # noqa: PTH115 - bytes in, bytes out
            return Entry("l", name, target=target), _stamp(info)
    except OSError as refused:
        return Entry("x", name, target=_word(refused).encode()), _CHANGED
    kinds = ((stat.S_ISFIFO, b"fifo"), (stat.S_ISSOCK, b"socket"), (stat.S_ISBLK, b"block"))
    word = next((word for test, word in kinds if test(mode)), b"char")
    return Entry("o", name, target=word), _stamp(info)


_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def _digest(path: bytes, expected: int, pace: Pace | None) -> tuple[str, int]:
    """SHA-256 and length; read to the end, whatever the length was before."""
    buffers, view = _buffer()
    fd = os.open(path, _FLAGS)
    try:
        got = os.readv(fd, buffers)
        if pace is not None:
            pace.spend(got)
        if got == expected and got < _CHUNK:
            # The whole small file in one read; if it grew meanwhile, its stamp no longer fits.
            return sha256(view[:got]).hexdigest(), got
        sha, size = sha256(), 0
        while got:
            sha.update(view[:got])
            size += got
            got = os.readv(fd, buffers)
            if pace is not None:
                pace.spend(got)
        return sha.hexdigest(), size
    finally:
        os.close(fd)


def _buffer() -> tuple[list[bytearray], memoryview]:
    """One buffer of 1 MiB per worker thread."""
    found: tuple[list[bytearray], memoryview] | None = getattr(_local, "buffer", None)
    if found is None:
        space = bytearray(_CHUNK)
        found = _local.buffer = ([space], memoryview(space))
    return found


def _word(error: OSError) -> str:
    """Why, in one bounded word: `EACCES`, `ENOENT`."""
    return errno.errorcode.get(error.errno or 0, "error")
