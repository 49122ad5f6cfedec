"""後入力: a word from paper changes what is judged, and both judgements stay visible."""

from __future__ import annotations

from datetime import timedelta

from runbooks import commands as c
from runbooks.frozen import Frozen
from runbooks.heard import Heard
from runbooks.report import build
from runbooks.targets import Goal, LevelTarget, ServiceTarget, level_targets, service_targets
from tests.runbooks.world import T0, H, Play

PAPER = Heard("paper", name="窓口の担当", sheet="ABCDEFGH")


def level(play: Play, system: str, rung: str) -> LevelTarget:
    found = level_targets(play.incident, play.city, play.book, play.now)
    return next(one for one in found if (one.system, one.level) == (system, rung))


def service(play: Play) -> ServiceTarget:
    return service_targets(play.incident, play.city, play.book, play.now)[0]


def markdown(play: Play) -> str:
    return build(play.entries, play.texts, Frozen(play.city, play.book)).markdown


def look(play: Play, works: bool = True, after: timedelta = 2 * H) -> None:
    play.do(
        c.ObserveLevel(
            incident=play.incident.id,
            system="juki",
            level="L2",
            note="住民票を1枚出した",
            works=works,
            occurred_at=T0 + after,
            heard=PAPER,
        )
    )


def test_a_look_typed_in_from_paper_turns_overdue_into_attained_and_the_report_shows_both() -> None:
    play = Play()
    play.declare()
    deadline = level(play, "juki", "L2").deadline
    assert deadline is not None
    play.now = deadline + 3 * H
    assert level(play, "juki", "L2").goal is Goal.OVERDUE
    look(play)
    found = level(play, "juki", "L2")
    assert (found.goal, found.attained_at, found.evidence) == (Goal.ATTAINED, T0 + 2 * H, "seen")
    assert found.typed_in is not None
    assert (found.typed_in.before, found.typed_in.typed_at) == (Goal.OVERDUE, play.now)
    assert service(play).goal is Goal.ATTAINED
    assert service(play).typed_in is not None
    said = markdown(play)
    assert "達成(後入力)" in said
    assert "超過" in said
    assert said == markdown(play)


def test_a_look_typed_at_once_is_not_called_late() -> None:
    play = Play()
    play.declare()
    play.do(c.ObserveLevel(incident=play.incident.id, system="juki", level="L2", note="見た"))
    assert level(play, "juki", "L2").goal is Goal.ATTAINED
    assert level(play, "juki", "L2").typed_in is None
    assert "達成(後入力)" not in markdown(play)


def test_paper_typed_out_of_order_is_judged_in_the_order_in_which_it_was_seen() -> None:
    play = Play()
    play.declare()
    play.wait(hours=8)
    look(play, after=3 * H)
    look(play, works=False, after=2 * H)
    assert level(play, "juki", "L2").attained_at == T0 + 3 * H
    look(play, works=False, after=4 * H)
    assert level(play, "juki", "L2").goal is not Goal.ATTAINED


def test_where_checks_have_testified_they_decide_and_the_earlier_look_stands_beside_them() -> None:
    play = Play()
    id = play.declare().id
    play.wait(hours=8)
    since = play.now
    play.do(c.AttainLevel(incident=id, system="juki", level="L2", since=since, checks=("x",)))
    play.wait(hours=1)
    look(play)
    found = level(play, "juki", "L2")
    assert (found.attained_at, found.said_at, found.evidence) == (since, T0 + 2 * H, "probe")
    assert found.typed_in is None


def test_the_owners_late_word_attains_a_service_only_where_no_check_can_tell() -> None:
    play = Play()
    id = play.declare().id
    play.wait(hours=40)
    word = c.Confirm(
        incident=id, kind="service", id="certificates", occurred_at=T0 + 5 * H, heard=PAPER
    )
    play.do(word)
    assert service(play).goal is Goal.OVERDUE
    need = play.city.services[0].needs[0].model_copy(update={"level": "L9"})
    needing = play.city.services[0].model_copy(update={"needs": (need,)})
    play.city = play.city.model_copy(update={"services": (needing,)})
    found = service(play)
    assert (found.goal, found.attained_at) == (Goal.ATTAINED, T0 + 5 * H)
    assert found.typed_in is not None
    assert found.typed_in.before is Goal.UNPROVEN
    play.do(c.Confirm(incident=id, kind="service", id="certificates", works=False, note="印字"))
    assert service(play).goal is Goal.UNPROVEN
