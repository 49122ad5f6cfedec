"""Words for "the disk says no": the sentence for the caller, the code for metric and gap entry."""

from __future__ import annotations

import errno
from pathlib import Path

from bcp.journal.errors import Damaged
from bcp.journal.folding import WritableState
from bcp.kit.errors import Unwritable

_DISK_SAYS_NO = tuple(
    f"SQLITE_{name}"
    for name in (
        *("FULL", "IOERR", "READONLY", "CANTOPEN", "BUSY"),
        *("LOCKED", "PERM", "PROTOCOL", "NOMEM"),
    )
)
_BROKEN = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


def disk_trouble(error: Exception, path: Path) -> Unwritable | Damaged | None:
    """What an error of SQLite means for the log; None for a bug of the caller's SQL."""
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(_BROKEN):
        return broken_file(path, error)
    if not name.startswith(_DISK_SAYS_NO):
        return None
    return Unwritable(
        f"記録できていません: {error} / the log cannot be written: {error}",
        where=str(path),
        expected="a writable, undamaged database",
        got=name,
        next_step="ディスクの空き・マウント・権限を確かめる。直ればひとりでに再開します / "
        "check free space, mount and permissions; writing resumes by itself",
    )


def broken_file(path: Path, error: Exception) -> Damaged:
    """A database file that is not what it should be."""
    return Damaged(
        f"記録のファイルが壊れています / the database is damaged: {error}",
        where=str(path),
        expected="an undamaged database",
        got=getattr(error, "sqlite_errorname", type(error).__name__),
        next_step="stop using this folder and keep it; restore the newest copy, or make the store "
        "again from an export",
    )


def damaged_entry(seq: int, expected: str, got: str) -> Damaged:
    """One entry is not what its hash says."""
    return Damaged(
        f"記録 {seq} 番が書き換えられています / entry {seq} was changed",
        where=f"entry {seq}",
        expected=expected,
        got=got,
        next_step="run `ict-bcp log verify`; compare with an export or the shared copy; keep the "
        "file as evidence",
    )


def not_now(state: WritableState) -> Unwritable:
    """The answer between two attempts."""
    return Unwritable(
        "記録できていません / the log cannot be written",
        where="journal",
        expected="a writable log",
        got=f"{state.reason} since {state.since.isoformat()}",
        next_step="もう一度送れば再開後に記録します。急ぐ場合は紙に控える / send it again: it is tried "
        "every second; write it on paper if it cannot wait",
    )


def unexpected(error: Exception, where: str) -> Unwritable:
    """Damage, or an error nobody foresaw in the writer: the log is not written, and says so."""
    if isinstance(error, Damaged):
        made = Unwritable(
            f"記録できていません / the log cannot be written: {error.what}",
            where=error.where,
            expected=error.expected,
            got=error.got,
            next_step=error.next_step,
        )
        made.__cause__ = error
        return made
    made = Unwritable(
        f"記録できていません / the log cannot be written: {error}",
        where=where,
        expected="no error",
        got=repr(error)[:200],
        next_step="look at the service's own messages; writing resumes by itself if it can",
    )
    made.__cause__ = error
    return made


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


def reason_of(error: Exception) -> str:
    """A short stable code, good as a metric's label and in the gap entry."""
    got = getattr(error, "got", None) or ""
    cause = error.__cause__
    number = getattr(cause, "errno", None)
    if got == "SQLITE_FULL" or number in _FULL:
        return "disk_full"
    if (
        got.startswith(("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_CANTOPEN"))
        or number in _READ_ONLY
    ):
        return "read_only"
    if isinstance(cause, Damaged):
        return "damaged"
    if got.startswith("SQLITE_BUSY"):
        return "busy"
    return "io_error"
