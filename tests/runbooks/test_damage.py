"""What people saw: 未確認 is a value of its own, the newest look counts, power waits for answers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bcp.kit.errors import Refused
from runbooks import commands as c
from runbooks.damageitems import BEFORE_POWER, ITEMS
from runbooks.damagestate import SiteDamage
from runbooks.heard import Heard
from tests.runbooks.world import Play, a_book

POWER = """
apiVersion: ict-bcp/v1
kind: Runbook
id: power-on
title: 電源を入れる
purpose: recover
version: "1"
owner_role: infra
steps:
  - {id: PW-01, title: サーバの電源を入れる, type: action, site: honcho, powers_on: true}
"""


@pytest.fixture
def play() -> Play:
    made = Play()
    made.book = a_book(POWER)
    made.declare()
    return made


def saw(play: Play, value: str, item: str = "lan", **more: object) -> None:
    play.do(
        c.ObserveDamage(
            incident=play.incident.id,
            site="honcho",
            item=item,
            value=value,
            **more,  # type: ignore[arg-type]
        )
    )


def test_what_nobody_looked_at_is_unseen_and_an_answer_can_be_taken_back(play: Play) -> None:
    assert play.incident.damage == {}
    saw(play, "good")
    assert play.incident.damage["honcho"].items["lan"].value == "good"
    saw(play, "unseen")
    site = play.incident.damage["honcho"]
    assert site.items["lan"].value == "unseen"
    assert [one.value for one in site.history["lan"]] == ["good", "unseen"]


def test_a_sheet_typed_in_late_does_not_hide_what_was_seen_after_it(play: Play) -> None:
    play.wait(hours=2)
    saw(play, "good")
    earlier = play.now - timedelta(hours=1)
    saw(play, "bad", occurred_at=earlier, heard=Heard("paper", name="職員", sheet="ABCDEFGH"))
    site = play.incident.damage["honcho"]
    assert site.items["lan"].value == "good"
    assert [one.value for one in site.history["lan"]] == ["bad", "good"]
    assert play.entries[-1].detail["sheet"] == "ABCDEFGH"
    assert play.incident.late == 1


def test_hours_of_fuel_are_kept_as_minutes_and_nonsense_is_refused(play: Play) -> None:
    saw(play, "partly", "generator", minutes_left=180)
    assert play.incident.damage["honcho"].items["generator"].minutes_left == 180
    with pytest.raises(Refused):
        saw(play, "partly", "generator", minutes_left=-1)


@pytest.mark.parametrize(("field", "value"), [("item", "moon"), ("value", "ok"), ("site", "moon")])
def test_only_what_stands_on_the_sheet_is_taken(play: Play, field: str, value: str) -> None:
    given = {"site": "honcho", "item": "lan", "value": "good", field: value}
    with pytest.raises(Refused):
        play.do(c.ObserveDamage(incident=play.incident.id, **given))  # type: ignore[arg-type]


def answer(play: Play, safe: bool, *items: str) -> None:
    for item in items:
        play.do(c.AnswerPower(incident=play.incident.id, site="honcho", item=item, safe=safe))


def test_power_stays_off_until_every_question_is_answered_yes(play: Play) -> None:
    start = c.StartStep(incident=play.incident.id, step="PW-01")
    with pytest.raises(Refused, match="まだ電源を入れません") as refused:
        play.do(start)
    assert "理由を書いて飛ばします" in str(refused.value.next_step)
    answer(play, True, *list(BEFORE_POWER)[:-1])
    answer(play, False, "cooling")
    with pytest.raises(Refused, match="空調"):
        play.do(start)
    answer(play, True, "cooling")
    play.do(start)
    assert play.entries[-1].kind == "incident.step_started"


def test_the_hold_never_traps_an_override_with_a_reason_lets_power_come_on(play: Play) -> None:
    override = c.OverridePower(incident=play.incident.id, site="honcho", reason="監視室だけ先に")
    with pytest.raises(Refused):
        play.do(c.OverridePower(incident=play.incident.id, site="honcho", reason=" "))
    play.do(override)
    assert play.entries[-1].detail["open"] == list(BEFORE_POWER)
    play.do(c.FinishStep(incident=play.incident.id, step="PW-01"))
    answer(play, False, "dry")  # somebody looked: the override is over
    assert not play.incident.damage["honcho"].may_power_on


def test_what_was_powered_on_before_it_was_typed_in_is_not_held_any_more(play: Play) -> None:
    play.do(
        c.FinishStep(
            incident=play.incident.id, step="PW-01", paper=True, heard=Heard("paper", sheet="X")
        )
    )
    assert play.entries[-1].kind == "incident.step_done"


def test_other_steps_are_never_held(play: Play) -> None:
    play.do(c.StartStep(incident=play.incident.id, step="AD-01"))
    assert play.entries[-1].kind == "incident.step_started"


def test_a_site_nobody_looked_at_may_not_power_on() -> None:
    assert not SiteDamage().may_power_on
    assert len({item.id for item in ITEMS}) == len(ITEMS)
