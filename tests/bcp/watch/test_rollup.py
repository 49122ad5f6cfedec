"""From checks to systems and services; what is silenced, and when this node doubts itself."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from bcp.kit.clock import Clock
from bcp.plan.model import City
from bcp.plan.types import Zone
from bcp.watch.board import Board
from bcp.watch.judge import Judge
from bcp.watch.rollup import (
    is_it_me,
    proven_level,
    service_state,
    suppressed_by,
    system_state,
)
from bcp.watch.values import Mute, Pillar, Status
from bcp.watch.view import CheckView
from tests.bcp.watch.helpers import SENTENCES, Confidential, Scripted, check, city, seen
from tests.fakes import START, ManualClock

OK, DEGRADED, FAILED, UNKNOWN = Status.OK, Status.DEGRADED, Status.FAILED, Status.UNKNOWN
TODAY = date(2026, 11, 23)


def view(id: str, status: Status = OK, **more: Any) -> CheckView:
    cls: type[Scripted] = more.pop("cls", Scripted)
    host = more.pop("host", None)
    return CheckView(
        id=id,
        check=check(id, cls=cls, host=host),
        status=status,
        since=START,
        sentence=SENTENCES[status],
        last=seen(id, status),
        **more,
    )


def system(id: str = "juki", **more: Any) -> dict[str, Any]:
    return {"id": id, "name": id.upper(), "zone": Zone.LGWAN, **more}


def one(**more: Any) -> City:
    return city(systems=[system(**more)])


def test_a_system_is_as_bad_as_its_worst_availability_check() -> None:
    juki = one().systems[0]
    for worst, others in ((FAILED, [OK, UNKNOWN]), (UNKNOWN, [OK, DEGRADED]), (DEGRADED, [OK])):
        views = [view(f"c{index}", status) for index, status in enumerate([*others, worst])]
        state = system_state(juki, views, TODAY)
        assert state.status is worst
        assert state.sentence == SENTENCES[worst]
        assert state.checks[0] == f"c{len(others)}", "worst first"


def test_an_open_file_does_not_stop_a_counter_but_is_told_by_pillar() -> None:
    views = [view("up"), view("modes", FAILED, cls=Confidential)]
    state = system_state(one().systems[0], views, TODAY)
    assert state.status is OK
    assert state.pillars == {Pillar.AVAILABILITY: OK, Pillar.CONFIDENTIALITY: FAILED}


def test_what_does_not_run_on_purpose_is_counted_and_never_green_alone() -> None:
    blocked = view("blocked", UNKNOWN, blocked=True)
    state = system_state(one().systems[0], [view("up"), blocked], TODAY)
    assert (state.status, state.not_run) == (OK, 1)
    assert "未実施 1 件" in state.sentence.ja
    assert system_state(one().systems[0], [blocked], TODAY).status is UNKNOWN


def test_what_nobody_checks_is_unknown() -> None:
    state = system_state(one().systems[0], [], TODAY)
    assert (state.status, state.watched) == (UNKNOWN, False)


def test_a_system_of_another_zone_is_not_watched_and_says_so() -> None:
    state = system_state(one().systems[0], [], TODAY, Zone.MYNUMBER)
    assert (state.status, state.sentence.ja) == (UNKNOWN, "未監視(別区画)")


def test_a_system_not_in_service_today_is_not_green() -> None:
    future = one(hosting=[{"kind": "onprem", "from": date(2027, 1, 1)}]).systems[0]
    assert system_state(future, [view("up")], TODAY).status is UNKNOWN


LEVELS = [
    {"level": "L0", "name": "電話で照会", "proven_by": ["a"]},
    {"level": "L1", "name": "誰も確かめない"},
    {"level": "L2", "name": "窓口", "proven_by": ["b"], "hold": timedelta(minutes=5)},
]


def proven(since: dict[str, datetime | None], now: datetime = START) -> str | None:
    juki = one(targets=LEVELS).systems[0]
    views = {id: view(id, OK if at else FAILED) for id, at in since.items()}
    return proven_level(juki, views, lambda id: since.get(id), now)


def test_a_level_is_proven_when_it_and_all_below_have_held() -> None:
    long, short = START - timedelta(hours=1), START - timedelta(minutes=2)
    assert proven({"a": long, "b": long}) == "L2"
    assert proven({"a": long, "b": short}) == "L0", "not held for five minutes"
    assert proven({"a": None, "b": long}) is None, "the level below does not hold"
    assert proven({"a": long, "b": None}) == "L0"
    assert proven({}) is None


def test_a_failure_above_a_proven_level_is_degraded() -> None:
    juki = one(targets=LEVELS).systems[0]
    assert system_state(juki, [view("a"), view("b", FAILED)], TODAY, level="L0").status is DEGRADED


def serving(level: str | None, views: list[CheckView], reached: str | None) -> Status:
    plan = city(
        systems=[system(targets=LEVELS)],
        services=[{"id": "s", "name": "住民票", "needs": [{"system": "juki", "level": level}]}],
    )
    state = system_state(plan.systems[0], views, TODAY, level=reached)
    return service_state(plan.services[0], plan, {"juki": state}).status


def test_a_service_works_from_the_level_it_needs() -> None:
    good, half = [view("a"), view("b")], [view("a"), view("b", FAILED)]
    assert serving("L2", good, "L2") is OK
    assert serving("L0", half, "L0") is DEGRADED, "it can work, and something is wrong"
    assert serving("L2", half, "L0") is FAILED
    assert serving("L2", good, "L0") is UNKNOWN, "not proven yet is not green"
    assert serving(None, good, None) is OK
    assert serving("L1", good, None) is OK, "a level nobody can prove asks for the system's state"


def test_a_service_names_the_systems_that_stop_it() -> None:
    plan = city(
        systems=[system("juki"), system("zei"), system("net")],
        services=[
            {
                "id": "s",
                "name": "証明",
                "needs": [{"system": id} for id in ("juki", "net", "zei", "none")],
            },
            {"id": "empty", "name": "未設定"},
        ],
    )
    states = {
        id: system_state(found, [view(id, status)], TODAY)
        for (id, status), found in zip(
            {"juki": OK, "zei": FAILED, "net": DEGRADED}.items(), plan.systems, strict=True
        )
    }
    state = service_state(plan.services[0], plan, states)
    assert (state.status, state.causes) == (FAILED, ("zei", "none", "net"))
    assert state.sentence.ja.startswith("ZEI: ")
    assert service_state(plan.services[1], plan, states).status is UNKNOWN


def chain(**status: Status) -> tuple[City, dict[str, Any]]:
    def needs(*ids: str, **more: str) -> list[dict[str, str]]:
        return [{"system": id, **more} for id in ids]

    plan = city(
        systems=[
            system("power"),
            system("net", depends_on=needs("power")),
            system("juki", depends_on=needs("net")),
            system("soft", depends_on=needs("net", kind="soft")),
            system("either", depends_on=needs("l1", "l2", kind="alternative", group="line")),
            system("l1"),
            system("l2"),
            system("x", depends_on=needs("y")),
            system("y", depends_on=needs("x")),
        ]
    )
    states = {
        found.id: system_state(found, [view(found.id, status.get(found.id, OK))], TODAY)
        for found in plan.systems
    }
    return plan, states


def silenced(id: str, **status: Status) -> tuple[str, ...]:
    plan, states = chain(**status)
    found = plan.system(id)
    assert found is not None
    suppression = suppressed_by(found, plan, states)
    return suppression.parents if suppression else ()


def test_a_child_is_silenced_by_the_deepest_thing_that_is_down() -> None:
    assert silenced("juki", juki=FAILED) == ()
    assert silenced("juki", juki=FAILED, net=FAILED) == ("net",)
    assert silenced("juki", juki=FAILED, net=FAILED, power=FAILED) == ("power",)
    assert silenced("juki", juki=FAILED, power=FAILED) == (), "the net between them works"


def test_only_a_failed_hard_parent_silences() -> None:
    assert silenced("juki", juki=FAILED, net=UNKNOWN) == ()
    assert silenced("soft", soft=FAILED, net=FAILED) == ()


def test_of_alternatives_all_must_be_down() -> None:
    assert silenced("either", either=FAILED, l1=FAILED) == ()
    assert silenced("either", either=FAILED, l1=FAILED, l2=FAILED) == ("l1", "l2")


def test_a_circle_in_the_plan_ends() -> None:
    assert silenced("x", x=FAILED, y=FAILED) == ("y",)


def test_most_places_failing_at_once_raises_the_question_is_it_me() -> None:
    places = [view(f"c{index}", FAILED, host=f"h{index}") for index in range(4)]
    found = is_it_me([*places, view("good", OK, host="h9")])
    assert found is not None
    assert (found.failing, found.total) == (4, 5)
    assert "この監視機自身" in found.sentence.ja


def test_one_dead_host_with_many_checks_is_not_me() -> None:
    many = [view(f"c{index}", FAILED, host="dead") for index in range(20)]
    assert is_it_me([*many, view("g1", OK, host="h1"), view("g2", OK, host="h2")]) is None
    assert is_it_me(many) is None


async def test_the_judge_mutes_children_of_what_is_down_and_lets_them_go_again() -> None:
    clock: Clock = ManualClock()
    board = Board(clock)
    plan = city(
        systems=[system("net"), system("juki", depends_on=[{"system": "net"}])],
        services=[{"id": "s", "name": "住民票", "needs": [{"system": "juki"}]}],
    )
    await board.define([check(id, system=id, failures=1, successes=1) for id in ("net", "juki")])
    judge = Judge(board, clock, plan)
    for id in ("net", "juki"):
        board.apply(seen(id, FAILED))
    await judge.refresh()
    assert judge.systems["juki"].status is FAILED, "muting hides nothing"
    assert judge.services["s"].status is FAILED
    assert board.view("juki").muted == {Mute.PARENT}
    assert "NET" in board.view("juki").why_muted[Mute.PARENT].ja
    assert not board.view("net").muted
    board.apply(seen("net", OK))
    await judge.refresh()
    assert not board.view("juki").muted
    assert {span.subject for span in judge.spans(START, 10)} == {
        "system:net",
        "system:juki",
        "service:s",
    }
