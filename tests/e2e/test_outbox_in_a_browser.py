"""The network is cut in the middle: kept on the device, said as 未送信, recorded once when it is back."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from bcp.service.pages.carryout import carry_out_file
from runbooks.state import StepRun
from tests.bcp.service.pages.sample import Town
from tests.e2e.test_pages_in_a_browser import context, declare, sign_in, violations

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

STEP = "SHODO-01"


def run_of(made: Town, step: str) -> StepRun:
    incident = made.desk.current()
    assert incident is not None
    return next(runs[step] for runs in incident.runs.values() if step in runs)


async def finish(page: Page) -> None:
    await page.click("button[value=finish]")


async def unsent(page: Page) -> str:
    return await page.inner_text("#outbox")


async def test_a_tick_made_without_a_network_is_kept_and_recorded_once_when_it_is_back(
    made: Town, root: str, browser: Browser
) -> None:
    here = await context(browser, 360)
    page = await here.new_page()
    await sign_in(page, root, "staff")
    await declare(page, root)
    await page.goto(f"{root}/disaster/steps/{STEP}")
    await here.set_offline(True)
    await finish(page)
    await page.wait_for_selector("#outbox:has-text('つながりません')")
    said = await unsent(page)
    assert "未送信 1件 (端末に保存)" in said
    assert page.url.endswith(STEP)
    assert "記録しました" not in said
    assert "完了" not in said
    assert not [step for step in [STEP] if _has(made, step)]
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    wrong = await violations(page)
    assert wrong == []

    await here.set_offline(False)
    await page.evaluate("dispatchEvent(new Event('online'))")
    await page.wait_for_selector("#outbox", state="hidden")
    found = run_of(made, STEP)
    assert found.finished_at is not None
    again = found.version
    await page.reload()  # an empty box sends nothing
    await page.wait_for_timeout(300)
    assert run_of(made, STEP).version == again
    await here.close()


def _has(made: Town, step: str) -> bool:
    incident = made.desk.current()
    return incident is not None and any(
        step in runs and runs[step].finished_at for runs in incident.runs.values()
    )


async def test_a_reply_that_is_lost_is_asked_for_again_and_nothing_is_doubled(
    made: Town, root: str, browser: Browser
) -> None:
    here = await context(browser, 360)
    page = await here.new_page()
    await sign_in(page, root, "staff")
    await declare(page, root)
    await page.goto(f"{root}/disaster/steps/{STEP}")
    lost = []

    async def lose(route: object) -> None:
        lost.append(await route.fetch())  # type: ignore[attr-defined]
        await route.abort()  # type: ignore[attr-defined]

    await page.route("**/disaster/outbox", lose)
    await finish(page)
    # It says 未送信 at once; only the loss of the reply makes it say that there is no connection.
    await page.wait_for_selector("#outbox:has-text('つながりません')")
    assert "未送信 1件" in await unsent(page)
    assert lost
    first = run_of(made, STEP)
    assert first.finished_at is not None
    await page.unroute("**/disaster/outbox")
    await page.click("#outbox button:has-text('今すぐ送る')")
    await page.wait_for_selector("#outbox", state="hidden")
    assert run_of(made, STEP) == first
    await here.close()


async def test_two_who_disagree_are_both_shown_until_a_person_decides(
    made: Town, root: str, browser: Browser
) -> None:
    here = await context(browser, 360)
    page = await here.new_page()
    await sign_in(page, root, "staff")
    await declare(page, root)
    await page.goto(f"{root}/disaster/steps/{STEP}")
    other = await context(browser, 360)
    second = await other.new_page()
    await sign_in(second, root, "commander")
    await second.goto(f"{root}/disaster/steps/{STEP}")
    await here.set_offline(True)
    await finish(page)
    await page.wait_for_selector("#outbox:has-text('未送信')")
    await second.click("summary:has-text('できない')")
    await second.fill("#f1", "入れない")
    async with second.expect_navigation():
        await second.click("button.danger")
    assert _failed(made)
    await here.set_offline(False)
    await page.evaluate("dispatchEvent(new Event('online'))")
    await page.wait_for_selector("#outbox:has-text('commander 太郎')")
    said = await unsent(page)
    assert "未送信 1件" in said
    await page.reload()
    await page.wait_for_selector("#outbox:has-text('commander 太郎')")
    assert _failed(made)
    await page.click("#outbox button:has-text('メモとして残す')")
    await page.wait_for_selector("#outbox", state="hidden")
    incident = made.desk.current()
    assert incident is not None
    assert incident.notes == 1
    assert _failed(made)
    await here.close()
    await other.close()


def _failed(made: Town) -> bool:
    return run_of(made, STEP).did.value == "failed"


async def test_another_person_at_the_same_device_sends_nothing_of_the_first(
    made: Town, root: str, browser: Browser
) -> None:
    here = await context(browser, 360)
    page = await here.new_page()
    await sign_in(page, root, "staff")
    await declare(page, root)
    await page.goto(f"{root}/disaster/steps/{STEP}")
    await here.set_offline(True)
    await finish(page)
    await page.wait_for_selector("#outbox:has-text('未送信 1件')")
    await here.clear_cookies()
    await here.set_offline(False)
    await page.wait_for_selector("#outbox:has-text('もう一度ログイン')")
    await sign_in(page, root, "commander")
    await page.goto(f"{root}/disaster/steps/{STEP}")
    await page.wait_for_selector("#outbox:has-text('ほかの人の未送信 1件')")
    assert not _has(made, STEP)
    await here.close()


async def test_the_carry_out_file_keeps_ticks_and_hands_them_over(
    made: Town, root: str, browser: Browser, tmp_path: Path
) -> None:
    # axe looks at every step against every other: three runbooks say what twenty-seven would.
    place = made.book.step(STEP)
    assert place is not None
    few = (place[0], *(one for one in made.book if one.id != place[0].id))[:3]
    file = tmp_path / "mochidashi.html"
    file.write_bytes(carry_out_file(made.city, made.book, few, date(2026, 11, 25)))
    here = await context(browser, 360)
    page = await here.new_page()
    await here.set_offline(True)
    await page.goto(file.as_uri())
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    assert await violations(page) == []
    await page.fill("#who", "佐藤")
    at = page.locator(f"[data-step={STEP}]")
    await at.locator("button:has-text('できた')").click()
    assert "未送信" in await at.inner_text()
    await page.reload()
    assert "未送信 1件" in await unsent(page)
    await page.click("#outbox button:has-text('文字で写す')")
    lines = await page.input_value("#outbox textarea")
    item = json.loads(lines)
    assert (item["step"], item["fields"], item["by"]) == (STEP, {"do": "finish"}, "佐藤")

    await here.set_offline(False)
    await sign_in(page, root, "staff")
    await declare(page, root)
    for said in ("記録した", "前に記録済み"):
        await page.goto(root + "/disaster/outbox")
        await page.fill("#lines", lines)
        await page.click("main button.go")
        assert said in await page.inner_text("main")
    assert await violations(page) == []
    assert run_of(made, STEP).finished_at is not None
    await here.close()


async def test_the_carry_out_file_reads_without_script(
    made: Town, browser: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "mochidashi.html"
    file.write_bytes(carry_out_file(made.city, made.book, tuple(made.book), date(2026, 11, 25)))
    here = await context(browser, 360, script=False)
    page = await here.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(file.as_uri())
    text = await page.inner_text("main")
    for runbook in made.book:
        assert runbook.title in text
        for step in runbook.steps:
            assert not step.paper or step.id in text
    assert "できた" not in await page.inner_text(f"[data-step={STEP}]")
    assert asked == [file.as_uri()]
    await here.close()
