"""A scrape of 10,000 checks: cached lines against prometheus_client's generate_latest.

Both show the same 190,000 series. "all touched": every check has run since the last scrape, which
is the worst case; "untouched": a second scrape at once.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import ClassVar, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from bcp.kit.clock import SystemClock
from bcp.kit.language import Text, same
from bcp.kit.workers import Workers
from bcp.watch.board import Board
from bcp.watch.check import Check, Env
from bcp.watch.exposition import Exposition
from bcp.watch.values import Mute, Observation, Outcome, Pillar, Status, ok
from benchmarks.frame import Row

CHECKS = 10_000
ROUNDS = 3


class Idle(Check):
    """A check that is never run here."""

    pillar: ClassVar[Pillar] = Pillar.AVAILABILITY
    title: ClassVar[Text] = same("idle")
    kind: Literal["idle"] = "idle"

    async def run(self, env: Env) -> Outcome:
        return ok("良い", "good")


def _peer(ids: list[str]) -> CollectorRegistry:
    registry = CollectorRegistry()
    gauges = [
        Gauge(f"peer_{name}", name, ["check"], registry=registry)
        for name in ("info", "success", "duration", "last_run", "lateness")
    ]
    state = Gauge("peer_state", "state", ["check", "state"], registry=registry)
    muted = Gauge("peer_muted", "muted", ["check", "reason"], registry=registry)
    runs = Counter("peer_runs", "runs", ["check", "result"], registry=registry)
    counters = [Counter(f"peer_{n}", n, ["check"], registry=registry) for n in ("missed", "blind")]
    for id in ids:
        for gauge in gauges:
            gauge.labels(id).set(1.5)
        for counter in counters:
            counter.labels(id).inc(0)
        for status in Status:
            state.labels(id, status.value).set(0)
            runs.labels(id, status.value).inc(0)
        for mute in Mute:
            muted.labels(id, mute.value).set(0)
    return registry


async def _longest_hold(work: asyncio.Task[bytes]) -> float:
    """Longest time the loop did not turn while `work` went on, in CPU seconds of this process."""
    worst, last = 0.0, time.process_time()
    while not work.done():
        await asyncio.sleep(0)
        now = time.process_time()
        worst, last = max(worst, now - last), now
    return worst


async def _ours(ids: list[str]) -> tuple[float, float, float]:
    clock, workers = SystemClock(), Workers(threads=1)
    board = Board(clock)
    await board.define([Idle(id=id, kind="idle") for id in ids])
    exposition = Exposition(board, clock, workers)
    await exposition.render()
    outcome, touched, idle, holds = ok("良い", "good"), [], [], []
    for _round in range(ROUNDS):
        now = datetime.now(UTC)
        for id in ids:
            board.apply(Observation(id, "node1", now, 0.01, outcome))
        begin = time.process_time()
        task = asyncio.get_running_loop().create_task(exposition.render())
        holds.append(await _longest_hold(task))
        touched.append(time.process_time() - begin)
        begin = time.process_time()
        await exposition.render()
        idle.append(time.process_time() - begin)
    workers.close()
    return min(touched), min(idle), min(holds)


def measure() -> list[Row]:
    """CPU milliseconds per scrape, and how long the loop was held by one."""
    ids = [f"check-{index}" for index in range(CHECKS)]
    touched, idle, hold = asyncio.run(_ours(ids))
    registry, times = _peer(ids), []
    for _round in range(ROUNDS):
        begin = time.process_time()
        generate_latest(registry)
        times.append(time.process_time() - begin)
    peer, name = min(times) * 1000, "prometheus_client"
    what = "watch: scrape of 10k checks"
    return [
        Row(f"{what}, all touched", touched * 1000, peer, "ms CPU", name),
        Row(f"{what}, untouched", idle * 1000, peer, "ms CPU", name),
        Row(f"{what}, loop held at most", hold * 1000, peer, "ms CPU", name),
        Row(f"{what}, loop held at most (limit)", hold * 1000, 10.0, "ms CPU", "our limit"),
    ]
