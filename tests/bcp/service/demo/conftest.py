"""One practice city is made for the whole run; every test gets a copy of its own."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from bcp.kit.clock import SystemClock
from bcp.kit.workers import Workers
from bcp.plan.loader import read_source, validate
from bcp.service.demo.city import PracticeCity
from bcp.watch.check import Check, Env, HostAccess
from bcp.watch.values import Outcome
from probes import kinds
from probes.engine.resolve import SystemResolver


@pytest.fixture
def workers() -> Iterator[Workers]:
    pool = Workers(threads=4)
    yield pool
    pool.close()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a prepared city: its repository takes seconds to make."""
    data, pool = tmp_path_factory.mktemp("city"), Workers(threads=2)

    async def make() -> None:
        city = PracticeCity(data, SystemClock(), pool)
        await city.prepare()
        await city.stop()

    asyncio.run(make())
    pool.close()
    return data


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    """A copy of it, with ports of its own."""
    shutil.copytree(made, tmp_path / "data")
    (tmp_path / "data/practice/city.json").unlink()
    return tmp_path / "data"


@pytest.fixture
async def city(data: Path, workers: Workers) -> AsyncIterator[PracticeCity]:
    """A running practice city."""
    one = PracticeCity(data, SystemClock(), workers)
    await one.prepare()
    await one.start()
    yield one
    await one.stop()


@dataclass(frozen=True)
class Eyes:
    """The checks of the city's own plan, and the tools to run them."""

    checks: dict[str, Check]
    env: Env

    async def see(self, id: str) -> Outcome:
        """What the check says now."""
        check = self.checks[id]
        async with asyncio.timeout(check.timeout.total_seconds() + 2):
            return await check.run(self.env)


@pytest.fixture
def eyes(city: PracticeCity, workers: Workers) -> Eyes:
    return Eyes(read_checks(city.plan_dir), _env(city, workers))


def _env(city: PracticeCity, workers: Workers) -> Env:
    folders = city.folders
    return Env(
        clock=SystemClock(),
        workers=workers,
        resolve=SystemResolver(),
        host=HostAccess((folders.host, folders.repository, folders.password.parent)),
        ca_file=folders.certificates / "ca.pem",
    )


def read_checks(plan_dir: Path) -> dict[str, Check]:
    """Every check of the plan, strictly; a fault fails the test."""
    tree = read_source(plan_dir).tree
    assert isinstance(tree.data, dict)
    found: dict[str, Check] = {}
    for index, row in enumerate(tree.data["checks"]):
        adapter: TypeAdapter[Check | None] = TypeAdapter(kinds()[row["kind"]])
        check, faults = validate(adapter, tree, ("checks", index), row)
        assert check is not None, [str(fault) for fault in faults]
        found[check.id] = check
    return found


def tree_of(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Mode, time and bytes of every file: what healing must bring back."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "locks" not in path.parts:
            stat = path.stat()
            found[str(path.relative_to(folder))] = (
                stat.st_mode,
                stat.st_mtime_ns,
                path.read_bytes(),
            )
    return found
