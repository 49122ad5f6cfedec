"""`python -m tests.crash.backing FOLDER RESTIC ACT`: one act on a real repository, for a test that kills it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from backups import tools
from backups.custody import FOLD
from backups.model import BackupSet
from backups.room import BackupRoom
from bcp.journal.journal import Journal
from bcp.kit.clock import SystemClock
from bcp.kit.workers import Workers

KEY = ("juki", "main")
ACTS = ("backup", "structure", "data", "restore-test", "forget", "restore")


def the_set(folder: Path, restic: str) -> BackupSet:
    """What is backed up."""
    copy = {
        "id": "main",
        "location": str(folder / "repo"),
        "password_file": str(folder / "password"),
        "restic": restic,
    }
    return BackupSet.model_validate(
        {
            "id": "juki",
            "kind": "restic",
            "system": "juki",
            "sources": [str(folder / "source")],
            "every": None,
            "names_every": None,
            "verify": {"parts": 1, "restore": "9999d", "data": "9999d", "structure": "9999d"},
            "retention": {"last": 1},
            "restore_to": str(folder / "restored"),
            "repositories": [copy],
        }
    )


@contextlib.asynccontextmanager
async def opened(folder: Path, restic: str) -> AsyncIterator[tuple[Journal, BackupRoom]]:
    """The log and the room, as a start of the daemon opens them."""
    clock, workers, log = SystemClock(), Workers(threads=4), folder / "data" / "real"
    if not log.exists():
        log.parent.mkdir(parents=True)
        Journal.create(log, origin="test.example/log", node="n1", clock=clock)
    async with Journal.open(log, clock=clock, folds={tools.STATE: FOLD}) as journal:
        yield (
            journal,
            BackupRoom(
                (the_set(folder, restic),),
                log=journal,
                workers=workers,
                clock=clock,
                folder=folder / "data" / "backups",
                scratch=folder / "data" / "scratch",
            ),
        )
    workers.close()


async def prepare(folder: Path, restic: str) -> None:
    """A source, a repository and two snapshots on record."""
    source = folder / "source"
    source.mkdir()
    for index in range(30):
        (source / f"台帳{index}").write_bytes(os.urandom(100_000))
    (folder / "password").write_text("correct horse\n")
    (folder / "restored").mkdir()
    async with opened(folder, restic) as (_log, room):
        made = await room.init(*KEY, actor=tools.SYSTEM, op="init")
        assert made.value, made.judgement
        await room.backup("juki")
        (source / "台帳0").write_bytes(os.urandom(200_000))
        await room.backup("juki")


async def act(room: BackupRoom, what: str, folder: Path) -> None:
    """One of `ACTS`."""
    match what:
        case "backup":
            (folder / "source" / "new").write_bytes(os.urandom(4_000_000))
            await room.backup("juki")
        case "structure" | "data" | "restore-test":
            await room.verify(*KEY, {"structure": 2, "data": 3, "restore-test": 4}[what])
        case "forget":
            await room.acts.remove(KEY)
        case "restore":
            newest = room.custody(*KEY).custody[-1].snapshot
            await room.restore(*KEY, newest, folder / "restored" / "one")
        case _:
            raise ValueError(what)


async def _main(folder: Path, restic: str, what: str) -> None:
    async with opened(folder, restic) as (_log, room):
        print("begin", flush=True)
        await act(room, what, folder)
        print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
