"""What is stopped on purpose calls nobody, stays as bad as it is, and is told when the window ends."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bcp.kit.language import same
from bcp.plan.model import City, System
from bcp.plan.types import Zone
from bcp.plan.windows import Window
from bcp.watch.announcing import Announcement
from bcp.watch.board import Board
from bcp.watch.judge import Judge
from bcp.watch.recorder import Recorder
from bcp.watch.values import Mute, Pillar, Status
from tests.bcp.watch.helpers import Confidential, check, city, running, seen
from tests.fakes import START, ManualClock

LENGTH = timedelta(hours=1)


def town(kind: str = "planned") -> City:
    begin = (START + timedelta(hours=9)).replace(tzinfo=None, second=0, microsecond=0)
    window = Window.model_validate(
        {
            "id": "w",
            "name": "サーバ更新",
            "kind": kind,
            "systems": ["juki"],
            "from": begin.isoformat(timespec="minutes"),
            "until": (begin + LENGTH).isoformat(timespec="minutes"),
        }
    )
    system = System(id="juki", name="住民記録", zone=Zone.LGWAN)
    return city(systems=(system,), windows=(window,))


async def test_a_planned_stop_is_muted_and_still_failed_and_told_when_it_outlasts_the_window() -> (
    None
):
    clock, heard = ManualClock(), list[Announcement]()
    board = Board(clock)
    await board.define([check("a", failures=1, every=30, system="juki"), check("b", failures=1)])
    judge = Judge(board, clock, town())
    recorder = Recorder(board, judge, clock, announce=heard.append)
    async with running(recorder.run):
        await clock.advance(60)
        for id in ("a", "b"):
            recorder.record(seen(id, Status.OK, clock.utc()))
        await clock.advance(2)
        for id in ("a", "b"):
            recorder.record(seen(id, Status.FAILED, clock.utc()))
        fell = clock.utc()
        await clock.advance(3)
        view = board.view("a")
        assert view.status is Status.FAILED, "held back, not made good"
        assert view.muted == {Mute.PLANNED}
        assert "サーバ更新" in view.why_muted[Mute.PLANNED].ja
        assert [one.check for one in heard] == ["b"]
        for _ in range(130):
            recorder.record(seen("a", Status.FAILED, clock.utc()))
            await clock.advance(30)
        assert board.view("a").muted == frozenset()
        late = [one for one in heard if one.check == "a"]
        assert len(late) == 1
        assert late[0].since == fell, "with the time it really began"


async def test_what_recovered_within_the_window_is_never_told() -> None:
    clock, heard = ManualClock(), list[Announcement]()
    board = Board(clock)
    await board.define([check("a", failures=1, system="juki")])
    judge = Judge(board, clock, town("maintenance"))
    recorder = Recorder(board, judge, clock, announce=heard.append)
    async with running(recorder.run):
        await clock.advance(60)
        for status in (Status.OK, Status.FAILED, Status.OK):
            recorder.record(seen("a", status, clock.utc()))
            await clock.advance(3)
        assert heard == []
        assert board.view("a").muted == {Mute.MAINTENANCE}


async def test_a_stop_in_a_declared_event_calls_nobody_until_it_ends() -> None:
    clock = ManualClock()
    board = Board(clock)
    await board.define(
        [check("a", system="juki"), check("c", cls=Confidential, system="juki"), check("b")]
    )
    plan = town().model_copy(update={"windows": ()})
    judge = Judge(board, clock, plan)
    stopped = {"juki": same("自主停止")}
    judge.stops = lambda: stopped
    await judge.refresh()
    assert board.view("a").muted == {Mute.PLANNED}
    assert board.view("b").muted == frozenset()
    assert board.view("c").check.pillar is Pillar.CONFIDENTIALITY
    assert board.view("c").muted == frozenset(), "a door left open is no planned stop"
    stopped.clear()
    await judge.refresh()
    assert board.view("a").muted == frozenset()


@given(st.lists(st.sampled_from(Status), max_size=12))
async def test_no_window_changes_what_is_seen(said: list[Status]) -> None:
    boards = []
    for plan in (town(), town().model_copy(update={"windows": ()})):
        clock = ManualClock()
        board = Board(clock)
        await board.define([check("a", system="juki")])
        judge = Judge(board, clock, plan)
        for status in said:
            board.apply(seen("a", status, clock.utc()))
            await judge.refresh()
            await clock.advance(10)
        boards.append(board.view("a"))
    assert boards[0].status is boards[1].status
    assert boards[0].since == boards[1].since
