"""What several vantages say together; and that two of them must not meet in one counter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcp.watch.confirm import Counter, advance
from bcp.watch.quorum import majority, vote
from bcp.watch.values import Status
from bcp.watch.view import WORKS
from tests.bcp.watch.helpers import check, seen
from tests.fakes import START

OK, DEGRADED, FAILED, UNKNOWN = Status.OK, Status.DEGRADED, Status.FAILED, Status.UNKNOWN
STATES = st.lists(st.sampled_from(Status), min_size=1, max_size=7)


@pytest.mark.parametrize(
    ("states", "verdict"),
    [
        ((OK, OK, OK), OK),
        ((OK, OK, UNKNOWN), OK),
        ((OK, OK, FAILED), DEGRADED),
        ((OK, DEGRADED, DEGRADED), DEGRADED),
        ((OK, FAILED, FAILED), FAILED),
        ((UNKNOWN, FAILED, FAILED), FAILED),
        ((OK, FAILED, UNKNOWN), DEGRADED),
        ((OK, UNKNOWN, UNKNOWN), UNKNOWN),
        ((FAILED, UNKNOWN, UNKNOWN), UNKNOWN),
        ((UNKNOWN, UNKNOWN, UNKNOWN), UNKNOWN),
    ],
)
def test_of_three_two_decide_and_one_alone_never_does(
    states: tuple[Status, ...], verdict: Status
) -> None:
    assert vote(states, majority(3)) is verdict


def test_of_two_a_majority_is_both() -> None:
    assert vote((OK, FAILED), majority(2)) is DEGRADED
    assert vote((UNKNOWN, FAILED), majority(2)) is UNKNOWN
    assert vote((FAILED, FAILED), majority(2)) is FAILED


@given(STATES, st.integers(1, 7))
def test_down_and_good_need_their_quorum(states: list[Status], quorum: int) -> None:
    found = vote(states, quorum)

    assert (found is FAILED) == (states.count(FAILED) >= quorum)
    if found is OK:
        assert states.count(OK) >= quorum
        assert FAILED not in states
    if found is DEGRADED:
        assert any(one in WORKS for one in states)


@given(STATES, st.integers(1, 7))
def test_the_order_of_the_vantages_says_nothing(states: list[Status], quorum: int) -> None:
    assert vote(sorted(states), quorum) is vote(states, quorum)


@given(STATES, st.integers(1, 7))
def test_a_vantage_that_falls_silent_never_betters_the_verdict(
    states: list[Status], quorum: int
) -> None:
    """Going from known to unknown makes a good verdict at most unknown, and nothing down."""
    before, after = vote(states, quorum), vote([UNKNOWN, *states[1:]], quorum)

    if before is not FAILED:
        assert after is not FAILED
    if after is OK:
        assert before is OK or states[0] is FAILED


def test_two_places_that_disagree_are_no_flapping_check() -> None:
    """Why each vantage needs a counter of its own: in one, their answers undo each other."""
    confirm = check(failures=2).confirm
    mixed, each = Counter(), {"here": Counter(), "there": Counter()}
    for turn in range(12):
        for place, status in (("here", OK), ("there", FAILED)):
            look = seen(status=status, at=START)
            mixed, _ = advance(mixed, look, confirm, START)
            each[place], changed = advance(each[place], look, confirm, START)
            assert changed is None or turn == 0

    states = [one.status or UNKNOWN for one in each.values()]
    assert states == [OK, FAILED]
    assert vote(states, majority(2)) is DEGRADED
    assert mixed.status is OK, "half of all looks failed, and one counter calls it well"
