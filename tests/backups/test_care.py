"""What beside the ladder needs a person: each concern has its state and its words, the gravest first."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from backups import figures
from backups.acts import Act, Change, SideCheck, What
from backups.agree import compare
from backups.care import care_checks, care_ids, concerns
from backups.custody import CopyState
from backups.ledger import Coverage
from backups.model import BackupSet, Repository
from backups.record import Action, Custody, Result
from backups.restic.parsing import Snapshot
from backups.retention import Retention
from bcp.watch.check import Env
from bcp.watch.values import Status
from tests.backups.conftest import Place
from tests.backups.test_retention import NOW, nights
from tests.backups.test_room_at_work import no_names

COPY = Repository(id="main", location="/srv/repo", password_file="/p", immutable=True)
ONE = BackupSet(
    id="juki",
    kind="restic",
    sources=("/srv/data",),
    repositories=(COPY, COPY.model_copy(update={"id": "far", "location": "sftp:far:/repo"})),
    rpo=timedelta(hours=24),
    retention=Retention(every=timedelta(days=1)),
)


def side(what: What, result: Result = Result.GOOD, reason: str = "", **facts: int) -> SideCheck:
    return SideCheck("juki", "main", what, result, NOW - timedelta(hours=1), reason, facts)


def well() -> CopyState:
    done = Act("juki", "main", Action.FORGET, "r", Result.GOOD, NOW)
    checks = {what: side(what) for what in What}
    return replace(nights(10), checks=checks, retained={Action.FORGET: done})


def found(state: CopyState, locks: int = 0) -> list[tuple[Status, str]]:
    return [(c.status, c.word) for c in concerns(ONE, COPY, state, locks, NOW)]


def test_nothing_to_do_is_said_only_when_everything_was_looked_at() -> None:
    assert found(well()) == []
    never = replace(well(), checks={})
    assert found(never) == [(Status.UNKNOWN, "names"), (Status.UNKNOWN, "canary")]
    old = replace(side(What.NAMES), at=NOW - timedelta(days=3))
    late = replace(well(), checks={**well().checks, What.NAMES: old})
    assert found(late) == [(Status.UNKNOWN, "names")]


def test_every_concern_is_named_the_gravest_first() -> None:
    held = Change("juki", "main", "run", NOW, 80, True, ("entropy", "extensions"))
    state = replace(
        well(),
        held=held,
        retained={},
        checks={
            What.NAMES: side(What.NAMES, Result.BAD, "changed", changed=2),
            What.CANARY: side(What.CANARY, Result.BAD, "delete_allowed"),
            What.AGREE: side(What.AGREE, lag_s=200_000),
        },
    )
    state = replace(state, custody=nights(40).custody)
    assert found(state, locks=1) == [
        (Status.FAILED, "held"),
        (Status.FAILED, "names"),
        (Status.FAILED, "canary"),
        (Status.DEGRADED, "lag"),
        (Status.DEGRADED, "locks"),
        (Status.DEGRADED, "retention"),
    ]
    said = concerns(ONE, COPY, state, 1, NOW)
    assert all(one.sentence.ja and "{" not in one.sentence.ja for one in said)
    assert "80" in said[0].sentence.ja


def test_the_series_beside_the_ladder_leave_out_what_is_not_known() -> None:
    assert dict(figures._beside(CopyState(), None, True)) == {
        "held": 0,
        "retention_timestamp_seconds": 0,
    }
    state = replace(well(), changes=(Change("s", "r", "x", NOW, 40, False),))
    partly = Coverage(0.5, None, 4, 2)
    series = dict(figures._beside(state, partly, True))
    assert series["oldest_read_timestamp_seconds"] == 0, "some pack was never read"
    assert series["immutable"] == 1
    assert series["unusual_score"] == 40
    assert "immutable" not in dict(figures._beside(state, partly, False)), "nobody said it was"
    whole = Coverage(1.0, NOW - timedelta(days=6), 4, 4)
    read = dict(figures._beside(state, whole, True))["oldest_read_timestamp_seconds"]
    assert read == (NOW - timedelta(days=6)).timestamp()


def shown(one: Custody, id: str, tree: str | None = None) -> Snapshot:
    return Snapshot(id, tree or one.tree, one.time, "h", (), (), one.snapshot)


def test_copies_agree_by_original_and_tree_and_the_lag_is_told() -> None:
    source = nights(3)
    states = {"main": source, "far": CopyState()}
    first, second, third = source.custody
    good = compare("far", states, [shown(first, "a" * 64), shown(second, "b" * 64)])
    assert (good.good, good.shared) == (True, 2)
    wrong = compare("far", states, [shown(first, "a" * 64, "x" * 64)])
    assert (wrong.good, wrong.reason, wrong.names) == (False, "differs", ("a" * 64,))
    copied = replace(second, repository="far", snapshot="b" * 64, via="copy")
    behind = compare("far", {**states, "far": CopyState((copied,))}, [shown(second, "b" * 64)])
    assert behind.behind == 1
    assert behind.lag_s == int((third.time - second.time).total_seconds())


async def test_the_check_on_the_board_reads_what_is_known(one_place: Place) -> None:
    place = one_place
    sets = (place.set(),)
    (check,) = care_checks(sets, place.room)
    assert (check.id,) == care_ids(sets) == ("backup/juki/main/care",)
    env = Env(place.clock, place.workers, no_names)
    assert (await check.run(env)).status is Status.UNKNOWN, "nothing on record yet"
    place.room.replace(())
    assert (await check.run(env)).status is Status.UNKNOWN
