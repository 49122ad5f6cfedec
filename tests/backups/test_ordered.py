"""A restore asked for from a page: into a new folder of the plan's, once, honest when it cannot begin."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backups import ordered
from backups.record import Custody, Restore, Result
from backups.room import BackupRoom
from backups.tools import SYSTEM
from bcp.journal.entry import Actor
from bcp.kit.errors import Refused, UsageError
from tests.backups.conftest import Place

WHO = Actor("u-1", "account")
KEY = ("juki", "main")
AT = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)


def custody(snapshot: str = "a" * 64) -> Custody:
    ids = ("r" * 64, snapshot, "t" * 64)
    return Custody(*KEY, *ids, AT, "m" * 64, 1, 1, "run", "0.18.0", complete=True)


def restore(target: Path, result: Result | None, snapshot: str = "a" * 64) -> Restore:
    return Restore(*KEY, AT, "run", snapshot, AT, ordered.place(target), result)


def test_each_restore_gets_a_folder_of_its_own_and_a_broken_one_is_begun_again(
    tmp_path: Path,
) -> None:
    one = custody()
    first, second, *_ = ordered.folders(tmp_path, one)
    assert first.name == "juki-main-20261127-120000-aaaaaaaa"
    assert ordered.free_folder(tmp_path, one, None) == first
    first.mkdir()
    assert ordered.free_folder(tmp_path, one, None) == second
    assert ordered.free_folder(tmp_path, one, restore(first, Result.GOOD)) == second, "it is in use"
    assert ordered.free_folder(tmp_path, one, restore(first, Result.INCONCLUSIVE)) == first
    assert ordered.where(tmp_path, (one,), restore(second, Result.GOOD)) == second
    assert ordered.where(tmp_path, (one,), restore(tmp_path / "else", Result.GOOD)) is None
    for folder in ordered.folders(tmp_path, one)[1:]:
        folder.mkdir()
    with pytest.raises(Refused, match="いっぱい"):
        ordered.free_folder(tmp_path, one, None)
    with pytest.raises(Refused, match="マウント"):
        ordered.free_folder(tmp_path / "gone", one, None)


@contextlib.asynccontextmanager
async def at_work(room: BackupRoom) -> AsyncIterator[None]:
    task = asyncio.ensure_future(room.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def ended(room: BackupRoom) -> None:
    async with asyncio.timeout(60):
        while room.orders.waiting(KEY) is not None:  # noqa: ASYNC110 - a task of the room's own
            await asyncio.sleep(0.05)


@pytest.mark.live
async def test_an_order_is_carried_out_by_the_daemon_recorded_and_compared(
    one_place: Place,
) -> None:
    place, base = one_place, one_place.folder / "restored"
    base.mkdir()
    await place.init()
    (done,) = await place.room.backup("juki")
    assert done.custody is not None
    snapshot = done.custody.snapshot
    room = place.make_room(place.set(restore_to=str(base)))
    room.order(*KEY, snapshot, actor=WHO, op="press-1")
    room.order(*KEY, snapshot, actor=WHO, op="press-1")  # the same press sent twice
    with pytest.raises(Refused, match="すでに"):
        room.order(*KEY, snapshot, actor=WHO, op="press-2")
    async with at_work(room):
        await ended(room)
    assert room.orders.refused(KEY) is None
    (folder,) = base.iterdir()
    copied = folder / str(place.source).lstrip("/") / "file1"
    assert copied.read_bytes() == (place.source / "file1").read_bytes()
    begun, *_, over = [e for e in await place.log.read(kind="backup.") if "restore_" in e.kind]
    assert (begun.actor.id, begun.op) == ("u-1", "press-1")
    assert over.detail["result"] == "good"
    last = room.custody(*KEY).restores[-1]
    assert ordered.where(base, room.custody(*KEY).custody, last) == folder


@pytest.mark.live
async def test_what_cannot_begin_says_why_and_may_be_asked_for_again(one_place: Place) -> None:
    place, base = one_place, one_place.folder / "restored"
    await place.init()
    (done,) = await place.room.backup("juki")
    assert done.custody is not None
    with pytest.raises(Refused, match="restore_to"):
        place.room.order(*KEY, done.custody.snapshot, actor=SYSTEM, op="1")
    room = place.make_room(place.set(restore_to=str(base)))
    with pytest.raises(UsageError, match="記録にない"):
        room.order(*KEY, "f" * 64, actor=SYSTEM, op="2")
    async with at_work(room):
        room.order(*KEY, done.custody.snapshot, actor=SYSTEM, op="3")
        await ended(room)
        refused = room.orders.refused(KEY)
        assert refused is not None
        assert "マウント" in refused.what
        base.mkdir()
        room.order(*KEY, done.custody.snapshot, actor=SYSTEM, op="4")
        assert room.orders.refused(KEY) is None
        await ended(room)
    assert room.orders.refused(KEY) is None
    assert len(list(base.iterdir())) == 1


@pytest.mark.parametrize("wrong", [OSError(36, "File name too long"), ZeroDivisionError()])
async def test_whatever_goes_wrong_is_told_and_ends_nothing_else(
    tmp_path: Path, wrong: Exception
) -> None:
    async def begin(_order: ordered.Order) -> None:
        raise wrong

    orders = ordered.Orders(begin)
    orders.put(ordered.Order(KEY, custody(), tmp_path, WHO, "press"))
    async with asyncio.TaskGroup() as group:
        orders.tend(group)
        orders.tend(group)  # once each
    assert orders.waiting(KEY) is None
    refused = orders.refused(KEY)
    assert refused is not None
    assert (str(tmp_path) in str(refused)) == isinstance(wrong, OSError)
