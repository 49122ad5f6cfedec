"""SIGKILL of restic, of the daemon, of both, in every act on a copy: nothing is green that is not
proven, no lock is left for a person, no residents' data lies about, and the next act simply works.

By the clock, over whole processes; `tests/crash/backups` kills at each change that can be seen.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

import pytest

from backups.record import Result
from backups.room import BackupRoom
from bcp.journal.journal import Journal
from bcp.watch.values import Status
from tests.backups.conftest import restics
from tests.crash.backing import ACTS, KEY, opened, prepare

pytestmark = [
    pytest.mark.crash,
    pytest.mark.live,
    pytest.mark.skipif(not restics(), reason="no restic on this machine"),
]

Victim = Literal["restic", "daemon", "both"]
RESTIC = restics()[-1] if restics() else ""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same folder for every case, put back before each: the log knows its own paths."""
    folder = tmp_path_factory.mktemp("killed")
    asyncio.run(prepare(folder, RESTIC))
    kept = folder.with_name("kept")
    shutil.copytree(folder, kept, symlinks=True)
    return folder


@pytest.fixture
def place(made: Path) -> Path:
    shutil.rmtree(made)
    shutil.copytree(made.with_name("kept"), made, symlinks=True)
    return made


def children(of: int) -> list[int]:
    """Its child processes now."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == of:
            found.append(int(stat.parent.name))
    return found


def killed(place: Path, act: str, victim: Victim, after: float) -> str:
    """Start the act, kill `after` seconds into it; what the child said."""
    words = [sys.executable, "-m", "tests.crash.backing", str(place), RESTIC, act]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begin\n"
        time.sleep(after)
        ends = children(process.pid)
        deadline = time.monotonic() + 3
        while victim != "daemon" and not ends and process.poll() is None:
            if time.monotonic() > deadline:
                break
            ends = children(process.pid)
        if victim != "restic":
            process.send_signal(signal.SIGKILL)
        if victim != "daemon":
            for pid in ends:
                os.kill(pid, signal.SIGKILL)
        said, _ = process.communicate(timeout=60)
        for pid in ends:  # an orphan may write on: the next start meets it
            _gone(pid)
        return said


def _gone(pid: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return
        if state == "Z":
            return
        time.sleep(0.02)


async def judge(place: Path) -> None:
    """What must hold after any death."""
    async with opened(place, RESTIC) as (log, room):
        found = await log.verify()
        assert found.ok, found
        await started(room)
        assert list((place / "data" / "scratch").iterdir()) == [], "residents' data lies about"
        no_green_without_proof(room)
        assert all(one.result is not None for one in room.custody(*KEY).restores), "half a record"
        await goes_on(log, room)
    left = [one.name for one in (place / "repo" / "locks").iterdir() if "-tmp-" not in one.name]
    assert left == [], "a lock is left for a person to find"  # half of one is no lock to restic


async def started(room: BackupRoom) -> None:
    """What the daemon does first when it starts."""
    task = asyncio.ensure_future(room.run())
    await asyncio.sleep(0.3)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def no_green_without_proof(room: BackupRoom) -> None:
    state = room.custody(*KEY)
    whole = {one.snapshot for one in state.custody if one.complete}
    for rung in room.rungs(*KEY):
        if rung.status is not Status.OK or rung.level == 0:
            continue
        assert rung.evidence is not None
        assert rung.evidence.result is Result.GOOD
        known = rung.snapshot is None and rung.level in (2, 3)  # of all that was there
        assert known or rung.snapshot in whole, rung


async def goes_on(log: Journal, room: BackupRoom) -> None:
    """No person is needed: back up, compare, check, restore."""
    await room.upkeep.doctor(KEY)
    (done,) = await room.backup("juki")
    assert done.custody is not None, done
    assert done.custody.complete
    for level in (1, 2, 4):
        rung = await room.verify(*KEY, level)
        assert rung.status is Status.OK, rung
    assert room.custody(*KEY).anomalies == ()


SWEEP = [
    (act, victim, step / 10)
    for act in ACTS
    for victim in ("restic", "daemon", "both")
    for step in range(1, 12, 2)
]


@pytest.mark.long
@pytest.mark.parametrize(("act", "victim", "after"), SWEEP)
async def test_a_death_at_any_moment_leaves_nothing_false_and_nothing_to_do(
    place: Path, act: str, victim: Victim, after: float
) -> None:
    await asyncio.to_thread(killed, place, act, victim, after)
    await judge(place)
