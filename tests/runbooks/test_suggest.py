"""Suggested declarations: by rules over the board, by people; never a declaration by themselves."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import get_args

import pytest

from bcp.kit.errors import Refused
from bcp.plan.suggesting import SuggestRule
from bcp.plan.types import Intensity
from bcp.watch.values import Status
from runbooks import commands as c
from runbooks.intensity import SCALE, level_of, name
from runbooks.suggest import Lamp, considered, proposal
from tests.runbooks.world import T0, Play

RULE = SuggestRule(id="honcho", name="本庁舎", sites=("honcho",), at_least=2, percent=80)


def with_rule(rule: SuggestRule = RULE) -> Play:
    play = Play()
    disaster = play.city.disaster.model_copy(update={"suggest": (rule,)})
    play.city = play.city.model_copy(update={"disaster": disaster})
    return play


def lamps(*red: tuple[str, datetime], good: tuple[str, ...] = ()) -> tuple[Lamp, ...]:
    down = (Lamp(f"{id}/ping", id, "n1", Status.FAILED, since) for id, since in red)
    return (*down, *(Lamp(f"{id}/ping", id, "n1", Status.OK, T0) for id in good))


BOTH = lamps(("juki", T0), ("ad", T0 + timedelta(minutes=2)))


def look(play: Play, seen: tuple[Lamp, ...], *, suspect: bool = False) -> None:
    said = considered(play.state, play.city, {"honcho": seen}, play.now, suspect=suspect)
    for command, _op in said:
        play.do(command)


def test_a_quorum_held_for_its_time_is_suggested_with_the_first_failure_as_onset() -> None:
    play = with_rule()
    look(play, BOTH)
    (one,) = play.state.suggestions.values()
    assert one.open
    assert one.onset == T0
    assert one.evidence == (("juki/ping", T0), ("ad/ping", T0 + timedelta(minutes=2)))
    assert play.state.active is None, "it never declares by itself"


def test_two_checks_of_one_system_are_one_voice_and_a_short_failure_none() -> None:
    play = with_rule()
    twice = (*lamps(("juki", T0)), Lamp("juki/http", "juki", "n1", Status.FAILED, T0))
    assert proposal(RULE, play.city, twice, play.now) is None
    assert proposal(RULE, play.city, BOTH, T0 + timedelta(minutes=4)) is None
    assert proposal(RULE, play.city, (*BOTH, *lamps(good=("mail",))), play.now) is None


def test_a_node_that_doubts_itself_proposes_nothing() -> None:
    play = with_rule()
    look(play, BOTH, suspect=True)
    assert not play.state.suggestions


def test_one_open_suggestion_grows_with_new_evidence_only() -> None:
    play = with_rule()
    look(play, BOTH)
    look(play, BOTH)
    assert len(play.entries) == 1
    look(play, (*BOTH, *lamps(("mail", play.now - timedelta(minutes=6)))))
    (one,) = play.state.suggestions.values()
    assert len(one.evidence) == 3


def test_after_a_dismissal_the_same_red_lamps_say_nothing_new() -> None:
    play = with_rule()
    look(play, BOTH)
    (id,) = play.state.suggestions
    with pytest.raises(Refused, match="理由"):
        play.do(c.Dismiss(suggestion=id, reason=" "))
    play.do(c.Dismiss(suggestion=id, reason="工事で止めている"))
    play.wait(minutes=30)
    look(play, BOTH)
    assert len(play.state.suggestions) == 1
    look(play, (*BOTH, *lamps(("mail", play.now - timedelta(minutes=6)))))
    assert len(play.state.suggestions) == 2


def test_a_suggestion_whose_lamps_are_all_good_again_is_withdrawn() -> None:
    play = with_rule()
    look(play, BOTH)
    look(play, lamps(good=("juki", "ad")))
    (one,) = play.state.suggestions.values()
    assert one.state == "cleared"


def test_a_person_reports_in_words_and_the_event_remembers_the_suggestion() -> None:
    play = Play()
    said = c.Suggest(
        rule="report",
        kind="threat_note",
        level=3,
        nature="cyber",
        onset=T0,
        text="プリンターから脅迫文が出る",
    )
    play.do(said)
    (one,) = play.state.suggestions.values()
    play.do(c.PutOff(suggestion=one.id, until=play.now + timedelta(minutes=10)))
    assert play.state.suggestions[one.id].state == "later"
    event = play.declare(nature="cyber", suggestion=one.id)
    assert event.suggestion == one.id
    assert play.state.suggestions[one.id].incident == event.id
    with pytest.raises(Refused, match="答え"):
        play.do(c.Dismiss(suggestion=one.id, reason="誤報"))
    assert "脅迫文" not in str(play.entries[0].detail)


def test_what_runs_already_is_not_suggested_again() -> None:
    play = with_rule()
    play.declare()
    look(play, BOTH)
    assert not play.state.suggestions


# --- 震度 ----------------------------------------------------------------------------------------


def shaking(felt: str, level: int = 3) -> c.Suggest:
    return c.Suggest(
        rule="report", kind="shaking", intensity=felt, level=level, onset=T0, text="ラジオで聞いた"
    )


def test_a_reported_intensity_is_kept_and_a_stronger_one_raises_the_proposal() -> None:
    play = Play()
    play.do(shaking("5+", level=1))
    (one,) = play.state.suggestions.values()
    assert (one.intensity, one.level) == ("5+", 1)
    play.do(shaking("6-"))
    play.do(shaking("4", level=1))
    (one,) = play.state.suggestions.values()
    assert (one.intensity, one.level) == ("6-", 3)
    with pytest.raises(Refused):
        play.do(shaking("8"))


@pytest.mark.parametrize(
    ("felt", "limit", "level"),
    [("6-", "6-", 3), ("7", "6-", 3), ("5+", "6-", 1), ("4", None, 3), ("", "6-", 3)],
)
def test_the_level_follows_the_criterion_of_the_plan(
    felt: str, limit: str | None, level: int
) -> None:
    assert level_of(felt, limit, (1, 2, 3)) == level


def test_the_scale_of_the_plan_is_the_scale_of_the_machine() -> None:
    assert get_args(Intensity) == SCALE
    assert [name(one) for one in SCALE[4:8]] == ["5弱", "5強", "6弱", "6強"]
