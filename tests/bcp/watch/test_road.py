"""The whole road on a manual clock: wheel, guard, rule, board, judge, history, metrics, news."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bcp.kit.workers import Workers
from bcp.watch.announcing import Announcement
from bcp.watch.board import Board
from bcp.watch.check import Env
from bcp.watch.exposition import Exposition
from bcp.watch.families import judged, watching
from bcp.watch.history import History
from bcp.watch.judge import Judge
from bcp.watch.recorder import Recorder
from bcp.watch.runner import one_round
from bcp.watch.schedule import Scheduler
from bcp.watch.values import Outcome, Status, failed, ok
from tests.bcp.watch import helpers
from tests.bcp.watch.helpers import Scripted, check, city, running
from tests.fakes import ManualClock

PLAN = city(
    systems=[
        {
            "id": "juki",
            "name": "住民記録",
            "zone": "LGWAN接続系",
            "targets": [{"level": "L1", "name": "窓口", "proven_by": ["juki/http"]}],
        }
    ],
    services=[{"id": "shomei", "name": "住民票の交付", "needs": [{"system": "juki"}]}],
)


@pytest.fixture
def workers() -> Iterator[Workers]:
    workers = Workers(threads=2)
    yield workers
    workers.close()


async def test_an_outage_of_twenty_minutes_travels_from_probe_to_bar_metric_and_news(
    tmp_path: Path, workers: Workers
) -> None:
    clock, heard, down = ManualClock(), list[Announcement](), asyncio.Event()

    async def probe(_env: Env) -> Outcome:
        return failed("停止", "down") if down.is_set() else ok("正常", "good")

    Scripted.scripts["juki/http"] = probe
    board = Board(clock)
    judge = Judge(board, clock, PLAN)
    history = History(tmp_path / "history.sqlite", clock, workers)
    history.start()
    recorder = Recorder(board, judge, clock, history=history, announce=heard.append)
    env = helpers.env(clock, workers)
    scheduler = Scheduler(clock, one_round(env, "node1", recorder.take), on_missed=board.missed)
    exposition = Exposition(board, clock, workers)
    exposition.register(judged(lambda: judge))
    exposition.register(watching(scheduler, recorder, history))
    checks = [check("juki/http", system="juki", every=30)]
    await board.define(checks)
    await scheduler.replace(checks)

    def service() -> Status:
        return judge.services["shomei"].status

    async with running(recorder.run):
        async with running(scheduler.run):
            await clock.advance(10)
            assert board.view("juki/http").status is Status.OK, "a verdict within ten seconds"
            await clock.advance(600)
            assert judge.systems["juki"].level == "L1"
            assert service() is Status.OK
            down.set()
            await clock.advance(45)
            assert [one.state for one in heard] == [Status.FAILED], "an interval and a retry"
            assert service() is Status.FAILED
            assert b'ict_bcp_check_success{check="juki/http"} 0' in await exposition.render()
            await clock.advance(20 * 60 - 45)
            down.clear()
            await clock.advance(60)
            assert [one.state for one in heard] == [Status.FAILED, Status.OK]
        await clock.advance(600)  # the scheduler is dead
        body = await exposition.render()
        assert b"ict_bcp_check_success{" not in body, "never green with a dead scheduler"
        assert b'ict_bcp_system_state{system="juki",state="unknown"} 1' in body
        await recorder.credit_checks()
        await history.flush()
        bars = await history.reader.bars(["juki/http", "system:juki", "service:shomei"], "day", 1)
    for subject, (bar,) in bars.items():
        proof = 0 if subject == "juki/http" else 60  # a system is down until it has held
        assert bar.seconds[Status.FAILED] == pytest.approx(1200 + proof, abs=45), subject
        assert bar.seconds[Status.OK] > 500, subject
    assert bars["juki/http"][0].blind > 400, "what nobody watched is blind time"
    assert Status.UNKNOWN not in bars["juki/http"][0].seconds
    history.close()
