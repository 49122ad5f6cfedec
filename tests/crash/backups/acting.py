"""The acts of the sweep, done in a process of its own until somebody kills it. Not a test itself."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
from collections.abc import Awaitable, Callable
from multiprocessing.context import ForkServerContext
from pathlib import Path

from backups.room import BackupRoom
from bcp.kit.errors import BcpError
from tests.crash.backups.world import KEY, World

Act = Callable[[BackupRoom, World], Awaitable[tuple[str, str]]]
"""Gives how it ended in one word, `good` or another, and what it says to people."""


async def backup(room: BackupRoom, world: World) -> tuple[str, str]:
    (done,) = await room.backup("juki")
    return done.evidence.reason or done.evidence.result.value, done.sentence.ja


def rung(level: int) -> Act:
    async def climb(room: BackupRoom, world: World) -> tuple[str, str]:
        seen = await room.verify(*KEY, level)
        tried = room.memory(*KEY).tried[level]
        assert seen.evidence is None or seen.evidence.level == level
        word = "good" if tried.good else tried.reason or tried.result.value
        return word, seen.sentence.ja

    return climb


async def remove(room: BackupRoom, world: World) -> tuple[str, str]:
    done = await room.acts.remove(KEY)
    if done.dry.objections:
        return ",".join(done.dry.objections), done.dry.said
    said = "".join(act.said for act in done.acts)
    return next((act.reason for act in done.acts if act.result.value != "good"), "good"), said


async def restore(room: BackupRoom, world: World) -> tuple[str, str]:
    newest = room.custody(*KEY).newest
    assert newest is not None
    seen = await room.restore(*KEY, newest.snapshot, world.target)
    return seen.reason or seen.result.value, seen.said


ACTS: dict[str, Act] = {
    "backup": backup,
    "check": rung(2),
    "data": rung(3),
    "test": rung(4),
    "remove": remove,
    "restore": restore,
}

MAIN = {
    "backup": "backup",
    "check": "check",
    "data": "check",
    "test": "restore",
    "remove": "prune",
    "restore": "restore",
}
"""restic's own word for the heart of each act."""


def children() -> ForkServerContext:
    """A clean server process with all modules loaded: a child starts in milliseconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.crash.backups.acting"])
    return context


def main(folder: str, restic: str, changes: dict[str, object], act: str, said: str) -> None:
    """In the child: open, say that it begins, act, say how it ended."""
    os.setsid()
    world = World(Path(folder), restic, changes=changes)

    async def work() -> None:
        async with world.opened() as (room, _log):
            Path(said).write_text("begun")
            try:
                ended, sentence = await ACTS[act](room, world)
            except BcpError as error:
                ended, sentence = type(error).__name__, str(error)
        Path(said).write_text(json.dumps({"ended": ended, "sentence": sentence}))

    asyncio.run(asyncio.wait_for(work(), 120))
