"""What a repository promises wherever it lies: one suite over a folder, SFTP, a REST server and S3."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from backups import objectcheck, targets
from backups.care import care_checks
from backups.custody import CopyState
from backups.repository import Repository
from backups.restic import arguments
from backups.restic.reaching import login
from backups.tools import SYSTEM
from bcp.kit import process
from bcp.kit.errors import UsageError
from bcp.watch.values import Status
from tests.backups.conftest import Place
from tests.backups.storage import PASSWORD, STORES, Store

pytestmark = pytest.mark.live


@pytest.fixture(scope="module", params=list(STORES))
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Each kind of place in turn, with its server."""
    with STORES[request.param]() as found:
        yield found


async def settle(place: Place, store: Store, **changes: object) -> Repository:
    """A repository in the place, and a room whose plan names it."""
    copy = store.copy(place, **changes)
    if store.folder is not None:
        await place.init()
        shutil.copytree(place.repository, store.behind(copy))
        store.hand_over(copy)
    use(place, copy)
    if store.folder is None:
        made = await place.room.init("juki", "main", actor=SYSTEM, op="init")
        assert made.value, made.judgement
    return copy


def use(place: Place, *copies: Repository, **changes: object) -> None:
    """The plan names these copies from now on."""
    place.room.replace((place.set(repositories=copies, **changes),))


def state(place: Place) -> CopyState:
    return place.room.custody("juki", "main")


async def by_hand(place: Place, copy: Repository, *words: str) -> process.Completed:
    """restic as somebody with the password would use it."""
    target = targets.of(place.set(), copy, place.restic, place.folder / "hand")
    known = login(target.credentials) if target.wants_login and target.credentials else None
    for folder in (target.cache, target.temp):
        folder.mkdir(parents=True, exist_ok=True)
    return await process.run(
        [*arguments.base(target), *words], deadline=60, env=arguments.environment(target, known)
    )


async def test_a_copy_is_made_recorded_and_proven_rung_by_rung(store: Store, place: Place) -> None:
    copy = store.copy(place)
    use(place, copy)
    made = await place.room.init("juki", "main", actor=SYSTEM, op="init")
    assert made.value, made.judgement
    (done,) = await place.room.backup("juki")
    assert done.evidence.good, done.evidence
    assert done.custody is not None
    assert done.custody.repository_id == made.value
    assert [one.snapshot for one in state(place).custody] == [done.custody.snapshot]
    assert len(done.custody.snapshot) == 64
    for level in (1, 2, 3, 4):
        rung = await place.room.verify("juki", "main", level)
        assert rung.status is Status.OK, (level, rung.sentence)
        assert rung.evidence is not None
        assert rung.evidence.snapshot == done.custody.snapshot
    (place.source / "new").write_bytes(os.urandom(9000))
    (again,) = await place.room.backup("juki")
    assert again.custody is not None
    both = frozenset((done.custody.snapshot, again.custody.snapshot))
    assert place.room.memory("juki", "main").present == both
    assert await place.room.upkeep.doctor(("juki", "main"))
    assert place.room.upkeep.locks["juki", "main"] == ()


async def test_a_snapshot_deleted_behind_our_back_is_found(store: Store, one_place: Place) -> None:
    place = one_place
    copy = await settle(place, store)
    await place.room.backup("juki")
    (place.source / "new").write_bytes(os.urandom(9000))
    await place.room.backup("juki")
    gone = await by_hand(place, copy, "forget", state(place).custody[-1].snapshot)
    assert gone.returncode == 0, gone.last_lines
    rung = await place.room.verify("juki", "main", 1)
    assert rung.evidence is not None
    assert (rung.status, rung.evidence.reason) == (Status.FAILED, "deleted")
    gone = await by_hand(place, copy, "forget", state(place).custody[0].snapshot)
    assert gone.returncode == 0, gone.last_lines
    rung = await place.room.verify("juki", "main", 1)
    assert rung.evidence is not None
    assert (rung.status, rung.evidence.reason) == (Status.FAILED, "emptied")


