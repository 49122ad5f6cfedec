"""What a terminal is told of a declared event: good only when evidence says so."""

from __future__ import annotations

from datetime import timedelta

from bcp.service.operations.operation import Verdict
from bcp.service.operations.telling import lines_of, verdict
from bcp.watch.values import Status
from runbooks import commands as c
from runbooks.contradiction import Reading
from runbooks.desk import Situation, situation
from runbooks.frozen import Frozen
from tests.runbooks.world import Play


def told(play: Play, **readings: Reading) -> Situation:
    frozen = Frozen(play.city, play.book)
    return situation(play.incident, frozen, readings, play.now)


def attain(play: Play, system: str, level: str) -> None:
    id = play.incident.id
    play.do(
        c.AttainLevel(incident=id, system=system, level=level, since=play.now, checks=("x",)),
    )


def test_a_running_disaster_is_never_good_before_everything_is_attained() -> None:
    play = Play()
    play.declare()
    assert verdict(told(play)) is Verdict.FINDING
    attain(play, "juki", "L2")
    attain(play, "ad", "L3")
    assert verdict(told(play)) is Verdict.GOOD
    play.wait(hours=1)
    lost = c.LoseLevel(
        incident=play.incident.id, system="ad", level="L3", since=play.now, checks=("x",)
    )
    play.do(lost)
    assert verdict(told(play)) is Verdict.FINDING


def test_what_no_check_can_prove_is_not_good_either() -> None:
    play = Play()
    bare = [
        system.model_copy(
            update={
                "targets": tuple(t.model_copy(update={"proven_by": ()}) for t in system.targets)
            }
        )
        for system in play.city.systems
    ]
    play.city = play.city.model_copy(update={"systems": tuple(bare)})
    play.book = type(play.book)()
    play.declare()
    assert verdict(told(play)) is Verdict.UNKNOWN


def test_a_contradiction_is_told_in_words() -> None:
    play = Play()
    play.declare()
    for step in ("AD-01", "AD-02"):
        play.do(c.FinishStep(incident=play.incident.id, step=step))
    since = play.now - timedelta(minutes=1)
    seen = told(play, **{"ad-ldap": Reading(Status.FAILED, since, None)})
    line = next(line for line in lines_of(seen) if "食い違い" in line)
    assert line == "  食い違い AD-02 完了と記録されたが、監視は停止 (ad-ldap)"
