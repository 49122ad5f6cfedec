"""The daemon over the practice city: faults travel to board, metric, log and notification."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bcp.kit.clock import SystemClock
from bcp.kit.workers import Workers
from bcp.service.demo.city import PracticeCity
from bcp.service.demo.run import daemon
from bcp.service.house import House
from bcp.watch.values import Mute, Status

pytestmark = pytest.mark.live

SILENT = {"zei/kigen-gire"}
"""Its permission has ended: it does not run, that is what it shows."""
BY_EYE = {"juki/ido"}


@asynccontextmanager
async def living(data: Path, workers: Workers) -> AsyncIterator[tuple[PracticeCity, House]]:
    """The practice city with the daemon over it."""
    city = PracticeCity(data, SystemClock(), workers, port=None)
    await city.prepare()
    await city.start()
    one, houses = daemon(city, data), list[House]()
    enrol = one.before
    assert enrol is not None

    async def keep(house: House) -> None:
        houses.append(house)
        await enrol(house)

    one.before = keep
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(one.run())
            await one.ready.wait()
            try:
                yield city, houses[0]
            finally:
                one.stopping.set()
    finally:
        await city.stop()


async def until(seconds: float, what: Callable[[], bool]) -> float:
    """Wait for something to be so; the time it took. Fails after `seconds`."""
    clock = SystemClock()
    started = clock.monotonic()
    async with asyncio.timeout(seconds):
        while not what():  # noqa: ASYNC110 - the board is read, as a person would
            await asyncio.sleep(0.05)
    return clock.monotonic() - started


async def test_faults_are_seen_announced_recorded_and_healed(data: Path, workers: Workers) -> None:
    async with living(data, workers) as (city, house):

        def stands(id: str) -> Status:
            return house.board.view(id).status

        probes = [id for id in house.board.ids() if not id.startswith("backup/")]
        watched = set(probes) - SILENT
        # every check has a verdict within 10 s, level 4 within 60 s
        await until(10, lambda: all(house.board.view(id).last for id in watched))
        await until(10, lambda: all(stands(id) is Status.OK for id in watched - BY_EYE))
        assert all(house.board.view(id).blocked for id in SILENT)
        assert "目視がまだありません" in house.board.view("juki/ido").sentence.ja
        await until(60, lambda: stands("backup/juki/main/4") is Status.OK)
        await until(15, lambda: stands("backup/juki/main/1") is Status.OK)

        broken = {
            "cut-branch": "line/tcp",
            "stop-juki": "juki/shokai",
            "open-key": "kimitsu/kagi",
            "roll-back": "backup/juki/main/1",
        }
        for fault in broken:
            await city.faults.inject(fault)
        await until(25, lambda: all(stands(id) is Status.FAILED for id in broken.values()))
        await until(10, lambda: Mute.PARENT in house.board.view("insatsu/tcp").muted)
        metrics = (await house.exposition.render()).decode()
        for id in broken.values():
            assert f'ict_bcp_check_success{{check="{id}"}} 0' in metrics

        def announced(id: str) -> bool:
            return any(id in alert.text.ja for alert in city.town.alerts.messages)

        await until(20, lambda: all(announced(id) for id in broken.values()))

        await city.faults.heal_all()
        whole = (watched - BY_EYE) | {"backup/juki/main/1"}
        await until(40, lambda: all(stands(id) is Status.OK for id in whole))
        changed = [entry.subject for entry in (await house.journal.read(kind="check.changed"))]
        assert set(broken.values()) <= set(changed)
