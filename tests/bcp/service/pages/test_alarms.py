"""Where this service itself falls short, the first page says so in plain words."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bcp.journal.entry import Actor, NewEntry
from bcp.kit.language import Text
from bcp.kit.workers import Workers
from bcp.service.access.accounts import Accounts
from bcp.service.access.passwords import Passwords
from bcp.service.access.roles import Role
from bcp.service.access.store import AccessStore
from bcp.watch.notify import Route
from bcp.watch.routes import NotifyRoute
from bcp.watch.sites import SiteEvent
from tests.bcp.service.pages.sample import CHEAP, PASSWORD, Town, Visitor
from tests.fakes import ManualClock


async def test_the_first_page_tells_what_is_wrong_with_the_service_itself(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("administrator")
    _, page = await visitor.get("/")
    for quiet in ("履歴ファイル", "通知が届いていません", "計画の読み込み", "まだ記録に入って"):
        assert quiet not in page
    made.history.began_anew = Text("履歴ファイルが壊れていた", "anew")
    made.reloads.successful, made.reloads.message = False, "plan.yaml:3:1: unknown key"
    made.troubles.append("/etc/ict-bcp/token: 読めません")
    made.note_verified(False)
    route = NotifyRoute(id="tel", kind="webhook", url="http://127.0.0.1:9/x")
    hook = Route(route, made.clock, "node1", None, made.workers)  # type: ignore[arg-type]  # never sent
    hook.state.ok, hook.state.trouble = False, "HTTP 500"
    made.notifier.routes = (hook,)
    _, page = await visitor.get("/")
    for said in (
        "履歴ファイルが壊れていた",
        "通知が届いていません: tel (HTTP 500)",
        "計画の読み込みに失敗",
        "plan.yaml:3:1",
        "/etc/ict-bcp/token",
        "完全性ログの検証で問題",
    ):
        assert said in page, said
    await visitor.sign_in("viewer")
    _, page = await visitor.get("/")
    assert "計画の読み込みに失敗" in page
    for hidden in ("plan.yaml", "/etc/ict-bcp", "完全性ログの検証"):
        assert hidden not in page


async def test_the_practice_is_offered_only_where_there_is_one(visitor: Visitor) -> None:
    await visitor.sign_in("administrator")
    assert 'href="/practice"' not in (await visitor.get("/"))[1]


async def test_a_session_lasts_as_long_as_the_plan_says(tmp_path: Path) -> None:
    clock, workers = ManualClock(), Workers(2)
    store = AccessStore(tmp_path / "access.sqlite")
    fast = Passwords(workers, CHEAP)
    life = timedelta(minutes=20)
    accounts = await Accounts.open(store, workers, clock, passwords=fast, life=life)
    await accounts.add("a", "A", [Role.STAFF], PASSWORD)
    signed = await accounts.sign_in("a", PASSWORD, "127.0.0.1")
    assert signed is not None
    await clock.advance(19 * 60)
    assert await accounts.identify(signed.token)
    await clock.advance(19 * 60)
    assert await accounts.identify(signed.token), "use slides it forward"
    await clock.advance(21 * 60)
    assert await accounts.identify(signed.token) is None
    store.close()
    workers.close()


async def test_a_plan_past_its_review_and_a_year_without_a_drill_are_said_where_one_acts(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("staff")
    for path in ("/", "/disaster/declare"):
        _, page = await visitor.get(path)
        assert "見直しの期限" not in page
        assert "最後の訓練" not in page
    long_ago = made.clock.utc() - timedelta(days=366)
    ended = NewEntry("drill.ended", "haru", {"size": 1, "kind": "live"}, None, long_ago)
    await made.journal.append(ended, op="drill", actor=Actor("u-1", "commander"))
    past = made.city.organization.model_copy(update={"review_by": long_ago.date()})
    made.city = made.city.model_copy(update={"organization": past})
    for path in ("/", "/disaster/declare"):
        _, page = await visitor.get(path)
        assert "見直しの期限" in page, path
        assert "1年を過ぎています" in page, path
    new = NewEntry("drill.ended", "aki", {"size": 1}, None, made.clock.utc())
    await made.journal.append(new, op="drill2", actor=Actor("u-1", "commander"))
    assert "最後の訓練" not in (await visitor.get("/"))[1]


async def test_a_place_that_stands_still_is_named_above_every_page(
    made: Town, visitor: Visitor
) -> None:
    site = made.city.sites[0]
    made.site_events = {site.id: SiteEvent(site.id, made.clock.utc(), ("a", "b", "c"), 4)}
    await visitor.sign_in("staff")
    _, page = await visitor.get("/")
    assert f"拠点の一斉停止: {site.name} で 4 システムのうち 3" in page
