"""Locks: who holds a repository, which locks are dead, and whose they are. And limits on the child."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backups.restic import arguments, changing, locks
from backups.restic.arguments import Target, gently
from backups.restic.changing import Lock
from backups.restic.locks import judge, still_holds
from tests.backups.conftest import Place

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def lock(host: str, pid: int, minutes: int) -> Lock:
    return Lock(f"{pid:064x}", NOW - timedelta(minutes=minutes), host, pid, exclusive=False)


def test_only_dead_locks_of_this_host_may_be_removed_however_old_the_others_are() -> None:
    locks = [lock("here", 1, 90), lock("here", 2, 90), lock("there", 3, 90), lock("there", 4, 5)]
    seen = judge(locks, "here", NOW, lambda pid, _taken: pid == 1)
    assert [(one.lock.pid, one.stale, one.suspicious) for one in seen] == [
        (1, False, False),
        (2, True, False),
        (3, False, True),
        (4, False, False),
    ]


def test_a_number_used_again_by_a_later_process_holds_nothing() -> None:
    now = datetime.now(UTC)
    assert still_holds(os.getpid(), now)
    assert not still_holds(os.getpid(), now - timedelta(days=4000)), "began after the lock"
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert not still_holds(child.pid, now)


def test_a_lock_is_read_and_what_is_none_is_not() -> None:
    said = b'{\n "time": "2026-11-23T20:00:00.123456789+09:00",\n "exclusive": true,\n "hostname": "h", "pid": 7, "username": "root"}'
    read = changing.read_lock("a" * 64, said)
    assert read == Lock(
        "a" * 64, datetime(2026, 11, 23, 11, 0, 0, 123456, UTC), "h", 7, True, "root"
    )
    for broken in (b"", b"null", b'{"time": "x"}', b"Fatal: no"):
        assert changing.read_lock("a" * 64, broken) is None
    assert changing.lock_ids(b"noise\n" + b"b" * 64 + b"\n" + b"a" * 64) == ("a" * 64, "b" * 64)


def test_limits_of_the_plan_reach_the_child(tmp_path: Path) -> None:
    target = Target(
        "/usr/bin/restic",
        "s3:https://s3.example/bucket",
        tmp_path / "password",
        tmp_path,
        tmp_path,
        gently(10, True),
        500,
        900,
        tmp_path / "credentials",
    )
    words = arguments.snapshots(target)
    assert words[:7] == (
        "/usr/bin/nice",
        "-n",
        "10",
        "/usr/bin/ionice",
        "-c",
        "3",
        "/usr/bin/restic",
    )
    assert words[words.index("--limit-upload") + 1] == "500"
    assert words[words.index("--limit-download") + 1] == "900"
    env = arguments.environment(target)
    assert env["AWS_SHARED_CREDENTIALS_FILE"] == str(tmp_path / "credentials")
    assert gently(0, False) == ()
    assert gently(0, False, "/usr/bin/setpriv") == ("/usr/bin/setpriv", "--pdeathsig=INT", "--")


def leave_a_lock(place: Place) -> None:
    """That of a restic that was killed."""
    words = ["-r", str(place.repository), "--password-file", str(place.password)]
    held = subprocess.Popen(
        [place.restic, *words, "backup", "--stdin"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    until = time.monotonic() + 30
    while not any(len(one.name) == 64 for one in (place.repository / "locks").iterdir()):
        assert time.monotonic() < until
        time.sleep(0.01)
    held.kill()
    held.communicate()


@pytest.mark.live
async def test_two_that_take_a_dead_lock_away_at_once_do_not_wait_for_each_others_lock(
    place: Place,
) -> None:
    await place.init()
    await asyncio.to_thread(leave_a_lock, place)
    restic = (await place.room._keeper.copy(("juki", "main"))).restic
    now = place.clock.utc()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        looks = [group.create_task(locks.look(restic, now)) for _ in range(2)]
        heals = [group.create_task(locks.heal(restic, now)) for _ in range(3)]
    assert sum(len(heal.result()) for heal in heals) == 1, "one of them took it away"
    assert all(look.result()[0].good for look in looks)
    assert (await locks.look(restic, now))[1] == ()
