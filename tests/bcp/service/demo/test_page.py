"""`/practice`: everybody inside may look, only an administrator may break and heal."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from bcp.kit.clock import SystemClock
from bcp.service.access.routes import mount
from bcp.service.demo import page
from bcp.service.demo.city import PracticeCity
from bcp.service.demo.faults import FAULTS
from bcp.service.pages.respond import Pages
from tests.bcp.service.pages import sample


@pytest.fixture
async def server(city: PracticeCity, tmp_path: Path) -> AsyncIterator[TestServer]:
    """A city's pages with the practice page among them."""
    async with sample.town(tmp_path / "house", SystemClock()) as town:
        mount(town.app, page.routes(Pages(lambda: town, town.doors), city))
        async with sample.serving(town) as running:
            yield running


async def _enter(server: TestServer, login: str) -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
    form = {"login": login, "password": sample.PASSWORD, "next": "/practice"}
    async with session.post(server.make_url("/login"), data=form) as answer:
        assert answer.status == 200, await answer.text()
    return session


async def _read(session: aiohttp.ClientSession, server: TestServer, query: str = "") -> str:
    async with session.get(server.make_url("/practice" + query)) as answer:
        assert answer.status == 200
        body = await answer.read()
        assert len(body) < 30_000
        return body.decode()


def _csrf(body: str) -> str:
    found = re.search(r'name="_csrf" value="([^"]+)"', body)
    assert found
    return found[1]


async def test_an_administrator_breaks_and_heals_without_script(
    server: TestServer, city: PracticeCity
) -> None:
    async with await _enter(server, "administrator") as session:
        body = await _read(session, server)
        assert body.count("/inject") == len(FAULTS)
        form = {"_csrf": _csrf(body)}
        async with session.post(server.make_url("/practice/open-key/inject"), data=form) as answer:
            assert answer.status == 200
            body = await answer.text()
        assert "故障中" in body
        assert "/practice/open-key/heal" in body
        assert city.folders.sealing_key.stat().st_mode & 0o777 == 0o644
        async with session.post(server.make_url("/practice/all/heal"), data=form) as answer:
            assert "故障中" not in await answer.text()
        assert city.folders.sealing_key.stat().st_mode & 0o777 == 0o600


async def test_a_form_of_somebody_elses_page_breaks_nothing(
    server: TestServer, city: PracticeCity
) -> None:
    async with await _enter(server, "administrator") as session:
        for form in ({}, {"_csrf": "guessed"}):
            url = server.make_url("/practice/open-key/inject")
            async with session.post(url, data=form) as answer:
                assert answer.status == 403
    assert not any(state.active for state in city.faults.states())


@pytest.mark.parametrize("role", ["viewer", "staff", "commander", "auditor"])
async def test_others_may_look_but_not_break(
    server: TestServer, city: PracticeCity, role: str
) -> None:
    async with await _enter(server, role) as session:
        body = await _read(session, server)
        assert "/inject" not in body
        form = {"_csrf": _csrf(body)}
        async with session.post(server.make_url("/practice/open-key/inject"), data=form) as answer:
            assert answer.status == 403
    assert not any(state.active for state in city.faults.states())


async def test_a_stranger_is_sent_to_the_door(server: TestServer) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(server.make_url("/practice"), allow_redirects=False) as answer,
    ):
        assert answer.status in (302, 303)
        assert answer.headers["Location"].startswith("/login")


async def test_the_page_speaks_both_languages_and_never_a_passphrase(
    server: TestServer, city: PracticeCity
) -> None:
    async with await _enter(server, "administrator") as session:
        japanese, english = await _read(session, server), await _read(session, server, "?lang=en")
    assert "若柳支所を切る" in japanese
    assert "Cut the branch office off" in english
    for body in (japanese, english):
        assert "demo." not in body  # a word the catalogue does not have would show its key
        assert not any(account.passphrase in body for account in city.accounts)


async def test_what_cannot_be_broken_yet_and_what_does_not_exist_is_said_in_words(
    server: TestServer,
) -> None:
    async with await _enter(server, "administrator") as session:
        form = {"_csrf": _csrf(await _read(session, server))}
        for path, status in (
            ("flip-byte/inject", 409),
            ("no-such/inject", 400),
            ("open-key/explode", 404),
        ):
            async with session.post(server.make_url(f"/practice/{path}"), data=form) as answer:
                assert answer.status == status, path


async def test_a_notification_arrives_on_the_page(server: TestServer, city: PracticeCity) -> None:
    url = city.folders.webhook_url.read_text(encoding="ascii").strip()
    async with await _enter(server, "viewer") as session:
        await session.post(url, json={"text": "<b>住民記録が停止</b>"})
        body = await _read(session, server)
    assert "&lt;b&gt;住民記録が停止&lt;/b&gt;" in body
