"""Written from the words on the screen alone, at 360 px, without script: declare, three steps, hand
over, stand down. Who can read can do it; a page whose words change without their act fails here."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.bcp.service.pages.sample import PASSWORD, Town
from tests.e2e.by_words import Reader
from tests.e2e.test_pages_in_a_browser import context

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

STEP = re.compile(r"^[A-Z]+-\d+ ")


async def declare(reader: Reader) -> None:
    await reader.follow("発動・復旧")
    await reader.follow("発動の画面へ")
    await reader.pick("実対応")
    await reader.pick("全面発動|3 全面発動")
    await reader.pick("現場")
    await reader.write("理由", "震度6弱。本庁舎の停電")
    label = reader.page.get_by_text(re.compile("確認のため「|「全面発動」と入力")).first
    words = (await label.inner_text()).strip()
    await reader.write(words, "全面発動")
    await reader.press("発動する")
    await reader.reads("発動中")


async def open_a_step(reader: Reader) -> str:
    await reader.follow("発動・復旧")
    link = reader.page.get_by_role("link", name=STEP).locator("visible=true").first
    name = (await link.inner_text()).strip()
    await link.click()
    await reader.page.wait_for_load_state()
    return name.split()[0]


async def tick(reader: Reader) -> None:
    if await reader.page.get_by_role("radio").count():
        await reader.page.get_by_role("radio").first.check()
        await reader.press("決定")
    else:
        await reader.press("完了した")


async def do_a_step(reader: Reader) -> str:
    step = await open_a_step(reader)
    here = reader.page.url
    await tick(reader)
    await reader.page.wait_for_url(lambda url: url != here)
    return step


async def hand_over(giver: Reader, receiver: Reader, root: str, made: Town) -> str:
    """Both confirm; gives the event."""
    await giver.follow("発動・復旧")
    await giver.follow("引継書")
    await giver.choose("引き継ぐ人", "commander 太郎")
    await giver.write("伝えること(方針・注意)", "水道を先に戻す")
    await giver.press("引継ぎを申し出る")
    await expect(giver.page.locator("body")).to_contain_text("確認されるまで指揮は移りません")
    incident = made.desk.current()
    assert incident is not None
    assert incident.offer is not None

    await receiver.open(root + "/login", "commander", PASSWORD)
    await receiver.follow("発動・復旧")
    await receiver.reads("引継ぎ 未確認")
    await receiver.follow("引継書")
    await receiver.press("引継ぎを確認し、指揮を執る")
    await receiver.reads("commander 太郎")
    after = made.desk.incident(incident.id)
    assert after is not None
    assert after.hand_overs[-1].how == "both"
    return incident.id


def stood_down(made: Town, id: str) -> bool:
    last = made.desk.incident(id)
    return last is not None and last.phase.value == "stood_down"


async def test_who_can_read_declares_follows_hands_over_and_stands_down(
    made: Town, root: str, browser: Browser
) -> None:
    one, two = await context(browser, 360, script=False), await context(browser, 360, script=False)
    giver, receiver = Reader(await one.new_page()), Reader(await two.new_page())
    await giver.open(root + "/login", "staff", PASSWORD)
    await declare(giver)
    done = [await do_a_step(giver) for _ in range(3)]
    assert len(set(done)) == 3, done
    event = await hand_over(giver, receiver, root, made)
    await stand_down(receiver, made)
    assert stood_down(made, event)
    await one.close()
    await two.close()


async def test_the_same_with_the_network_cut_in_the_middle(
    made: Town, root: str, browser: Browser
) -> None:
    one, two = await context(browser, 360), await context(browser, 360)
    giver, receiver = Reader(await one.new_page()), Reader(await two.new_page())
    await giver.open(root + "/login", "staff", PASSWORD)
    await declare(giver)
    done = [await do_a_step(giver), await open_a_step(giver)]

    await one.set_offline(True)
    await tick(giver)
    box = giver.page.get_by_role("complementary", name="つながらない間の記録を取り込む")
    await expect(box).to_contain_text("つながりません")
    await expect(box).to_contain_text("未送信 1件 (端末に保存)")
    said = await box.inner_text()
    assert "完了" not in said, "a tick on the device is no tick"
    assert "記録しました" not in said
    assert finished(made, done[1]) is False

    await one.set_offline(False)
    await expect(box).to_be_hidden(timeout=20_000)  # as it said: sent when there is a connection
    assert finished(made, done[1])
    done.append(await do_a_step(giver))
    assert len(set(done)) == 3, done
    event = await hand_over(giver, receiver, root, made)
    await stand_down(receiver, made)
    assert stood_down(made, event)
    await one.close()
    await two.close()


async def tab_to(page: Page, words: str, *, most: int = 250) -> None:
    """Press Tab until what has the focus says this; everything on the way must be seen to have it."""
    for _ in range(most):
        await page.keyboard.press("Tab")
        said, ring = await page.evaluate(
            """() => {
                const e = document.activeElement;  // inside a field for a date too
                const label = e.labels && e.labels.length ? e.labels[0].innerText : e.innerText;
                return [label || "", e.type === "datetime-local" || e === document.body
                    ? "own" : getComputedStyle(e).outlineStyle];
            }"""
        )
        assert ring != "none", f"nobody sees where the focus is: {said}"
        if words in said:
            return
    raise AssertionError(f"{words!r} cannot be reached by keyboard on {page.url}")


async def test_with_the_keyboard_alone_one_declares_and_ticks(
    made: Town, root: str, browser: Browser
) -> None:
    here = await context(browser, 1280, script=False)
    page = await here.new_page()
    await page.goto(root + "/login?next=/disaster/declare")
    await page.wait_for_selector("input:focus")
    await page.keyboard.type("staff")
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url(lambda url: "login" not in url)
    await page.keyboard.press("Tab")
    assert await page.locator(":focus").inner_text() == "本文へ", (
        "the way past the menu comes first"
    )
    await page.keyboard.press("Enter")
    await tab_to(page, "理由")
    await page.keyboard.type("震度6弱。本庁舎の停電")
    await tab_to(page, "と入力")
    await page.keyboard.type("全面発動")
    await tab_to(page, "発動する")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/disaster")
    await tab_to(page, "SHODO-01")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/steps/SHODO-01")
    await tab_to(page, "完了した")
    await page.keyboard.press("Enter")
    await page.wait_for_url(lambda url: not url.endswith("SHODO-01"))
    assert finished(made, "SHODO-01")
    await here.close()


def finished(made: Town, step: str) -> bool:
    incident = made.desk.current()
    return incident is not None and any(
        step in runs and runs[step].finished_at is not None for runs in incident.runs.values()
    )


async def stand_down(reader: Reader, made: Town) -> None:
    """What has no evidence is waived by name; every gate that is open is closed with a reason."""
    await command(reader)
    await reader.press("事後承認")
    await command(reader)
    await reader.unfold("証拠がないシステムを理由つきで対象から外す")
    for box in await reader.page.get_by_role("checkbox").locator("visible=true").all():
        await box.check()
    await (
        reader.page.get_by_label("理由", exact=True).locator("visible=true").first.fill("監視なし")
    )
    await reader.press("復旧の宣言")
    await command(reader)
    await reader.press("解除の準備")
    for _ in range(12):
        await command(reader)
        if not await reader.can("条件を理由つきで閉じる"):
            break
        reasons = reader.page.get_by_placeholder("理由").locator("visible=true")
        await reasons.first.fill("担当が確かめた")
        await reader.press("条件を理由つきで閉じる")
    await command(reader)
    await reader.press("解除")


async def command(reader: Reader) -> None:
    await reader.follow("発動・復旧")
    await reader.follow("指揮と記録")
