"""People who arrive: the page of the sealed codes, as a browser without script and account sees it."""

from __future__ import annotations

from datetime import timedelta

from bcp.journal.entry import Actor
from bcp.kit.units import to_us
from bcp.service.access.limits import Limit
from bcp.service.access.roles import Role
from bcp.service.access.routes import ROUTE
from runbooks import commands as c
from tests.bcp.service.pages.sample import PASSWORD, Town, Visitor


async def cards(made: Town, count: int = 2) -> list[tuple[str, str]]:
    site = made.city.sites[1].id
    found = await made.codes.issue(site, count, edition="第1版", op="op", by="uid:0")
    return [(str(card.number), card.code) for card in found]


async def arrive(visitor: Visitor, card: tuple[str, str], name: str = "応援 花子") -> int:
    visitor.client.cookie_jar.clear()
    form = {"number": card[0], "code": card[1], "name": name}
    status, _where = await visitor.post("/break-glass", **form)
    for cookie in visitor.client.cookie_jar:
        found = await visitor.town.accounts.identify(cookie.value)
        visitor.csrf = found.csrf if found else ""
    return status


async def test_the_login_page_leads_to_the_codes_and_a_card_opens_the_disaster_page(
    made: Town, visitor: Visitor
) -> None:
    (card, _) = await cards(made)
    _, page = await visitor.get("/login")
    assert 'href="/break-glass"' in page
    assert await arrive(visitor, card) == 303
    status, page = await visitor.get("/disaster")
    assert status == 200
    assert "応援 花子" in page
    assert "緊急用封印コードが使われました" in page
    assert (await visitor.get("/disaster/declare"))[0] == 200


async def test_a_wrong_code_is_refused_in_plain_words_and_comes_back_on_no_page(
    made: Town, visitor: Visitor
) -> None:
    (card, _) = await cards(made)
    status, page = await visitor.post(
        "/break-glass", number=card[0], code="WRONGCODE123", name="甲乙"
    )
    assert status == 401
    assert "番号か符号が違います" in page
    assert "WRONGCODE123" not in page
    assert "甲乙" in page


async def test_everybody_inside_sees_who_came_and_the_commander_can_end_it(
    made: Town, visitor: Visitor
) -> None:
    card, _ = await cards(made)
    await arrive(visitor, card)
    assert (await visitor.post("/people", number=card[0]))[0] == 403
    await visitor.sign_in("commander")
    _, page = await visitor.get("/people")
    assert "応援 花子" in page
    assert card[1] not in page
    assert (await visitor.post("/people", number=card[0]))[0] == 303
    assert not made.codes.all()[0].session_open
    assert (await visitor.post("/people", login="staff"))[0] == 409


async def test_a_used_code_holds_the_event_that_is_declared_afterwards_until_it_is_replaced(
    made: Town, visitor: Visitor
) -> None:
    card, _ = await cards(made)
    await arrive(visitor, card)
    now = made.clock.utc()
    declare = c.Declare(level=3, onset=now, reason="停電", capacity="on_site")
    await made.desk.do(declare, Actor("u-1", "staff"), "declare")
    incident = made.desk.current()
    assert incident is not None
    id = f"code-{card[0]}"
    assert incident.codes[id].closed_at is None
    await made.codes.revoke([int(card[0])], by="uid:0")
    site = made.city.sites[1].id
    await made.codes.issue(site, 1, edition="第2版", op="op2", by="uid:0")
    assert made.desk.state.items[incident.id].codes[id].closed_at is not None


async def test_a_visiting_helper_sees_and_does_what_is_lent_and_nothing_else(
    made: Town, visitor: Visitor
) -> None:
    now = made.clock.utc()
    declare = c.Declare(level=3, onset=now, reason="停電", capacity="on_site")
    await made.desk.do(declare, Actor("u-1", "staff"), "declare")
    incident = made.desk.current()
    assert incident is not None
    seen = await made.desk.situation(incident)
    mine = seen.next[0].standing
    other = next(s for s in seen.steps.values() if s.runbook.id != mine.runbook.id)
    limit = Limit(to_us(now + timedelta(hours=8)), "helper", runbooks=(mine.runbook.id,))
    await made.accounts.add(
        "ouen", "応援 次郎", [Role.STAFF], PASSWORD, must_change=False, limit=limit
    )
    await visitor.sign_in("ouen")
    assert await visitor.get("/") == (303, "")
    _, page = await visitor.get("/helper")
    assert mine.step.id in page
    assert other.step.id not in page
    assert (await visitor.get(f"/disaster/steps/{mine.step.id}"))[0] == 200
    assert (await visitor.get(f"/disaster/steps/{other.step.id}"))[0] == 403
    assert (await visitor.get(f"/runbooks/{mine.runbook.id}"))[0] == 200
    assert (await visitor.get(f"/runbooks/{other.runbook.id}"))[0] == 403
    form = {"do": "start", "incident": incident.id}
    assert await visitor.post(f"/disaster/steps/{mine.step.id}", **form) == (303, "/helper")
    assert (await visitor.post(f"/disaster/steps/{other.step.id}", **form))[0] == 403
    open_ = {"/login", "/logout", "/status", "/break-glass", "/account", "/helper"}
    for route in made.app[ROUTE].values():
        if route.path in open_ or route.path.startswith("/static") or route.lent:
            continue
        path = route.path.replace("{id:.+}", "web/main").replace("{id}", "web")
        for name in ("{drill}", "{site}", "{digest}", "{name}"):
            path = path.replace(name, "honcho")
        status = (await visitor.post(path) if route.writes else await visitor.get(path))[0]
        assert status == 403 or path == "/", (route.method, route.path, status)
