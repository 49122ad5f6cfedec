"""Forget, prune, tag, key and copy on real repositories: announced exactly, guarded, settled after a kill."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest

from backups import forget
from backups.acts import What
from backups.custody import CopyState, Demand
from backups.model import Repository
from backups.record import Action, Intent, Result
from backups.retention import Retention
from backups.tools import SYSTEM
from bcp.kit import process
from bcp.kit.errors import Refused, UsageError
from bcp.watch.values import Status
from tests.backups.conftest import Place
from tests.backups.test_matrix import by_hand, recorded

pytestmark = pytest.mark.live
KEY = ("juki", "main")


async def three(place: Place, **changes: object) -> list[str]:
    """A repository with three snapshots on record, of which the oldest may go."""
    policy = Retention(last=1, prune=True)
    place.room.replace((place.set(**{"retention": policy, "rpo": None, **changes}),))
    await place.init()
    for turn in range(3):
        (place.source / "turn").write_bytes(os.urandom(50_000) + bytes([turn]))
        await place.room.backup("juki")
    await place.room.verify("juki", "main", 1)
    return recorded(place)


def state(place: Place) -> CopyState:
    return place.room.custody("juki", "main")


def demand(place: Place) -> Demand:
    found = state(place).demand
    assert found is not None
    return found


async def test_forgetting_by_the_plan_is_no_alarm_and_one_more_is(place: Place) -> None:
    one, two, last = await three(place)
    dry = await place.room.acts.plan_removal(KEY)
    assert [c.snapshot for c in dry.proposal.remove] == [one, two]
    assert dry.objections == ()
    assert len(list((place.repository / "snapshots").iterdir())) == 3, "a dry run changes nothing"
    done = await place.room.acts.remove(KEY)
    assert done.done, done.acts
    assert [act.action for act in done.acts] == [Action.FORGET, Action.PRUNE]
    rung = place.room.rung("juki", "main", 1)
    assert rung.status is Status.OK, rung.sentence
    assert state(place).forgotten == {one, two}
    assert state(place).open_acts == {}
    pack = place.packs()[0]
    pack.rename(place.folder / "taken")
    rung = await place.room.verify("juki", "main", 1)
    assert rung.evidence is not None
    assert rung.evidence.reason == "objects_missing", "the list after the prune is demanded"
    (place.folder / "taken").rename(pack)
    assert (await place.room.verify("juki", "main", 1)).status is Status.OK
    (place.repository / "snapshots" / last).unlink()
    rung = await place.room.verify("juki", "main", 1)
    assert rung.status is Status.FAILED
    assert set(state(place).anomalies) & {"emptied", "deleted", "rolled_back"}


async def test_an_unannounced_removal_beside_an_announced_one_alarms(one_place: Place) -> None:
    place = one_place
    one, two, _last = await three(place)
    await place.room.acts.remove(KEY, (one,))
    assert place.room.rung("juki", "main", 1).status is Status.OK
    assert state(place).forgotten == {one}
    await by_hand(place, "forget", two)
    rung = await place.room.verify("juki", "main", 1)
    assert rung.evidence is not None
    assert (rung.status, rung.evidence.reason) == (Status.FAILED, "deleted")
    assert rung.evidence.facts["deleted"] == 1


async def test_the_guard_objects_and_nothing_is_removed(one_place: Place) -> None:
    place = one_place
    one, two, last = await three(place)
    acts = place.room.acts
    assert (await acts.remove(KEY, (last,))).dry.objections == ("newest",)
    await place.room.verify("juki", "main", 4)
    place.room.replace((place.set(rpo=timedelta(hours=4), retention=Retention(last=1)),))
    assert (await acts.remove(KEY, (one,))).dry.objections == ("rpo",)
    place.room.replace((place.set(rpo=None, retention=Retention(last=1, most=1)),))
    assert (await acts.remove(KEY)).dry.objections == ("too_many",)
    assert (await acts.remove(KEY, ("f" * 64,))).dry.objections == ("not_on_record",)
    with pytest.raises(UsageError):
        await acts.remove(KEY, ("latest",))
    place.flip(place.packs()[0])
    assert (await place.room.verify("juki", "main", 3)).status is Status.FAILED
    assert "failed_check" in (await acts.remove(KEY, (one,))).dry.objections
    with pytest.raises(Refused):
        await acts.prune(KEY, SYSTEM, "op-prune")
    assert len(list((place.repository / "snapshots").iterdir())) == 3
    assert two in recorded(place)


async def test_a_snapshot_dated_in_the_future_stops_retention(one_place: Place) -> None:
    place = one_place
    await three(place)
    await by_hand(place, "backup", "--time", "2099-01-01 00:00:00", str(place.source))
    dry = (await place.room.acts.remove(KEY)).dry
    assert {"anomaly", "future"} <= set(dry.objections)


async def test_tagging_keeps_the_record_and_is_no_alarm(place: Place) -> None:
    one, _two, _last = await three(place)
    act = await place.room.acts.tag(KEY, (one,), ("年度末",), (), SYSTEM, "op-tag")
    assert act.result is Result.GOOD, act
    assert place.room.rung("juki", "main", 1).status is Status.OK
    moved = state(place).custody[-1]
    assert (moved.via, moved.tree) == ("tag", state(place).custody[0].tree)
    assert one in state(place).forgotten
    again = await place.room.acts.tag(KEY, (moved.snapshot,), ("永年",), (), SYSTEM, "op-tag2")
    assert again.result is Result.GOOD, again
    assert place.room.rung("juki", "main", 1).status is Status.OK
    with pytest.raises(UsageError):
        await place.room.acts.tag(KEY, (one,), ("x",), (), SYSTEM, "op-tag3")


async def test_keys_change_as_announced_and_not_otherwise(one_place: Place) -> None:
    place = one_place
    await three(place)
    new = place.folder / "new-password"
    new.write_text("another phrase\n")
    act = await place.room.acts.key(KEY, "add", new, SYSTEM, "op-key")
    assert act.result is Result.GOOD, act
    assert len(demand(place).keys) == 2
    assert place.room.rung("juki", "main", 1).status is Status.OK
    await by_hand(place, "key", "add", "--new-password-file", str(new))
    rung = await place.room.verify("juki", "main", 1)
    assert rung.evidence is not None
    assert rung.evidence.reason == "keys_changed"
    known = set(demand(place).keys)
    (strange,) = (p for p in (place.repository / "keys").iterdir() if p.name not in known)
    strange.unlink()
    act = await place.room.acts.key(KEY, "passwd", new, SYSTEM, "op-passwd")
    assert act.result in (Result.GOOD, Result.INCONCLUSIVE), act
    place.password.write_text(new.read_text())
    rung = await place.room.verify("juki", "main", 1)
    assert rung.status is Status.OK, rung.sentence


async def test_copies_brought_by_copy_agree_and_a_changed_one_is_told(one_place: Place) -> None:
    place = one_place
    other = Repository(
        id="second",
        location=str(place.folder / "second"),
        password_file=str(place.password),
        restic=place.restic,
    )
    first = place.set().repositories[0]
    await three(place, repositories=(first, other))
    # `three` backs up into both; make the second one anew, filled by copies only.
    assert (await place.room.init("juki", "second", actor=SYSTEM, op="init2")).value
    act = await place.room.acts.bring(("juki", "second"), "main", SYSTEM, "op-copy")
    assert act.result is Result.GOOD, act
    assert act.facts["brought"] == 3
    rung = place.room.rung("juki", "second", 1)
    assert rung.status is Status.OK, rung.sentence
    assert {c.via for c in place.room.custody("juki", "second").custody} == {"copy"}
    assert (await place.room.verify("juki", "second", 4)).status is Status.OK
    check = await place.room.upkeep.agree(("juki", "second"))
    assert (check.result, check.facts["shared"], check.facts["behind"]) == (Result.GOOD, 3, 0)
    (place.source / "turn").write_bytes(os.urandom(9000))
    await place.room.backup("juki", "main")
    check = await place.room.upkeep.agree(("juki", "second"))
    assert (check.reason, check.facts["behind"]) == ("behind", 1)
    again = await place.room.acts.bring(("juki", "second"), "main", SYSTEM, "op-copy2")
    assert again.facts["brought"] == 1


@pytest.mark.parametrize("action", ["forget", "prune"])
async def test_restic_killed_in_the_middle_leaves_no_lock_and_no_false_green(
    place: Place, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, _last = await three(place)
    copy = await place.room._keeper.copy(KEY)
    run = copy.restic._run
    started = asyncio.Event()

    async def killed(words: tuple[str, ...], **rest: object) -> object:
        if action not in words or "--dry-run" in words:
            return await run(words, **rest)
        task = asyncio.ensure_future(run(words, **rest))
        await _locked(place)
        started.set()
        for child in _children(place.restic):
            os.kill(child, signal.SIGKILL)
        return await task

    monkeypatch.setattr(copy.restic, "_run", killed)
    dry = await forget.dry_run(copy)
    assert dry.objections == ()
    if action == "forget":
        act = await forget.forget(copy, dry)
    else:
        monkeypatch.setattr(copy.restic, "_run", run)
        assert (await forget.forget(copy, dry)).result is Result.GOOD
        monkeypatch.setattr(copy.restic, "_run", killed)
        act = await forget.prune(copy)
    assert started.is_set()
    # 0.18 writes a lock under another name first: what is left of that is no lock to anybody.
    locks = [one.name for one in (place.repository / "locks").iterdir() if "-tmp-" not in one.name]
    assert locks == [], "no stale lock for a person to find"
    assert act.action.value == action
    rung = await place.room.verify("juki", "main", 1)
    if rung.status is Status.OK:
        assert (await place.room.verify("juki", "main", 2)).status is Status.OK
        gone = {one, two} - {path.name for path in (place.repository / "snapshots").iterdir()}
        assert gone == state(place).forgotten, "what is gone is stated, what is there is demanded"
    assert state(place).open_acts == {}


async def _locked(place: Place) -> None:
    """Wait for a whole lock: while it is written its name has more after the digest."""
    for _turn in range(2000):
        if any(len(file.name) == 64 for file in (place.repository / "locks").iterdir()):
            return
        await asyncio.sleep(0.002)


def _children(program: str) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
                parent = (folder / "stat").read_bytes().rpartition(b")")[2].split()[1]
            except OSError:
                continue
            if words[0] == os.fsencode(program) and int(parent) == os.getpid():
                found.append(int(folder.name))
    return found


async def test_an_act_left_by_a_dead_process_is_settled_by_the_next_poll(one_place: Place) -> None:
    place = one_place
    one, two, _last = await three(place)
    now = place.clock.utc()
    intent = Intent(*KEY, Action.FORGET, "dead", now, (one, two))
    await place.log.append(intent.entry(), op="left", actor=SYSTEM)
    await by_hand(place, "forget", one)  # it came so far, then the power went
    again = place.make_room(place.set(rpo=None))
    rung = await again.verify("juki", "main", 1)
    assert rung.status is Status.OK, rung.sentence
    assert again.custody("juki", "main").forgotten == {one}
    await by_hand(place, "forget", two)
    rung = await again.verify("juki", "main", 1)
    assert rung.status is Status.FAILED, "announced once, but that act ended"


async def test_a_pruned_repository_that_is_damaged_is_not_taken_over(one_place: Place) -> None:
    place = one_place
    one, _two, _last = await three(place)
    now = place.clock.utc()
    await place.log.append(Intent(*KEY, Action.PRUNE, "dead", now).entry(), op="left", actor=SYSTEM)
    lost = place.packs()[0]
    lost.rename(place.folder / "lost")
    again = place.make_room(place.set(rpo=None))
    rung = await again.verify("juki", "main", 1)
    assert rung.evidence is not None
    assert (rung.status, rung.evidence.reason) == (Status.FAILED, "objects_missing")
    assert one in recorded(place)


async def test_the_doctor_removes_dead_locks_of_this_host_and_no_others(one_place: Place) -> None:
    place = one_place
    await three(place)
    judged, seen, removed = await place.room.upkeep.doctor(KEY)
    assert (judged.good, seen, removed) == (True, (), ())
    words = [place.restic, "-r", str(place.repository), "--password-file", str(place.password)]
    running = asyncio.create_task(
        process.run(
            [*words, "--no-cache", "backup", "--stdin"],
            deadline=60,
            env={"PATH": "/usr/bin:/bin", "HOME": str(place.folder)},
            stdin=None,
        )
    )
    await _locked(place)
    for child in _children(place.restic):
        os.kill(child, signal.SIGKILL)
    await running
    if not list((place.repository / "locks").iterdir()):
        pytest.skip("it ended before it could be killed")
    _judged, seen, removed = await place.room.upkeep.doctor(KEY)
    assert len(removed) == 1
    assert seen[0].own
    assert list((place.repository / "locks").iterdir()) == []


async def test_the_names_check_of_a_real_repository_is_evidence(one_place: Place) -> None:
    place = one_place
    await three(place)
    check = await place.room.upkeep.check_names(KEY)
    assert check.result is Result.GOOD, check
    assert state(place).checks[What.NAMES].good
    place.flip(place.packs()[0], 5000)
    check = await place.room.upkeep.check_names(KEY)
    assert (check.result, check.reason) == (Result.BAD, "changed")
    assert check.findings is not None
    named = place.log.evidence.get(check.findings).decode()
    assert named == f"changed data/{place.packs()[0].name}\n"
    assert "failed_check" in (await place.room.acts.remove(KEY)).dry.objections
