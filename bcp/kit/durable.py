"""Files that are there after a power cut, and the lock of a data folder."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import tempfile
from pathlib import Path

from bcp.kit.errors import BcpError, Busy, Unwritable


def fsync_dir(folder: Path) -> None:
    """Make the *names* in a folder durable (POSIX: a rename is durable only after this)."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_atomic(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace `path` whole: temp file beside it, fsync, rename, fsync of the folder.

    If we die here: the old file or the new one, never half of one; at worst a `.tmp` file is left.
    Raises `Unwritable` with the folder's name when the disk says no.
    """
    fd, temp = -1, ""
    try:
        fd, temp = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        os.fchmod(fd, mode)
        with os.fdopen(fd, "wb") as file:
            fd = -1
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temp).replace(path)
        fsync_dir(path.parent)
    except OSError as error:
        if fd >= 0:
            os.close(fd)
        if temp:
            with contextlib.suppress(OSError):
                Path(temp).unlink()
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> Unwritable:
    """An `OSError` of a write, as a sentence a person can act on."""
    hints = {
        errno.ENOSPC: "ディスクの空きを作る (df -h) / free disk space",
        errno.EROFS: "読み取り専用です。マウントを確かめる / the disk is read-only: check the mount",
        errno.EACCES: "フォルダの所有者と権限を確かめる / check owner and mode of the folder",
    }
    return Unwritable(
        f"書き込めません / cannot write: {error.strerror or error}",
        where=str(path),
        next_step=hints.get(error.errno or 0, "ディスクを確かめる / check the disk"),
    )


class FolderLock:
    """One owner per data folder (flock): a second daemon is refused and told who holds it.

    The kernel drops the lock when the process dies, so a crash never leaves a stale one.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        self._fd: int | None = None

    def take(self) -> None:
        """Raises `Busy` when another process has it, `Unwritable` when the folder is unusable."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise unwritable(self._path, error) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(fd, 64, 0).decode("ascii", "replace").strip() or "?"
            os.close(fd)
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise BcpError(f"lock failed: {error}", where=str(self._path)) from error
            raise Busy(
                "このデータフォルダは別の ict-bcp が使っています / "
                "another ict-bcp is using this data folder",
                where=str(self._path.parent),
                got=f"pid {holder}",
                next_step="そのプロセスを止めるか --data で別のフォルダを指定する / "
                "stop that process, or name another folder with --data",
            ) from error
        with contextlib.suppress(OSError):  # full disk: held, only the number is not told
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n".encode("ascii"), 0)
        self._fd = fd

    def release(self) -> None:
        """Give it back; harmless when not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
