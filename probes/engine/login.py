"""One attempt to log in: held back when an earlier one was refused, told of how it ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType

from bcp.kit.language import Text
from bcp.watch.check import Env
from bcp.watch.logins import Account, Stamp
from probes.engine import redact, secrets
from probes.engine.trouble import Trouble


class Refused(Trouble):
    """The server turned our credentials away: ours, not proven down, and not to be repeated."""

    def __init__(self, file: str, *evidence: str) -> None:
        text = Text(
            f"ログインを断られました。アカウントを止めないよう、{file} が変わるまで試しません",
            f"the login was refused; not tried again until {file} changes, so that no account"
            " is locked",
        )
        super().__init__(text, "answer", ours=True, evidence=evidence)


class Attempt:
    """`async with` around connecting and logging in. Raises `Trouble` (ours) when held back.

    `sent()` comes just before the password leaves, `accepted()` when the server let us in (the
    next check of the account may begin then). Leaving after `sent()` without it counts.
    """

    def __init__(self, env: Env, account: Account, file: str, stamp: Stamp) -> None:
        self._logins, self._clock = env.logins, env.clock
        self._account, self._stamp = account, stamp
        self._turn = env.logins.turn(account)
        self._sent = self._in = False
        self.file = file

    async def __aenter__(self) -> Attempt:
        await self._turn.acquire()
        why = self._logins.held(self._account, self._stamp, self._clock.monotonic())
        if why is None:
            return self
        self._turn.release()
        if why == "refused":
            raise Refused(self.file)
        text = Text(
            "ログインの返事が続けて来ないため、アカウントを止めないよう10分に1回だけ試します",
            "logins went unanswered: one attempt every ten minutes, so that no account is locked",
        )
        raise Trouble(text, "answer", ours=True)

    @property
    def shown(self) -> bool:
        """The password has left and nobody has answered yet."""
        return self._sent

    def sent(self) -> None:
        """The next bytes show the password."""
        self._sent = True

    def withdrawn(self) -> None:
        """The server answered, and it was not about the password."""
        self._sent = False

    def accepted(self) -> None:
        """We are in."""
        self._logins.accepted(self._account)
        self._sent, self._in = False, True
        self._turn.release()

    def refused(self, *evidence: str) -> Refused:
        """The trouble to raise when the server said no."""
        self._sent = False
        self._logins.refused(self._account, self._stamp)
        return Refused(self.file, *evidence)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._sent:
            self._logins.unanswered(self._account, self._stamp, self._clock.monotonic())
        try:
            await self._logins.keep()
        finally:
            if not self._in:
                self._turn.release()


@asynccontextmanager
async def logging_in(
    env: Env, protocol: str, place: tuple[str, int], user: str, file: str
) -> AsyncIterator[tuple[Attempt, str]]:
    """One attempt with the password in `file`. No `Trouble` that leaves here shows the password."""
    stamp = await secrets.stamp(env, file)
    password = await secrets.read(env, file)
    try:
        async with Attempt(env, Account(protocol, *place, user), file, stamp) as attempt:
            yield attempt, password
    except Trouble as trouble:
        known, told = (password,), trouble.text  # a server may throw the password back
        trouble.evidence = redact.lines(trouble.evidence, known)
        trouble.text = Text(redact.text(told.ja, known), redact.text(told.en, known))
        raise
