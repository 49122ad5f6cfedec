"""The board: what is shown is what is known now."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcp.kit.language import Text
from bcp.watch.board import Board
from bcp.watch.check import Check
from bcp.watch.values import (
    Finding,
    FindingResult,
    Mute,
    Observation,
    Outcome,
    Severity,
    Status,
)
from bcp.watch.view import Saved
from tests.bcp.watch.helpers import SENTENCES, Confidential, check, seen
from tests.fakes import START, ManualClock

WHY = Text("点検", "maintenance")


async def board_of(*checks: Check) -> tuple[Board, ManualClock]:
    clock = ManualClock()
    board = Board(clock)
    await board.define(checks)
    return board, clock


async def test_a_check_that_never_ran_is_unknown() -> None:
    board, _ = await board_of(check())
    view = board.view("juki/http")
    assert (view.status, view.stale, view.since) == (Status.UNKNOWN, False, None)
    assert view.sentence.ja == "まだ結果がありません"


async def test_with_a_dead_scheduler_green_turns_unknown_and_says_for_how_long() -> None:
    board, clock = await board_of(check(every=60, timeout=10))
    board.apply(seen())
    await clock.advance(179)
    assert board.view("juki/http").status is Status.OK
    await clock.advance(2)
    view = board.view("juki/http")
    assert (view.status, view.stale, view.works) == (Status.UNKNOWN, True, False)
    assert "3分前から結果がありません" in view.sentence.ja
    assert view.stale_at is not None
    assert view.stale_at == view.since
    assert view.last is not None, "the last answer is still there to look at"


async def test_red_turns_unknown_too() -> None:
    board, clock = await board_of(check(every=60))
    board.apply(seen(status=Status.FAILED))
    await clock.advance(500)
    assert board.view("juki/http").status is Status.UNKNOWN


@pytest.mark.parametrize("hours", [-24, 24])
async def test_a_stepped_wall_clock_neither_ages_nor_refreshes(hours: int) -> None:
    board, clock = await board_of(check(every=60))
    board.apply(seen())
    clock.step_wall(timedelta(hours=hours))
    assert board.view("juki/http").status is Status.OK
    await clock.advance(500)
    assert board.view("juki/http").status is Status.UNKNOWN


async def test_a_reader_can_ask_for_a_later_moment() -> None:
    board, clock = await board_of(check(every=60))
    board.apply(seen())
    assert board.view("juki/http", clock.utc() + timedelta(hours=1)).stale


@given(st.lists(st.sampled_from(list(Status)), max_size=20), st.floats(0, 1000))
async def test_nothing_makes_an_unwatched_check_green(answers: list[Status], age: float) -> None:
    board, clock = await board_of(check(every=30))
    for answer in answers:
        board.apply(seen(status=answer, at=clock.utc()))
    await clock.advance(age)
    view = board.view("juki/http")
    if age >= 90 or not answers or set(answers) == {Status.UNKNOWN}:
        assert view.status is Status.UNKNOWN


async def test_muting_stands_beside_the_state_and_hides_nothing() -> None:
    board, _ = await board_of(check(failures=1))
    board.mute("juki/http", Mute.MAINTENANCE, WHY)
    board.apply(seen(status=Status.FAILED))
    view = board.view("juki/http")
    assert view.status is Status.FAILED
    assert view.muted == {Mute.MAINTENANCE}
    assert view.why_muted[Mute.MAINTENANCE] == WHY
    board.unmute("juki/http", Mute.MAINTENANCE)
    assert not board.view("juki/http").muted


async def test_a_blocked_check_is_unknown_with_the_reason_whatever_it_said_before() -> None:
    board, _ = await board_of(check())
    board.apply(seen())
    board.block("juki/http", Text("許可がありません", "no permission"))
    view = board.view("juki/http")
    assert (view.status, view.blocked, view.stale) == (Status.UNKNOWN, True, False)
    assert view.sentence.ja == "許可がありません"
    board.block("juki/http", None)
    assert board.view("juki/http").status is Status.OK


async def test_held_good_counts_from_the_first_answer_and_breaks_on_any_bad_one() -> None:
    board, clock = await board_of(check(every=30))
    board.apply(seen(at=clock.utc()))
    await clock.advance(60)
    board.apply(seen(at=clock.utc()))
    assert board.since_ok("juki/http") == START
    board.apply(seen(status=Status.FAILED, at=clock.utc()))
    assert board.view("juki/http").status is Status.OK, "not confirmed"
    assert board.since_ok("juki/http") is None, "but not held either"
    await clock.advance(5)
    board.apply(seen(status=Status.DEGRADED, at=clock.utc()))
    assert board.since_ok("juki/http") == clock.utc()


async def test_held_good_does_not_reach_over_a_gap_nobody_watched() -> None:
    board, clock = await board_of(check(every=30))
    board.apply(seen(at=clock.utc()))
    await clock.advance(600)
    assert board.since_ok("juki/http") is None
    board.apply(seen(at=clock.utc()))
    assert board.since_ok("juki/http") == clock.utc()


async def test_a_sentence_belongs_to_the_confirmed_state() -> None:
    board, _ = await board_of(check(failures=2))
    board.apply(seen())
    board.apply(seen(status=Status.FAILED))
    view = board.view("juki/http")
    assert view.pending
    assert view.sentence == SENTENCES[Status.OK]
    assert board.pending("juki/http")


async def test_a_reload_keeps_states_but_a_new_target_starts_anew() -> None:
    board, _ = await board_of(check("a", host="h1"), check("b", host="h1"), check("c"))
    for id in "abc":
        board.apply(seen(id))
    board.mute("b", Mute.PLANNED, WHY)
    layout = board.layout
    await board.define([check("a", host="h1", every=90), check("b", host="h2"), check("d")])
    assert board.ids() == ["a", "b", "d"]
    assert board.layout > layout
    assert board.view("a").status is Status.OK
    assert board.view("a").check.every == timedelta(seconds=90)
    assert board.view("b").status is Status.UNKNOWN, "an old verdict does not speak for a new host"
    assert board.view("b").muted == {Mute.PLANNED}
    assert board.apply(seen("c")) is None, "a check no longer in the plan is passed over"
    assert not board.is_about(check("b", host="h1"))
    assert board.is_about(check("b", host="h2", every=45))


async def test_after_a_restart_the_last_state_counts_by_its_own_age() -> None:
    board, clock = await board_of(check("young", every=60), check("old", every=60))
    await clock.advance(1000)
    young, old = clock.utc() - timedelta(seconds=30), clock.utc() - timedelta(seconds=900)
    board.restore(
        Saved(id, Status.FAILED, at, SENTENCES[Status.FAILED], seen(id, Status.FAILED, at))
        for id, at in (("young", young), ("old", old), ("gone", old))
    )
    assert board.view("young").status is Status.FAILED
    assert board.view("young").since == young
    assert board.view("old").status is Status.UNKNOWN
    assert board.apply(seen("young", Status.FAILED, clock.utc())) is None, "no new change"


@pytest.mark.parametrize(("pause", "unbroken"), [(20, True), (400, False)])
async def test_a_short_restart_breaks_no_row_of_good_answers(pause: int, unbroken: bool) -> None:
    """Else a restart in a disaster makes a system that never failed miss its deadline."""
    board, clock = await board_of(check(every=60))
    last = seen(at=clock.utc())
    began = START - timedelta(hours=5)
    await clock.advance(pause)
    board.restore([Saved("juki/http", Status.OK, began, SENTENCES[Status.OK], last, began)])
    assert board.since_ok("juki/http") == (began if unbroken else None)
    again = seen(at=clock.utc())
    board.apply(again)
    assert board.since_ok("juki/http") == (began if unbroken else again.started)


async def test_time_is_credited_up_to_where_an_answer_expires_and_never_twice() -> None:
    board, clock = await board_of(check(every=60, timeout=10))
    board.apply(seen(at=clock.utc()))
    await clock.advance(60)
    first = board.take_span("juki/http", clock.utc())
    assert first is not None
    assert (first.start, first.end, first.status) == (START, clock.utc(), Status.OK)
    await clock.advance(1000)
    rest = board.take_span("juki/http", clock.utc())
    assert rest is not None
    assert rest.end == START + timedelta(seconds=180)
    assert board.take_span("juki/http", clock.utc()) is None


async def test_people_are_told_of_changes_and_the_cache_of_every_touch() -> None:
    board, _ = await board_of(check())
    told: list[str] = []
    touched: list[str] = []
    leave = board.subscribe(told.append)
    board.watch(touched.append)
    board.apply(seen())
    board.apply(seen())
    assert (told, touched) == (["juki/http"], ["juki/http"] * 2)
    before = board.version
    board.missed("juki/http", 2, 60.0)
    assert board.version > before
    reading = board.reading("juki/http", 0.0)
    assert reading is not None
    assert (reading.missed, reading.blind) == (2, 60.0)
    leave()
    board.mute("juki/http", Mute.DRILL, WHY)
    assert told == ["juki/http"]


async def test_runs_are_counted_by_result_from_zero() -> None:
    board, clock = await board_of(check())
    reading = board.reading("juki/http", clock.monotonic())
    assert reading is not None
    assert reading.runs == dict.fromkeys(Status, 0)
    board.apply(seen(status=Status.FAILED))
    assert reading.runs[Status.FAILED] == 1
    assert board.reading("gone", clock.monotonic()) is None


def finding(result: FindingResult, subject: str = "/k") -> Finding:
    words = Text("鍵", "key")
    return Finding("file.key", subject, result, Severity.HIGH, words, "0644", "0600", words)


def found(*findings: Finding, status: Status = Status.FAILED) -> Observation:
    return Observation("juki/http", "n", START, 0.1, Outcome(status, WHY, {}, findings))


async def test_a_look_that_could_not_tell_cures_no_finding() -> None:
    board, clock = await board_of(check(every=60, cls=Confidential))
    open_, fine = finding(FindingResult.FAIL), finding(FindingResult.PASS)
    board.apply(found(open_))
    board.apply(found(status=Status.UNKNOWN))
    view = board.view("juki/http")
    assert (view.findings, view.looked) == ((open_,), False)

    blind = finding(FindingResult.NOT_CHECKED)
    other = finding(FindingResult.NOT_CHECKED, "/other")
    board.apply(found(blind, other, status=Status.UNKNOWN))
    view = board.view("juki/http")
    assert (view.findings, view.looked) == ((open_, other), True)

    await clock.advance(500)
    view = board.view("juki/http")
    assert (view.findings, view.looked) == ((open_, other), False), "stale, still open"
    board.apply(found(fine, status=Status.OK))
    assert board.view("juki/http").findings == (fine,)
