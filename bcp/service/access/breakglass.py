"""緊急用封印コード: branch envelopes with one numbered code for each person who arrives.

A code opens a named session of staff without an account made before: at any time, because the one
at the door may be the first to know of a disaster; never quietly, because every use is in the log,
in a message and above every page until the envelope is replaced. One use each. Only argon2id hashes
are kept; a code is 55 random bits and tries are throttled.

Order of an opening: mark the code used, make the account, open the session, tell the log. If we die
after the mark, the card is spent and the next one works. With the disk full the person gets in all
the same: the session lives in memory, the log is told as soon as it can be written (`settle`).
"""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from bcp.journal.canonical import Json
from bcp.journal.entry import NewEntry
from bcp.kit import typed_code
from bcp.kit.clock import Clock
from bcp.kit.errors import Refused, Unwritable, UsageError
from bcp.kit.language import text
from bcp.kit.units import from_us, to_us
from bcp.kit.workers import Workers
from bcp.service.access.accounts import Accounts
from bcp.service.access.identity import SignedIn, TooFast
from bcp.service.access.limits import Limit
from bcp.service.access.passwords import Passwords
from bcp.service.access.roles import Role
from bcp.service.access.store import AccessStore, Account, Code
from bcp.service.access.throttle import Throttle

LETTERS = 12
MOST = 40
"""Cards in one envelope: more people than a branch has."""
CODE_LIFE = timedelta(hours=72)
"""The first 72 hours; whoever stays longer gets an account or another card."""
_NOBODY = "!"
"""No password fits: the account opens by its code alone."""
_LONGEST_NAME = 60
_SEALED, _USED, _REVOKED, _ROTATED = "sealed", "used", "revoked", "rotated"

Log = Callable[[NewEntry, str], Awaitable[None]]
"""Enters one fact (entry, operation id). Raises `Unwritable`."""
Alarm = Callable[[Code], None]
"""Tells people outside that a code was used."""


@dataclass(frozen=True, slots=True)
class Card:
    """What is printed once and kept nowhere."""

    number: int
    code: str


@dataclass(frozen=True, slots=True)
class Standing:
    """One code as anybody inside may see it: never the code."""

    number: int
    site: str
    state: str
    issued_us: int
    changed_us: int
    account: str | None
    edition: str
    session_open: bool

    @property
    def owed(self) -> bool:
        """Used, and the envelope not replaced since: holds the stand-down."""
        return self.state == _USED


