"""The traps of restic's versions, on real repositories: none of them may look green or damaged."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from backups import job
from backups.model import Verify
from backups.record import Result
from backups.tools import SYSTEM
from bcp.kit.errors import Refused, UsageError
from bcp.watch.values import Status
from tests.backups.conftest import Place

pytestmark = pytest.mark.live


def reason(place: Place, level: int) -> str:
    evidence = place.room.rung("juki", "main", level).evidence
    assert evidence is not None
    return evidence.reason


def _stranger(place: Place) -> subprocess.Popen[bytes]:
    words = [place.restic, "-r", str(place.repository), "--password-file", str(place.password)]
    return subprocess.Popen(
        [*words, "--no-cache", "backup", "--stdin"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _sums_hold(manifest: Path) -> bool:
    words = ["sha256sum", "-c", "--strict", "--quiet", str(manifest)]
    return subprocess.run(words, cwd="/", check=False).returncode == 0


@asynccontextmanager
async def locked(place: Place) -> AsyncIterator[subprocess.Popen[bytes]]:
    """A foreign restic at work: it holds a lock and waits for its input."""
    other = _stranger(place)
    try:
        for _turn in range(200):
            if any((place.repository / "locks").iterdir()):
                break
            await asyncio.sleep(0.05)
        yield other
    finally:
        other.kill()
        other.wait()
        assert other.stdin is not None
        other.stdin.close()


async def test_a_missing_source_is_refused_and_never_an_empty_good_backup(place: Place) -> None:
    await place.init()
    place.source.rename(place.source.with_name("gone"))
    (done,) = await place.room.backup("juki")
    assert (done.evidence.result, done.evidence.reason) == (Result.BAD, "source_missing")
    assert "マウント" in done.sentence.ja
    place.source.mkdir()
    (done,) = await place.room.backup("juki")
    assert done.evidence.reason == "source_empty", "an unmounted share is an empty folder"
    (place.source / "unrelated").write_text("x")
    (done,) = await place.room.backup("juki")
    assert done.evidence.reason == "marker_missing"
    assert place.room.custody("juki", "main").custody == ()
    listing = await place.room.list("juki", "main")
    assert listing.value == ()


async def test_no_repository_is_said_and_never_made(place: Place) -> None:
    (done,) = await place.room.backup("juki")
    assert done.evidence.reason == "no_repository"
    assert not place.repository.exists()
    assert reason(place, 1) == "unreachable", "a folder that is not there may be a missing mount"
    assert place.room.rung("juki", "main", 1).status is Status.UNKNOWN
    place.repository.mkdir()
    rung = await place.room.verify("juki", "main", 1)
    assert (rung.status, reason(place, 1)) == (Status.FAILED, "no_repository")


async def test_a_wrong_password_has_its_own_name(place: Place) -> None:
    await place.init()
    await place.room.backup("juki")
    place.password.write_text("wrong\n")
    rung = await place.room.verify("juki", "main", 1)
    assert (rung.status, reason(place, 1)) == (Status.FAILED, "wrong_password")
    (done,) = await place.room.backup("juki")
    assert (done.evidence.result, done.evidence.reason) == (Result.BAD, "wrong_password")
    assert "wrong" not in place.password.name
    assert "correct horse" not in done.evidence.said


async def test_a_locked_repository_is_busy_and_not_damaged(place: Place) -> None:
    await place.init()
    await place.room.backup("juki")
    async with locked(place) as other:
        rung = await place.room.verify("juki", "main", 2)
        assert (rung.status, reason(place, 2)) == (Status.UNKNOWN, "busy")
        assert (await place.room.verify("juki", "main", 1)).status is Status.OK, (
            "polls need no lock"
        )
        other.kill()
        other.wait()
        assert list((place.repository / "locks").iterdir()), "the killed one left its lock"
        rung = await place.room.verify("juki", "main", 2)
        assert rung.status is Status.OK, "a stale lock of a dead process is taken away"
    assert list((place.repository / "locks").iterdir()) == []


async def test_a_deadline_is_inconclusive_and_leaves_no_lock(one_place: Place) -> None:
    place = one_place
    await place.init()
    await place.room.backup("juki")
    copy = await place.room._keeper.copy(("juki", "main"))
    newest = copy.state.newest
    assert newest is not None
    answer = await copy.restic.check(deadline=0.12)
    assert not answer.judgement.conclusive
    assert list((place.repository / "locks").iterdir()) == []
    short = place.set(verify=Verify(parts=1, deadline=timedelta(milliseconds=50)))
    place.room.replace((short,))
    rung = await place.room.verify("juki", "main", 4)
    assert (rung.status, reason(place, 4)) == (Status.UNKNOWN, "inconclusive")


async def test_bytes_of_names_survive(place: Place) -> None:
    sjis = "住民票_表示.txt".encode("cp932")
    odd = (sjis, b"back\\slash", b"new\nline", b" space ", b"tab\t", b"%41", b"quote'\"", b"-rf")
    for name in odd:
        Path(os.fsdecode(os.fsencode(place.source) + b"/" + name)).write_bytes(b"x" + name)
    await place.init()
    (done,) = await place.room.backup("juki")
    assert done.custody is not None
    rung = await place.room.verify("juki", "main", 4)
    assert rung.status is Status.OK, rung
    manifest = place.log.evidence.path(done.custody.manifest)
    assert _sums_hold(manifest)


async def test_a_change_that_keeps_size_and_time_is_in_the_next_copy(place: Place) -> None:
    await place.init()
    file = place.source / "file1"
    before = file.stat()
    (first,) = await place.room.backup("juki")
    file.write_bytes(os.urandom(before.st_size))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    (second,) = await place.room.backup("juki")
    assert first.custody is not None
    assert second.custody is not None
    assert first.custody.manifest != second.custody.manifest
    assert (await place.room.verify("juki", "main", 4)).status is Status.OK


async def test_what_changes_during_the_backup_is_excused_by_name_and_said(one_place: Place) -> None:
    place = one_place
    await place.init()
    busy = place.source / "file3"

    copy = await place.room._keeper.copy(("juki", "main"))
    run = copy.restic._run

    async def while_running(words: tuple[str, ...], **rest: object) -> object:
        if "backup" in words:
            busy.write_bytes(b"written after the manifest was taken")
        return await run(words, **rest)

    copy.restic._run = while_running  # type: ignore[assignment]
    done = await job.run_backup(copy, actor=SYSTEM)
    assert done.custody is not None
    assert done.custody.unsettled_count == 1
    rung = await place.room.verify("juki", "main", 4)
    assert rung.status is Status.DEGRADED, rung
    assert rung.evidence is not None
    assert rung.evidence.good
    assert rung.evidence.facts["excused"] == 1


async def test_an_unreadable_file_makes_the_copy_incomplete(one_place: Place) -> None:
    place = one_place
    await place.init()
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    (place.source / "file1").chmod(0)
    (done,) = await place.room.backup("juki")
    assert done.custody is not None
    assert not done.custody.complete
    assert place.room.rung("juki", "main", 0).status is Status.FAILED
    (place.source / "file1").chmod(stat.S_IRUSR)


async def test_a_source_that_is_a_link_is_followed_not_saved_as_a_link(one_place: Place) -> None:
    place = one_place
    link = place.folder / "current"
    link.symlink_to(place.source)
    place.room.replace((place.set(sources=(str(link),)),))
    await place.init()
    (done,) = await place.room.backup("juki")
    assert done.custody is not None
    assert done.custody.files == 7
    assert (await place.room.verify("juki", "main", 4)).status is Status.OK


async def test_excludes_mean_the_same_to_restic_and_to_the_manifest(place: Place) -> None:
    for name in ("a.tmp", "sub/b.tmp", "keep.tmp.txt", "sub/cachedir", "x1", "x2", "sub/x1"):
        (place.source / name).write_text(name)
    (place.source / "cache").mkdir()
    (place.source / "cache" / "deep").write_text("deep")
    exclude = ("*.tmp", "cache", f"{place.source}/x*")
    place.room.replace((place.set(exclude=exclude),))
    await place.init()
    (done,) = await place.room.backup("juki")
    assert done.custody is not None
    text = place.log.evidence.get(done.custody.manifest).decode()
    assert "keep.tmp.txt" in text
    assert "sub/x1" in text
    assert "cachedir" in text
    assert all(word not in text for word in ("a.tmp", "b.tmp\n", "cache/deep", "data/x2"))
    rung = await place.room.verify("juki", "main", 4)
    assert rung.status is Status.OK, rung


async def test_an_exclude_that_hits_the_source_itself_is_refused(one_place: Place) -> None:
    place = one_place
    await place.init()
    place.room.replace((place.set(exclude=("srv",)),))
    (done,) = await place.room.backup("juki")
    assert done.evidence.reason == "source_excluded"


async def test_scratch_leftovers_are_destroyed_at_start_and_before_a_test(one_place: Place) -> None:
    place = one_place
    await place.init()
    await place.room.backup("juki")
    scratch = place.folder / "data" / "scratch"
    left = scratch / "restore-juki-main" / "tree" / "old"
    left.mkdir(parents=True)
    (left / "resident.csv").write_text("personal")
    left.chmod(0o500)
    rung = await place.room.verify("juki", "main", 4)
    assert rung.status is Status.OK
    assert list(scratch.iterdir()) == []
    (scratch / "other").mkdir()
    (scratch / "other" / "resident.csv").write_text("personal")
    async with asyncio.TaskGroup() as group:
        task = group.create_task(place.room.run())
        for _turn in range(500):
            await asyncio.sleep(0.01)
            if not list(scratch.iterdir()):
                break
        task.cancel()
    assert list(scratch.iterdir()) == []


async def test_restoring_for_real_goes_only_into_an_empty_folder(one_place: Place) -> None:
    place = one_place
    await place.init()
    (done,) = await place.room.backup("juki")
    assert done.custody is not None
    target = place.folder / "target"
    evidence = await place.room.restore("juki", "main", done.custody.snapshot, target)
    assert evidence.good, evidence
    assert (target / str(place.source)[1:] / "file1").read_bytes() == (
        place.source / "file1"
    ).read_bytes()
    with pytest.raises(Refused):
        await place.room.restore("juki", "main", done.custody.snapshot, target)
    for wrong in ("latest", done.custody.snapshot[:8]):
        with pytest.raises(UsageError):
            await place.room.restore("juki", "main", wrong, place.folder / "t2")


async def test_dying_between_restic_and_the_record_is_adopted_and_said(one_place: Place) -> None:
    place = one_place
    await place.init()
    copy = await place.room._keeper.copy(("juki", "main"))
    real, write = copy.tools, type(copy.tools).write

    class Died(Exception):
        pass

    async def dies(self: object, *records: object, op: str, actor: object = SYSTEM) -> None:
        if len(records) == 2:  # custody and evidence: the last write of a backup
            raise Died
        await write(real, *records, op=op, actor=actor)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(copy.tools), "write", dies)
        with pytest.raises(Died):
            await job.run_backup(copy, actor=SYSTEM)
    assert place.room.custody("juki", "main").custody == ()
    again = place.make_room()
    rung = await again.verify("juki", "main", 1)
    assert rung.status is Status.OK, rung
    (custody,) = again.custody("juki", "main").custody
    assert custody.adopted
    assert again.custody("juki", "main").open_backups == {}
    assert (await again.verify("juki", "main", 4)).status is Status.OK, (
        "equal to what was announced"
    )
    entries = await place.log.read(kind="backup.custody")
    assert [entry.detail["adopted"] for entry in entries] == [True]


async def test_dying_before_a_snapshot_is_recorded_as_interrupted(one_place: Place) -> None:
    place = one_place
    await place.init()
    await place.room.backup("juki")
    copy = await place.room._keeper.copy(("juki", "main"))
    run = copy.restic._run

    async def killed(words: tuple[str, ...], **rest: object) -> object:
        if "backup" in words:
            raise asyncio.CancelledError
        return await run(words, **rest)

    copy.restic._run = killed  # type: ignore[assignment]
    with pytest.raises(asyncio.CancelledError):
        await job.run_backup(copy, actor=SYSTEM)
    again = place.make_room()
    await again.verify("juki", "main", 1)
    rung = again.rung("juki", "main", 0)
    assert rung.evidence is not None
    assert (rung.status, rung.evidence.reason) == (Status.FAILED, "interrupted")


async def test_a_restic_that_outlives_us_is_adopted_late_and_not_called_foreign(
    one_place: Place,
) -> None:
    place = one_place
    await place.init()
    await place.room.backup("juki")
    copy = await place.room._keeper.copy(("juki", "main"))
    run, held = copy.restic._run, []

    async def orphaned(words: tuple[str, ...], **rest: object) -> object:
        if "backup" in words:
            held.append((words, rest))
            raise asyncio.CancelledError
        return await run(words, **rest)

    copy.restic._run = orphaned  # type: ignore[assignment]
    with pytest.raises(asyncio.CancelledError):
        await job.run_backup(copy, actor=SYSTEM)
    again = place.make_room()
    await again.verify("juki", "main", 1)
    assert again.rung("juki", "main", 0).status is Status.FAILED, "no snapshot: interrupted"
    words, rest = held[0]
    await run(words, **rest)  # the child went on without us and ends now
    assert (await again.verify("juki", "main", 1)).status is Status.OK
    assert [one.adopted for one in again.custody("juki", "main").custody] == [False, True]
    assert again.rung("juki", "main", 0).status is Status.OK


async def test_an_operation_sent_twice_is_one_backup(one_place: Place) -> None:
    place = one_place
    await place.init()
    (first,) = await place.room.backup("juki", op="op-1")
    (second,) = await place.room.backup("juki", op="op-1")
    assert first.custody is not None
    assert second.custody is not None
    assert first.custody.snapshot == second.custody.snapshot
    assert len(place.room.custody("juki", "main").custody) == 1


async def test_a_lost_manifest_means_nobody_can_tell(one_place: Place) -> None:
    place = one_place
    await place.init()
    (done,) = await place.room.backup("juki")
    assert done.custody is not None
    path = place.log.evidence.path(done.custody.manifest)
    data = path.read_bytes()
    path.write_bytes(data[:-30])
    assert (await place.room.verify("juki", "main", 4)).status is Status.UNKNOWN
    assert reason(place, 4) == "manifest_damaged"
    path.unlink()
    await place.room.verify("juki", "main", 4)
    assert reason(place, 4) == "manifest_gone"