async def test_names_are_checked_beside_the_storage_and_never_claimed_from_afar(
    store: Store, one_place: Place
) -> None:
    place = one_place
    copy = await settle(place, store)
    await place.room.backup("juki")
    (care,) = care_checks(place.room.sets, place.room)
    shown = await care.run(None)  # type: ignore[arg-type]
    if store.kind == "local":
        assert (await place.room.upkeep.check_names(("juki", "main"))).good
    else:
        assert place.room.upkeep.due(("juki", "main")) != "names"
        with pytest.raises(UsageError, match="このホストのフォルダ"):
            await place.room.upkeep.check_names(("juki", "main"))
        assert "names" not in {what.value for what in state(place).checks}
        assert "未確認" in shown.sentence.ja
    if store.folder is None:
        return
    beside = store.behind(copy)
    clean = await objectcheck.check(beside, workers=place.workers, clock=place.clock)
    assert clean.good, clean.faults
    pack = max((beside / "data").rglob("?" * 64), key=lambda path: path.stat().st_size)
    place.flip(pack)
    found = await objectcheck.check(beside, workers=place.workers, clock=place.clock)
    assert [(one.kind, one.name) for one in found.faults] == [("changed", f"data/{pack.name}")]
    read = await place.room.verify("juki", "main", 3)
    assert read.evidence is not None
    assert (read.status, read.evidence.reason) == (Status.FAILED, "damaged")


async def test_a_wrong_password_is_that_and_no_other_thing(store: Store, one_place: Place) -> None:
    place = one_place
    await settle(place, store)
    await place.room.backup("juki")
    place.password.write_text("battery staple\n")
    rung = await place.room.verify("juki", "main", 1)
    assert rung.evidence is not None
    assert (rung.status, rung.evidence.reason) == (Status.FAILED, "wrong_password")


async def locks(place: Place, store: Store, copy: Repository) -> bool:
    """Whether there is one; a file still being written is none to restic either."""
    if store.folder is not None:
        found = (store.behind(copy) / "locks").iterdir()
        return any("-tmp-" not in one.name for one in found)
    return bool((await by_hand(place, copy, "list", "locks", "--no-lock")).stdout.strip())


async def test_the_lock_of_a_killed_restic_stops_nobody(store: Store, one_place: Place) -> None:
    place = one_place
    copy = await settle(place, store)
    await place.room.backup("juki")
    target = targets.of(place.set(), copy, place.restic, place.folder / "hand")
    known = login(target.credentials) if target.wants_login and target.credentials else None
    for folder in (target.cache, target.temp):
        folder.mkdir(parents=True, exist_ok=True)
    killed = await asyncio.create_subprocess_exec(
        *arguments.base(target), "backup", "--stdin",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env=arguments.environment(target, known),
    )  # fmt: skip
    for _turn in range(400):
        if await locks(place, store, copy):
            break
        await asyncio.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    await killed.wait()
    assert killed.stdin is not None
    killed.stdin.close()
    checked = await place.room.verify("juki", "main", 2)  # wants the repository for itself
    assert checked.status is Status.OK, checked.sentence
    assert not await locks(place, store, copy)


async def test_snapshots_are_copied_out_of_a_folder_and_back_into_one(
    store: Store, one_place: Place
) -> None:
    place = one_place
    there, name = store.copy(place, id="there"), str(place.password)
    folder = Repository(
        id="main", location=str(place.repository), password_file=name, restic=place.restic
    )
    back = Repository(
        id="back", location=str(place.folder / "back"), password_file=name, restic=place.restic
    )
    use(place, folder, there, back)
    await place.init()
    for id in ("there", "back"):
        made = await place.room.init("juki", id, actor=SYSTEM, op=f"init-{id}")
        assert made.value, made.judgement
    await place.room.backup("juki", "main")
    for source, target in (("main", "there"), ("there", "back")):
        act = await place.room.acts.bring(("juki", target), source, SYSTEM, f"bring-{target}")
        assert act.facts.get("brought") == 1, act
    trees = {place.room.custody("juki", id).custody[-1].tree for id in ("main", "there", "back")}
    assert len(trees) == 1
    assert (await place.room.verify("juki", "back", 4)).status is Status.OK


def test_two_places_that_need_two_credentials_are_not_copied_between(one_place: Place) -> None:
    place = one_place
    fields = {"password_file": "/p", "credentials_file": "/a"}
    one = Repository.model_validate({"id": "a", "location": "s3:https://a/b", **fields})
    other = one.model_copy(update={"credentials_file": "/b"})
    first, second = (targets.of(place.set(), copy, "restic", place.folder) for copy in (one, other))
    arguments.may_copy(first, first)
    with pytest.raises(UsageError, match="複製できません"):
        arguments.may_copy(first, second)


def test_nothing_that_opens_a_place_stands_on_a_command_line(
    store: Store, one_place: Place
) -> None:
    target = targets.of(one_place.set(), store.copy(one_place), "/usr/bin/restic", Path("/tmp/x"))
    words = " ".join(arguments.snapshots(target))
    for secret in (PASSWORD, "s3cret", "testing-secret", "correct horse"):
        assert secret not in words