class Codes:
    """The sealed codes of this node. Open with `await Codes.open(...)`."""

    def __init__(
        self,
        store: AccessStore,
        accounts: Accounts,
        workers: Workers,
        clock: Clock,
        passwords: Passwords,
        log: Log,
        alarm: Alarm,
    ) -> None:
        self._store, self._accounts, self._workers = store, accounts, workers
        self._clock, self._passwords, self._log, self._alarm = clock, passwords, log, alarm
        self._throttle = Throttle()
        self._codes: dict[int, Code] = {}
        self.life = CODE_LIFE

    @classmethod
    async def open(
        cls,
        store: AccessStore,
        accounts: Accounts,
        workers: Workers,
        clock: Clock,
        *,
        log: Log,
        alarm: Alarm,
        passwords: Passwords | None = None,
    ) -> Codes:
        """Read what is on file."""
        self = cls(store, accounts, workers, clock, passwords or Passwords(workers), log, alarm)
        self._codes = {code.number: code for code in await workers.thread(store.codes)}
        return self

    def all(self) -> tuple[Standing, ...]:
        """Every code, by number."""
        return tuple(
            Standing(
                code.number,
                code.site,
                code.state,
                code.issued_us,
                code.changed_us,
                code.account,
                code.edition,
                code.account is not None and self._accounts.is_open(code.account),
            )
            for _number, code in sorted(self._codes.items())
        )

    def owed(self) -> tuple[Standing, ...]:
        """Used, and not replaced yet."""
        return tuple(one for one in self.all() if one.owed)

    # --- envelopes --------------------------------------------------------------------------

    async def issue(
        self, site: str, count: int, *, edition: str, keep: bool = False, op: str, by: str
    ) -> tuple[Card, ...]:
        """A new envelope. Without `keep` it replaces the site's older ones: what is sealed there
        is revoked, what was used counts as rotated.

        Raises `UsageError` for a bad count, `Refused` while a session of a code still runs there
        and `keep` is not given, `Unwritable` (then nothing was issued).
        """
        if not 1 <= count <= MOST:
            raise UsageError(_both("code_count"), where="--count", expected=f"1 … {MOST}")
        old = [c for c in self._codes.values() if c.site == site and not keep]
        running = [c.number for c in old if c.state == _USED and self._runs(c)]
        if running:
            numbers = "、".join(map(str, running))
            raise Refused(_both("code_running"), got=numbers, next_step=_both("code_running_next"))
        first = 100 * (1 + max((number // 100 for number in self._codes), default=9)) + 1
        cards = [Card(first + place, _fresh()) for place in range(count)]
        now = to_us(self._clock.utc())
        made = [
            Code(card.number, site, await self._hash(card.code), edition, now, _SEALED, now)
            for card in cards
        ]
        detail: dict[str, Json] = {"site": site, "first": first, "count": count, "by": by}
        await self._log(
            NewEntry("breakglass.issued", f"envelope-{first // 100}", detail, None, from_us(now)),
            op,
        )
        await self._put(made)
        with contextlib.suppress(Unwritable):  # the cards must be printed; the list shows the rest
            await self._retire([c for c in old if c.state in (_SEALED, _USED)], by)
        return tuple(cards)

    async def revoke(self, numbers: Iterable[int], *, by: str) -> tuple[int, ...]:
        """These open nothing any more, sessions opened with them end. Raises `UsageError`.

        A used code stays owed: revoking the session does not make a new envelope.
        """
        asked = tuple(numbers)
        for number in asked:
            if number not in self._codes:
                raise UsageError(_both("code_unknown"), got=str(number))
        done: list[int] = []
        for number in asked:
            code = self._codes[number]
            if code.account is not None and self._accounts.is_open(code.account):
                await self._accounts.disable(self._login(code), by=by)
                done.append(number)
            if code.state == _SEALED:
                await self._retire([code], by)
                done.append(number)
        return tuple(dict.fromkeys(done))

    async def _retire(self, codes: list[Code], by: str) -> None:
        now = to_us(self._clock.utc())
        for code in codes:
            state = _ROTATED if code.state == _USED else _REVOKED
            detail: dict[str, Json] = {"how": state, "site": code.site, "by": by}
            subject = f"code-{code.number}"
            entry = NewEntry("breakglass.settled", subject, detail, None, from_us(now))
            await self._log(entry, f"breakglass.settled:{code.number}")
            await self._put([replace(code, state=state, changed_us=now)])

    # --- the person at the door -------------------------------------------------------------

    async def enter(
        self, number: str, typed: str, name: str, address: str, passphrase: str = ""
    ) -> SignedIn | None:
        """A named session; None when number or code is wrong (the answer does not say which).

        Raises `UsageError` without a name or with an unfit passphrase, `TooFast` while throttled,
        `Refused` for a card that was used or revoked, `Busy` when too many come at once.
        """
        name = " ".join(name.split())[:_LONGEST_NAME]
        if not name:
            raise UsageError(_both("code_name"), where="name")
        number, typed = _apart(number, typed)
        key, now = f"code:{number[:12]}", self._clock.monotonic()
        if (wait := self._throttle.wait(key, address, now)) > 0:
            raise TooFast(wait)
        again = await self._passwords.hash(passphrase) if passphrase else _NOBODY
        code = self._codes.get(int(number)) if number.isascii() and number.isdigit() else None
        read = typed_code.read(typed, LETTERS)
        if not await self._passwords.verify(code.hash if code else None, read or "-"):
            self._throttle.failed(key, address, self._clock.monotonic())
            return None
        assert code is not None
        code = self._codes[code.number]  # somebody else may have used it while we were hashing
        if code.state != _SEALED:
            raise Refused(_both(f"code_{code.state}"), next_step=_both("code_next_card"))
        return await self._admit(code, name, address, again)

    async def _admit(self, code: Code, name: str, address: str, encoded: str) -> SignedIn:
        now = self._clock.utc()
        account = Account(
            self._accounts.new_id(),
            self._login(code),
            name,
            frozenset({Role.STAFF}),
            encoded,
        )
        used = replace(code, state=_USED, changed_us=to_us(now), account=account.id)
        self._codes[code.number] = used
        with contextlib.suppress(Unwritable):
            await self._put([used])
        limit = Limit(to_us(now + self.life), "code", (code.site,), code=code.number)
        signed = await self._accounts.admit(account, limit, address)
        assert signed is not None
        await self._tell(used)
        self._alarm(used)
        return signed

    async def settle(self) -> None:
        """For ever: openings the log does not know yet are told as soon as it can be written."""
        while True:
            for code in [c for c in self._codes.values() if c.state == _USED and not c.told]:
                await self._tell(code)
            await self._clock.sleep_until(self._clock.monotonic() + 5.0)

    async def _tell(self, code: Code) -> None:
        assert code.account is not None
        detail: dict[str, Json] = {"site": code.site, "account": code.account}
        values: Mapping[str, str] = {"name": self._accounts.name_of(code.account)}
        entry = NewEntry(
            "breakglass.opened",
            f"code-{code.number}",
            detail,
            None,
            from_us(code.changed_us),
            values,
        )
        with contextlib.suppress(Unwritable):
            await self._log(entry, f"breakglass.opened:{code.number}")
            await self._put([replace(self._codes[code.number], told=True)])

    # --- inside -----------------------------------------------------------------------------

    async def _put(self, codes: list[Code]) -> None:
        """Raises `Unwritable`; then memory is as it was, but for what a caller set before."""
        await self._workers.thread(self._store.put_codes, codes)
        self._codes |= {code.number: code for code in codes}

    async def _hash(self, code: str) -> str:
        return await self._passwords.hash(code)

    def _runs(self, code: Code) -> bool:
        return code.account is not None and self._accounts.is_open(code.account)

    def _login(self, code: Code) -> str:
        return f"code-{code.number}"


def _fresh() -> str:
    letters = (secrets.choice(typed_code.ALPHABET) for _place in range(LETTERS - 1))
    return typed_code.with_check("".join(letters))


def payload(site: str, card: Card) -> str:
    """What the QR code of a card says; the page takes it whole, in either field."""
    return f"ICT-BCP|code|{site}|{card.number}|{card.code}"


_WHOLE = re.compile(r"ICT-BCP\|code\|[^|]*\|(\d+)\|([^|\s]+)")
_NUMBER = re.compile(r"\d{1,9}")


def _apart(number: str, typed: str) -> tuple[str, str]:
    """Number and code; also when the whole QR text was pasted into one field."""
    for given in (typed, number):
        if (found := _WHOLE.search(given[:300])) is not None:
            return found[1], found[2]
    digits = _NUMBER.search(number[:40].translate(_WIDE))
    return (digits[0] if digits else ""), typed


_WIDE = str.maketrans("０１２３４５６７８９", "0123456789")


def _both(key: str) -> str:
    said = text(f"access.{key}")
    return f"{said.ja} / {said.en}"
