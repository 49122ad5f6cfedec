"""A town on loopback, and a browser that keeps cookies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bcp.kit.clock import SystemClock
from tests.bcp.service.pages.sample import Town, Visitor, bad_day, serving, town


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path / "data", SystemClock()) as opened:
        await bad_day(opened)
        yield opened


@pytest.fixture
async def visitor(made: Town) -> AsyncIterator[Visitor]:
    async with serving(made) as server, Visitor.open(made, server) as opened:
        yield opened
