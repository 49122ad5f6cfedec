"""Nobody answers, nobody ratifies, the power runs out: told again, counted, never told twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bcp.kit.errors import Refused
from runbooks import commands as c
from runbooks.context import Context
from runbooks.incident import decide
from runbooks.reminders import ANSWER, due, reminders
from tests.runbooks.world import Play


@pytest.fixture
def play() -> Play:
    made = Play()
    made.declare()
    return made


def tell(play: Play) -> list[tuple[str, int]]:
    """What is told now, and recorded as told."""
    found = reminders(play.incident, play.city, play.now)
    for command, _op in found:
        play.do(command, by="system")
    return [(command.what, command.rank) for command, _op in found]


def test_a_declaration_nobody_answers_is_told_to_each_of_the_authority_and_then_no_more(
    play: Play,
) -> None:
    assert tell(play) == []
    for rank in (1, 2):
        play.wait(minutes=15)
        assert tell(play) == [("unanswered", rank)]
        assert tell(play) == []
    play.wait(hours=5)
    assert tell(play) == []


def test_a_clock_that_jumps_tells_only_the_last_one(play: Play) -> None:
    play.wait(hours=2)
    assert tell(play) == [("unanswered", 2)]


def test_the_declarer_cannot_answer_himself_and_whatever_another_records_is_an_answer(
    play: Play,
) -> None:
    assert play.do(c.Answer(incident=play.incident.id)) == []
    play.do(c.StartStep(incident=play.incident.id, step="JUKI-01"))
    assert [call.word for call in play.incident.calls] == ["declared"]
    play.do(c.AddNote(incident=play.incident.id, text="着いた"), by="u-2")
    assert play.incident.calls == ()
    play.wait(hours=2)
    assert tell(play) == []


def test_heard_of_it_is_recorded_once(play: Play) -> None:
    assert len(play.do(c.Answer(incident=play.incident.id), by="u-2")) == 1
    assert play.do(c.Answer(incident=play.incident.id), by="u-2") == []
    assert play.incident.calls == ()


def test_each_new_message_asks_anew_and_what_comes_from_paper_asks_nobody(play: Play) -> None:
    play.do(c.Answer(incident=play.incident.id), by="u-2")
    play.do(c.ChangeLevel(incident=play.incident.id, level=2, reason="小さい"), by="u-2")
    assert [call.by for call in play.incident.calls] == ["u-2"]
    play.do(c.Answer(incident=play.incident.id))
    old = play.now - timedelta(minutes=16)
    play.do(
        c.ChangeLevel(incident=play.incident.id, level=3, reason="紙から", occurred_at=old),
        by="u-3",
    )
    assert play.incident.calls == ()


def test_a_late_ratification_is_told_at_once_and_daily(play: Play) -> None:
    spot = Play()
    spot.declare(capacity="on_site", role=None)
    spot.do(c.Answer(incident=spot.incident.id), by="u-2")
    spot.wait(hours=24)
    assert tell(spot) == []
    spot.wait(minutes=1)
    assert tell(spot) == [("ratification", 1)]
    spot.wait(days=1)
    assert tell(spot) == [("ratification", 2)]
    spot.do(c.Ratify(incident=spot.incident.id), by="u-2")
    spot.wait(days=1)
    assert tell(spot) == []


def test_power_is_told_an_hour_and_a_quarter_before_and_when_it_is_gone(play: Play) -> None:
    play.do(c.Answer(incident=play.incident.id), by="u-2")
    on = {"incident": play.incident.id, "site": "honcho"}
    play.do(c.ObserveDamage(item="ups", value="good", minutes_left=90, **on))  # type: ignore[arg-type]
    assert tell(play) == []
    for minutes, rank in ((30, 1), (45, 2), (15, 3)):
        play.wait(minutes=minutes)
        assert tell(play) == [("power", rank)]
    play.do(c.ObserveDamage(item="ups", value="good", minutes_left=50, **on))  # type: ignore[arg-type]
    assert tell(play) == [("power", 1)], "a new look starts a new count"
    play.do(c.ObserveDamage(item="mains", value="good", **on))  # type: ignore[arg-type]
    play.wait(hours=1)
    assert tell(play) == []


def test_nothing_is_told_of_an_event_that_ended(play: Play) -> None:
    play.do(c.Cancel(incident=play.incident.id, reason="誤り"))
    play.wait(hours=1)
    found = due(play.incident, play.city, play.now)
    assert [
        play.do(c.Remind(incident=play.incident.id, what=w, id=i, rank=n)) for w, i, n in found
    ] == [[] for _ in found]


def test_answers_wait_a_quarter_of_an_hour() -> None:
    assert timedelta(minutes=15) == ANSWER


# --- who closes a gate by decision ---------------------------------------------------------------


def closing(play: Play, by: str, holders: dict[str, frozenset[str]]) -> dict[str, object]:
    seen = play.context(by)
    context = Context(
        seen.actor, seen.stage, seen.city, seen.book, seen.plan, seen.frozen, holders=holders
    )
    command = c.CloseGate(incident=play.incident.id, gate="backup", reason="用紙焼失")
    (made,) = decide(play.state, command, play.now, context)
    return dict(made.detail)


def test_a_gate_is_closed_by_who_commands_or_holds_the_authority() -> None:
    play = Play()
    play.declare()
    waived = tuple(one.id for one in play.city.systems)
    play.do(c.Restore(incident=play.incident.id, waived=waived, reason="訓練"))
    play.do(c.BeginStandDown(incident=play.incident.id))
    holders = {"u-1": frozenset({"commander"}), "u-7": frozenset({"commander", "cio"})}
    assert closing(play, "u-1", holders)["authority"] is True, "who declared it commands it"
    assert closing(play, "u-7", holders)["authority"] is True
    with pytest.raises(Refused, match="市長・CIO"):
        closing(play, "u-8", {**holders, "u-8": frozenset({"commander"})})
    assert closing(play, "u-8", {})["authority"] is False, "nobody can tell: recorded as unchecked"
