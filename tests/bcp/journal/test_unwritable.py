"""The log that cannot be written is a state: it says so, and goes on when the disk allows."""

from __future__ import annotations

import asyncio
import errno
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from bcp.journal import Entry, Journal
from bcp.kit.errors import Unwritable
from bcp.kit.units import to_us
from tests.bcp.journal.helpers import (
    OFFICER,
    DiskTrouble,
    create,
    fill,
    note,
    reopen,
)
from tests.fakes import START, ManualClock

WRITES = ["values", "store", "head"]
POINTS = [f"{write}:{when}" for write in WRITES for when in ("before", "after")]


def subjects(entries: tuple[Entry, ...]) -> list[str]:
    return [entry.subject for entry in entries if not entry.kind.startswith("log.")]


@pytest.mark.parametrize("point", POINTS)
async def test_a_write_that_fails_refuses_its_callers_and_is_made_good_later(
    tmp_path: Path, point: str
) -> None:
    clock, trouble = ManualClock(), DiskTrouble()
    folder = create(tmp_path, clock)
    async with reopen(folder, clock, fault=trouble) as journal:
        await journal.append(note("before"), op="0", actor=OFFICER)
        states = journal.size, journal.root, journal.state("count")
        trouble.arm(point)
        refused = await asyncio.gather(
            *(journal.append(note(f"s{n}", name="山田"), op=f"{n}", actor=OFFICER) for n in (1, 2)),
            return_exceptions=True,
        )
        assert {type(outcome) for outcome in refused} == {Unwritable}
        assert (journal.size, journal.root, journal.state("count")) == states
        during = journal.writable
        assert not during.ok
        assert during.reason == "disk_full"

        trouble.heal()
        await clock.advance(5)
        for number in (1, 2, 3):
            answer = await journal.append(
                note(f"s{number}", name="山田"), op=f"{number}", actor=OFFICER
            )
            assert await journal.reveal(answer.entries[0]) == {"name": "山田"}

        everything = await journal.read()
        assert sorted(subjects(everything)) == ["before", "s1", "s2", "s3"]
        assert journal.state("count") == journal.size == len(everything)
        assert [entry.kind for entry in everything].count("log.gap") == 1
        after = journal.writable
        assert after.ok
        assert (await journal.verify()).ok
    async with reopen(folder, clock) as journal:
        assert await journal.read() == everything


@pytest.mark.parametrize("point", POINTS)
async def test_dying_at_a_write_that_failed_loses_nothing_acknowledged(
    tmp_path: Path, point: str
) -> None:
    trouble = DiskTrouble()
    folder = create(tmp_path)
    async with reopen(folder, fault=trouble) as journal:
        made = await fill(journal, 3)
        trouble.arm(point)
        with pytest.raises(Unwritable):
            await journal.append(note("lost?", name="山田"), op="x", actor=OFFICER)
        shutil.copytree(folder, tmp_path / "dead")
        shutil.copytree(tmp_path / "log-head", tmp_path / "dead-head")

    async with reopen(tmp_path / "dead") as journal:
        entries = await journal.read(1)
        assert list(entries[:3]) == made
        again = await journal.append(note("lost?", name="山田"), op="x", actor=OFFICER)
        assert again.replayed == ("lost?" in subjects(entries))
        assert subjects(await journal.read()).count("lost?") == 1
        assert await journal.reveal(again.entries[0]) == {"name": "山田"}
        assert (await journal.verify()).ok


async def test_the_gap_is_recorded_before_what_waits(tmp_path: Path) -> None:
    clock, trouble = ManualClock(), DiskTrouble()
    folder = create(tmp_path, clock)
    async with reopen(folder, clock, fault=trouble) as journal:
        await clock.advance(60)
        trouble.arm("store:before")
        for number in range(3):
            with pytest.raises(Unwritable):
                await journal.append(note(), op=f"{number}", actor=OFFICER)
        state = journal.writable
        assert (state.ok, state.reason) == (False, "disk_full")
        assert state.since == START + timedelta(seconds=60)

        trouble.heal()
        await clock.advance(30)
        await journal.append(note("waiting"), op="w", actor=OFFICER)

        gap, waiting = (await journal.read(1))[-2:]
        assert (gap.kind, waiting.subject) == ("log.gap", "waiting")
        assert gap.detail == {
            "from_us": to_us(START + timedelta(seconds=60)),
            "to_us": to_us(START + timedelta(seconds=90)),
            "reason": "disk_full",
            "refused": 3,
        }
        assert journal.writable.since == START + timedelta(seconds=90)


async def test_while_unwritable_the_disk_is_tried_at_most_once_a_second(tmp_path: Path) -> None:
    clock, trouble = ManualClock(), DiskTrouble()
    folder = create(tmp_path, clock)
    async with reopen(folder, clock, fault=trouble) as journal:
        trouble.arm("store:before")
        with pytest.raises(Unwritable):
            await journal.append(note(), op="0", actor=OFFICER)
        tried = len(trouble.seen)
        for number in range(20):
            with pytest.raises(Unwritable):
                await journal.append(note(), op=f"{number}", actor=OFFICER)
        assert len(trouble.seen) == tried

        await clock.advance(1)
        assert not (await journal.probe()).ok
        assert len(trouble.seen) == tried + 1


