"""Signing in: sessions, throttling, accounts. Time is a manual clock's, passwords hash cheaply."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from bcp.kit.errors import Refused, Unwritable, UsageError
from bcp.kit.workers import Workers
from bcp.service.access.accounts import Accounts
from bcp.service.access.identity import TooFast
from bcp.service.access.passwords import Passwords
from bcp.service.access.roles import Permission, Role
from bcp.service.access.store import AccessStore
from bcp.service.access.throttle import Throttle
from tests.fakes import ManualClock

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
GOOD, ELSEWHERE = "a long enough passphrase", "192.0.2.7"


class Desk:
    """Accounts over a file, and what was offered to the log."""

    def __init__(self, path: Path) -> None:
        self.path, self.clock, self.workers = path, ManualClock(), Workers(2)
        self.recorded: list[tuple[str, str, Mapping[str, int | str]]] = []
        self.full = False

    async def record(
        self, kind: str, subject: str, detail: Mapping[str, int | str], _values: Mapping[str, str]
    ) -> None:
        if self.full:
            raise Unwritable("disk full")
        self.recorded.append((kind, subject, detail))

    async def open(self) -> Accounts:
        passwords = Passwords(self.workers, CHEAP)
        store = AccessStore(self.path)
        return await Accounts.open(
            store, self.workers, self.clock, record=self.record, passwords=passwords
        )


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(tmp_path / "access.sqlite")
    yield made
    made.workers.close()


async def with_hanako(desk: Desk) -> Accounts:
    accounts = await desk.open()
    await accounts.add("hanako", "職員 花子", [Role.STAFF], GOOD)
    return accounts


async def test_a_right_password_opens_a_session_and_the_log_hears_of_it(desk: Desk) -> None:
    accounts = await with_hanako(desk)
    signed = await accounts.sign_in(" Hanako ", GOOD, ELSEWHERE)
    assert signed is not None
    assert signed.identity.may(Permission.STEP)
    assert not signed.identity.may(Permission.COMMAND)
    assert [kind for kind, _subject, _detail in desk.recorded] == [
        "account.added",
        "session.opened",
    ]
    assert desk.recorded[1][1] == signed.identity.id
    assert signed.identity.id.startswith("u-")


async def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(desk: Desk) -> None:
    accounts = await with_hanako(desk)
    assert await accounts.sign_in("hanako", "wrong", ELSEWHERE) is None
    assert await accounts.sign_in("nobody", "wrong", ELSEWHERE) is None


async def test_a_session_survives_a_restart_and_the_file_holds_no_token(desk: Desk) -> None:
    accounts = await with_hanako(desk)
    signed = await accounts.sign_in("hanako", GOOD, ELSEWHERE)
    assert signed is not None
    again = await desk.open()
    found = await again.identify(signed.token)
    assert found is not None
    assert found.csrf == signed.identity.csrf
    assert signed.token.encode() not in desk.path.read_bytes()


async def test_a_session_slides_and_ends_twelve_hours_after_its_last_use(desk: Desk) -> None:
    accounts = await with_hanako(desk)
    signed = await accounts.sign_in("hanako", GOOD, ELSEWHERE)
    assert signed is not None
    for _ in range(3):
        await desk.clock.advance(11 * 3600)
        assert await accounts.identify(signed.token) is not None
    await desk.clock.advance(12 * 3600 + 1)
    assert await accounts.identify(signed.token) is None


async def test_signing_out_ends_the_session_for_good(desk: Desk) -> None:
    accounts = await with_hanako(desk)
    signed = await accounts.sign_in("hanako", GOOD, ELSEWHERE)
    assert signed is not None
    await accounts.sign_out(signed.identity.digest)
    assert await accounts.identify(signed.token) is None
    assert await (await desk.open()).identify(signed.token) is None


async def test_a_disabled_account_is_out_at_once(desk: Desk) -> None:
    accounts = await with_hanako(desk)
    signed = await accounts.sign_in("hanako", GOOD, ELSEWHERE)
    assert signed is not None
    await accounts.disable("hanako")
    assert await accounts.identify(signed.token) is None
    assert await accounts.sign_in("hanako", GOOD, ELSEWHERE) is None
    await accounts.disable("hanako", disabled=False)
    assert await accounts.sign_in("hanako", GOOD, ELSEWHERE) is not None


async def test_an_unwritable_log_does_not_keep_the_staff_out_nor_a_thief_in(desk: Desk) -> None:
    accounts = await with_hanako(desk)
    desk.full = True
    signed = await accounts.sign_in("hanako", GOOD, ELSEWHERE)
    assert signed is not None
    with pytest.raises(Unwritable):
        await accounts.add("taro", "太郎", [Role.VIEWER], GOOD)
    with pytest.raises(Unwritable):
        await accounts.disable("hanako")
    assert await accounts.identify(signed.token) is None


async def test_changing_the_password_ends_the_other_sessions_only(desk: Desk) -> None:
    accounts = await with_hanako(desk)
    here = await accounts.sign_in("hanako", GOOD, ELSEWHERE)
    there = await accounts.sign_in("hanako", GOOD, "192.0.2.8")
    assert here is not None
    assert there is not None
    assert here.identity.must_change
    with pytest.raises(Refused):
        await accounts.change_own_password(here.identity, "wrong", "another long one", ELSEWHERE)
    await accounts.change_own_password(here.identity, GOOD, "another long one", ELSEWHERE)
    found = await accounts.identify(here.token)
    assert found is not None
    assert not found.must_change
    assert await accounts.identify(there.token) is None


@pytest.mark.parametrize("login", ["", "Ünicode", "a" * 33, "two words", "../x"])
async def test_an_unfit_login_name_is_refused(desk: Desk, login: str) -> None:
    accounts = await desk.open()
    with pytest.raises(UsageError):
        await accounts.add(login, "x", [Role.VIEWER], GOOD)


async def test_a_taken_name_and_a_short_password_are_refused(desk: Desk) -> None:
    accounts = await with_hanako(desk)
    with pytest.raises(UsageError):
        await accounts.add("hanako", "x", [Role.VIEWER], GOOD)
    with pytest.raises(UsageError):
        await accounts.add("taro", "x", [Role.VIEWER], "short")


async def test_a_full_width_password_is_the_same_password(desk: Desk) -> None:
    accounts = await desk.open()
    await accounts.add("taro", "太郎", [Role.VIEWER], "ｐａｓｓｗｏｒｄ１２３")
    assert await accounts.sign_in("taro", "password123", ELSEWHERE) is not None


async def test_guessing_becomes_slow_and_never_locks_out(desk: Desk) -> None:
    accounts = await with_hanako(desk)
    for _ in range(5):
        assert await accounts.sign_in("hanako", "wrong", ELSEWHERE) is None
    with pytest.raises(TooFast) as caught:
        await accounts.sign_in("hanako", GOOD, ELSEWHERE)
    assert 1 <= caught.value.seconds <= 60
    await desk.clock.advance(caught.value.seconds + 1)
    assert await accounts.sign_in("hanako", GOOD, ELSEWHERE) is not None


def test_a_stranger_who_guesses_all_day_does_not_keep_the_commander_out() -> None:
    throttle = Throttle()
    throttle.succeeded("commander", "10.0.0.5")
    for second in range(1000):
        throttle.failed("commander", f"198.51.100.{second % 250}", float(second))
    assert throttle.wait("commander", "10.0.0.5", 1000.0) == 0
    assert 0 < throttle.wait("commander", "203.0.113.1", 1000.0) <= 60


def test_no_wait_is_longer_than_a_minute_and_all_are_forgotten_after_a_quarter_of_an_hour() -> None:
    throttle = Throttle()
    for second in range(500):
        throttle.failed("a", "b", float(second))
    assert throttle.wait("a", "b", 500.0) <= 60
    assert throttle.wait("a", "b", 500.0 + 901) == 0


def test_unknown_names_are_throttled_like_known_ones() -> None:
    known, unknown = Throttle(), Throttle()
    for second in range(8):
        known.failed("hanako", "a", float(second))
        unknown.failed("nobody", "a", float(second))
    assert known.wait("hanako", "a", 8.0) == unknown.wait("nobody", "a", 8.0) > 0


async def test_a_huge_password_of_piled_up_accents_is_refused_at_once(desk: Desk) -> None:
    accounts = await with_hanako(desk)
    piled = "a" + "\u0301\u0323" * 200_000  # NFKC would take minutes: the suite would end it
    assert await accounts.sign_in("hanako", piled, ELSEWHERE) is None
    with pytest.raises(UsageError):
        await accounts.set_password("hanako", piled)
