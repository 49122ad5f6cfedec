"""Kind `pair`: one of two up is degraded, both active is an alarm, and a switch is no false one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bcp.kit.language import Text
from bcp.watch.check import Env, Known
from bcp.watch.values import Outcome, Status
from probes import kinds
from probes.availability.pair import Part, judged
from tests.fakes import START

OK, DEGRADED, FAILED, UNKNOWN = Status.OK, Status.DEGRADED, Status.FAILED, Status.UNKNOWN
SECOND = timedelta(seconds=1)
MEMBERS = [
    {"name": "本番", "ready": ["a/tls", "a/name"], "active": "a/writes"},
    {"name": "待機", "ready": ["b/tls", "b/age"], "active": "b/writes"},
]
ALL = ("a/tls", "a/name", "a/writes", "b/tls", "b/age", "b/writes")


def known(status: Status, since: float = 0, looked: float = 100) -> Known:
    said = Text(f"文{status}", f"said {status}")
    return Known(status, START + since * SECOND, START + looked * SECOND, said)


async def look(env: Env, board: dict[str, Known], **fields: Any) -> Outcome:
    base = {"id": "juki/pair", "kind": "pair", "members": MEMBERS}
    check = kinds()["pair"].model_validate({**base, **fields})
    return await check.run(replace(env, known=board.get))


def board(**bad: Known) -> dict[str, Known]:
    well = dict.fromkeys(ALL, known(OK)) | {"b/writes": known(FAILED)}
    return well | {name.replace("_", "/"): one for name, one in bad.items()}


async def test_one_serves_and_the_other_could_take_over_is_good(env: Env) -> None:
    found = await look(env, board())

    assert found.status is OK
    assert found.sentence.ja == "juki/pair: 本番で稼働中。待機は引き継げます"
    assert found.facts == {"up": 2, "active": 1}


@pytest.mark.parametrize("why", ["b/tls", "b/age"])
async def test_a_standby_that_could_not_take_over_is_degraded_and_says_what_it_lacks(
    env: Env, why: str
) -> None:
    found = await look(env, board() | {why: known(FAILED)})

    assert found.status is DEGRADED
    assert f"待機側は引き継げません: 待機 {why} (文failed)" in found.sentence.ja
    assert found.facts == {"up": 1, "active": 1}


async def test_both_active_is_an_alarm_of_its_own_even_when_all_else_is_well(env: Env) -> None:
    found = await look(env, board(b_writes=known(OK)))

    assert found.status is FAILED
    assert "同時に稼働" in found.sentence.ja
    assert found.facts["active"] == 2


async def test_nobody_active_is_failed_with_another_sentence(env: Env) -> None:
    found = await look(env, board(a_writes=known(FAILED)))

    assert found.status is FAILED
    assert "本番も待機も稼働していません" in found.sentence.ja


async def test_the_standby_that_took_over_from_a_dead_one_is_degraded(env: Env) -> None:
    dead = {"a/tls": known(FAILED), "a/writes": known(FAILED), "b/writes": known(OK)}

    found = await look(env, board() | dead)

    assert found.status is DEGRADED
    assert found.sentence.ja.startswith(
        "juki/pair: 待機で稼働中、待機側は引き継げません: 本番 a/tls"
    )


async def test_during_a_switch_the_two_looks_of_different_moments_are_no_alarm(env: Env) -> None:
    """b became active at 90, but a was last looked at at 80: it may have given way since."""
    switched = board(a_writes=known(OK, 0, 80), b_writes=known(OK, 90, 95))
    found = await look(env, switched)
    assert found.status is OK
    assert "待機で稼働中" in found.sentence.ja

    again = await look(env, board(a_writes=known(OK, 0, 91), b_writes=known(OK, 90, 95)))
    assert again.status is FAILED


async def test_between_two_looks_nobody_seen_active_is_unknown_not_down(env: Env) -> None:
    gone = board(a_writes=known(FAILED, 90, 95), b_writes=known(FAILED, 0, 80))

    found = await look(env, gone)

    assert found.status is UNKNOWN
    assert "active" not in found.facts


async def test_two_that_may_both_serve_need_no_question_who_does(env: Env) -> None:
    two = [{"name": name, "ready": [f"{name}/tls"]} for name in "ab"]
    states = {
        "a/tls b/tls": OK,
        "a/tls": DEGRADED,
        "b/tls": DEGRADED,
        "": FAILED,
    }
    for up, status in states.items():
        seen = {id: known(OK if id in up.split() else FAILED) for id in ("a/tls", "b/tls")}
        assert (await look(env, seen, members=two)).status is status, up


async def test_what_was_never_looked_at_is_unknown(env: Env) -> None:
    found = await look(env, {})

    assert found.status is UNKNOWN
    assert found.facts == {"up": 0}


YES_NO = st.sampled_from([True, False, None])
PARTS = st.builds(
    lambda up, active, since, more: Part(
        "x",
        up,
        None if up else Text("だめ", "bad"),
        active,
        None if active is None else START + since * SECOND,
        None if active is None else START + (since + more) * SECOND,
    ),
    YES_NO,
    YES_NO,
    st.integers(0, 50),
    st.integers(0, 50),
)


@given(PARTS, PARTS, st.booleans())
def test_good_needs_both_up_and_failed_needs_proof(first: Part, second: Part, single: bool) -> None:
    status, _said = judged(first, second, single=single)

    if status is OK:
        assert first.up is second.up is True
        assert not single or True in (first.active, second.active)
    if status is FAILED:
        same = single and first.active is second.active is not None
        assert same or (first.up is second.up is False)
    if status is DEGRADED:
        assert {first.up, second.up} == {True, False}


@given(PARTS, PARTS)
def test_who_is_named_first_changes_no_verdict(first: Part, second: Part) -> None:
    for single in (True, False):
        here, there = judged(first, second, single=single), judged(second, first, single=single)
        assert here[0] is there[0]


@pytest.mark.parametrize(
    "members",
    [
        [MEMBERS[0], {**MEMBERS[1], "name": "本番"}],
        [MEMBERS[0], {"name": "待機", "ready": ["b/tls"]}],
        [MEMBERS[0], {**MEMBERS[1], "ready": ["a/tls"]}],
        [MEMBERS[0], {**MEMBERS[1], "ready": ["juki/pair"]}],
        [MEMBERS[0], {**MEMBERS[1], "ready": []}],
        [MEMBERS[0]],
    ],
)
def test_members_that_cannot_be_told_apart_are_refused(members: list[Any]) -> None:
    with pytest.raises(ValidationError):
        kinds()["pair"].model_validate({"id": "juki/pair", "kind": "pair", "members": members})


def test_every_verdict_is_reached() -> None:
    parts = [
        Part("x", up, None, active, START, START)
        for up, active in product((True, False, None), repeat=2)
    ]
    found = {judged(a, b, single=True)[0] for a, b in product(parts, repeat=2)}
    assert found == set(Status)
