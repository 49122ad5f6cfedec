"""A restore for real: begun and ended on record, honest when cut off, never over live data unasked."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

import pytest

from backups import figures, guided, restoring, speed
from backups.custody import CopyState
from backups.record import Custody, Evidence, Restore, Result
from backups.tools import SYSTEM
from bcp.kit.errors import Refused
from bcp.watch.values import Status
from tests.backups.conftest import Place

NOW = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.mark.live
async def test_a_restore_is_measured_compared_and_gives_the_estimate(place: Place) -> None:
    await place.init()
    (done,) = await place.room.backup("juki")
    assert done.custody is not None
    assert place.room.estimate("juki") is None, "nothing was measured yet"
    target = place.folder / "there"
    seen = await place.room.restore("juki", None, done.custody.snapshot, target)
    assert seen.result is Result.GOOD
    assert (target / str(place.source).lstrip("/") / "file1").is_file()
    begun, ended = place.room.custody("juki", "main").restores[-1:] * 2
    assert (begun.result, ended.facts["files"]) == (Result.GOOD, 7)
    told = [e for e in await place.log.read(kind="backup.") if "restore_" in e.kind]
    assert [e.kind for e in told] == ["backup.restore_begun", "backup.restore_ended"]
    text = str([entry.detail for entry in told])
    assert str(target) not in text, "where it was restored to is a value, not detail"
    assert place.room.rung("juki", "main", 4).status is Status.OK, "it is a restore test as well"
    found = place.room.estimate("juki")
    assert found is not None
    assert found.measured
    names = {family.name: family.samples for family in figures.families(place.room, NOW)}
    bounds = names["ict_bcp_backup_restore_estimate_seconds"]
    assert [sample.labels["bound"] for sample in bounds] == ["low", "high"]
    assert {sample.labels["ground"] for sample in bounds} == {"measured"}


@pytest.mark.live
async def test_live_data_is_written_over_only_when_the_place_was_typed_again(
    one_place: Place,
) -> None:
    place = one_place
    await place.init()
    (done,) = await place.room.backup("juki")
    assert done.custody is not None
    snapshot = done.custody.snapshot
    live = place.folder / "live"
    inside = live / str(place.source).lstrip("/")
    inside.mkdir(parents=True)
    (inside / "file1").write_text("encrypted by somebody")
    (inside / "later").write_text("new since")
    for confirm in ("", "yes", str(live) + "/"):
        with pytest.raises(Refused):
            await place.room.restore("juki", "main", snapshot, live, confirm=confirm)
    assert (inside / "file1").read_text() == "encrypted by somebody"
    seen = await place.room.restore("juki", "main", snapshot, live, confirm=str(live))
    assert seen.result is Result.GOOD, seen
    assert seen.facts["extra"] == 1
    assert (inside / "file1").read_bytes() == (place.source / "file1").read_bytes()
    assert (inside / "later").read_text() == "new since"


@pytest.mark.live
async def test_a_restore_cut_off_is_said_at_the_next_start_and_can_be_begun_again(
    one_place: Place,
) -> None:
    place = one_place
    await place.init()
    (done,) = await place.room.backup("juki")
    assert done.custody is not None
    target, snapshot = place.folder / "there", done.custody.snapshot
    task = asyncio.create_task(place.room.restore("juki", "main", snapshot, target))
    async with asyncio.timeout(30):
        while not place.room.custody("juki", "main").restores:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    task.cancel()  # as a stop of the daemon does; after a SIGKILL the log looks the same
    with contextlib.suppress(asyncio.CancelledError):
        await task
    (target / "half a file").write_text("left")
    assert place.room.custody("juki", "main").restores[-1].result is None
    room = place.make_room()
    await guided.close_left_open(room.tools)
    last = room.custody("juki", "main").restores[-1]
    assert (last.result, last.reason) == (Result.INCONCLUSIVE, "interrupted")
    assert room.rung("juki", "main", 4).evidence is None, "nothing was proven"
    (target / "half a file").unlink()
    seen = await room.restore("juki", "main", snapshot, target)
    assert seen.result is Result.GOOD


@pytest.mark.live
async def test_a_restore_whose_end_could_not_be_recorded_is_closed_without_a_restart(
    one_place: Place,
) -> None:
    place = one_place
    await place.init()
    (done,) = await place.room.backup("juki")
    assert done.custody is not None
    under = guided.begin(done.custody, place.clock)
    there = done.custody.snapshot, done.custody.time
    begun = Restore("juki", "main", place.clock.utc(), under.run, *there, "0" * 64)
    await place.room.tools.write(begun, op="begun")
    await guided.close_left_open(place.room.tools, {("juki", "main")})
    assert place.room.custody("juki", "main").restores[-1].result is None, "it runs now"
    async with asyncio.TaskGroup() as group:
        room = group.create_task(place.room.run())
        async with asyncio.timeout(30):
            while place.room.custody("juki", "main").restores[-1].result is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        room.cancel()
    assert place.room.custody("juki", "main").restores[-1].reason == "interrupted"


def measured(size: int, seconds: float, **facts: int) -> Evidence:
    given = {"size": size, "restore_ms": round(seconds * 1000), **facts}
    return Evidence("s", "c", 4, Result.GOOD, NOW, facts=given)


def state(size: int, *runs: Evidence) -> CopyState:
    newest = Custody("s", "c", "r", "a" * 64, "t", NOW, "m", 9, size, "run", "0.14.0", True)
    return CopyState((newest,), measured=runs)


def test_the_estimate_is_a_range_with_its_ground() -> None:
    found = speed.of_copy(state(200, measured(100, 10), measured(100, 20)))
    assert found == speed.Estimate(timedelta(seconds=20), timedelta(seconds=40), True, 200)
    larger = speed.of_copy(state(201, measured(100, 10)))
    assert larger is not None
    assert not larger.measured, "twice and more of what was ever restored is an estimate"
    drawn = speed.of_copy(state(100, measured(100, 10, sampled=1)))
    assert drawn is not None
    assert not drawn.measured, "files by lot are no whole restore"
    assert speed.of_copy(state(100)) is None


def test_a_system_is_known_only_when_each_of_its_sets_is() -> None:
    one, unknown = state(100, measured(100, 10)), state(100)
    slow = state(100, measured(100, 50))
    assert speed.of_system([[one], [unknown]]) is None
    assert speed.of_system([]) is None
    both = speed.of_system([[slow, one], [slow]])
    assert both is not None
    assert both.high == timedelta(seconds=60), "the quicker copy of each, one after another"


@pytest.mark.live
async def test_a_pause_stops_the_proof_in_hand_leaves_nothing_and_outlives_a_restart(
    one_place: Place,
) -> None:
    place = one_place
    await place.init()
    await place.room.backup("juki")
    keeper = place.room._keeper

    async def endless() -> None:
        copy = await keeper.copy(("juki", "main"))
        custody = copy.state.newest
        assert custody is not None
        while True:
            await restoring.restored(copy, custody)

    async with asyncio.TaskGroup() as group:
        proof = group.create_task(keeper.hold.prove(endless()))
        scratch = place.folder / "data" / "scratch"
        async with asyncio.timeout(30):
            while not (scratch / "restore-juki-main").exists():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await place.room.hold(True, "停電の点検", actor=SYSTEM, op="hold")
        assert await proof is False
    assert list(scratch.iterdir()) == [], "residents' data is gone"
    room = place.make_room()
    assert str(room.paused) != "None", "it outlives a restart"
    room.pause("災害")
    await room.hold(False, "", actor=SYSTEM, op="on")
    assert str(room.paused) == "災害", "a disaster holds by itself"
    room.resume()
    assert room.paused is None
    entries = [e for e in await place.log.read(kind="backup.") if e.kind == "backup.paused"]
    assert [e.detail for e in entries] == [{"paused": True}, {"paused": False}]


@pytest.mark.live
async def test_what_was_restored_and_proven_is_not_written_over_unasked(one_place: Place) -> None:
    place = one_place
    await place.init()
    (done,) = await place.room.backup("juki")
    assert done.custody is not None
    target = place.folder / "there"
    await place.room.restore("juki", "main", done.custody.snapshot, target)
    with pytest.raises(Refused):
        await place.room.restore("juki", "main", done.custody.snapshot, target)
