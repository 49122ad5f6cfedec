"""No account is ever locked by us: what is held back after a refusal, and after silence."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bcp.kit.workers import Workers
from bcp.watch.logins import Account, Logins

ABE, BABA = Account("ldap", "ad", 389, "abe"), Account("ldap", "ad", 389, "baba")
OLD, NEW = (1, 2, 3), (2, 2, 3)


def test_a_refused_login_waits_for_another_password_and_for_nothing_else() -> None:
    logins = Logins()
    logins.refused(ABE, OLD)

    assert logins.held(ABE, OLD, 1e9) == "refused"
    assert logins.held(ABE, NEW, 1.0) is None
    assert logins.held(BABA, OLD, 1.0) is None
    logins.accepted(ABE)
    assert logins.held(ABE, OLD, 2.0) is None


def test_three_silent_ones_are_followed_by_one_every_ten_minutes() -> None:
    logins = Logins()
    for at in (0.0, 60.0, 120.0):
        assert logins.held(ABE, OLD, at) is None
        logins.unanswered(ABE, OLD, at)

    assert logins.held(ABE, OLD, 180.0) == "unanswered"
    assert logins.held(ABE, OLD, 721.0) is None
    logins.unanswered(ABE, OLD, 721.0)
    assert logins.held(ABE, OLD, 800.0) == "unanswered"


@given(st.lists(st.sampled_from(["refuse", "silence", "change"]), max_size=30))
def test_one_password_is_never_shown_twice_after_a_refusal(story: list[str]) -> None:
    logins, stamp, refused, now = Logins(), 0, set[int](), 0.0
    for what in story:
        now += 3600
        if what == "change":
            stamp += 1
        elif logins.held(ABE, (stamp,), now) is None:
            assert stamp not in refused
            if what == "refuse":
                logins.refused(ABE, (stamp,))
                refused.add(stamp)
            else:
                logins.unanswered(ABE, (stamp,), now)


async def test_checks_of_one_account_take_turns() -> None:
    logins, inside, most = Logins(), 0, 0

    async def one(account: Account) -> None:
        nonlocal inside, most
        async with logins.turn(account):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(one(ABE) for _turn in range(20)))

    assert most == 1
    assert logins.turn(ABE) is not logins.turn(BABA)


async def test_a_daemon_that_starts_anew_shows_no_refused_password_again(tmp_path: Path) -> None:
    file, workers = tmp_path / "logins.json", Workers(2)
    logins = Logins.open(file, workers)
    logins.refused(ABE, OLD)
    logins.refused(BABA, OLD)
    await logins.keep()
    assert file.stat().st_mode & 0o777 == 0o600
    assert "abe" not in file.read_text()

    again = Logins.open(file, workers)
    assert again.held(ABE, OLD, 0.0) == "refused"
    assert again.held(ABE, NEW, 0.0) is None, "another password may be tried"
    again.accepted(ABE)
    await again.keep()
    assert Logins.open(file, workers).held(ABE, OLD, 0.0) is None
    assert Logins.open(file, workers).held(BABA, OLD, 0.0) == "refused"

    for damaged in (b"", b"{", b"[]", b'{"a": 1}', b'{"a": ["x"]}'):
        file.write_bytes(damaged)
        assert Logins.open(file, workers).held(BABA, OLD, 0.0) is None
    nowhere = Logins.open(tmp_path / "gone" / "logins.json", workers)
    nowhere.refused(ABE, OLD)
    await nowhere.keep()
    assert nowhere.held(ABE, OLD, 0.0) == "refused", "in memory at least"
    workers.close()
