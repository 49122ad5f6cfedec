"""Locks: who holds a repository, which locks are dead, and whose they are. And limits on the child."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from backups.restic import arguments, changing
from backups.restic.arguments import Target, gently
from backups.restic.changing import Lock
from backups.restic.locks import judge, still_holds

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
