"""`/metrics`: valid for promtool and prometheus_client, true to the board, never holding the loop."""

from __future__ import annotations

import asyncio
import gzip
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bcp.kit import process
from bcp.kit.clock import SystemClock
from bcp.kit.language import Text
from bcp.kit.workers import Workers
from bcp.watch.board import Board
from bcp.watch.exposition import Exposition, Family, Sample
from bcp.watch.families import judged
from bcp.watch.judge import Judge
from bcp.watch.lag import LoopLag
from bcp.watch.values import Mute, Status
from tests.bcp.watch.helpers import check, city, seen
from tests.fakes import START, ManualClock

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


@dataclass
class Scene:
    clock: ManualClock
    board: Board
    exposition: Exposition

    async def series(self) -> Series:
        return parse(await self.exposition.render())

    async def value(self, name: str, **labels: str) -> float | None:
        return (await self.series()).get((name, frozenset(labels.items())))


def parse(body: bytes) -> Series:
    found: Series = {}
    for family in text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, f"twice: {key}"
            found[key] = sample.value
    return found


@pytest.fixture
def workers() -> Iterator[Workers]:
    workers = Workers(threads=2)
    yield workers
    workers.close()


@pytest.fixture
async def scene(workers: Workers) -> Scene:
    clock = ManualClock()
    board = Board(clock)
    many = [check(f"c{index}", every=60) for index in range(130)]
    await board.define([check("juki/http", system="juki", site="main", every=60), *many])
    return Scene(clock, board, Exposition(board, clock, workers))


async def test_every_promised_series_of_a_check_is_there(scene: Scene) -> None:
    scene.board.apply(seen(not_after=1_800_000_000))
    series = await scene.series()

    def value(name: str, **labels: str) -> float | None:
        key = (f"ict_bcp_{name}", frozenset({"check": "juki/http", **labels}.items()))
        return series.get(key)

    join = {"kind": "scripted", "pillar": "availability", "system": "juki", "site": "main"}
    assert value("check_info", **join) == 1
    assert value("check_success") == 1
    assert [value("check_state", state=status) for status in Status] == [1, 0, 0, 0]
    rare = {Mute.FLAPPING, Mute.OWN_LINE, Mute.MEMBER}
    always = [mute for mute in Mute if mute not in rare]
    assert [value("check_muted", reason=mute) for mute in always] == [0, 0, 0, 0]
    assert value("check_duration_seconds") == 0.25
    assert value("check_last_run_timestamp_seconds") == START.timestamp()
    assert value("check_start_lateness_seconds") == 0
    assert [value("check_runs_total", result=status) for status in Status] == [1, 0, 0, 0]
    assert value("check_missed_total") == 0
    assert value("check_blind_seconds_total") == 0
    assert value("tls_not_after_timestamp_seconds") == 1_800_000_000


async def test_success_is_absent_while_unknown_and_counters_start_at_zero(scene: Scene) -> None:
    assert await scene.value("ict_bcp_check_success", check="c5") is None
    assert await scene.value("ict_bcp_check_state", check="c5", state="unknown") == 1
    assert await scene.value("ict_bcp_check_runs_total", check="c5", result="failed") == 0
    assert await scene.value("ict_bcp_check_last_run_timestamp_seconds", check="c5") is None
    scene.board.apply(seen("c5", Status.FAILED))
    assert await scene.value("ict_bcp_check_success", check="c5") == 0


async def test_a_cached_line_turns_stale_by_the_clock_alone(scene: Scene) -> None:
    scene.board.apply(seen())
    assert await scene.value("ict_bcp_check_success", check="juki/http") == 1
    await scene.clock.advance(179)
    assert await scene.value("ict_bcp_check_success", check="juki/http") == 1
    await scene.clock.advance(2)  # nobody touched the board
    assert await scene.value("ict_bcp_check_success", check="juki/http") is None
    assert await scene.value("ict_bcp_check_state", check="juki/http", state="unknown") == 1


async def test_what_happens_on_the_board_shows_in_the_next_scrape(scene: Scene) -> None:
    await scene.series()
    scene.board.mute("c77", Mute.PARENT, Text("親", "parent"))
    scene.board.missed("c77", 3, 180.0)
    scene.board.apply(seen("c77", Status.DEGRADED))
    assert await scene.value("ict_bcp_check_muted", check="c77", reason="parent") == 1
    assert await scene.value("ict_bcp_check_missed_total", check="c77") == 3
    assert await scene.value("ict_bcp_check_blind_seconds_total", check="c77") == 180
    assert await scene.value("ict_bcp_check_success", check="c77") == 1
    await scene.board.define([check("only")])
    series = await scene.series()
    assert {dict(labels)["check"] for _name, labels in series} == {"only"}


async def test_promtool_and_the_python_parser_accept_it(scene: Scene) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    await scene.board.define([check("a"), check("b")])
    scene.board.apply(seen("a", not_after=5))
    plan = city(systems=[{"id": "juki", "name": "住基", "zone": "LGWAN接続系"}])
    judge = Judge(scene.board, scene.clock, plan)
    await judge.refresh()
    scene.exposition.register(judged(lambda: judge))
    scene.exposition.register(LoopLag(scene.clock).families)
    scene.exposition.register(
        lambda _now: [
            Family(
                "ict_bcp_strange_total",
                "counter",
                'help with \\ and\nnew "line"',
                (Sample(float("inf"), {"a": 'x"\\\n'}), Sample(0.5, {"a": "ゆ"})),
            )
        ]
    )
    body = await scene.exposition.render()
    done = await process.run([promtool, "check", "metrics"], stdin=body, deadline=30)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
    series = parse(body)
    assert series[("ict_bcp_strange_total", frozenset({("a", 'x"\\\n')}))] == float("inf")
    assert ("ict_bcp_system_state", frozenset({("system", "juki"), ("state", "unknown")})) in series


async def test_the_compressed_body_is_the_same(scene: Scene) -> None:
    assert gzip.decompress(await scene.exposition.gzipped()) == await scene.exposition.render()


async def test_two_scrapes_at_once_get_the_same_body(scene: Scene) -> None:
    one, two = await asyncio.gather(scene.exposition.render(), scene.exposition.render())
    assert one == two


async def test_the_lag_sampler_sees_a_loop_that_was_held() -> None:
    clock = SystemClock()
    lag = LoopLag(clock)
    sampler = asyncio.get_running_loop().create_task(lag.run())
    await asyncio.sleep(0.12)
    quiet = lag.worst
    time.sleep(0.2)  # noqa: ASYNC251 - the fault this is about
    await asyncio.sleep(0.12)
    sampler.cancel()
    assert lag.worst > max(0.12, quiet - 0.05)
    assert lag.p99 <= lag.worst
    names = [family.name for family in lag.families(datetime.now(tz=START.tzinfo))]
    assert names[0] == "ict_bcp_loop_lag_seconds"
