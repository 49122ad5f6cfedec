"""Words for "the disk says no": the sentence for the caller, the code for metric and gap entry."""

from __future__ import annotations

import errno

from bcp.journal.folding import WritableState
from bcp.kit.errors import Unwritable


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
    """An error nobody foresaw in the writer: the log is not written, and it says so."""
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
    if got.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return "damaged"
    if got.startswith("SQLITE_BUSY"):
        return "busy"
    return "io_error"
