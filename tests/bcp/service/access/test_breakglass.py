"""Sealed codes: one person, once, by name; loud, throttled, never stored; a full disk keeps nobody out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from bcp.journal.entry import NewEntry
from bcp.kit import typed_code
from bcp.kit.errors import Refused, Unwritable, UsageError
from bcp.service.access.accounts import Accounts
from bcp.service.access.breakglass import Card, Codes, payload
from bcp.service.access.identity import TooFast
from bcp.service.access.passwords import Passwords
from bcp.service.access.roles import Permission
from bcp.service.access.store import AccessStore, Code
from tests.bcp.service.access.test_accounts import CHEAP, ELSEWHERE, GOOD, Desk


@dataclass
class Door:
    """Accounts and codes over one file, and everything they said."""

    desk: Desk
    store: AccessStore
    accounts: Accounts
    codes: Codes
    logged: list[NewEntry] = field(default_factory=list)
    alarms: list[Code] = field(default_factory=list)
    full: bool = False
    on_log: Callable[[], None] = lambda: None

    @classmethod
    async def open(cls, path: Path) -> Door:
        desk = Desk(path)
        store, passwords = AccessStore(path), Passwords(desk.workers, CHEAP)
        accounts = await Accounts.open(
            store, desk.workers, desk.clock, record=desk.record, passwords=passwords
        )
        made = cls(desk, store, accounts, None)  # type: ignore[arg-type]

        async def log(new: NewEntry, op: str) -> None:
            if made.full:
                raise Unwritable("disk full")
            made.logged.append(new)
            made.on_log()

        made.codes = await Codes.open(
            store,
            accounts,
            desk.workers,
            desk.clock,
            log=log,
            alarm=made.alarms.append,
            passwords=passwords,
        )
        return made

    async def envelope(self, count: int = 2, **more: bool) -> tuple[Card, ...]:
        return await self.codes.issue("east", count, edition="第1版", op="op", by="uid:0", **more)

    def kinds(self) -> list[str]:
        return [entry.kind for entry in self.logged]


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    made = await Door.open(tmp_path / "access.sqlite")
    yield made
    made.store.close()
    made.desk.workers.close()


async def test_a_code_opens_a_named_session_of_staff_that_the_log_and_an_alarm_tell_of(
    door: Door,
) -> None:
    card = (await door.envelope())[0]
    signed = await door.codes.enter(str(card.number), card.code.lower(), " 応援 花子 ", ELSEWHERE)
    assert signed is not None
    assert signed.identity.name == "応援 花子"
    assert signed.identity.may(Permission.STEP)
    assert signed.identity.may(Permission.DECLARE)
    assert not signed.identity.may(Permission.COMMAND)
    assert not signed.identity.may(Permission.READ_FINDINGS)
    assert door.kinds() == ["breakglass.issued", "breakglass.opened"]
    opened = door.logged[-1]
    assert opened.values == {"name": "応援 花子"}
    assert "花子" not in str(opened.detail)
    assert [code.number for code in door.alarms] == [card.number]
    assert [one.number for one in door.codes.owed()] == [card.number]


async def test_a_card_works_once_and_the_next_one_is_named(door: Door) -> None:
    first, second = await door.envelope()
    assert await door.codes.enter(str(first.number), first.code, "甲", ELSEWHERE)
    with pytest.raises(Refused, match="使用済み") as refused:
        await door.codes.enter(str(first.number), first.code, "乙", ELSEWHERE)
    assert "次のカード" in str(refused.value.next_step)
    assert await door.codes.enter(str(second.number), second.code, "乙", ELSEWHERE)


async def test_no_code_stands_in_the_file_and_a_copy_of_it_opens_nothing(
    door: Door, tmp_path: Path
) -> None:
    cards = await door.envelope()
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for card in cards:
        assert card.code.encode() not in written
    assert all(code.hash.startswith("$argon2id$") for code in door.store.codes())


async def test_the_code_is_read_as_a_tired_hand_types_it_and_as_the_qr_code_says_it(
    door: Door,
) -> None:
    first, second = await door.envelope()
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in typed_code.grouped(first.code))
    number = "".join(chr(ord(digit) + 0xFEE0) for digit in str(first.number))
    assert await door.codes.enter(number, wide, "甲", ELSEWHERE)
    assert await door.codes.enter("", payload("east", second), "乙", ELSEWHERE)


async def test_wrong_codes_are_slowed_down_and_say_nothing_of_what_exists(door: Door) -> None:
    card = (await door.envelope())[0]
    for number in [str(card.number)] * 5 + ["9999"]:
        assert await door.codes.enter(number, "AAAA-AAAA-AAAA", "甲", ELSEWHERE) is None
    with pytest.raises(TooFast):
        await door.codes.enter(str(card.number), card.code, "甲", ELSEWHERE)
    await door.desk.clock.advance(61)
    assert await door.codes.enter(str(card.number), card.code, "甲", ELSEWHERE)


async def test_nobody_enters_without_a_name(door: Door) -> None:
    card = (await door.envelope())[0]
    with pytest.raises(UsageError, match="氏名"):
        await door.codes.enter(str(card.number), card.code, "　 ", ELSEWHERE)


async def test_the_session_ends_after_its_hours_whatever_the_wall_clock_does(door: Door) -> None:
    card = (await door.envelope())[0]
    signed = await door.codes.enter(str(card.number), card.code, "甲", ELSEWHERE)
    assert signed is not None
    door.desk.clock.step_wall(timedelta(days=2000))  # the battery of the clock was dead
    assert await door.accounts.identify(signed.token) is not None
    for _day in range(7):
        await door.desk.clock.advance(10 * 3600)
        assert await door.accounts.identify(signed.token) is not None
    await door.desk.clock.advance(3 * 3600)
    assert await door.accounts.identify(signed.token) is None


async def test_a_passphrase_of_ones_own_lets_one_in_again_until_the_end(door: Door) -> None:
    card = (await door.envelope())[0]
    assert await door.codes.enter(str(card.number), card.code, "甲", ELSEWHERE, GOOD)
    login = f"code-{card.number}"
    assert await door.accounts.sign_in(login, GOOD, ELSEWHERE)
    await door.desk.clock.advance(73 * 3600)
    assert await door.accounts.sign_in(login, GOOD, ELSEWHERE) is None


async def test_a_full_disk_keeps_nobody_out(door: Door) -> None:
    card = (await door.envelope())[0]
    door.full = True
    door.store._db.execute("PRAGMA query_only=ON")  # no file takes writing any more
    signed = await door.codes.enter(str(card.number), card.code, "甲", ELSEWHERE)
    assert signed is not None
    with pytest.raises(Refused):
        await door.codes.enter(str(card.number), card.code, "乙", ELSEWHERE)
    assert "breakglass.opened" not in door.kinds()


async def test_an_opening_during_a_full_disk_is_told_when_there_is_room(
    door: Door, tmp_path: Path
) -> None:
    card = (await door.envelope())[0]
    door.full = True
    assert await door.codes.enter(str(card.number), card.code, "甲", ELSEWHERE)
    door.full = False
    told = asyncio.Event()
    door.on_log = told.set
    task = asyncio.get_running_loop().create_task(door.codes.settle())
    await door.desk.clock.advance(6)
    await told.wait()
    task.cancel()
    assert "breakglass.opened" in door.kinds()


async def test_what_was_used_stays_used_after_a_restart(door: Door, tmp_path: Path) -> None:
    first, second = await door.envelope()
    signed = await door.codes.enter(str(first.number), first.code, "甲", ELSEWHERE)
    assert signed is not None
    again = await Door.open(tmp_path / "access.sqlite")
    try:
        with pytest.raises(Refused):
            await again.codes.enter(str(first.number), first.code, "乙", ELSEWHERE)
        assert await again.codes.enter(str(second.number), second.code, "乙", ELSEWHERE)
        found = await again.accounts.identify(signed.token)
        assert found is not None
        assert found.limit is not None
        assert found.limit.sites == ("east",)
    finally:
        again.store.close()
        again.desk.workers.close()


async def test_a_new_envelope_voids_the_old_one_and_settles_what_was_used(door: Door) -> None:
    first, second = await door.envelope()
    assert await door.codes.enter(str(first.number), first.code, "甲", ELSEWHERE)
    with pytest.raises(Refused, match="作業中"):
        await door.envelope()
    more = await door.envelope(keep=True)
    assert more[0].number > second.number
    await door.codes.revoke([first.number], by="uid:0")
    assert [one.number for one in door.codes.owed()] == [first.number]  # a new envelope is owed
    await door.envelope()
    assert door.codes.owed() == ()
    states = {one.number: one.state for one in door.codes.all()}
    assert states[first.number] == "rotated"
    assert states[second.number] == states[more[0].number] == "revoked"
    with pytest.raises(Refused, match="無効"):
        await door.codes.enter(str(second.number), second.code, "乙", ELSEWHERE)


async def test_revoking_ends_the_session_at_once(door: Door) -> None:
    card = (await door.envelope())[0]
    signed = await door.codes.enter(str(card.number), card.code, "甲", ELSEWHERE)
    assert signed is not None
    await door.codes.revoke([card.number], by="u-1")
    assert await door.accounts.identify(signed.token) is None
    with pytest.raises(UsageError, match="ありません"):
        await door.codes.revoke([1], by="u-1")


@pytest.mark.parametrize("count", [0, 41])
async def test_an_envelope_holds_a_sensible_number_of_cards(door: Door, count: int) -> None:
    with pytest.raises(UsageError):
        await door.envelope(count)
