"""The funnel: a change is logged, announced, and never lost when the log cannot be written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bcp.journal.entry import Actor, NewEntry
from bcp.journal.journal import Journal
from bcp.kit.clock import SystemClock
from bcp.kit.errors import Unwritable
from bcp.kit.language import Text
from bcp.plan.model import City
from bcp.watch.announcing import BUNDLE, Announcement, decide
from bcp.watch.board import Board
from bcp.watch.check import Check
from bcp.watch.judge import Judge
from bcp.watch.recorder import LogSink, Recorder
from bcp.watch.values import Mute, Severity, Status
from tests.bcp.watch.helpers import check, city, running, seen, until
from tests.fakes import ManualClock

OK, FAILED, UNKNOWN = Status.OK, Status.FAILED, Status.UNKNOWN


class PaperLog:
    """A log in memory that a test can fill up (`full`); keeps the journal's promise on `op`."""

    def __init__(self) -> None:
        self.entries: list[NewEntry] = []
        self.ops: set[str] = set()
        self.full = self.hangs = False

    async def append(self, *new: NewEntry, op: str, actor: Actor) -> object:
        if self.hangs:
            await asyncio.sleep(3600)
        if self.full:
            raise Unwritable("disk full")
        if op not in self.ops:
            self.ops.add(op)
            self.entries += new
        return None

    def changes(self) -> list[tuple[str, Any, Any]]:
        return [(entry.subject, entry.detail["old"], entry.detail["new"]) for entry in self.entries]


@dataclass
class House:
    """Board, judge and recorder on one manual clock."""

    clock: ManualClock
    board: Board
    recorder: Recorder
    log: PaperLog
    heard: list[Announcement] = field(default_factory=list)

    async def see(self, id: str, *answers: Status) -> None:
        for answer in answers:
            self.recorder.record(seen(id, answer, self.clock.utc()))
            await self.clock.advance(2)

    def said(self) -> list[tuple[str | None, Status | None]]:
        return [(one.check, one.state) for one in self.heard]


@asynccontextmanager
async def house(*checks: Check, plan: City | None = None) -> AsyncIterator[House]:
    clock, log, heard = ManualClock(), PaperLog(), list[Announcement]()
    board = Board(clock)
    await board.define(checks)
    judge = Judge(board, clock, plan or city())
    recorder = Recorder(board, judge, clock, sink=log, announce=heard.append)

    async with running(recorder.run):
        await clock.advance(0)
        yield House(clock, board, recorder, log, heard)


async def test_a_change_is_logged_and_announced_once() -> None:
    async with house(check("a", failures=2)) as it:
        await it.see("a", OK, FAILED, FAILED, FAILED)
        assert it.log.changes() == [("a", "unknown", "ok"), ("a", "ok", "failed")]
        assert it.said() == [("a", FAILED)], "the first good answer is no news"
        (news,) = it.heard
        assert news.logged
        assert "記録できていません" not in "".join(line.ja for line in news.lines())
        entry = it.log.entries[-1]
        assert set(entry.detail) == {"check", "old", "new", "since_us"}
        assert entry.values == {"why": "いま failed"}, "words enter only as a commitment"


async def test_recovery_is_told_to_those_who_heard_of_the_failure() -> None:
    async with house(check("a", failures=1), check("b", failures=1)) as it:
        await it.see("a", FAILED, OK)
        await it.see("b", OK)
        assert it.said() == [("a", FAILED), ("a", OK)]
        assert it.heard[1].resolved
        assert it.heard[1].severity is it.heard[0].severity


async def test_an_unwritable_log_delays_no_announcement_and_the_announcement_says_so() -> None:
    async with house(check("a", failures=1)) as it:
        it.log.full = True
        await it.see("a", OK, FAILED)
        assert it.said() == [("a", FAILED)]
        assert not it.heard[0].logged
        assert "記録できていません" in it.heard[0].lines()[-1].ja
        assert it.recorder.unlogged == 2
        assert it.board.view("a").status is FAILED, "probing and board go on"


async def test_when_the_log_can_be_written_again_each_check_catches_up_with_one_entry() -> None:
    async with house(check("a", failures=1), check("b", failures=1)) as it:
        it.log.full = True
        await it.see("a", OK, FAILED, OK, FAILED)
        await it.see("b", FAILED)
        assert it.log.entries == []
        it.log.full = False
        await it.clock.advance(30)
        assert it.log.changes() == [("a", "unknown", "failed"), ("b", "unknown", "failed")]
        assert it.log.entries[0].detail["changes"] == 4
        assert it.recorder.unlogged == 0
        await it.see("a", OK)
        assert it.log.changes()[-1] == ("a", "failed", "ok")


