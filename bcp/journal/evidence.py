"""The evidence store: files by the SHA-256 of their content. What is larger than an entry.

Manifests, object lists, photos, facts files, accepted plans: put here first, then named by digest in
an entry. Written as temp file, fsync, rename, fsync of the folder, so that a digest that an entry
names is there after a power cut. May not be lost (the log still proves *what* it was); not trusted:
every `get` hashes what it reads.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from bcp.journal.errors import Damaged, Missing
from bcp.journal.head import Fault, no_fault
from bcp.kit.durable import fsync_dir, unwritable

_CHUNK = 1 << 20


class EvidenceStore:
    """`folder/ab/cdef…`, mode 0600. Methods block: call them in a worker thread."""

    def __init__(self, folder: Path, fault: Fault = no_fault) -> None:
        self.folder = folder
        self._fault = fault

    def sweep(self) -> None:
        """Remove what a killed process was about to put here. Only while nobody else has the log."""
        for stray in self.folder.glob(".put.*.tmp"):
            with contextlib.suppress(OSError):  # a full or read-only disk: next time
                stray.unlink()

    def put_bytes(self, data: bytes) -> str:
        """Store bytes; gives the digest (64 hexadecimal digits). Raises Unwritable."""
        digest = hashlib.sha256(data).hexdigest()
        if self.has(digest):
            self._sync_names(digest)  # another thread may have put it there a moment ago
        else:
            temp, file = self._temp()
            with closing(file):
                self._write(file, data, temp)
                self._finish(file, temp, digest)
        return digest

    def put_file(self, source: Path) -> str:
        """Store a copy of a file, read once; gives the digest. Raises Unwritable, Missing."""
        try:
            reading = source.open("rb")
        except OSError as error:
            raise Missing(
                "evidence cannot be read",
                where=str(source),
                expected="a readable file",
                got=error.strerror or str(error),
                next_step="check the path and permissions",
            ) from error
        temp, file = self._temp()
        with reading, closing(file):
            sha256 = hashlib.sha256()
            while chunk := reading.read(_CHUNK):
                sha256.update(chunk)
                self._write(file, chunk, temp)
            self._finish(file, temp, sha256.hexdigest())
        return sha256.hexdigest()

    def get(self, digest: str) -> bytes:
        """The content. Raises Missing, or Damaged if it no longer fits its digest."""
        try:
            data = self.path(digest).read_bytes()
        except OSError as error:
            raise Missing(
                "証跡がありません / this evidence is not in the store",
                where=str(self.path(digest)),
                expected="a file",
                got=error.strerror or str(error),
                next_step="restore the evidence folder from its copy",
            ) from error
        got = hashlib.sha256(data).hexdigest()
        if got != digest:
            raise Damaged(
                "証跡が書き換えられています / this evidence was changed",
                where=str(self.path(digest)),
                expected=digest,
                got=got,
                next_step="restore the file from a copy; keep this one",
            )
        return data

    def erase(self, digest: str) -> None:
        """Remove the content for good, durably; nothing when it is gone. Raises Unwritable.

        The digest stays in the log: what it was can still be proven by whoever has a copy.
        """
        path = self.path(digest)
        try:
            path.unlink(missing_ok=True)
            if path.parent.is_dir():
                fsync_dir(path.parent)
        except OSError as error:
            raise unwritable(path, error) from error

    def has(self, digest: str) -> bool:
        """Whether it is there (its content is checked by `get`)."""
        return self.path(digest).is_file()

    def path(self, digest: str) -> Path:
        """Where the content of a digest stands."""
        return self.folder / digest[:2] / digest[2:]

    def _temp(self) -> tuple[Path, BinaryIO]:
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            fd, name = tempfile.mkstemp(prefix=".put.", suffix=".tmp", dir=self.folder)
            return Path(name), os.fdopen(fd, "wb")
        except OSError as error:
            raise unwritable(self.folder, error) from error

    def _write(self, file: BinaryIO, chunk: bytes, temp: Path) -> None:
        try:
            file.write(chunk)
        except OSError as error:
            temp.unlink(missing_ok=True)
            raise unwritable(temp, error) from error

    def _finish(self, file: BinaryIO, temp: Path, digest: str) -> None:
        path = self.path(digest)
        try:
            self._fault("evidence:before")
            file.flush()
            os.fsync(file.fileno())
            path.parent.mkdir(mode=0o700, exist_ok=True)
            temp.replace(path)
            self._sync_names(digest)
            self._fault("evidence:after")
        except OSError as error:
            temp.unlink(missing_ok=True)
            raise unwritable(path, error) from error

    def _sync_names(self, digest: str) -> None:
        """Make the file's name durable, up to the folder of the log."""
        try:
            for folder in (self.path(digest).parent, self.folder, self.folder.parent):
                fsync_dir(folder)
        except OSError as error:
            raise unwritable(self.path(digest), error) from error


@contextmanager
def closing(file: BinaryIO) -> Iterator[None]:
    """Close in the end. Bytes that could not be written are tried once more by `close`: the error that
    was said already is the one that counts."""
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            file.close()
