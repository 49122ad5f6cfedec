"""What board and backups must show before stand-down: pure rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

import pytest

from backups.model import BackupSet
from backups.standing import Rung
from bcp.kit.language import same
from bcp.service.standing_down import backup_hold, monitoring_hold, recovered
from bcp.watch.values import Mute, Observation, Outcome, Status
from bcp.watch.view import CheckView
from runbooks import commands as c
from runbooks.ground import UNSHOWABLE, Hold
from tests.bcp.service.pages.sample import Lamp, Lock
from tests.runbooks.world import T0, Play

H = timedelta(hours=1)


def a_set(**more: Any) -> BackupSet:
    return BackupSet.model_validate(
        {
            "id": "juki",
            "kind": "restic",
            "system": "juki",
            "sources": ("/srv/juki",),
            "repositories": ({"id": "main", "location": "/r", "password_file": "/p"},),
            **more,
        }
    )


def a_rung(level: int, hours: int, status: Status = Status.OK) -> Rung:
    return Rung("juki", "main", level, status, same(""), snapshot_time=T0 + hours * H)


@pytest.mark.parametrize(
    ("rungs", "held"),
    [
        ([], "no_backup"),
        ([a_rung(4, -5)], "no_backup"),  # verified, but of before the recovery
        ([a_rung(1, 5)], "low_backup"),
        ([a_rung(1, 5), a_rung(4, -5)], "low_backup"),
        ([a_rung(4, 5, Status.FAILED)], "no_backup"),
        ([a_rung(4, 5)], None),
    ],
)
def test_a_fresh_backup_is_one_taken_and_proven_after_the_recovery(
    rungs: list[Rung], held: str | None
) -> None:
    hold = backup_hold("juki", T0 + 4 * H, [a_set()], {"juki": rungs})
    assert (hold.why if hold else None) == held


def test_a_system_without_a_backup_set_of_ours_cannot_be_shown() -> None:
    assert backup_hold("ad", T0, [a_set()], {}) == Hold("ad", UNSHOWABLE)
    assert backup_hold("juki", T0, [a_set(required_level=1)], {"juki": [a_rung(1, 1)]}) is None


def a_view(status: Status, *muted: Mute, kind: type[Lamp] = Lamp, stale: bool = False) -> CheckView:
    check = kind(id="juki/main", system="juki")
    seen = Observation("juki/main", "n", T0, 0.1, Outcome(status, same("")))
    return CheckView(
        check.id, check, status, T0, same(""), seen, muted=frozenset(muted), stale=stale
    )


@pytest.mark.parametrize(
    ("view", "why"),
    [
        (a_view(Status.OK), None),
        (a_view(Status.DEGRADED), None),
        (a_view(Status.FAILED), "red"),
        (a_view(Status.FAILED, kind=Lock), None),  # looked at: its findings have their own road
        (a_view(Status.OK, stale=True), "unknown"),
        (a_view(Status.OK, Mute.MAINTENANCE), "muted"),
        (a_view(Status.OK, Mute.PLANNED), "muted"),
        (a_view(Status.OK, Mute.PARENT), None),
    ],
)
def test_monitoring_is_rearmed_when_nothing_is_muted_and_all_was_seen(
    view: CheckView, why: Literal["red", "unknown", "muted"] | None
) -> None:
    hold = monitoring_hold(view)
    assert (hold.why if hold else None) == why


def test_only_what_was_down_and_came_back_is_asked() -> None:
    play = Play()
    play.declare()
    id, city = play.incident.id, play.city
    juki = {"incident": id, "system": "juki", "level": "L2", "checks": ("x",)}
    play.do(c.AttainLevel(**juki, since=T0 - H))  # type: ignore[arg-type]
    assert recovered(play.incident, city) == {}, "never lost"
    play.do(c.LoseLevel(**juki, since=T0 + H))  # type: ignore[arg-type]
    assert recovered(play.incident, city) == {}, "not back yet"
    play.do(c.AttainLevel(**juki, since=T0 + 3 * H))  # type: ignore[arg-type]
    assert recovered(play.incident, city) == {"juki": T0 + 3 * H}
    play.do(c.Restore(incident=id, waived=("juki", "ad"), reason="試験"))
    assert recovered(play.incident, city) == {}, "waived"
