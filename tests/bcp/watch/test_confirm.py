"""The rule that turns answers into states."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bcp.watch.check import Confirm
from bcp.watch.confirm import Counter, advance
from bcp.watch.values import Status, Transition
from tests.bcp.watch.helpers import seen
from tests.fakes import START

OK, DEGRADED, FAILED, UNKNOWN = Status.OK, Status.DEGRADED, Status.FAILED, Status.UNKNOWN


def at(index: int) -> datetime:
    return START + timedelta(seconds=30 * index)


def walk(answers: list[Status], confirm: Confirm) -> tuple[list[Status], list[Transition]]:
    """The state after each answer, and every change."""
    counter, states, changes = Counter(), [], []
    for index, answer in enumerate(answers):
        moment = at(index)
        counter, change = advance(counter, seen(status=answer, at=moment), confirm, moment)
        assert counter.status is not None
        states.append(counter.status)
        if change is not None:
            changes.append(change)
    return states, changes


def test_the_first_answer_is_the_state_at_once() -> None:
    for status in Status:
        assert walk([status], Confirm())[0] == [status]


def test_one_bad_answer_is_not_down_and_two_are() -> None:
    states, changes = walk([OK, FAILED, OK, FAILED, FAILED], Confirm(failures=2))
    assert states == [OK, OK, OK, OK, FAILED]
    assert (changes[-1].old, changes[-1].new) == (OK, FAILED)
    assert changes[-1].since == at(3), "down since the first bad answer, not since it was confirmed"
    assert changes[-1].at == at(4)


def test_two_of_three_bad_answers_are_down_when_the_plan_says_so() -> None:
    assert walk([OK, FAILED, OK, FAILED], Confirm(failures=2, of=3))[0][-1] is FAILED


def test_recovery_is_confirmed_too() -> None:
    answers = [FAILED, OK, FAILED, OK, OK, OK]
    states, changes = walk(answers, Confirm(failures=1, successes=3))
    assert states == [FAILED] * 5 + [OK]
    assert changes[-1].since == at(3)


def test_old_failures_do_not_bring_a_recovered_state_down_again() -> None:
    states, _ = walk([OK, FAILED, FAILED, OK, FAILED, OK], Confirm(failures=2, of=5))
    assert states == [OK, OK, FAILED, OK, OK, OK]


def test_failed_and_degraded_in_turn_is_degraded() -> None:
    states, _ = walk([OK, FAILED, DEGRADED], Confirm(failures=2))
    assert states[-1] is DEGRADED


def test_one_unknown_breaks_a_row_of_good_answers() -> None:
    states, _ = walk([FAILED, OK, UNKNOWN, OK, OK], Confirm(failures=1, successes=2))
    assert states == [FAILED, FAILED, FAILED, FAILED, OK]


def test_two_unknowns_in_a_row_are_unknown_since_the_first() -> None:
    states, changes = walk([OK, UNKNOWN, UNKNOWN], Confirm())
    assert states == [OK, OK, UNKNOWN]
    assert changes[-1].since == at(1)


ANSWERS = st.lists(st.sampled_from(list(Status)), max_size=60)
CONFIRMS = st.builds(
    lambda n, more, good: Confirm(failures=n, of=n + more, successes=good),
    st.integers(1, 4),
    st.integers(0, 4),
    st.integers(1, 4),
)


@given(ANSWERS, CONFIRMS)
def test_a_state_is_never_worse_than_n_of_the_last_m_known_answers(
    answers: list[Status], confirm: Confirm
) -> None:
    states, _ = walk(answers, confirm)
    size = confirm.of or confirm.failures
    for index in range(1, len(answers)):
        if states[index] is FAILED and states[index - 1] is not FAILED:
            known = [answer for answer in answers[: index + 1] if answer is not UNKNOWN][-size:]
            assert known.count(FAILED) >= confirm.failures
            assert answers[index] is FAILED


@given(ANSWERS, CONFIRMS)
def test_unknown_never_makes_green_and_never_makes_red(
    answers: list[Status], confirm: Confirm
) -> None:
    states, _ = walk(answers, confirm)
    for index in range(1, len(answers)):
        if answers[index] is UNKNOWN and states[index] is not states[index - 1]:
            assert states[index] is UNKNOWN
    if set(answers) <= {UNKNOWN}:
        assert set(states) <= {UNKNOWN}


@given(ANSWERS, CONFIRMS)
def test_a_lasting_answer_becomes_the_state(answers: list[Status], confirm: Confirm) -> None:
    for status in Status:
        # twice: an answer between may first make it degraded, and a change clears what was counted
        enough = 2 * max(confirm.of or 0, confirm.failures, 2) + 2 * confirm.successes
        assert walk([*answers, *[status] * enough], confirm)[0][-1] is status


@given(ANSWERS, CONFIRMS)
def test_changes_form_a_chain(answers: list[Status], confirm: Confirm) -> None:
    _, changes = walk(answers, confirm)
    for before, after in pairwise(changes):
        assert before.new is after.old
        assert before.since <= after.since
    for change in changes:
        assert change.old is not change.new
        assert change.since <= change.at


@given(ANSWERS, CONFIRMS)
def test_flapping_cannot_change_the_state_more_often_than_it_is_confirmed(
    answers: list[Status], confirm: Confirm
) -> None:
    known = [answer for answer in answers if answer is not UNKNOWN]
    _, changes = walk(known, confirm)
    assert len(changes) <= 1 + max(0, len(known) - 1) // min(confirm.failures, confirm.successes)
