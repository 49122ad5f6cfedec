"""A real Chromium of Debian over the real pages. Skipped where there is none."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from bcp.kit.clock import SystemClock
from tests.bcp.service.pages.sample import Town, bad_day, serving, town

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium: apt-get install --no-install-recommends chromium fonts-noto-cjk")
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield opened
        await opened.close()


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path / "data", SystemClock()) as opened:
        await bad_day(opened)
        yield opened


@pytest.fixture
async def root(made: Town) -> AsyncIterator[str]:
    async with serving(made) as server:
        yield str(server.make_url("")).rstrip("/")
