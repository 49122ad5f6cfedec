"""The room by itself: from an empty repository to rung 4, seen by checks, metrics and pages."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import structlog

from backups import figures
from backups.ladder import derived_checks, derived_ids
from backups.model import Verify
from bcp.kit.errors import UsageError
from bcp.watch.check import Env
from bcp.watch.values import Outcome, Pillar, Status
from tests.backups.conftest import Place

pytestmark = pytest.mark.live

QUICK = Verify(
    poll=timedelta(seconds=2),
    exists=timedelta(minutes=1),
    structure=timedelta(minutes=1),
    data=timedelta(minutes=1),
    parts=2,
    restore=timedelta(minutes=2),
)


async def no_names(host: str, port: int) -> list[str]:
    raise OSError


async def until(place: Place, level: int, status: Status, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while place.room.rung("juki", "main", level).status is not status:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_by_itself_it_reaches_rung_four_notices_damage_and_recovers(one_place: Place) -> None:
    place = one_place
    await place.init()
    place.room.replace((place.set(verify=QUICK, every="1h"),))
    async with asyncio.TaskGroup() as group:
        task = group.create_task(place.room.run())
        await until(place, 4, Status.OK, 60)
        await until(place, 3, Status.OK, 60)
        checks = derived_checks(place.room.sets, place.room)
        env = Env(place.clock, place.workers, no_names)
        outcomes = [await check.run(env) for check in checks]
        assert [outcome.status for outcome in outcomes] == [Status.OK] * 5
        assert all(
            outcome.facts.keys() <= type(c).facts.keys()
            for c, outcome in zip(checks, outcomes, strict=True)
        )
        _metrics_say_so(place)
        _page_says_so(place)
        pack = place.packs()[0]
        pack.rename(place.folder / "taken")
        await until(place, 1, Status.FAILED, 15)
        assert (await checks[4].run(env)).status is Status.UNKNOWN, (
            "an older proof says nothing now"
        )
        (place.folder / "taken").rename(pack)
        await until(place, 1, Status.OK, 15)
        assert (await checks[4].run(env)).status is Status.OK
        task.cancel()
    kinds = [entry.kind for entry in await place.log.read(kind="backup.")]
    assert {"backup.intent", "backup.custody", "backup.evidence", "backup.anomaly"} <= set(kinds)
    assert kinds.count("backup.evidence") < 20, "polls do not fill the log"


def _metrics_say_so(place: Place) -> None:
    families = {family.name: family for family in figures.families(place.room, place.clock.utc())}
    newest = place.room.custody("juki", "main").newest
    assert newest is not None
    good = families["ict_bcp_backup_good_timestamp_seconds"].samples
    assert {s.labels["evidence"]: s.value for s in good} == {
        **{str(level): newest.time.timestamp() for level in range(5)},
        "5": 0,  # nobody has accepted it
    }
    assert families["ict_bcp_backup_rpo_seconds"].samples[0].value == 4 * 3600
    assert families["ict_bcp_backup_verified_ratio"].samples[0].value == 1.0
    assert families["ict_bcp_backup_restore_seconds"].samples[0].value > 0


def _page_says_so(place: Place) -> None:
    (one,) = figures.status(place.room).sets
    assert [digit.shown for digit in one.digits] == ["2", "？", "？", "0", "0"]
    assert one.copies[0].newest is not None


def test_rungs_have_the_promised_ids_and_pillar(one_place: Place) -> None:
    sets = (one_place.set(),)
    checks = derived_checks(sets, one_place.room)
    ids = tuple(f"backup/juki/main/{level}" for level in range(5))
    assert tuple(check.id for check in checks) == ids == derived_ids(sets)
    assert {check.pillar for check in checks} == {Pillar.INTEGRITY}
    assert checks == derived_checks(sets, one_place.room), "a reload keeps what did not change"


async def test_a_rung_of_a_copy_no_longer_in_the_plan_is_unknown(one_place: Place) -> None:
    check = derived_checks(one_place.room.sets, one_place.room)[4]
    one_place.room.replace(())
    outcome: Outcome = await check.run(Env(one_place.clock, one_place.workers, no_names))
    assert outcome.status is Status.UNKNOWN
    with pytest.raises(UsageError):
        await one_place.room.backup("juki")


async def test_paused_verification_waits_and_polls_go_on(one_place: Place) -> None:
    place = one_place
    await place.init()
    await place.room.backup("juki")
    place.room.replace((place.set(verify=QUICK, every="1h"),))
    place.room.pause("災害対応中")
    async with asyncio.TaskGroup() as group:
        task = group.create_task(place.room.run())
        await asyncio.sleep(1.5)
        assert place.room.rung("juki", "main", 2).evidence is None
        assert place.room.rung("juki", "main", 1).status is Status.OK
        place.room.resume()
        await until(place, 2, Status.OK, 20)
        task.cancel()


async def test_two_heavy_works_on_one_repository_wait_for_each_other(one_place: Place) -> None:
    place = one_place
    await place.init()
    await place.room.backup("juki")
    rungs = await asyncio.gather(*(place.room.verify("juki", "main", n) for n in (2, 3, 4, 2)))
    assert [rung.status for rung in rungs] == [Status.OK] * 4, "never busy with ourselves"


async def test_a_bug_of_ours_in_one_work_leaves_the_room_working(one_place: Place) -> None:
    place = one_place
    await place.init()
    await place.room.backup("juki")
    place.room.replace((place.set(verify=QUICK),))
    keeper = place.room._keeper
    good, key = keeper.poll, ("juki", "main")
    looks: list[object] = []

    async def broken(key: tuple[str, str]) -> None:
        looks.append(key)
        if len(looks) < 2:
            raise ZeroDivisionError("a password in a message")
        await good(key)

    keeper.poll = broken  # type: ignore[method-assign]
    with structlog.testing.capture_logs() as said:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(place.room.run())
            await until(place, 2, Status.OK, 60)
            async with asyncio.timeout(60):
                while len(looks) < 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            task.cancel()
    told = [line for line in said if line["event"] == "backup work broke"]
    assert [line["copy"] for line in told] == ["/".join(key)]
    assert told[0]["error"] == ["ZeroDivisionError"]
    assert "password" not in str(told)
