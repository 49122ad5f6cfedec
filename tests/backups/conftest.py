"""A real restic repository, a real integrity log and a room over both, in a temporary folder."""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from backups import tools
from backups.custody import FOLD
from backups.model import AnySet, BackupSet, Repository, Verify
from backups.room import BackupRoom
from bcp.journal.journal import Journal
from bcp.kit.clock import ClockReading, SystemClock
from bcp.kit.workers import Workers
from tests.backups.cheapkey import cheapen


def restics() -> list[str]:
    """Debian's restic and every other named in ICT_BCP_TEST_RESTICS (colon-separated)."""
    more = os.environ.get("ICT_BCP_TEST_RESTICS", "").split(":")
    return [path for path in (shutil.which("restic"), *more) if path]


NEWEST = restics()[-1] if restics() else ""


@pytest.fixture(params=restics() or ["none"])
def restic(request: pytest.FixtureRequest) -> str:
    """Each restic of this machine in turn."""
    if request.param == "none":
        pytest.skip("no restic on this machine")
    return str(request.param)


@pytest.fixture
def any_restic() -> str:
    """One restic, where the version does not matter: the machine's own."""
    found = restics()
    if not found:
        pytest.skip("no restic on this machine")
    return found[0]


_templates: dict[str, Path] = {}


class ShiftedClock(SystemClock):
    """The machine's clock, moved: real restic needs real time, tests need tomorrow."""

    def __init__(self) -> None:
        super().__init__()
        self.shift = timedelta()

    def utc(self) -> datetime:
        return super().utc() + self.shift

    def reading(self) -> ClockReading:
        return super().reading()


@dataclass
class Place:
    """One set in one repository, with everything real around it."""

    folder: Path
    restic: str
    log: Journal
    workers: Workers
    clock: ShiftedClock
    verify: Verify = field(default_factory=lambda: Verify(parts=1))
    rpo: timedelta | None = timedelta(hours=4)

    def __post_init__(self) -> None:
        self.source.mkdir(parents=True)
        (self.source / ".marker").write_text("here")
        (self.source / "sub").mkdir()
        for index in range(6):
            name = f"file{index}" if index % 2 else f"sub/file{index}"
            (self.source / name).write_bytes(os.urandom(40_000))
        (self.source / "link").symlink_to("file1")
        self.password.write_text("correct horse\n")
        self.room = self.make_room()

    @property
    def source(self) -> Path:
        return self.folder / "srv" / "data"

    @property
    def repository(self) -> Path:
        return self.folder / "repo"

    @property
    def password(self) -> Path:
        return self.folder / "password"

    def set(self, **changes: object) -> BackupSet:
        copy = Repository(
            id="main",
            location=str(self.repository),
            password_file=str(self.password),
            restic=self.restic,
        )
        plain: dict[str, object] = {
            "id": "juki",
            "kind": "restic",
            "system": "juki",
            "sources": (str(self.source),),
            "marker": ".marker",
            "repositories": (copy,),
            "rpo": self.rpo,
            "verify": self.verify,
        }
        return BackupSet.model_validate({**plain, **changes})

    def make_room(self, *sets: AnySet) -> BackupRoom:
        return BackupRoom(
            sets or (self.set(),),
            log=self.log,
            workers=self.workers,
            clock=self.clock,
            folder=self.folder / "data" / "backups",
            scratch=self.folder / "data" / "scratch",
        )

    async def init(self) -> None:
        """A repository: made once per version by our own verb, its key made quick to open, copied for
        every test."""
        kept = _templates.get(self.restic)
        if kept is not None:
            shutil.copytree(kept, self.repository)
            return
        made = await self.room.init("juki", "main", actor=tools.SYSTEM, op="init")
        assert made.value, made.judgement
        await asyncio.to_thread(cheapen, self.repository, self.password)
        kept = Path(tempfile.mkdtemp(prefix="restic-template-")) / "repo"
        atexit.register(shutil.rmtree, kept.parent, ignore_errors=True)
        shutil.copytree(self.repository, kept)
        _templates[self.restic] = kept

    def packs(self) -> list[Path]:
        """Data packs, the largest first."""
        found = [path for path in (self.repository / "data").rglob("*") if path.is_file()]
        return sorted(found, key=lambda path: -path.stat().st_size)

    def flip(self, path: Path, offset: int = -100) -> None:
        """One bit."""
        path.chmod(0o600)
        data = bytearray(path.read_bytes())
        data[offset] ^= 1
        path.write_bytes(data)


@pytest.fixture
def workers() -> Iterator[Workers]:
    pool = Workers(threads=4)
    yield pool
    pool.close()


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Journal]:
    folder = tmp_path / "data" / "real"
    folder.parent.mkdir(parents=True)
    clock = SystemClock()
    Journal.create(folder, origin="test.example/log", node="n1", clock=clock)
    async with Journal.open(folder, clock=clock, folds={tools.STATE: FOLD}) as journal:
        yield journal


@pytest.fixture
def place(tmp_path: Path, restic: str, log: Journal, workers: Workers) -> Place:
    return Place(tmp_path, restic, log, workers, ShiftedClock())


@pytest.fixture
def one_place(tmp_path: Path, any_restic: str, log: Journal, workers: Workers) -> Place:
    return Place(tmp_path, any_restic, log, workers, ShiftedClock())
