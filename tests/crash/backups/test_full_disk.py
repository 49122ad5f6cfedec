"""A disk that is full, from the beginning or from a moment on: said, nothing green, nothing half, goes on."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backups.tools import SYSTEM
from bcp.kit.errors import Unwritable
from tests.backups.conftest import NEWEST
from tests.crash.backups.acting import ACTS
from tests.crash.backups.checking import SETTLED, check, proofs, running
from tests.crash.backups.disks import fill, filling, free, mounted
from tests.crash.backups.killing import Moment, run_and_strike, unharmed
from tests.crash.backups.world import KEY, World

pytestmark = [
    pytest.mark.crash,
    pytest.mark.live,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not NEWEST, reason="no restic here"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk"),
]

PLACES: dict[str, tuple[Callable[[World], Path], int]] = {
    "repository": (lambda world: world.repository, 100),
    "data": (lambda world: world.data, 340),
    "scratch": (lambda world: world.scratch, 340),
    "dumps": (lambda world: world.data / "backups" / "dumps", 80),
    "target": (lambda world: world.target.parent, 340),
}
"""Where the disk is, and its MiB: a restore is begun only where 256 MiB and more are free."""

ENDS = {"good", "no_space", "not_recorded", "Unwritable", "Refused", "dump_failed", "interrupted"}
ENDS |= {"dry_run_no_space", "unsettled"}
"""How an act may end on a full disk: never bad, never by a bug of ours."""

DUMP = ("/bin/sh", "-c", "head -c 3000000 /dev/urandom >$0 && sleep 0.1 && echo END >>$0", "{out}")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all tests of this file: each begins from its first state."""
    dump = {"id": "app", "kind": "command", "command": DUMP, "trailer": "END"}
    world = World(tmp_path_factory.mktemp("full") / "world", NEWEST, changes={"dumps": (dump,)})
    world.folder.mkdir()
    asyncio.run(world.build())
    yield world
    shutil.rmtree(world.folder.parent)


def fill_at(world: World, act: str, place: str, moments: list[Moment]) -> list[str]:
    """One act for each moment from which on the disk is full; what must hold at its end and after."""
    where, size = PLACES[place]
    before, ends = proofs(world), []
    with mounted(where(world), size) as disk:
        for moment in moments:
            ended = run_and_strike(world, act, filling(disk), moment)
            assert ended.said, "it ended by itself"
            assert ended.said in ENDS, ended
            if ended.said != "good":
                words = ("空き", "space", "disk_full", "まだ確かめられません")
                assert any(word in ended.sentence for word in words), f"{moment} {ended}"
            free(disk)
            asyncio.run(check(world, act, ended, before))
            ends.append(ended.said)
    return ends


@pytest.mark.parametrize(
    ("act", "place", "change"),
    [
        ("backup", "repository", 9),
        ("backup", "data", 1),
        ("backup", "data", 6),
        ("backup", "dumps", 1),
        ("check", "repository", 1),
        ("test", "scratch", 5),
        ("test", "data", 5),
        ("remove", "repository", 12),
        ("restore", "target", 4),
        ("restore", "data", 1),
    ],
)
def test_an_act_on_a_full_disk_is_said_and_goes_on_when_there_is_room(
    built: World, act: str, place: str, change: int
) -> None:
    (end,) = fill_at(built, act, place, [Moment(changes=change)])
    assert end in ENDS


async def test_a_start_on_a_full_disk_watches_says_so_and_goes_on_when_there_is_room(
    built: World,
) -> None:
    with mounted(built.data, 340) as disk:
        await asyncio.to_thread(built.reset)
        shutil.rmtree(built.scratch, ignore_errors=True)
        await asyncio.to_thread(fill, disk)
        async with built.opened() as (room, log), running(room):
            async with asyncio.timeout(SETTLED):
                while 1 not in room.memory(*KEY).tried:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            with pytest.raises(Unwritable):
                await room.hold(True, "試験", actor=SYSTEM, op="held")
            with pytest.raises(Unwritable):
                await room.backup("juki")
            await asyncio.to_thread(free, disk)
            async with asyncio.timeout(SETTLED):
                while not (await log.probe()).ok:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            (done,) = await room.backup("juki")
            assert done.custody is not None, done.sentence
            assert (await log.verify()).ok


@pytest.mark.long
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("act", ACTS)
def test_an_act_whose_disk_fills_at_any_of_its_moments_is_said_and_goes_on(
    built: World, act: str, place: str
) -> None:
    only = {"scratch": "test", "target": "restore", "dumps": "backup"}
    if only.get(place, act) != act:
        pytest.skip("this act writes nothing there")
    moments = [Moment(changes=n + 1) for n in range(unharmed(built, act).changes)]
    ends = fill_at(built, act, place, moments)
    assert set(ends) - {"good"}, "the disk was full in time"
