"""Tools for the probes: a real environment, a throw-away authority."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvloop

from bcp.kit.clock import SystemClock
from bcp.kit.workers import Workers
from bcp.watch.check import Env, HostAccess
from bcp.watch.values import Outcome
from probes import kinds
from probes.engine.resolve import SystemResolver
from tests.probes.pki import Authority


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Any]:
    """uvloop as in production; the promises also on the standard loop."""
    both = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}
    return both if "test_promises" in item.nodeid else {"uvloop": uvloop.new_event_loop}


Look = Callable[..., Any]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def workers() -> Iterator[Workers]:
    workers = Workers(threads=4)
    yield workers
    workers.close()


@pytest.fixture
def env(workers: Workers, authority: Authority, tmp_path: Path) -> Env:
    return Env(
        SystemClock(),
        workers,
        SystemResolver(),
        host=HostAccess((tmp_path,)),
        ca_file=authority.file,
    )


@pytest.fixture
def look(env: Env) -> Look:
    """Run one check of a kind with the given fields."""

    async def run(kind: str, *, env: Env = env, **fields: Any) -> Outcome:
        check = kinds()[kind].model_validate({"id": "t", "kind": kind, **fields})
        return await check.run(env)

    return run
