"""A set, its repository and its log in one folder that is put back to its first state before each kill."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from backups import tools
from backups.custody import FOLD, CopyState
from backups.model import BackupSet, Repository, Verify
from backups.objects import is_id
from backups.retention import Retention
from backups.room import BackupRoom
from bcp.journal.journal import Journal
from bcp.kit.clock import SystemClock
from bcp.kit.errors import Busy
from bcp.kit.workers import Workers
from tests.backups.cheapkey import cheapen

KEY = ("juki", "main")
ORIGIN = "test.example/log"


@dataclass
class World:
    """Where everything is. Paths never change: they are part of what was recorded."""

    folder: Path
    restic: str
    files: int = 60
    size: int = 150_000
    changes: dict[str, object] = field(default_factory=dict)
    """Of the set, for one test."""

    @property
    def source(self) -> Path:
        return self.folder / "srv"

    @property
    def repository(self) -> Path:
        return self.folder / "repo"

    @property
    def password(self) -> Path:
        return self.folder / "password"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def scratch(self) -> Path:
        return self.data / "scratch"

    @property
    def target(self) -> Path:
        """Where a restore for real goes."""
        return self.folder / "elsewhere" / "target"

    def set(self) -> BackupSet:
        copy = Repository(
            id="main",
            location=str(self.repository),
            password_file=str(self.password),
            restic=self.restic,
        )
        plain: dict[str, object] = {
            "id": "juki",
            "kind": "restic",
            "sources": (str(self.source),),
            "repositories": (copy,),
            "every": None,
            "verify": Verify(parts=1, poll=timedelta(seconds=1)),
            "retention": Retention(last=1, prune=True),
            "names_every": None,
            "hold_at": 101,
        }
        return BackupSet.model_validate({**plain, **self.changes})

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[tuple[BackupRoom, Journal]]:
        """The product over it, as a start of the daemon makes it."""
        clock, workers = SystemClock(), Workers(threads=4)
        log = await self._log(clock)
        try:
            async with log:
                yield (
                    BackupRoom(
                        (self.set(),),
                        log=log,
                        workers=workers,
                        clock=clock,
                        folder=self.data / "backups",
                        scratch=self.scratch,
                    ),
                    log,
                )
        finally:
            workers.close()

    async def _log(self, clock: SystemClock) -> Journal:
        """The log. A child forked a moment before the kill holds its lock until it is restic."""
        for _ in range(50):
            with contextlib.suppress(Busy):
                return Journal.open(self.data / "real", clock=clock, folds={tools.STATE: FOLD})
            await asyncio.sleep(0.1)
        raise AssertionError("the lock of the log is never let go")

    async def build(self, generations: int = 3) -> None:
        """The log, a repository and some generations on record; kept as the first state."""
        self.source.mkdir(parents=True)
        self.data.mkdir()
        for number in range(self.files):
            place = self.source / f"部署{number % 5}"
            place.mkdir(exist_ok=True)
            (place / f"file{number}").write_bytes(os.urandom(self.size))
        self.password.write_text("only for this test\n")
        self.password.chmod(0o600)
        Journal.create(self.data / "real", origin=ORIGIN, node="n1", clock=SystemClock())
        async with self.opened() as (room, _log):
            made = await room.init(*KEY, actor=tools.SYSTEM, op="init")
            assert made.value, made.judgement
            await asyncio.to_thread(cheapen, self.repository, self.password)
            for turn in range(generations):
                for number in range(0, self.files, 3):
                    path = self.source / f"部署{number % 5}" / f"file{number}"
                    path.write_bytes(os.urandom(self.size) + bytes([turn]))
                (done,) = await room.backup("juki")
                assert done.custody is not None, done.sentence
        (self.source / "new since").write_bytes(os.urandom(4_000_000))
        self.keep()

    @property
    def _kept(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}-first")

    def keep(self) -> None:
        """This is the first state from now on."""
        shutil.rmtree(self._kept, ignore_errors=True)
        subprocess.run(["cp", "-a", self.folder, self._kept], check=True)

    def reset(self) -> None:
        """Back to the first state. What stands in a mounted folder is emptied, not replaced."""
        self.folder.mkdir(exist_ok=True)
        _empty(self.folder)
        subprocess.run(["cp", "-a", f"{self._kept}/.", self.folder], check=True)

    # --- looks without the product ------------------------------------------------------------

    def locks(self) -> list[str]:
        return sorted(self._objects("locks"))

    def snapshots(self) -> frozenset[str]:
        return self._objects("snapshots")

    def _objects(self, part: str) -> frozenset[str]:
        """Without restic's unfinished temporary files: those are nothing to restic."""
        names = (path.name for path in (self.repository / part).iterdir())
        return frozenset(name for name in names if is_id(name))

    def restored_files(self) -> list[Path]:
        """Residents' data in the scratch folder."""
        return [path for path in self.scratch.glob("*/**/*") if path.is_file()]

    def restic_says(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The same restic by hand, without the product."""
        base = [self.restic, "-r", str(self.repository), "--no-cache"]
        base += ["--password-file", str(self.password)]
        return subprocess.run(
            [*base, *words],
            capture_output=True,
            text=True,
            check=False,
            env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin"},
        )

    def assert_whole(self) -> None:
        """Every byte in the repository is right, by restic's own word."""
        said = self.restic_says("check", "--read-data")
        assert said.returncode == 0, said.stderr + said.stdout


def _empty(folder: Path) -> None:
    subprocess.run(["chmod", "-R", "u+w", folder], check=True)
    subprocess.run(["find", folder, "-mindepth", "1", "-not", "-type", "d", "-delete"], check=True)
    folders = (path for path in folder.rglob("*") if path.is_dir())
    for path in sorted(folders, key=lambda one: -len(one.parts)):
        if not path.is_mount() and not any(path.iterdir()):
            path.rmdir()


def assert_agreement(world: World, state: CopyState) -> None:
    """The repository holds what is on record and nothing else, each once."""
    assert world.snapshots() == {one.snapshot for one in state.kept}
    assert max(Counter(one.snapshot for one in state.custody).values()) == 1, "nothing is doubled"
    assert state.anomalies == ()
