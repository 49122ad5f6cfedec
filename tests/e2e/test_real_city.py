"""The real program end to end: a fault of the practice city, a drill, the way back, the report.

By forms alone, without script, on a telephone's width; axe and the weights are taken at both widths
while the evidence of recovery ripens.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page

from tests.e2e.test_pages_in_a_browser import LIMIT, context, violations
from tests.service_process import Service

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

DRILL = "/drills/kaisen"
PAGES = (
    "/", "/systems/juki", "/systems/line", "/services/shisho-madoguchi", "/checks/line/tcp",
    "/backups", "/audit", "/log", "/log/entries/1", "/runbooks", "/runbooks/shisho-kaisen",
    "/runbooks/shisho-kaisen/print", "/paper", "/disaster", "/disaster/declare",
    "/disaster/declare?kind=drill", "/announcements", "/account", "/practice", "/status",
    DRILL, f"{DRILL}/systems/line", f"{DRILL}/steps/KAISEN-06", f"{DRILL}/report",
    f"{DRILL}/announcements", f"{DRILL}/wall", f"{DRILL}/command", f"{DRILL}/situation",
    f"{DRILL}/handover", f"{DRILL}/chronology",
)  # fmt: skip


@dataclass
class City:
    """The program, and how to sign in."""

    service: Service
    passphrases: dict[str, str]

    async def sign_in(self, here: BrowserContext, login: str) -> Page:
        page = await here.new_page()
        await page.goto(self.service.url + "/login")
        await page.fill("#login", login)
        await page.fill("#password", self.passphrases[login])
        await page.click("button.go")
        assert page.url == self.service.url + "/"
        return page


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[City]:
    service = Service.practice(tmp_path / "data")
    await asyncio.to_thread(service.start)
    lines = (service.data / "practice" / "accounts.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if "\t" in line and not line.startswith("#")]
    yield City(service, {row[0]: row[1] for row in rows})
    service.stop()


async def until(page: Page, url: str, words: str, seconds: float) -> None:
    """Open a page again and again until it says so."""
    end = time.monotonic() + seconds
    while True:
        await page.goto(url)
        if re.search(words, await page.content()):
            return
        assert time.monotonic() < end, f"{url} never said {words}"
        await page.wait_for_timeout(500)


async def practise(admin: Page, root: str, fault: str, act: str) -> None:
    await admin.goto(root + "/practice")
    await admin.click(f'form[action="/practice/{fault}/{act}"] button')


async def is_marked(page: Page) -> None:
    assert (await page.title()).startswith("【訓練】"), page.url
    assert "【訓練】" in await page.inner_text(".mark"), page.url


async def declare_drill(page: Page, root: str) -> None:
    await page.goto(root + "/disaster/declare?kind=drill")
    await page.fill("#drill_id", "kaisen")
    await page.check("input[name=nature][value=failure]")
    await page.check("input[name=capacity][value=principal]")
    await page.select_option("#role", label="情報部門責任者")
    await page.click("summary:has-text('対象システム')")
    await page.check("input[name=in_line]")
    await page.fill("#reason", "支所回線の訓練")
    await page.click("button[name=redraw]")
    assert "支所回線の復旧" in await page.inner_text("section[aria-labelledby=will]")
    await page.fill("#word", "訓練")
    await page.click("button.danger")
    assert page.url == root + DRILL, await page.inner_text("main")


async def do_step(page: Page, root: str, step: str) -> None:
    await page.goto(f"{root}{DRILL}/steps/{step}")
    await is_marked(page)
    if await page.locator("input[name=option]").count():
        await page.check("input[name=option] >> nth=0")
        await page.click("button.go")
    else:
        finish = page.locator("button[value=finish]")
        assert await finish.count(), await page.inner_text("main")
        await finish.click()
    await is_marked(page)
    assert page.url.startswith(root + DRILL), page.url


async def command(page: Page, root: str, do: str, reason: str = "訓練の決定") -> None:
    await page.goto(f"{root}{DRILL}/command")
    await page.fill("#cr", reason)
    await page.click(f'section[aria-labelledby=cmd] button[value="{do}"]')
    assert page.url == root + DRILL, await page.inner_text("main")
    await is_marked(page)


async def no_real_event(page: Page, root: str) -> None:
    await page.goto(root + "/")
    assert await page.locator(".banner.real").count() == 0
    assert "【実対応】" not in await page.content()
    await page.goto(root + "/disaster")
    assert "発動していません" in await page.inner_text("main")


async def look_at_all(browser: Browser, city: City, width: int) -> list[str]:
    """Weight, width and axe of every page of the running city."""
    here = await context(browser, width)
    page, wrong = await city.sign_in(here, "commander"), []
    for path in PAGES:
        answer = await page.goto(city.service.url + path)
        assert answer is not None
        assert answer.status == 200, path
        if len(await answer.body()) >= LIMIT:
            wrong.append(f"{path} is too heavy")
        wrong += [f"{width} {path} {one}" for one in await violations(page)]
        wide = await page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            wrong.append(f"{path} scrolls sideways: {wide} > {width}")
    await here.close()
    return wrong


async def test_a_cut_line_is_drilled_from_fault_to_report_without_script(
    city: City, browser: Browser
) -> None:
    root = city.service.url
    phone, desk = await context(browser, 360, script=False), await context(browser, 1280)
    page = await city.sign_in(phone, "commander")
    admin = await city.sign_in(desk, "administrator")

    await practise(admin, root, "cut-branch", "inject")
    await until(page, root + "/", r'class="first failed"', 40)
    assert "支所" in await page.inner_text(".first")
    await declare_drill(page, root)
    await is_marked(page)
    for number in range(1, 6):
        await do_step(page, root, f"KAISEN-0{number}")
    assert "達成" not in await page.inner_text("h1")
    await no_real_event(page, root)

    await practise(admin, root, "cut-branch", "heal")
    wrong = await asyncio.gather(*(look_at_all(browser, city, width) for width in (360, 1280)))
    assert not [one for found in wrong for one in found], "\n".join(
        one for found in wrong for one in found
    )
    await until(page, f"{root}{DRILL}/systems/line", r'class="s pass">達成', 60)
    await until(page, f"{root}{DRILL}/steps/KAISEN-06", "実測で確認|button class=.go.", 30)
    if await page.locator("button[value=finish]").count():
        await do_step(page, root, "KAISEN-06")
    await until(page, f"{root}{DRILL}/steps/KAISEN-07", 'value="finish"', 45)
    await do_step(page, root, "KAISEN-07")
    await do_step(page, root, "KAISEN-08")

    await command(page, root, "restore")
    await command(page, root, "begin_stand_down")
    await page.goto(f"{root}{DRILL}/command")
    gates = page.locator("section[aria-labelledby=gates] form")
    while await gates.count():
        await gates.first.locator("input[name=reason]").fill("訓練のため")
        await gates.first.locator("button[value=close_gate]").click()
        assert page.url == root + DRILL, await page.inner_text("main")
        await page.goto(f"{root}{DRILL}/command")
    await command(page, root, "stand_down")
    await page.goto(root + DRILL)
    assert "解除" in await page.inner_text("main")
    await page.click("main ul.rows a >> nth=0")
    await page.click("a >> text=報告書")
    await is_marked(page)
    await page.click("main .part >> text=システムと水準")
    assert "支所回線" in await page.inner_text("main")
    await is_marked(page)

    await page.goto(root + DRILL)
    await page.click(f'form[action="{DRILL}/end"] button')
    await no_real_event(page, root)
    await page.goto(root + "/log")
    log = await page.inner_text("main")
    assert "訓練を終えた" in log
    assert "発動した" not in log
    for here in (phone, desk):
        await here.close()
