"""Deadlines from onset, attained by evidence only; what is next and why; the two contradictions."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bcp.watch.values import Status
from runbooks import commands as c
from runbooks.contradiction import Reading, contradictions
from runbooks.order import next_steps, preconditions
from runbooks.progress import standings
from runbooks.targets import Goal, LevelTarget, ServiceTarget, level_targets, service_targets
from tests.runbooks.world import T0, H, Play


@pytest.fixture
def play() -> Play:
    made = Play()
    made.declare()
    return made


def level(play: Play, system: str = "juki", rung: str = "L2") -> LevelTarget:
    found = level_targets(play.incident, play.city, play.book, play.now)
    return next(t for t in found if (t.system, t.level) == (system, rung))


def service(play: Play) -> ServiceTarget:
    return service_targets(play.incident, play.city, play.book, play.now)[0]


def attain(play: Play, since: timedelta, rung: str = "L2", system: str = "juki") -> None:
    play.do(
        c.AttainLevel(
            incident=play.incident.id, system=system, level=rung, since=T0 + since, checks=("x",)
        )
    )


def lose(play: Play, since: timedelta, rung: str = "L2", system: str = "juki") -> None:
    play.do(
        c.LoseLevel(
            incident=play.incident.id, system=system, level=rung, since=T0 + since, checks=("x",)
        )
    )


def test_deadlines_count_from_onset_and_the_kind_of_event_picks_the_rto() -> None:
    disaster, failure = Play(), Play()
    disaster.declare()
    failure.declare(nature="failure")
    assert level(disaster).deadline == T0 + 24 * H
    assert level(failure).deadline == T0 + 4 * H
    assert service(disaster).deadline == T0 + 30 * H
    assert service(failure).deadline == T0 + 4 * H


def test_a_corrected_onset_moves_every_deadline(play: Play) -> None:
    play.do(c.CorrectOnset(incident=play.incident.id, onset=T0 - H, reason="時計の記録"))
    assert level(play).deadline == T0 + 23 * H


def test_attained_at_is_the_first_green_instant_and_late_evidence_turns_the_verdict(
    play: Play,
) -> None:
    play.now = T0 + 25 * H
    assert level(play).goal is Goal.OVERDUE
    attain(play, 20 * H)
    found = level(play)
    assert (found.goal, found.attained_at, found.slack) == (Goal.ATTAINED, T0 + 20 * H, 4 * H)
    assert service(play).goal is Goal.ATTAINED


def test_attained_after_the_deadline_stays_overdue(play: Play) -> None:
    play.now = T0 + 40 * H
    attain(play, 26 * H)
    assert level(play).goal is Goal.OVERDUE
    assert level(play).late


def test_a_higher_level_holds_the_lower_ones(play: Play) -> None:
    play.now = T0 + 5 * H
    attain(play, 2 * H)
    assert level(play, rung="L1").attained_at == T0 + 2 * H


def test_a_level_never_lost_since_onset_counts_from_onset_and_once_lost_must_come_back(
    play: Play,
) -> None:
    attain(play, -5 * H)
    assert (level(play).attained_at, level(play).relapsed) == (T0, False)
    play.now = T0 + 3 * H
    lose(play, 1 * H)
    assert (level(play).goal, level(play).attained_at) == (Goal.PENDING, None)
    play.now = T0 + 30 * H
    attain(play, 28 * H)
    found = level(play)
    assert (found.goal, found.attained_at, found.relapsed) == (Goal.OVERDUE, T0 + 28 * H, False)


def test_a_relapse_after_recovery_is_told_and_no_clock_is_reset(play: Play) -> None:
    play.now = T0 + 20 * H
    attain(play, 10 * H)
    lose(play, 12 * H)
    assert level(play).goal is Goal.PENDING
    attain(play, 15 * H)
    found = level(play)
    assert (found.attained_at, found.relapsed, found.held) == (T0 + 10 * H, True, True)


def test_without_any_check_a_level_is_unproven_and_never_attained_by_a_tick(play: Play) -> None:
    for step in ("AD-01", "AD-02"):
        play.do(c.FinishStep(incident=play.incident.id, step=step))
    assert level(play, "ad", "L3").goal is Goal.PENDING  # a step's probe can prove it
    silent = Play()
    silent.city = silent.city.model_copy(
        update={
            "systems": tuple(
                system.model_copy(
                    update={
                        "targets": tuple(
                            rung.model_copy(update={"proven_by": ()}) for rung in system.targets
                        )
                    }
                )
                for system in silent.city.systems
            )
        }
    )
    silent.book = type(silent.book)()
    silent.declare()
    assert level(silent).goal is Goal.UNPROVEN
    assert service(silent).goal is Goal.UNPROVEN


def test_rpo_attained_is_onset_minus_the_snapshot_restored(play: Play) -> None:
    id = play.incident.id
    play.do(c.FinishStep(incident=id, step="JUKI-01"))
    play.do(
        c.TakeDecision(
            incident=id,
            step="JUKI-02",
            option="latest",
            rationale="",
            snapshot_at=T0 - timedelta(hours=11, minutes=2),
        )
    )
    assert level(play).rpo_attained == timedelta(hours=11, minutes=2)


def test_a_service_on_paper_says_so_and_since_when(play: Play) -> None:
    play.do(c.StartAlternate(incident=play.incident.id, service="certificates"))
    assert (service(play).on_paper, service(play).on_paper_since) == (True, play.now)
    assert service(play).missing == (("juki", "L2"),)


def test_next_is_what_others_depend_on_then_the_least_slack_and_it_says_why(play: Play) -> None:
    found = next_steps(play.incident, play.city, play.book, play.now)
    assert [item.standing.step.id for item in found] == ["AD-01", "JUKI-01"]
    first, second = found
    assert first.deadline == T0 + 9 * H  # AD's own L3, sooner than the register's L2
    assert first.role == "情報基盤担当"
    assert first.people == ("p4", "p5")
    assert "認証" in first.why.ja
    assert second.unmet == ("system.ad >= L3",)
    assert "system.ad >= L3" in second.why.ja
    assert second.stop is not None
    assert "ベンダーに電話" in second.stop.ja


def test_a_dependency_inherits_the_deadline_of_what_stands_on_it(play: Play) -> None:
    attain(play, 1 * H, "L3", "ad")
    lose(play, 1.2 * H, "L3", "ad")
    play.now = T0 + 10 * H
    found = {
        item.standing.step.id: item
        for item in next_steps(play.incident, play.city, play.book, play.now)
    }
    assert found["AD-01"].slack is not None
    assert found["AD-01"].slack < timedelta()
    assert "足りません" in found["AD-01"].why.ja


def test_preconditions_are_met_by_the_log_or_left_to_a_person(play: Play) -> None:
    runbook = play.book.get("juki-recover")
    assert runbook is not None
    assert preconditions(play.incident, runbook) == (("system.ad >= L3", False),)
    attain(play, 1 * H, "L3", "ad")
    assert preconditions(play.incident, runbook) == (("system.ad >= L3", True),)


def test_contradictions_are_shown_both_ways_and_unknown_is_neither(play: Play) -> None:
    id = play.incident.id
    play.do(c.FinishStep(incident=id, step="AD-01"))

    def seen(status: Status, since_ok: timedelta | None) -> list[str]:
        green = T0 + since_ok if since_ok is not None else None
        reading = Reading(status, play.now, green)
        steps = standings(play.incident, play.book).values()
        return [k.way for k in contradictions(play.incident, steps, {"ad-ldap": reading})]

    assert seen(Status.OK, timedelta(minutes=5)) == ["green_unticked"]
    assert seen(Status.OK, timedelta(minutes=-5)) == []  # was never down
    play.do(c.FinishStep(incident=id, step="AD-02"))
    assert seen(Status.FAILED, None) == ["ticked_red"]
    assert seen(Status.UNKNOWN, None) == []