async def test_a_log_that_hangs_does_not_hold_back_the_news(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bcp.watch.recorder._LOG_PATIENCE", 0.05)
    async with house(check("a", failures=1)) as it:
        it.log.hangs = True
        await it.see("a", FAILED)
        await asyncio.sleep(0.1)
        await it.clock.advance(2)
        assert it.said() == [("a", FAILED)]
        assert not it.heard[0].logged


async def test_muting_holds_the_news_back_until_it_ends() -> None:
    async with house(check("a", failures=1)) as it:
        it.board.mute("a", Mute.MAINTENANCE, Text("点検", "maintenance"))
        await it.see("a", FAILED)
        assert it.heard == []
        assert it.log.changes() == [("a", "unknown", "failed")], "the log hears of it all the same"
        it.board.unmute("a", Mute.MAINTENANCE)
        await it.clock.advance(2)
        assert it.said() == [("a", FAILED)], "still down when the maintenance ended"


async def test_what_recovered_while_muted_is_never_announced() -> None:
    async with house(check("a", failures=1)) as it:
        it.board.mute("a", Mute.PLANNED, Text("計画停止", "planned"))
        await it.see("a", FAILED, OK)
        it.board.unmute("a", Mute.PLANNED)
        await it.clock.advance(5)
        assert it.heard == []


async def test_a_child_waits_for_its_parent_and_is_silent_when_the_parent_is_down() -> None:
    zone = "LGWAN接続系"
    plan = city(
        systems=[
            {"id": "net", "name": "庁内網", "zone": zone, "class": "S"},
            {"id": "juki", "name": "住基", "zone": zone, "depends_on": [{"system": "net"}]},
        ]
    )
    checks = check("net/ping", system="net"), check("juki/http", system="juki", failures=1)
    async with house(*checks, plan=plan) as it:
        await it.see("net/ping", OK)
        await it.see("juki/http", OK)
        it.recorder.record(seen("net/ping", FAILED, it.clock.utc()))  # not confirmed yet
        await it.see("juki/http", FAILED)
        assert it.heard == [], "the parent is in doubt"
        await it.see("net/ping", FAILED)
        await it.clock.advance(60)
        assert it.said() == [("net/ping", FAILED)]
        assert it.heard[0].severity is Severity.CRITICAL
        await it.see("juki/http", OK)
        await it.see("net/ping", OK)
        assert it.said() == [("net/ping", FAILED), ("net/ping", OK)]


async def test_when_everything_fails_at_once_it_waits_and_then_says_it_may_be_me() -> None:
    checks = [check(f"c{index}", host=f"h{index}", failures=1) for index in range(5)]
    async with house(*checks) as it:
        for one in checks:
            it.recorder.record(seen(one.id, FAILED, it.clock.utc()))
        await it.clock.advance(30)
        assert it.board.self_suspect is not None
        assert it.heard == []
        await it.clock.advance(40)
        assert len(it.heard) == 5
        assert any("この監視機自身" in line.ja for line in it.heard[0].lines())


async def test_a_storm_is_one_readable_message() -> None:
    checks = [check(f"c{index}", failures=1) for index in range(BUNDLE + 5)]
    async with house(*checks) as it:
        for one in checks:
            it.recorder.record(seen(one.id, FAILED, it.clock.utc()))
        await it.clock.advance(2)
        (news,) = it.heard
        assert f"{BUNDLE + 5} 件の変化: 停止 {BUNDLE + 5}" in news.title.ja


async def test_after_a_restart_what_was_down_is_not_announced_again() -> None:
    async with house(check("a", failures=1)) as it:
        it.board.apply(seen("a", FAILED, it.clock.utc()))
        it.recorder.assume_said()
        await it.see("a", FAILED)
        assert it.heard == []
        await it.see("a", OK)
        assert it.said() == [("a", OK)]


async def test_what_a_mute_held_back_before_the_restart_is_told_when_it_ends() -> None:
    async with house(check("a", failures=1)) as it:
        it.board.apply(seen("a", FAILED, it.clock.utc()))
        it.board.mute("a", Mute.MAINTENANCE, Text("点検", "maintenance"))
        it.recorder.assume_said()
        it.recorder._owe_what_was_muted()
        await it.clock.advance(5)
        assert it.heard == []
        it.board.unmute("a", Mute.MAINTENANCE)
        await it.clock.advance(5)
        assert it.said() == [("a", FAILED)]


async def test_an_answer_about_an_old_definition_is_not_counted() -> None:
    old, new = check("a", host="h1", failures=1), check("a", host="h2", failures=1)
    async with house(new) as it:
        assert not it.recorder.take(seen("a", FAILED), old)
        assert it.board.view("a").last is None
        assert not it.recorder.take(seen("a", OK), new)
        assert it.board.view("a").status is OK


def test_bad_news_is_held_good_news_is_not() -> None:
    assert decide(None, FAILED, muted=True, wait=False) == "hold"
    assert decide(None, FAILED, muted=False, wait=True) == "hold"
    assert decide(None, FAILED, muted=False, wait=False) == "say"
    assert decide(FAILED, OK, muted=True, wait=True) == "say"
    assert decide(None, OK, muted=False, wait=False) == "drop"
    assert decide(OK, OK, muted=True, wait=False) == "drop"
    assert decide(FAILED, FAILED, muted=False, wait=False) == "drop"


async def test_the_real_log_takes_the_entry(tmp_path: Path) -> None:
    clock = SystemClock()
    Journal.create(tmp_path / "log", origin="test.example/log", node="node1", clock=clock)
    async with Journal.open(tmp_path / "log", clock=clock) as journal:
        sink: LogSink = journal
        board = Board(clock)
        await board.define([check("backup/juki/main/4", failures=1)])
        recorder = Recorder(board, Judge(board, clock, city()), clock, sink=sink)
        before = journal.size
        async with running(recorder.run):
            recorder.record(seen("backup/juki/main/4", FAILED, clock.utc()))
            await until(lambda: journal.size > before)
        assert journal.size == before + 1
