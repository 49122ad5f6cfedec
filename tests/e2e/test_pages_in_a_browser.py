"""Every page in a real browser: readable by all (axe), light, no sideways scrolling, no script needed."""

from __future__ import annotations

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, Request

from bcp.watch.values import Status
from tests.bcp.service.pages.sample import PASSWORD, Town

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

PAGES = (
    "/", "/systems/web", "/services/koho", "/checks/web/main", "/checks/power/main",
    "/checks/mail/lock", "/backups", "/audit", "/log", "/runbooks", "/runbooks/juki-restore",
    "/runbooks/juki-restore/print", "/paper", "/disaster/report", "/disaster", "/disaster/systems/juki",
    "/disaster/steps/SHODO-02", "/disaster/declare", "/disaster/declare?kind=drill", "/account",
    "/announcements", "/log/entries/1",
    "/disaster/wall", "/disaster/command", "/disaster/situation", "/disaster/handover",
    "/disaster/chronology", "/disaster/frame", "/disaster/crew", "/disaster/amend?step=SHODO-02",
    "/disaster/changes", "/disaster/breaches", "/backups/report", "/disaster/damage", "/disaster/damage/honcho", "/disaster/scribe",
    "/disaster/paper", "/disaster/outbox", "/paper/copies", "/people", "/helper", "/status", "/nothing", "/?lang=en",
)  # fmt: skip
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
LIMIT = 30_000


async def context(
    browser: Browser, width: int, *, script: bool = True, **more: str
) -> BrowserContext:
    return await browser.new_context(
        locale="ja-JP",
        timezone_id="Asia/Tokyo",
        viewport={"width": width, "height": 800},
        java_script_enabled=script,
        bypass_csp=script,  # axe is injected; the policy itself is tested over HTTP
        **more,  # type: ignore[arg-type]
    )


async def sign_in(page: Page, root: str, login: str = "commander") -> None:
    await page.goto(root + "/login")
    await page.fill("#login", login)
    await page.fill("#password", PASSWORD)
    await page.click("button.go")


async def declare(page: Page, root: str) -> None:
    await page.goto(root + "/disaster/declare")
    await page.fill("#reason", "震度6弱。本庁舎の停電")
    await page.fill("#word", "全面発動")
    await page.click("button.danger")
    assert page.url.endswith("/disaster")


async def violations(page: Page) -> list[str]:
    found = await Axe().run(page, options={"runOnly": RULES["runOnly"]})
    return [
        f"{v['id']}: {v['nodes'][0]['html'][:160]} {v['nodes'][0].get('failureSummary', '')[:200]}"
        for v in found.response["violations"]
    ]


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "light"), (1280, "dark")])
async def test_each_page_is_readable_by_all_light_and_never_scrolls_sideways(
    root: str, browser: Browser, width: int, scheme: str
) -> None:
    here = await context(browser, width, color_scheme=scheme)
    page = await here.new_page()
    await page.goto(root + "/login")
    wrong = [f"/login {v}" for v in await violations(page)]
    await sign_in(page, root)
    await declare(page, root)
    for path in PAGES if scheme == "light" else PAGES[:14:2]:
        answer = await page.goto(root + path)
        assert answer is not None
        assert len(await answer.body()) < LIMIT, path
        wrong += [f"{path} {v}" for v in await violations(page)]
        wide = await page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            wrong.append(f"{path} scrolls sideways: {wide} > {width}")
    await here.close()
    assert not wrong, "\n".join(wrong)


async def test_without_script_a_step_is_ticked_and_the_next_one_shown(
    made: Town, root: str, browser: Browser
) -> None:
    here = await context(browser, 360, script=False)
    page = await here.new_page()
    await sign_in(page, root, "staff")
    await declare(page, root)
    await page.click("ol.next a >> nth=0")
    first = page.url
    if await page.locator("input[name=option]").count():
        await page.check("input[name=option] >> nth=0")
        await page.click("button.go")
    else:
        await page.click("button[value=finish]")
    assert "/steps/" in page.url
    assert page.url != first
    incident = made.desk.current()
    assert incident is not None
    done = first.rpartition("/")[2]
    assert any(run[done].finished_at for run in incident.runs.values() if done in run)
    await here.close()


async def test_buttons_on_action_pages_are_large_enough_for_a_glove(
    root: str, browser: Browser
) -> None:
    here = await context(browser, 360)
    page = await here.new_page()
    await sign_in(page, root)
    await declare(page, root)
    for path in ("/disaster/steps/SHODO-02", "/disaster/declare"):
        await page.goto(root + path)
        for button in await page.locator("main button:visible, main .button:visible").all():
            box = await button.bounding_box()
            assert box is not None
            assert box["height"] >= 47.5, await button.inner_text()
    await page.goto(root + "/disaster/steps/SHODO-02")
    size = await page.evaluate(
        "getComputedStyle(document.querySelector('.step ul, .step')).fontSize"
    )
    assert float(size.removesuffix("px")) >= 18
    await here.close()


async def test_the_board_moves_by_itself_and_says_when_it_no_longer_does(
    made: Town, root: str, browser: Browser
) -> None:
    here = await context(browser, 1280)
    page = await here.new_page()
    await sign_in(page, root)
    await page.wait_for_function("document.getElementById('asof').textContent.includes('時点')")
    assert "公開DNS" not in await page.inner_text(".first")
    await page.wait_for_timeout(300)
    made.says("dns-public/main", Status.FAILED, "名前が引けません", ago=10)
    row = page.locator("ul.rows >> text=名前が引けません")
    await row.first.wait_for(timeout=10_000)
    made.hub.close()
    await page.wait_for_function(
        "document.getElementById('asof').classList.contains('dead')", timeout=15_000
    )
    assert await page.inner_text("#asof") == "更新が止まっています"
    await here.close()


async def test_nothing_is_loaded_from_outside(root: str, browser: Browser) -> None:
    here = await context(browser, 1280)
    page = await here.new_page()
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page.on("request", note)
    await sign_in(page, root)
    for path in PAGES[:8]:
        await page.goto(root + path)
    assert asked
    assert all(url.startswith(root) for url in asked)
    await here.close()


async def test_the_content_policy_stops_nothing_of_ours(root: str, browser: Browser) -> None:
    here = await browser.new_context(viewport={"width": 1280, "height": 800})
    page = await here.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    await sign_in(page, root)
    for path in PAGES[:8]:
        await page.goto(root + path)
    assert not [line for line in said if "Content Security Policy" in line]
    await here.close()
