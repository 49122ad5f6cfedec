"""SIGKILL of restic, of the act, of both, at its moments: nothing unproven is green, nothing is left over.

Default: some moments of each act. `--long`: every moment and every tenth of its time, with every restic here.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backups.conftest import restics
from tests.crash.backups.acting import ACTS
from tests.crash.backups.checking import SETTLED, check, proofs, running
from tests.crash.backups.killing import KILLS, Moment, kill, unharmed
from tests.crash.backups.world import KEY, World, assert_agreement

pytestmark = [
    pytest.mark.crash,
    pytest.mark.live,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not restics(), reason="no restic here"),
]


DUMP = {
    "id": "app",
    "kind": "command",
    "command": ("/bin/sh", "-c", "head -c 300000 /dev/urandom >$0 && echo END >>$0", "{out}"),
    "trailer": "END",
    "open_with": ("/bin/grep", "-qa", "END", "{file}"),
}
"""Residents' data of a database, and its application check."""


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, World]]:
    """One world for each restic, built when it is first asked for."""
    made: dict[str, World] = {}
    yield made
    for world in made.values():
        shutil.rmtree(world.folder.parent)


def world_of(made: dict[str, World], restic: str, factory: pytest.TempPathFactory) -> World:
    if restic not in made:
        made[restic] = World(factory.mktemp("kill") / "world", restic, changes={"dumps": (DUMP,)})
        made[restic].folder.mkdir()
        asyncio.run(made[restic].build())
    return made[restic]


def kill_at(world: World, act: str, what: str, moments: list[Moment]) -> int:
    """One act killed at each moment; gives how many kills met something alive."""
    before, met = proofs(world), 0
    for moment in moments:
        ended = kill(world, act, what, moment)
        try:
            asyncio.run(check(world, act, ended, before))
        except Exception as error:
            error.add_note(f"{act}, {what} killed at {moment}: {ended}")
            raise
        met += bool(ended.killed)
    return met


@pytest.mark.parametrize(
    ("act", "what", "change"),
    [
        ("backup", "everything", 4),
        ("backup", "everything", 12),
        ("backup", "restic", 9),
        ("check", "restic", 5),
        ("data", "everything", 4),
        ("test", "everything", 8),
        ("test", "act", 8),
        ("test", "restic", 8),
        ("remove", "everything", 13),
        ("remove", "everything", 22),
        ("remove", "restic", 18),
        ("restore", "everything", 5),
        ("restore", "act", 5),
    ],
)
def test_an_act_killed_at_a_moment_leaves_nothing_green_nothing_half_and_no_lock(
    worlds: dict[str, World],
    tmp_path_factory: pytest.TempPathFactory,
    act: str,
    what: str,
    change: int,
) -> None:
    world = world_of(worlds, restics()[0], tmp_path_factory)
    assert kill_at(world, act, what, [Moment(changes=change)]) == 1, "it ended before"


async def test_a_first_backup_that_was_killed_leaves_no_lock_either(tmp_path: Path) -> None:
    world = World(tmp_path / "world", restics()[0])
    world.folder.mkdir()
    await world.build(generations=0)
    for change in range(6, 20):  # until the kill meets a restic that holds its lock
        await asyncio.to_thread(kill, world, "backup", "everything", Moment(changes=change))
        if world.locks():
            break
    assert world.locks()
    async with world.opened() as (room, log), running(room):
        async with asyncio.timeout(SETTLED):
            while world.locks() or not room.memory(*KEY).tried.get(1):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        (done,) = await room.backup("juki")
        assert done.custody is not None
        assert_agreement(world, room.custody(*KEY))
        assert (await log.verify()).ok


@pytest.mark.long
@pytest.mark.parametrize("restic", restics())
@pytest.mark.parametrize("what", KILLS)
@pytest.mark.parametrize("act", ACTS)
def test_an_act_killed_at_any_moment_leaves_nothing_green_nothing_half_and_no_lock(
    worlds: dict[str, World],
    tmp_path_factory: pytest.TempPathFactory,
    act: str,
    what: str,
    restic: str,
) -> None:
    world = world_of(worlds, restic, tmp_path_factory)
    whole = unharmed(world, act)
    assert whole.said == "good"
    moments = [Moment(changes=n + 1) for n in range(whole.changes)]
    moments += [Moment(after=whole.seconds * tenth / 10) for tenth in range(10)]
    assert kill_at(world, act, what, moments) > len(moments) // 3