async def test_a_probe_finds_the_healed_disk_without_anybody_waiting(tmp_path: Path) -> None:
    clock, trouble = ManualClock(), DiskTrouble()
    folder = create(tmp_path, clock)
    async with reopen(folder, clock, fault=trouble) as journal:
        trouble.arm("head:before", number=errno.EROFS)
        with pytest.raises(Unwritable):
            await journal.append(note("kept"), op="0", actor=OFFICER)
        assert journal.writable.reason == "read_only"
        trouble.heal()
        await clock.advance(1)

        assert (await journal.probe()).ok

        assert [e.kind for e in await journal.read(1)] == ["test.note", "log.gap"]
        assert (await journal.append(note("kept"), op="0", actor=OFFICER)).replayed


async def test_a_restart_in_the_middle_does_not_forget_the_gap(tmp_path: Path) -> None:
    clock, trouble = ManualClock(), DiskTrouble()
    folder = create(tmp_path, clock)
    async with reopen(folder, clock, fault=trouble) as journal:
        trouble.arm("store:before")
        with pytest.raises(Unwritable):
            await journal.append(note(), op="0", actor=OFFICER)

    await clock.advance(3600)
    async with reopen(folder, clock) as journal:
        await journal.append(note("after"), op="1", actor=OFFICER)
        gap, after = await journal.read(1)
        assert gap.detail["to_us"] - gap.detail["from_us"] == 3600_000_000
        assert after.subject == "after"
    async with reopen(folder, clock) as journal:
        await journal.append(note("later"), op="2", actor=OFFICER)
        assert [e.kind for e in await journal.read(1)].count("log.gap") == 1


async def test_reading_goes_on_while_nothing_can_be_written(tmp_path: Path) -> None:
    trouble = DiskTrouble()
    folder = create(tmp_path)
    async with reopen(folder, fault=trouble) as journal:
        made = await fill(journal, 3)
        trouble.arm("values:before", "store:before", "head:before", "checkpoint:before")
        with pytest.raises(Unwritable):
            await journal.append(note(), op="x", actor=OFFICER)

        assert await journal.read(1) == tuple(made)
        assert (await journal.verify()).ok
        with pytest.raises(Unwritable):
            await journal.checkpoint()


async def test_reading_goes_on_while_attempts_to_write_fail_one_after_another(
    tmp_path: Path,
) -> None:
    clock, trouble = ManualClock(), DiskTrouble()
    folder = create(tmp_path, clock)
    async with reopen(folder, clock, fault=trouble) as journal:
        made = (await journal.append(note(name="山田"), op="a", actor=OFFICER)).entries
        trouble.arm("store:before")
        for number in range(3):
            with pytest.raises(Unwritable):
                await journal.append(note(), op=f"{number}", actor=OFFICER)
            await clock.advance(2)
            assert await journal.read(1) == made
            assert await journal.reveal(made[0]) == {"name": "山田"}


async def test_the_answer_says_it_in_both_languages_and_what_to_do(tmp_path: Path) -> None:
    trouble = DiskTrouble()
    folder = create(tmp_path)
    async with reopen(folder, fault=trouble) as journal:
        trouble.arm("store:before")
        for op in ("first", "second"):
            with pytest.raises(Unwritable) as caught:
                await journal.append(note(), op=op, actor=OFFICER)
            assert "cannot" in str(caught.value)
            assert caught.value.next_step
        assert "記録できていません" in str(caught.value)


async def test_a_store_swapped_while_unwritable_is_not_written_to(tmp_path: Path) -> None:
    clock, trouble = ManualClock(), DiskTrouble()
    folder = create(tmp_path, clock)
    shutil.copytree(folder, tmp_path / "old")
    async with reopen(folder, clock, fault=trouble) as journal:
        await fill(journal, 3)
        trouble.arm("store:before")
        with pytest.raises(Unwritable):
            await journal.append(note(), op="x", actor=OFFICER)
        for path in folder.glob("log.sqlite3*"):
            path.unlink()
        shutil.copy(tmp_path / "old" / "log.sqlite3", folder)
        trouble.heal()
        await clock.advance(2)

        with pytest.raises(Unwritable, match="入れ替わって"):
            await journal.append(note(), op="y", actor=OFFICER)
        assert journal.size == 4


async def _trouble_once(journal: Journal, trouble: DiskTrouble, point: str) -> None:
    trouble.arm(point, times=1)
    with pytest.raises(Unwritable):
        await journal.append(note(), op=point, actor=OFFICER)
    trouble.heal()


async def test_one_trouble_after_another_gives_one_gap_each(tmp_path: Path) -> None:
    clock, trouble = ManualClock(), DiskTrouble()
    folder = create(tmp_path, clock)
    async with reopen(folder, clock, fault=trouble) as journal:
        for point in POINTS:
            if point.startswith("values"):
                continue
            await _trouble_once(journal, trouble, point)
            await clock.advance(2)
            await journal.append(note(), op=f"good {point}".replace(" ", "-"), actor=OFFICER)

        kinds = [entry.kind for entry in await journal.read()]
        assert kinds.count("log.gap") == 4
        assert (await journal.verify()).ok
    async with reopen(folder, clock) as journal:
        assert journal.size == len(kinds)
