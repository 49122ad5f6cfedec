"""Passwords: argon2id, off the event loop, at most two at a time.

Every hash takes 64 MiB; two at a time keep an old laptop alive when forty clients hammer the login
page. Who would have to wait behind too many others is told to come back, not queued for ever.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bcp.kit.errors import Busy, UsageError
from bcp.kit.workers import Workers

T = TypeVar("T")

MIN_LENGTH = 10
MAX_BYTES = 1024
_AT_ONCE = 2
_QUEUE = 16


class Passwords:
    """Hashes and verifies. `hasher` is for tests, which need no 64 MiB a time."""

    def __init__(self, workers: Workers, hasher: PasswordHasher | None = None) -> None:
        self._workers = workers
        self._hasher = hasher or PasswordHasher()
        self._seats = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """The encoded hash with its salt and parameters. Raises `UsageError` when unfit."""
        check_fit(password)
        return await self._run(self._hasher.hash, _plain(password))

    async def verify(self, encoded: str | None, password: str) -> bool:
        """Whether the password fits. `None` (no such account) costs the same time and is False.

        What is longer than a password may be fits nothing and is not normalised either: NFKC takes
        quadratic time over piled-up accents, and anybody may send them before signing in.
        """
        if len(password) > MAX_BYTES:
            encoded, password = None, ""
        if encoded is None and self._nobody is None:
            self._nobody = await self._run(self._hasher.hash, b"nobody has this password")
        fits = await self._run(self._fits, encoded or self._nobody or "", _plain(password))
        return fits and encoded is not None

    def outdated(self, encoded: str) -> bool:
        """The parameters have been raised since: hash again at the next good login."""
        return self._hasher.check_needs_rehash(encoded)

    def _fits(self, encoded: str, password: bytes) -> bool:
        try:
            return self._hasher.verify(encoded, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[..., T], *args: object) -> T:
        if self._waiting >= _QUEUE:
            raise Busy(
                "ログインが混み合っています / too many people are signing in",
                next_step="30秒ほど待って、もう一度 / wait half a minute and try again",
            )
        self._waiting += 1
        try:
            async with self._seats:
                return await self._workers.thread(work, *args)
        finally:
            self._waiting -= 1


def check_fit(password: str) -> None:
    """Long enough, and not absurdly long; no rules about kinds of characters (NIST 800-63B)."""
    length = len(password)
    if not MIN_LENGTH <= length <= MAX_BYTES or len(_plain(password)) > MAX_BYTES:
        raise UsageError(
            f"パスワードは{MIN_LENGTH}文字以上にしてください / "
            f"a password needs at least {MIN_LENGTH} characters",
            expected=f"{MIN_LENGTH} ... {MAX_BYTES} bytes",
        )


def _plain(password: str) -> bytes:
    """The same bytes whatever keyboard typed it (full-width, composed or not): NFKC."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
