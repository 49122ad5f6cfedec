"""Down and up again and again is told once; nothing on the board changes for it."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bcp.kit.language import same
from bcp.watch.announcing import Announcement
from bcp.watch.board import Board
from bcp.watch.flapping import BEGINS, Flapping
from bcp.watch.judge import Judge
from bcp.watch.recorder import Recorder
from bcp.watch.values import Mute, Status, Transition
from tests.bcp.watch.helpers import check, city, running, seen
from tests.bcp.watch.test_recorder import PaperLog
from tests.fakes import START, ManualClock

MINUTE = timedelta(minutes=1)


def change(old: Status, new: Status, minutes: float) -> Transition:
    at = START + minutes * MINUTE
    return Transition("a", old, new, at, at, same("x"))


def test_it_begins_with_six_changes_and_ends_after_ten_quiet_minutes() -> None:
    flapping = Flapping()
    for n in range(BEGINS):
        old, new = (Status.OK, Status.FAILED) if n % 2 == 0 else (Status.FAILED, Status.OK)
        assert flapping.refresh(START + n * MINUTE) == {}
        flapping.note(change(old, new, n))
    assert flapping.refresh(START + 6 * MINUTE) == {"a": BEGINS}
    assert flapping.refresh(START + 15 * MINUTE) == {"a": BEGINS}
    assert flapping.refresh(START + 16 * MINUTE) == {}
    assert flapping.refresh(START + 17 * MINUTE) == {}, "it does not begin again by itself"
    assert [news.entry.detail["new"] for news in flapping.take()] == ["flapping", "settled"]
    assert flapping.take() == []


def test_slower_and_faster_is_no_flapping() -> None:
    flapping = Flapping()
    for n in range(20):
        flapping.note(change(Status.OK, Status.DEGRADED, n))
    assert flapping.refresh(START + 20 * MINUTE) == {}


@given(st.lists(st.tuples(st.sampled_from(Status), st.integers(0, 30)), max_size=60))
def test_what_it_remembers_stays_small_and_it_always_settles(
    said: list[tuple[Status, int]],
) -> None:
    flapping, now, old = Flapping(), START, Status.OK
    for status, minutes in said:
        now += minutes * MINUTE
        flapping.note(Transition("a", old, status, now, now, same("x")))
        old = status
        for count in flapping.refresh(now).values():
            assert 0 < count <= 4 * BEGINS
    assert flapping.refresh(now + timedelta(hours=2)) == {}
    assert flapping.since == {}


async def test_one_message_then_silence_then_what_is_left() -> None:
    clock, heard, log = ManualClock(), list[Announcement](), PaperLog()
    board = Board(clock)
    await board.define([check("a", failures=1, every=600)])
    recorder = Recorder(board, Judge(board, clock, city()), clock, sink=log, announce=heard.append)
    async with running(recorder.run):
        for n in range(12):
            status = Status.OK if n % 2 == 0 else Status.FAILED
            recorder.record(seen("a", status, clock.utc()))
            await clock.advance(60)
        view = board.view("a")
        assert view.muted == {Mute.FLAPPING}
        assert view.status is Status.FAILED, "held back, not made good"
        told = [one.title.ja for one in heard]
        assert sum("不安定です" in one for one in told) == 1
        assert len(told) <= BEGINS + 1
        assert [e.kind for e in log.entries].count("check.flapping") == 1
        changed = [e for e in log.entries if e.kind == "check.changed"]
        assert len(changed) == 12, "the log has every change"
        before = len(heard)
        for _ in range(11):
            recorder.record(seen("a", Status.FAILED, clock.utc()))
            await clock.advance(60)
        after = heard[before:]
        assert any("落ち着きました" in one.title.ja for one in after)
        assert board.view("a").muted == frozenset()
        assert heard[-1].state is Status.FAILED, "still down: told when it settled"
