"""Announcements: in the log first, then public; what is public is what the log says, after any kill."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bcp.journal.entry import Actor
from bcp.journal.journal import Journal
from bcp.kit.clock import SystemClock
from bcp.kit.errors import Refused, Unwritable, UsageError
from bcp.kit.workers import Workers
from bcp.service import announcing
from bcp.service.announced import current, noticed
from bcp.service.announcing import Draft, approve, withdraw
from bcp.service.pages.status import mirror_page
from bcp.service.sections import Mirror
from bcp.service.showing import Mirrors, Shown, keep, pending, public, publish, show
from bcp.service.showing import published as all_published
from runbooks.notices.state import FOLD, FOLD_NAME
from runbooks.notices.template import Template
from tests.bcp.journal.helpers import DiskTrouble
from tests.bcp.journal.helpers import fresh as fresh_journal
from tests.bcp.journal.helpers import reopen as reopen_journal
from tests.fakes import ManualClock
from tests.runbooks.world import a_city

WHO = Actor("u-1", "commander")
TEXT = Draft(
    "窓口の再開",
    "9時に開けます。\n\n<b>証明書</b>も出せます。",
    easy="9じに あきます。",
    alone="夜間で一人",
)


FOLDS = {FOLD_NAME: FOLD}


def fresh(folder: Path, clock: ManualClock, **more: Any) -> Journal:
    return fresh_journal(folder, clock, folds=FOLDS, **more)


def reopen(folder: Path, clock: ManualClock) -> Journal:
    return reopen_journal(folder, clock, folds=FOLDS)


def published(place: Path) -> tuple[Shown, ...]:
    """What stands on the page."""
    return tuple(one for one in all_published(place) if one.state == "standing")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "status"


async def test_the_page_shows_what_was_approved_with_the_time_of_the_entry(
    tmp_path: Path, place: Path
) -> None:
    clock, workers = ManualClock(), Workers(2)
    async with fresh(tmp_path / "log", clock) as journal:
        promised = clock.utc() + timedelta(hours=3)
        draft = Draft(TEXT.title, TEXT.body, next_update=promised, alone="夜間で一人")
        id = await approve(journal, clock, draft, actor=WHO, op="1")
        assert published(place) == ()
        await publish(journal, place, workers)
        (shown,) = published(place)
        entry = (await journal.read(kind="announcement."))[0]
        assert (shown.id, shown.approved_at, shown.next_update) == (id, entry.recorded_at, promised)
        assert TEXT.title not in json.dumps(entry.detail, ensure_ascii=False)
        assert "title" in entry.commitments


async def test_killed_between_entry_and_file_the_text_is_shown_after_the_next_start(
    tmp_path: Path, place: Path
) -> None:
    clock, workers = ManualClock(), Workers(2)
    async with fresh(tmp_path / "log", clock) as journal:
        await approve(journal, clock, TEXT, actor=WHO, op="1")
    # killed here: durable, and no file
    async with again(tmp_path / "log", clock) as journal:
        assert await pending(journal, place, workers)
        await publish(journal, place, workers)
        assert [one.title for one in published(place)] == [TEXT.title]
        assert not await pending(journal, place, workers)


async def test_killed_between_withdrawal_and_file_the_text_goes_after_the_next_start(
    tmp_path: Path, place: Path
) -> None:
    clock, workers = ManualClock(), Workers(2)
    async with fresh(tmp_path / "log", clock) as journal:
        id = await approve(journal, clock, TEXT, actor=WHO, op="1")
        await publish(journal, place, workers)
        await withdraw(journal, clock, id, actor=WHO, op="2")
        assert published(place)
    async with again(tmp_path / "log", clock) as journal:
        await publish(journal, place, workers)
        assert published(place) == ()


async def test_a_lost_folder_comes_back_and_a_forged_text_goes(tmp_path: Path, place: Path) -> None:
    clock, workers = ManualClock(), Workers(2)
    async with fresh(tmp_path / "log", clock) as journal:
        await approve(journal, clock, TEXT, actor=WHO, op="1")
        await publish(journal, place, workers)
        (good,) = place.glob("*.json")
        shutil.rmtree(place)
        await publish(journal, place, workers)
        (place / "a-0000000000.json").write_bytes(good.read_bytes())
        (place / ".a-1.json.x.tmp").write_bytes(b"{")
        good.write_text('{"title": "偽"}')
        (place / "keep.txt").write_text("not ours")
        await publish(journal, place, workers)
        assert sorted(path.name for path in place.iterdir()) == sorted([good.name, "keep.txt"])
        assert [one.title for one in published(place)] == [TEXT.title]


async def test_what_cannot_be_recorded_is_never_shown(tmp_path: Path, place: Path) -> None:
    clock, workers, disk = ManualClock(), Workers(2), DiskTrouble()
    async with fresh(tmp_path / "log", clock, fault=disk) as journal:
        disk.arm("store:before")
        with pytest.raises(Unwritable):
            await approve(journal, clock, TEXT, actor=WHO, op="1")
        await publish(journal, place, workers)
        assert published(place) == ()


async def test_a_folder_that_takes_no_writing_does_not_undo_what_was_decided(
    tmp_path: Path, place: Path
) -> None:
    clock, workers = ManualClock(), Workers(2)
    async with fresh(tmp_path / "log", clock) as journal:
        await approve(journal, clock, TEXT, actor=WHO, op="1")
        place.write_text("a file where the folder should be")
        assert not await show(journal, place, workers)
        place.unlink()
        assert await show(journal, place, workers)


async def test_an_update_takes_the_place_of_the_old_one_at_once(
    tmp_path: Path, place: Path
) -> None:
    clock, workers = ManualClock(), Workers(2)
    async with fresh(tmp_path / "log", clock) as journal:
        id = await approve(journal, clock, TEXT, actor=WHO, op="1")
        newer = Draft(
            "窓口は15時から", "遅れます。", replaces=id, alone="一人", correction="9時は誤り"
        )
        await approve(journal, clock, newer, actor=WHO, op="2")
        await approve(journal, clock, newer, actor=WHO, op="2")  # the button pressed twice
        await publish(journal, place, workers)
        assert [one.title for one in published(place)] == ["窓口は15時から"]
        before = next(one for one in all_published(place) if one.id == id)
        assert (before.state, before.title) == ("replaced", TEXT.title), "visible as what it was"
        with pytest.raises(Refused):
            await withdraw(journal, clock, id, actor=WHO, op="3")


async def test_an_erased_text_is_not_shown_any_more(tmp_path: Path, place: Path) -> None:
    clock = ManualClock()
    async with fresh(tmp_path / "log", clock) as journal:
        await approve(journal, clock, TEXT, actor=WHO, op="1")
        (entry,) = await journal.read(kind="announcement.")
        await journal.erase(entry, ["title", "body", "easy"], op="e", actor=WHO)
        assert await current(journal) == ()


@pytest.mark.parametrize(
    "draft",
    [
        Draft("", "本文"),
        Draft("題", " "),
        Draft("題" * 121, "本文"),
        Draft("題", "本" * 2001),
        Draft("題", "本文", title_en="only a title"),
        Draft("題", "本文", next_update=SystemClock().utc() - timedelta(days=1)),
    ],
)
def test_a_text_that_cannot_be_shown_is_refused(draft: Draft) -> None:
    with pytest.raises(UsageError):
        draft.check(SystemClock().utc())


async def test_keeping_makes_good_whatever_differs(tmp_path: Path, place: Path) -> None:
    clock, workers = ManualClock(), Workers(2)
    async with fresh(tmp_path / "log", clock) as journal:
        await approve(journal, clock, TEXT, actor=WHO, op="1")
        task = asyncio.create_task(keep(journal, place, workers, clock))
        while not published(place):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        shutil.rmtree(place)
        while not published(place):
            await clock.advance(31)
            await asyncio.sleep(0.01)
        assert not task.done(), "it goes on keeping"
        task.cancel()


def again(folder: Path, clock: ManualClock) -> Journal:
    return reopen(folder / "log", clock)


async def test_the_writer_alone_needs_a_reason_and_another_person_none(tmp_path: Path) -> None:
    clock = ManualClock()
    async with fresh(tmp_path / "log", clock) as journal:
        text = Draft("窓口の再開", "9時に開けます。")
        with pytest.raises(UsageError):
            await approve(journal, clock, text, actor=WHO, op="1")
        id = await announcing.draft(journal, clock, text, actor=WHO, op="2")
        assert await current(journal) == ()
        with pytest.raises(UsageError):
            await announcing.approve_draft(journal, clock, id, actor=WHO, op="3")
        other = Actor("u-2", "commander")
        await announcing.approve_draft(journal, clock, id, actor=other, op="4")
        await announcing.approve_draft(journal, clock, id, actor=other, op="4")
        (one,) = await current(journal)
        assert (one.id, one.notice.alone) == (id, False)


async def test_a_template_is_filled_only_while_its_words_are_approved(tmp_path: Path) -> None:
    clock, city = ManualClock(), a_city()
    down = Template(
        id="down",
        audiences=("residents",),
        title="{service}を止めています",
        body="{time}からです。",
        easy="{service}が できません。{time}からです。",
        title_en="{service}",
        body_en="Since {time}.",
        radio="{service}は、いま、できません。",
    )
    given = {"service": "住民票の交付", "time": "14:30"}
    async with fresh(tmp_path / "log", clock) as journal:

        async def say(template: Template, values: dict[str, str], op: str) -> None:
            await announcing.publish_template(
                journal, clock, template, values, city, Draft("-", "-"), actor=WHO, op=op
            )

        with pytest.raises(Refused):
            await say(down, given, "1")
        await announcing.approve_template(journal, clock, down, actor=WHO, op="2")
        for bad in ({**given, "service": "好きな言葉"}, {**given, "time": "たぶん"}, {}):
            with pytest.raises(UsageError):
                await say(down, bad, "3")
        await say(down, given, "4")
        assert [one.title for one in await current(journal)] == ["住民票の交付を止めています"]
        changed = down.model_copy(update={"body": "{time}からです。すみません。"})
        with pytest.raises(Refused):
            await say(changed, given, "5")


async def test_a_second_place_is_written_whole_and_its_failure_is_a_state(tmp_path: Path) -> None:
    clock, workers, out = ManualClock(), Workers(2), tmp_path / "out"
    city = a_city().organization
    async with fresh(tmp_path / "log", clock) as journal:
        id = await approve(journal, clock, TEXT, actor=WHO, op="1")
        mirror = Mirror(id="usb", folder=str(out), marker="mounted")
        mirrors = Mirrors(clock, workers, mirror_page)
        await mirrors.write((mirror,), await public(journal), city)
        assert mirrors.states((mirror,))["usb"].ok is False
        assert not out.exists(), "a mount that is not there is no empty folder"
        out.mkdir()
        (out / "mounted").touch()
        await mirrors.write((mirror,), await public(journal), city)
        page = (out / "index.html").read_text()
        assert "窓口の再開" in page
        assert "&lt;b&gt;証明書" in page
        assert "http" not in page
        good = mirrors.states((mirror,))["usb"].good_at
        await withdraw(journal, clock, id, actor=WHO, op="2", reason="誤って出した")
        (out / "index.html").unlink()
        (out / "index.html").mkdir()  # cannot be replaced: as a full or broken disk
        (out / "index.html" / "x").touch()
        await clock.advance(60)
        await mirrors.write((mirror,), await public(journal), city)
        state = mirrors.states((mirror,))["usb"]
        assert (state.ok, state.good_at) == (False, good)
        shutil.rmtree(out / "index.html")
        await mirrors.write((mirror,), await public(journal), city)
        assert "誤って出した" in (out / "index.html").read_text()


def test_a_percentage_never_goes_out() -> None:
    for said in ("50%の確率で", "５０％", "八割 パーセント"):
        with pytest.raises(UsageError):
            Draft("題", said).check(SystemClock().utc())


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 KiB: another place than the log's."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def remount(disk: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", str(disk)], check=True)


async def test_a_full_or_read_only_second_place_keeps_the_old_page_whole_and_is_made_good(
    tmp_path: Path, disk: Path
) -> None:
    clock, workers = ManualClock(), Workers(2)
    organization, other = a_city().organization, tmp_path / "other"
    places = (Mirror(id="full", folder=str(disk)), Mirror(id="other", folder=str(other)))
    async with fresh(tmp_path / "log", clock) as journal:
        mirrors = Mirrors(clock, workers, mirror_page)

        async def write() -> tuple[bool | None, str]:
            await mirrors.write(places, await public(journal), organization)
            states = mirrors.states(places)
            assert states["other"].ok, "one place at fault does not hold up another"
            return states["full"].ok, states["full"].trouble

        await approve(journal, clock, TEXT, actor=WHO, op="1")
        assert await write() == (True, "")
        old = (disk / "index.html").read_bytes()
        long = Draft("長い知らせ", "あ" * 2000, easy="い" * 2000, alone="夜間で一人")
        for number, trouble in enumerate(("full", "read-only")):
            if trouble == "full":
                with contextlib.suppress(OSError):
                    (disk / "filler").write_bytes(bytes(16_000))
            else:
                remount(disk, "ro")
            await approve(journal, clock, long, actor=WHO, op=f"{trouble}")
            ok, said = await write()
            assert ok is False
            assert "書き込めません" in said
            assert (disk / "index.html").read_bytes() == old, "whole, never half"
            assert not [path for path in disk.iterdir() if path.suffix == ".tmp"]
            assert (other / "index.html").read_text().count("長い知らせ") == number + 1
            if trouble == "full":
                (disk / "filler").unlink()
                old = await _good(write, disk)
        remount(disk, "rw,size=1m")
        assert await write() == (True, "")
        assert (disk / "index.html").read_bytes() == (other / "index.html").read_bytes()


async def _good(write: Callable[[], Awaitable[tuple[bool | None, str]]], disk: Path) -> bytes:
    remount(disk, "size=64k")
    assert (await write())[0]
    return (disk / "index.html").read_bytes()


async def test_of_two_who_replace_the_same_one_at_the_same_moment_one_is_told(
    tmp_path: Path,
) -> None:
    clock = ManualClock()
    async with fresh(tmp_path / "log", clock) as journal:
        id = await approve(journal, clock, replace(TEXT, alone="夜間で一人"), actor=WHO, op="1")
        new = Draft("窓口は15時から", "遅れます。", replaces=id, alone="夜間で一人")
        done = await asyncio.gather(
            *(approve(journal, clock, new, actor=WHO, op=f"r{n}") for n in range(5)),
            withdraw(journal, clock, id, actor=WHO, op="w"),
            return_exceptions=True,
        )
        assert [type(one) for one in done].count(Refused) == 5
        state = noticed(journal)
        assert len([one for one in state.items.values() if one.replaces == id]) <= 1
