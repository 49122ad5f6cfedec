"""What must hold after a kill: the product is opened again, and by itself everything is in order and said."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from backups.record import Action, Result
from backups.room import BackupRoom
from bcp.journal.entry import Entry
from bcp.journal.journal import Journal
from tests.crash.backups.acting import ACTS, MAIN
from tests.crash.backups.killing import Ended
from tests.crash.backups.world import KEY, World, assert_agreement

SETTLED = 30.0
"""Seconds within which nothing may be left open, nothing may lie about and no lock may stand."""


@asynccontextmanager
async def running(room: BackupRoom) -> AsyncIterator[None]:
    """The room as the daemon runs it. Held back: nothing is proven meanwhile that a kill left unproven."""
    room.pause("試験")
    async with asyncio.TaskGroup() as group:
        task = group.create_task(room.run())
        try:
            yield
        finally:
            task.cancel()
    room.resume()


def open_ends(world: World, room: BackupRoom) -> list[str]:
    """What is not in order yet."""
    state, first = room.custody(*KEY), room.memory(*KEY).tried.get(1)
    found = []
    if first is None or not first.good:
        found.append(f"rung 1: {first}")
    found += [f"open: {run}" for run in (*state.open_acts, *state.open_backups)]
    found += [f"restore not ended: {one.run}" for one in state.restores if one.result is None]
    found += [f"lock: {name}" for name in world.locks()]
    for place in (world.scratch, world.data / "backups" / "dumps", world.data / "backups" / "tmp"):
        found += [f"left: {path}" for path in (place.iterdir() if place.exists() else ())]
    cache = world.data / "backups" / "cache"
    found += [f"left: {path}" for path in cache.glob("*check-cache*")]
    found += [f"left: {path}" for path in (world.data / "backups").glob("restored-*")]
    found += [f"left: {p}" for p in (world.data / "real" / "evidence").glob(".put.*")]
    return found


async def settle(world: World, room: BackupRoom) -> None:
    """Wait until nothing is open."""
    until, left = time.monotonic() + SETTLED, ["not looked"]
    async with running(room):
        while left and time.monotonic() < until:
            await asyncio.sleep(0.05)
            left = open_ends(world, room)
    assert left == [], left


async def check(world: World, act: str, ended: Ended, proofs: frozenset[tuple[int, str]]) -> None:
    """Everything that must hold after one kill; ends by doing the act again, well."""
    async with world.opened() as (room, log):
        before = await entries(log)
        _nothing_unproven(act, ended, before, proofs)
        await settle(world, room)
        after = await entries(log)
        assert_agreement(world, room.custody(*KEY))
        _all_said(ended, after)
        verified = await log.verify()
        assert verified.ok, verified.problems
        world.assert_whole()
        await _again(world, room, act)
        world.assert_whole()
        assert world.locks() == []


async def entries(log: Journal) -> list[Entry]:
    return list(await log.read(limit=10**6))


def proofs(world: World) -> frozenset[tuple[int, str]]:
    """What is proven in the first state."""

    async def look() -> frozenset[tuple[int, str]]:
        async with world.opened() as (_room, log):
            return good(await entries(log))

    world.reset()
    return asyncio.run(look())


def good(found: list[Entry]) -> frozenset[tuple[int, str]]:
    """(level, run or time) of each good evidence of a rung that is proven, not claimed."""
    return frozenset(
        (entry.detail["level"], str(entry.seq))
        for entry in found
        if entry.kind == "backup.evidence"
        and entry.detail["result"] == "good"
        and entry.detail["level"] >= 2
    )


def _nothing_unproven(
    act: str, ended: Ended, found: list[Entry], proofs: frozenset[tuple[int, str]]
) -> None:
    """A restic that was killed proved nothing, and neither did an act that did not end."""
    new = good(found) - proofs
    if act in ("backup", "remove"):
        assert not new, "neither proves a rung from 2 on"
    if ended.said and ended.said != "good":
        assert not new, (ended, new)
    if act in ("check", "data") and MAIN[act] in ended.killed and "act" not in ended.killed:
        assert ended.said != "good", "half a check is no check"
        assert not new


def _all_said(ended: Ended, found: list[Entry]) -> None:
    """Destroyed data is on record as destroyed, and an interrupted restore as interrupted."""
    if ended.data_left:
        destroyed = [e for e in found if e.kind == "backup.destroyed" and e.detail["gone"]]
        assert destroyed, "residents' data was destroyed without a word"
    begun = {e.detail["run"] for e in found if e.kind == "backup.restore_begun"}
    over = {e.detail["run"] for e in found if e.kind == "backup.restore_ended"}
    assert begun == over
    announced = {e.detail["run"]: e for e in found if e.kind == "backup.intent"}
    told = {e.detail["run"] for e in found if e.kind in ("backup.custody", "backup.act")}
    told |= {e.detail["run"] for e in found if e.kind == "backup.evidence" and e.detail["run"]}
    free = (Action.INIT.value, Action.ACCEPT.value, Action.CLEAR.value)
    open_runs = [
        r for r, e in announced.items() if r not in told and e.detail["action"] not in free
    ]
    assert open_runs == [], "announced and never told how it ended"


async def _again(world: World, room: BackupRoom, act: str) -> None:
    """The same act, now left in peace, ends well; a backup can be restored and equals its source."""
    done = room.custody(*KEY).restores[-1:]
    if done and done[0].result is Result.GOOD:  # it ended before it was struck
        shutil.rmtree(world.target)
    word, sentence = await ACTS[act](room, world)
    assert word == "good", sentence
    if act == "backup":
        for custody in room.custody(*KEY).custody[-2:]:
            assert custody.snapshot in world.snapshots()
        assert (await room.verify(*KEY, 4)).evidence.result is Result.GOOD  # type: ignore[union-attr]
    if act == "remove":
        assert len(world.snapshots()) == 1
        assert room.custody(*KEY).retained.keys() == {Action.FORGET, Action.PRUNE}, "space is freed"
