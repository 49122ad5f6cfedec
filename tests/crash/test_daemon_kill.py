"""SIGKILL the whole daemon at random moments under load: what was acknowledged is there, once."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import aiohttp
import pytest

from tests.crash.preloaded import PreloadedService
from tests.service_process import Service

pytestmark = [
    pytest.mark.crash,
    pytest.mark.timeout(4 * 3600),
    pytest.mark.skipif(shutil.which("restic") is None, reason="no restic here"),
]

PLAN = """
organization: {{name: 試験市}}
node: {{id: crash, zone: インターネット接続系}}
roles: [{{id: joho-lead, name: 情報部門責任者}}]
systems:
  - id: juki
    name: 住民記録
    zone: インターネット接続系
    targets: [{{level: L1, name: 照会, rto_disaster: 4h}}]
checks:
  - {{id: juki/seen, kind: observed, system: juki, function: 照会, counter: 窓口, valid_for: 1h, every: 1s, timeout: 1s}}
backups:
  - id: juki
    kind: restic
    system: juki
    sources: ["{source}"]
    every: null
    repositories: [{{id: main, location: "{repository}", password_file: "{password}"}}]
"""


def prepare(tmp_path: Path) -> Service:
    """A daemon over one system, one backup set, one check by eye."""
    source, repository, password = (tmp_path / n for n in ("source", "repository", "password"))
    source.mkdir()
    (source / "a.txt").write_text("住民\n")
    password.write_text("only for this test\n")
    password.chmod(0o600)
    subprocess.run(
        ["restic", "init", "-r", repository, "--password-file", password],
        check=True,
        capture_output=True,
    )
    plan = tmp_path / "plan"
    plan.mkdir()
    text = PLAN.format(source=source, repository=repository, password=password)
    (plan / "plan.yaml").write_text(text)
    return PreloadedService.over(plan, tmp_path / "data")


class Load:
    """Asks for things without pause and remembers what was answered with yes."""

    def __init__(self, service: Service, round_number: int) -> None:
        self.service, self.number = service, itertools.count()
        self.round = round_number
        self.acknowledged: dict[str, str] = {}
        """Operation id -> kind of entry that must be there exactly once."""
        self.snapshots: set[str] = set()

    async def act(self, path: str, kind: str, **body: object) -> dict[str, object] | None:
        op = f"r{self.round}-{next(self.number)}"
        status, answer = await self.service.call(f"/api/v1/{path}", {**body, "op": op})
        if status == 200:
            self.acknowledged[op] = kind
            return answer
        assert status in (409, 503), answer
        return None

    async def notes(self) -> None:
        while True:
            await self.act("disaster/note", "incident.note_added", text="余震あり")

    async def events(self) -> None:
        while True:
            await self.act("disaster/declare", "incident.declared", reason="試験", level=3)
            await asyncio.sleep(0.05)
            await self.act(
                "checks/observe", "observed.confirmed", check="juki/seen", status="ok", name="担当1"
            )
            gates = ["ratification", "backup"]
            await self.act(
                "disaster/standdown", "incident.stood_down", reason="試験", close_gates=gates
            )

    async def backups(self) -> None:
        while True:
            answer = await self.act("backup/run", "", set="juki")
            for one in (answer or {}).get("done", ()):  # type: ignore[attr-defined]
                if one["snapshot"]:
                    self.snapshots.add(one["snapshot"])

    async def run(self, seconds: float) -> None:
        """Until killed: a dropped connection ends it."""
        with contextlib.suppress(*_GONE, ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                for work in (self.notes, self.notes, self.events, self.backups):
                    group.create_task(self._guarded(work()))
                await asyncio.sleep(seconds)
                self.service.kill()

    async def _guarded(self, work: object) -> None:
        with contextlib.suppress(*_GONE):
            await work  # type: ignore[misc]


_GONE = (aiohttp.ClientError, ConnectionError, OSError, ValueError, asyncio.IncompleteReadError)


async def entries(service: Service) -> list[dict[str, object]]:
    """Everything, page by page, as a program reads it."""
    found: list[dict[str, object]] = []
    before = ""
    while True:
        status, answer = await service.call(f"/api/v1/log/show?last=1000{before}")
        assert status == 200, answer
        if not answer["entries"]:
            return found
        found = [*answer["entries"], *found]
        before = f"&before={answer['entries'][0]['seq']}"


def test_every_acknowledged_act_is_there_once_after_50_kills(tmp_path: Path) -> None:
    _rounds(prepare(tmp_path), 50, 20261123)


@pytest.mark.long
@pytest.mark.parametrize("quarter", range(4))
def test_every_acknowledged_act_is_there_once_after_1000_kills(
    tmp_path: Path, quarter: int
) -> None:
    for part in range(10):  # a new folder each time: reading a long log is not what is tested here
        folder = tmp_path / str(part)
        folder.mkdir()
        _rounds(prepare(folder), 25, 10 * quarter + part)
        shutil.rmtree(folder)
        print(f"{250 * quarter + 25 * (part + 1)} kills", flush=True)


def _rounds(service: Service, count: int, seed: int) -> None:
    chance = random.Random(seed)
    wanted: dict[str, str] = {}
    snapshots: set[str] = set()
    running: str | None = None
    for number in range(count):
        service.start()
        found = asyncio.run(entries(service))
        _all_there(found, wanted, snapshots)
        status, shown = asyncio.run(service.call("/api/v1/disaster/show"))
        assert status == 200
        assert shown["incident"] == _open_incident(found), "a running event comes back by itself"
        load = Load(service, number)
        asyncio.run(load.run(chance.uniform(0.05, 0.5)))
        wanted |= load.acknowledged
        snapshots |= load.snapshots
        running = str(shown["incident"])
    service.start()
    found = asyncio.run(entries(service))
    _all_there(found, wanted, snapshots)
    status, answer = asyncio.run(service.call("/api/v1/log/verify"))
    assert answer["ok"], answer
    assert service.stop() == 0
    assert len(wanted) > count, f"the load was real ({running})"


def _all_there(found: list[dict[str, object]], wanted: dict[str, str], snapshots: set[str]) -> None:
    assert [entry["seq"] for entry in found] == list(range(len(found)))
    seen = Counter((entry["op"], entry["kind"]) for entry in found)
    for op, kind in wanted.items():
        if kind:
            assert seen[op, kind] == 1, (op, kind)
    in_custody = Counter(
        entry["detail"]["snapshot"]  # type: ignore[index]
        for entry in found
        if entry["kind"] == "backup.custody"
    )
    assert all(in_custody[snapshot] == 1 for snapshot in snapshots)
    assert all(times == 1 for times in in_custody.values()), "nothing is doubled"


def _open_incident(found: list[dict[str, object]]) -> str | None:
    current: str | None = None
    for entry in found:
        if entry["kind"] == "incident.declared":
            current = str(entry["incident"])
        elif entry["kind"] in ("incident.stood_down", "incident.cancelled"):
            current = None
    return current
