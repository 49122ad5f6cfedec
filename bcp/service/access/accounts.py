"""Signing in and out, and the accounts themselves: what the doors and the command line call.

Accounts and sessions are read once and kept in memory (there are dozens), so a request costs a
dictionary look-up; every change is written through. With the disk full a session still opens: it
then lives in memory only and is gone after a restart.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

from bcp.kit.clock import Clock
from bcp.kit.errors import Refused, Unwritable, UsageError
from bcp.kit.units import to_us
from bcp.kit.workers import Workers
from bcp.service.access.identity import Identity, SignedIn, TooFast, identity
from bcp.service.access.limits import Limit
from bcp.service.access.passwords import Passwords
from bcp.service.access.roles import Role
from bcp.service.access.store import AccessStore, Account, Session
from bcp.service.access.throttle import Throttle

SESSION_LIFE = timedelta(hours=12)
"""Where the plan (`access.session`) says nothing. Sliding: a night shift is not thrown out, a
forgotten browser is."""
_TOUCH_US = 60 * 1_000_000
_LONGEST_LOGIN = 64
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}\Z")

Record = Callable[[str, str, Mapping[str, int | str], Mapping[str, str]], Awaitable[None]]
"""Offers a fact to the integrity log: kind, subject (pseudonym), detail, personal values."""


async def no_record(
    _kind: str, _subject: str, _detail: Mapping[str, int | str], _values: Mapping[str, str]
) -> None:
    """Where there is no log (tests, the command line on a new folder)."""


class Accounts:
    """The people of this node. Open with `await Accounts.open(...)`."""

    def __init__(
        self,
        store: AccessStore,
        workers: Workers,
        clock: Clock,
        passwords: Passwords,
        record: Record,
        life: timedelta = SESSION_LIFE,
    ) -> None:
        self._store, self._workers, self._clock = store, workers, clock
        self._passwords, self._record = passwords, record
        self.life = life
        """How long a session lasts after its last use."""
        self._throttle = Throttle()
        self._by_id: dict[str, Account] = {}
        self._sessions: dict[str, Session] = {}
        self._used: dict[str, float] = {}
        self._limits: dict[str, Limit] = {}
        self._ends: dict[str, float] = {}
        self.instance = ""
        """Names the cookie: two instances on one host must not log each other out."""

    @classmethod
    async def open(
        cls,
        store: AccessStore,
        workers: Workers,
        clock: Clock,
        *,
        record: Record = no_record,
        passwords: Passwords | None = None,
        life: timedelta = SESSION_LIFE,
    ) -> Accounts:
        """Read what is on file. Raises `BcpError` when the file is damaged."""
        self = cls(store, workers, clock, passwords or Passwords(workers), record, life)
        self.instance = await workers.thread(store.meta, "instance", secrets.token_hex(3))
        self._by_id = {account.id: account for account in await workers.thread(store.accounts)}
        sessions = await workers.thread(store.sessions)
        self._sessions = {session.digest: session for session in sessions}
        now, mono = to_us(clock.utc()), clock.monotonic()
        for session in sessions:
            self._used[session.digest] = mono - max(0, now - session.used_us) / 1e6
        for id, limit in (await workers.thread(store.limits)).items():
            self._limit(id, limit, now)
        return self

    # --- sessions ---------------------------------------------------------------------------

    async def sign_in(self, login: str, password: str, address: str) -> SignedIn | None:
        """A session, or None when name or password is wrong (the answer does not say which).

        Raises `TooFast` while throttled and `Busy` when too many sign in at once.
        """
        login = login.strip().lower()[:_LONGEST_LOGIN]  # remembered by the throttle: kept short
        if (seconds := self._throttle.wait(login, address, self._clock.monotonic())) > 0:
            raise TooFast(seconds)
        account = self._find(login)
        usable = account if account is not None and self._open(account) else None
        fits = await self._passwords.verify(usable.hash if usable else None, password)
        if usable is None or not fits:
            self._throttle.failed(login, address, self._clock.monotonic())
            return None
        self._throttle.succeeded(login, address)
        if self._passwords.outdated(usable.hash):
            with contextlib.suppress(Unwritable):
                await self._replace(usable, hash=await self._passwords.hash(password))
        return await self._open_session(usable, address)

    async def _open_session(self, account: Account, address: str) -> SignedIn:
        token, now = secrets.token_urlsafe(32), to_us(self._clock.utc())
        session = Session(_digest(token), account.id, secrets.token_urlsafe(16), now, now)
        await self._close([d for d, s in self._sessions.items() if not self._alive(s)])
        self._sessions[session.digest] = session
        self._used[session.digest] = self._clock.monotonic()
        with contextlib.suppress(Unwritable):
            await self._workers.thread(self._store.put_session, session)
        with contextlib.suppress(
            Unwritable
        ):  # 記録できていません: the staff must get in all the same
            await self._record("session.opened", account.id, {}, {"address": address})
        return SignedIn(token, identity(account, session, self._limits.get(account.id)))

    async def identify(self, token: str) -> Identity | None:
        """Who holds this token; slides the session's end forward."""
        session = self._sessions.get(_digest(token)) if token else None
        if session is None:
            return None
        account = self._by_id.get(session.account)
        if account is None or not self._open(account) or not self._alive(session):
            await self._close([session.digest])
            return None
        now = to_us(self._clock.utc())
        self._used[session.digest] = self._clock.monotonic()
        if now - session.used_us >= _TOUCH_US:
            session = replace(session, used_us=now)
            self._sessions[session.digest] = session
            with contextlib.suppress(Unwritable):
                await self._workers.thread(self._store.put_session, session)
        return identity(account, session, self._limits.get(account.id))

    async def sign_out(self, digest: str) -> None:
        """Close one session."""
        await self._close([digest])

    # --- accounts ---------------------------------------------------------------------------

    def everybody(self) -> tuple[Account, ...]:
        """Everybody, by login name."""
        return tuple(sorted(self._by_id.values(), key=lambda account: account.login))

    def name_of(self, id: str) -> str:
        """The display name behind a pseudonym; the pseudonym itself when nobody is known."""
        account = self._by_id.get(id)
        return account.name if account else id

    async def add(
        self,
        login: str,
        name: str,
        roles: Iterable[Role],
        password: str,
        *,
        by: str = "system",
        must_change: bool = True,
        limit: Limit | None = None,
    ) -> Account:
        """A new account. Raises `UsageError` (bad or taken name, unfit password), `Unwritable`."""
        login = login.strip().lower()
        if not _LOGIN.match(login):
            raise UsageError(
                "ログイン名は英小文字・数字・. _ - で32文字まで / "
                "a login name has lower-case letters, digits and . _ -, at most 32",
                got=login,
            )
        if self._find(login) is not None:
            raise UsageError("そのログイン名は使われています / that login name is taken", got=login)
        encoded = await self._passwords.hash(password)
        account = Account(
            self.new_id(), login, name, frozenset(roles), encoded, must_change=must_change
        )
        await self._record(
            "account.added", account.id, {"by": by, "roles": _words(account.roles)}, _who(account)
        )
        await self._workers.thread(self._store.add, account, limit)
        self._by_id[account.id] = account
        if limit is not None:
            self._limit(account.id, limit, to_us(self._clock.utc()))
        return account

    async def admit(
        self, account: Account, limit: Limit, address: str | None = None
    ) -> SignedIn | None:
        """An account that ends by itself; with `address` its session, opened at once.

        A disk that takes no writing keeps nobody out: it then lives in memory only.
        """
        try:
            await self._workers.thread(self._store.add, account, limit)
        except Unwritable:
            if address is None:
                raise
        self._by_id[account.id] = account
        self._limit(account.id, limit, to_us(self._clock.utc()))
        return None if address is None else await self._open_session(account, address)

    def limits(self) -> Mapping[str, Limit]:
        """Accounts that end by themselves: sealed codes and visiting helpers."""
        return dict(self._limits)

    def is_open(self, id: str) -> bool:
        """Whether this account can be used now."""
        account = self._by_id.get(id)
        return account is not None and self._open(account)

    async def set_roles(self, login: str, roles: Iterable[Role], *, by: str = "system") -> None:
        """What somebody may do from now on. Raises `UsageError`, `Unwritable`."""
        account, wanted = self._must_find(login), frozenset(roles)
        detail = {"by": by, "what": "roles", "roles": _words(wanted)}
        await self._record("account.changed", account.id, detail, {})
        await self._replace(account, roles=wanted)

    async def set_password(self, login: str, password: str, *, by: str = "system") -> None:
        """A new password given by somebody else: every session ends, it must be changed."""
        account = self._must_find(login)
        encoded = await self._passwords.hash(password)
        await self._record("account.changed", account.id, {"by": by, "what": "password"}, {})
        await self._replace(account, hash=encoded, must_change=by != account.id)
        await self._close([d for d, s in self._sessions.items() if s.account == account.id])

    async def change_own_password(
        self, identity: Identity, old: str, new: str, address: str
    ) -> None:
        """Raises `Refused` when the old one is wrong, `UsageError` when the new one is unfit."""
        account = self._by_id[identity.id]
        if (wait := self._throttle.wait(account.login, address, self._clock.monotonic())) > 0:
            raise TooFast(wait)
        if not await self._passwords.verify(account.hash, old):
            self._throttle.failed(account.login, address, self._clock.monotonic())
            raise Refused("今のパスワードが違います / the present password is wrong")
        encoded = await self._passwords.hash(new)
        await self._record(
            "account.changed", account.id, {"by": account.id, "what": "password"}, {}
        )
        await self._replace(account, hash=encoded, must_change=False)
        mine = [d for d, s in self._sessions.items() if s.account == account.id]
        await self._close([digest for digest in mine if digest != identity.digest])

    async def disable(self, login: str, *, disabled: bool = True, by: str = "system") -> None:
        """Close the door at once; the log is told, but a full disk does not keep it open."""
        account = self._must_find(login)
        detail = {"by": by, "what": "disabled" if disabled else "enabled"}
        if disabled:
            self._by_id[account.id] = replace(account, disabled=True)
            await self._close([d for d, s in self._sessions.items() if s.account == account.id])
        await self._record("account.changed", account.id, detail, {})
        await self._replace(account, disabled=disabled)

    # --- inside -----------------------------------------------------------------------------

    async def _replace(self, account: Account, **changes: object) -> None:
        changed = replace(account, **changes)  # type: ignore[arg-type]
        await self._workers.thread(self._store.update, changed)
        self._by_id[account.id] = changed

    async def _close(self, digests: list[str]) -> None:
        for digest in digests:
            self._sessions.pop(digest, None)
            self._used.pop(digest, None)
        if digests:
            with contextlib.suppress(Unwritable):
                await self._workers.thread(self._store.drop_sessions, digests)

    def _alive(self, session: Session) -> bool:
        """By the monotonic clock: a wall clock that is put right throws nobody out (R-82)."""
        idle = self._clock.monotonic() - self._used[session.digest]
        return idle < self.life.total_seconds()

    def _open(self, account: Account) -> bool:
        """Neither disabled nor at its end."""
        end = self._ends.get(account.id)
        return not account.disabled and (end is None or self._clock.monotonic() < end)

    def _limit(self, id: str, limit: Limit, now_us: int) -> None:
        self._limits[id] = limit
        self._ends[id] = self._clock.monotonic() + (limit.until_us - now_us) / 1e6

    def _find(self, login: str) -> Account | None:
        return next((a for a in self._by_id.values() if a.login == login), None)

    def _must_find(self, login: str) -> Account:
        account = self._find(login.strip().lower())
        if account is None:
            raise UsageError("そのログイン名はありません / no such login name", got=login)
        return account

    def new_id(self) -> str:
        """A pseudonym nobody has."""
        while (id := f"u-{secrets.token_hex(2)}") in self._by_id:
            pass
        return id


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _words(roles: Iterable[Role]) -> str:
    return " ".join(sorted(role.value for role in roles))


def _who(account: Account) -> dict[str, str]:
    return {"login": account.login, "name": account.name}
