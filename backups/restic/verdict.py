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
    UNTRUSTED = "untrusted"
    """Whoever answers there is not proven to be the storage: host key or certificate."""
    DENIED = "denied"
    """The storage does not let us in: key, user or password of the storage."""
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

    @property
    def on_the_way(self) -> bool:
        """Nothing was opened: nobody answered, the wrong one did, or we were not let in."""
        return self.verdict in _ON_THE_WAY


_ON_THE_WAY = (Verdict.UNREACHABLE, Verdict.UNTRUSTED, Verdict.DENIED)
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
    (
        Verdict.UNTRUSTED,
        (
            "host key verification failed",
            "x509: ",
            "first record does not look like a tls handshake",
        ),
    ),
    (
        # Before "is there a repository", which restic adds whatever the server answered.
        Verdict.DENIED,
        (
            "permission denied (",  # of ssh: (publickey)
            "http response (401)",
            "http response (403)",
            "server response: 403",
            "access denied.",
            "access key id you provided does not exist",
            "request signature we calculated does not match",
            "user and password cannot be read",
        ),
    ),
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
            "broken pipe",
            "connection lost",
            "connection closed by",
            "connection timed out",
            "could not resolve hostname",
            "timeout, server ",  # of ssh: … not responding
            "unable to start the sftp session",
            "server misbehaving",
            "http response (500)",
            "http response (502)",
            "http response (503)",
            "http response (504)",
            "tls handshake timeout",
            "ssh command exited",
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
        head = "期限で停止 / stopped at the deadline"
        # restic tries for a quarter of an hour where nobody answers: that is known, damage is not.
        verdict = _in_words(said, _ON_THE_WAY) or Verdict.INCONCLUSIVE
        return Judgement(verdict, _joined(head, tail))
    code = ended.returncode
    if code == 0:
        return Judgement(Verdict.GOOD, "")
    if code < 0:
        return Judgement(Verdict.INCONCLUSIVE, _joined(f"シグナル {-code} で終了 / signal", tail))
    if code in _NAMED:
        return Judgement(_NAMED[code], _joined(f"exit {code}", tail))
    named = _in_words(said, tuple(Verdict))
    if code in (1, 2) and named is not None:  # 2: a Go panic, 0.14's "creating restorer failed"
        return Judgement(named, _with_its_line(said, named, tail))
    return Judgement(Verdict.INCONCLUSIVE, _joined(f"exit {code}", tail))


def of_ssh(ended: Completed) -> Judgement | None:
    """What ssh itself said when it was not believed or not let in; None: nothing of the kind."""
    said = ended.last_lines
    verdict = _in_words(said, (Verdict.UNTRUSTED, Verdict.DENIED))
    return Judgement(verdict, said[-2000:]) if verdict is not None else None


def _in_words(said: str, among: tuple[Verdict, ...]) -> Verdict | None:
    low = said.lower()
    told = (verdict for verdict, words in _TEXTS if any(word in low for word in words))
    return next((verdict for verdict in told if verdict in among), None)


def _with_its_line(said: str, verdict: Verdict, tail: str) -> str:
    """The last lines, and before them the one that decided: Go's trace may have pushed it out."""
    line = next(line for line in said.splitlines() if _in_words(line, (verdict,)) is not None)
    return tail if line in tail else _joined(line.strip()[:500], tail)


def _joined(head: str, tail: str) -> str:
    return f"{head}\n{tail}" if tail else head
