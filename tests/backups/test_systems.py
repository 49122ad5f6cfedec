"""RPO and 3-2-1-1-0 of a whole system: as good as its least protected set, from proven copies alone."""

from __future__ import annotations

from datetime import timedelta

from backups.digits import Digit
from backups.systems import families, limit_of, protection, rank, rpo_checks, rpo_ids
from bcp.kit.language import text
from bcp.plan.model import City, System, Target
from bcp.plan.types import Zone
from bcp.watch.check import Env
from bcp.watch.values import Status
from tests.backups.conftest import Place
from tests.bcp.watch.helpers import city as small_city

HOUR = timedelta(hours=1)


def juki(*rpo: timedelta | None) -> System:
    targets = tuple(Target(level=f"L{n}", name="x", rpo=one) for n, one in enumerate(rpo, 1))
    return System(id="juki", name="住民基本台帳", zone=Zone.INTERNET, targets=targets)


def test_the_strictest_limit_of_levels_and_sets_counts(place: Place) -> None:
    sets = (place.set(rpo=4 * HOUR),)
    assert limit_of(juki(24 * HOUR, HOUR), sets) == HOUR
    assert limit_of(juki(None), sets) == 4 * HOUR
    assert limit_of(juki(), (place.set(rpo=None),)) is None


async def test_a_system_goes_back_only_as_far_as_its_least_proven_set(place: Place) -> None:
    await place.init()
    other = place.set(id="zwei")
    room = place.make_room(place.set(), other)
    system, clock = juki(), place.clock
    await room.backup("juki")
    await room.verify("juki", "main", 1)
    found = protection(system, room, clock.utc())
    assert found is not None
    assert (found.newest, found.status, found.within) == (None, Status.UNKNOWN, None)
    await room.verify("juki", "main", 4)
    found = protection(system, room, clock.utc())
    assert found is not None
    assert found.newest is None, "the job of the other set never ran"

    alone = place.make_room(place.set())
    found = protection(system, alone, clock.utc())
    assert found is not None
    assert (found.status, found.within) == (Status.OK, True)
    late = protection(system, alone, clock.utc() + 5 * HOUR)
    assert late is not None
    assert (late.status, late.within) == (Status.FAILED, False)
    assert "超えて" in late.sentence.ja
    by_name = {digit.name: digit for digit in found.digits}
    assert by_name["errors"].holds is True
    assert by_name["errors"].at == alone.rung("juki", "main", 4).at
    assert by_name["copies"].at == alone.rung("juki", "main", 4).at
    assert by_name["offline"].at is None, "nothing is offline: nothing proves it"
    assert by_name["copies"].holds is False


async def test_the_check_says_the_same_and_a_claim_never_counts(place: Place) -> None:
    await place.init()
    await place.room.backup("juki")
    city: City = small_city().model_copy(update={"systems": (juki(),)})
    assert rpo_ids(city, (place.set(),)) == ("backup-rpo/juki",)
    (check,) = rpo_checks(city, (place.set(),), place.room)
    env = Env(place.clock, place.workers, None)  # type: ignore[arg-type]
    assert (await check.run(env)).status is Status.UNKNOWN
    await place.room.verify("juki", "main", 1)
    await place.room.verify("juki", "main", 4)
    outcome = await check.run(env)
    assert outcome.status is Status.OK
    assert outcome.facts["limit"] == 4 * 3600
    assert (
        protection(juki().model_copy(update={"id": "other"}), place.room, place.clock.utc()) is None
    )


def test_the_worst_of_several_sets_is_shown() -> None:
    words = text("backups.rpo")
    few, many = Digit("copies", 3, 1, words), Digit("copies", 3, 2, words)
    none, bad, worse = (Digit("errors", 0, found, words) for found in (0, 1, 3))
    unknown = Digit("errors", 0, None, words)
    assert min((many, few), key=rank) is few
    assert min((none, bad, worse, unknown), key=rank) is worse
    assert min((none, unknown), key=rank) is unknown


async def test_the_series_of_a_system_speak_of_what_is_proven(one_place: Place) -> None:
    place = one_place
    await place.init()
    room = place.room
    city = small_city(systems=[juki(3 * HOUR)])

    def told() -> dict[str, list[float]]:
        found = families(lambda: city, room, place.clock.utc())
        return {
            f.name.removeprefix("ict_bcp_backup_system_"): [s.value for s in f.samples]
            for f in found
        }

    assert told()["good_timestamp_seconds"] == [0]
    assert told()["rpo_seconds"] == [3 * 3600]
    await room.backup("juki")
    await room.verify("juki", "main", 1)
    assert told()["good_timestamp_seconds"] == [0], "the job's word is no proof"
    await room.verify("juki", "main", 4)
    time = room.custody("juki", "main").custody[-1].time.timestamp()
    assert told()["good_timestamp_seconds"] == [time]
    digits = [
        f for f in families(lambda: city, room, place.clock.utc()) if f.name.endswith("digit")
    ]
    by_name = {s.labels["digit"]: s.value for s in digits[0].samples}
    assert (by_name["copies"], by_name["errors"]) == (0, 1)
    assert "offsite" not in by_name, "nobody said where anything lies: absent, not zero"
