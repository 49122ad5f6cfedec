"""What an ended call of restic means. Pure: exit code first, then JSON, then text.

Before 0.17 a locked repository, a wrong password, a missing repository and damage all end with 1: the
text decides, and what no rule names is *inconclusive*. A call stopped by its deadline is inconclusive
too, whatever it had said. "Damaged" needs restic's own words for it: a full disk or a missing right on
our side must never read as damage of the copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from backups.restic import parsing
from bcp.kit.process import Completed


class Verdict(StrEnum):
    """Damaged, busy, unreachable and "could not tell" are four things."""

    GOOD = "good"
    INCOMPLETE = "incomplete"
    """A snapshot was written, some files could not be read (exit code 3)."""
    DAMAGED = "damaged"
    NO_REPOSITORY = "no_repository"
    BUSY = "busy"
    WRONG_PASSWORD = "wrong_password"
    UNREACHABLE = "unreachable"
    NO_SPACE = "no_space"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict and the words it rests on."""

    verdict: Verdict
    reason: str
    """Last lines of what restic said; no secret can be in them (the password is in a file)."""

    @property
    def good(self) -> bool:
        """Ended well and complete."""
        return self.verdict is Verdict.GOOD

    @property
    def conclusive(self) -> bool:
        """Says something about the copy itself, good or bad."""
        return self.verdict in _CONCLUSIVE


_CONCLUSIVE = frozenset(
    {Verdict.GOOD, Verdict.DAMAGED, Verdict.NO_REPOSITORY, Verdict.WRONG_PASSWORD}
)
_NAMED = {
    3: Verdict.INCOMPLETE,
    10: Verdict.NO_REPOSITORY,
    11: Verdict.BUSY,
    12: Verdict.WRONG_PASSWORD,
    130: Verdict.INCONCLUSIVE,
}
_TEXTS: tuple[tuple[Verdict, tuple[str, ...]], ...] = (
    # In this order: what is ours or the road's comes before what is the copy's.
    (Verdict.BUSY, ("already locked",)),
    (Verdict.WRONG_PASSWORD, ("wrong password or no key found",)),
    (Verdict.NO_SPACE, ("no space left on device", "disk quota exceeded")),
    (
        Verdict.INCONCLUSIVE,
        (
            "read-only file system",
            "permission denied",
            "operation not permitted",
            "cannot allocate memory",
            "too many open files",
            "signal interrupt received",
            "context canceled",
        ),
    ),
    (
        Verdict.UNREACHABLE,
        (
            "connection refused",
            "connection reset",
            "no route to host",
            "no such host",
            "i/o timeout",
            "network is unreachable",
            "transport endpoint is not connected",
            "stale file handle",
            "host is down",
        ),
    ),
    (Verdict.NO_REPOSITORY, ("is there a repository at the following location",)),
    (
        Verdict.DAMAGED,
        (
            "repository contains errors",
            "loadindex returned errors",
            "invalid data returned",
            "ciphertext verification failed",
            "pack id does not match",
            "unexpected pack id",
            "unexpected file size",
            "file is too short",
            "not found in repository",
            "not found in index",
            "wrong data returned",
            "hash mismatch",
            "does not match id",
            "unable to load index",
            "fatal: there were ",  # restore: files it could not write as they were
        ),
    ),
)


def judge(ended: Completed) -> Judgement:
    """The meaning of one ended call."""
    said = parsing.error_text(ended.stderr, ended.stdout)
    tail = "\n".join(said.splitlines()[-8:])[-2000:]
    if ended.timed_out:
        return Judgement(
            Verdict.INCONCLUSIVE, _joined("期限で停止 / stopped at the deadline", tail)
        )
    code = ended.returncode
    if code == 0:
        return Judgement(Verdict.GOOD, "")
    if code < 0:
        return Judgement(Verdict.INCONCLUSIVE, _joined(f"シグナル {-code} で終了 / signal", tail))
    if code in _NAMED:
        return Judgement(_NAMED[code], _joined(f"exit {code}", tail))
    if code in (1, 2):  # 2: a Go panic, and 0.14's "creating restorer failed"
        low = said.lower()
        for verdict, words in _TEXTS:
            if any(word in low for word in words):
                return Judgement(verdict, tail)
    return Judgement(Verdict.INCONCLUSIVE, _joined(f"exit {code}", tail))


def _joined(head: str, tail: str) -> str:
    return f"{head}\n{tail}" if tail else head
