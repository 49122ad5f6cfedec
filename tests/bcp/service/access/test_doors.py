"""The doors over a real HTTP server: who gets in, who is asked, who is refused, and the headers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from bcp.kit.errors import BcpError, UsageError
from bcp.service.access.guard import MAX_STRANGE_BODY, Bearer, Doors, safe_next
from bcp.service.access.roles import GRANTS, Permission, Role, decide, granted
from bcp.service.access.routes import Route, mount, seal
from tests.bcp.service.access.test_accounts import ELSEWHERE, GOOD, Desk

Client = TestClient[web.Request, web.Application]


async def hello(_request: web.Request) -> web.StreamResponse:
    return web.Response(text="hello")


ROUTES = [
    Route("GET", "/open", Permission.PUBLIC, hello),
    Route("GET", "/inside", Permission.READ, hello),
    Route("POST", "/tick", Permission.STEP, hello),
    Route("POST", "/login", Permission.PUBLIC, hello),
    Route("GET", "/metrics", Permission.READ_METRICS, hello, machine=True),
]


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[tuple[Client, Doors, Desk]]:
    desk = Desk(tmp_path / "access.sqlite")
    accounts = await desk.open()
    for role in Role:
        await accounts.add(role.value, role.value, [role], GOOD)
    (tmp_path / "token").write_text("a-token-of-more-than-twenty\n")
    bearer = Bearer.read("prometheus", tmp_path / "token", frozenset({Permission.READ_METRICS}))
    doors, app = Doors(accounts, (bearer,)), web.Application()
    doors.install(app)
    mount(app, ROUTES)
    seal(app)
    async with TestClient(TestServer(app)) as client:
        yield client, doors, desk
    desk.workers.close()


async def enter(door: tuple[Client, Doors, Desk], login: str) -> tuple[dict[str, str], str]:
    signed = await door[1].accounts.sign_in(login, GOOD, ELSEWHERE)
    assert signed is not None
    return {"Cookie": f"{door[1].cookie}={signed.token}"}, signed.identity.csrf


async def test_an_outsider_is_sent_to_the_login_page_and_a_program_gets_401(
    door: tuple[Client, Doors, Desk],
) -> None:
    client = door[0]
    assert (await client.get("/open")).status == 200
    answer = await client.get("/inside?a=1", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/login?next=/inside%3Fa%3D1")
    assert (await client.get("/metrics", allow_redirects=False)).status == 401


async def test_an_unknown_address_tells_an_outsider_nothing(
    door: tuple[Client, Doors, Desk],
) -> None:
    assert (await door[0].get("/nothing", allow_redirects=False)).status == 303
    headers, _csrf = await enter(door, "viewer")
    assert (await door[0].get("/nothing", headers=headers)).status == 404


async def test_a_bearer_token_opens_what_it_was_given_for_and_no_more(
    door: tuple[Client, Doors, Desk],
) -> None:
    good = {"Authorization": "Bearer a-token-of-more-than-twenty"}
    assert (await door[0].get("/metrics", headers=good)).status == 200
    assert (await door[0].get("/inside", headers=good)).status == 403
    bad = {"Authorization": "Bearer a-token-of-more-than-twentx"}
    assert (await door[0].get("/metrics", headers=bad, allow_redirects=False)).status == 401


async def test_a_write_needs_the_sessions_own_token(door: tuple[Client, Doors, Desk]) -> None:
    client = door[0]
    headers, csrf = await enter(door, "staff")
    assert (await client.post("/tick", headers=headers)).status == 403
    assert (await client.post("/tick", headers=headers, data={"_csrf": "x"})).status == 403
    assert (await client.post("/tick", headers=headers, data={"_csrf": csrf})).status == 200
    assert (await client.post("/tick", headers={**headers, "X-CSRF-Token": csrf})).status == 200
    _other, foreign = await enter(door, "commander")
    assert (await client.post("/tick", headers=headers, data={"_csrf": foreign})).status == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_write_from_another_site_is_refused(
    door: tuple[Client, Doors, Desk], origin: str
) -> None:
    headers, csrf = await enter(door, "staff")
    answer = await door[0].post(
        "/tick", headers={**headers, "Origin": origin}, data={"_csrf": csrf}
    )
    assert answer.status == 403


async def test_a_write_from_our_own_page_is_heard(door: tuple[Client, Doors, Desk]) -> None:
    headers, csrf = await enter(door, "staff")
    own = str(door[0].make_url("")).rstrip("/")
    answer = await door[0].post("/tick", headers={**headers, "Origin": own}, data={"_csrf": csrf})
    assert answer.status == 200


async def test_every_answer_carries_the_security_headers(door: tuple[Client, Doors, Desk]) -> None:
    headers, _csrf = await enter(door, "viewer")
    for path in ("/open", "/inside", "/nothing"):
        answer = await door[0].get(path, headers=headers)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_the_cookie_is_http_only_and_same_site_and_secure_only_with_tls(
    door: tuple[Client, Doors, Desk],
) -> None:
    request = make_mocked_request("GET", "/open")
    response = web.Response()
    door[1].let_in(request, response, "token")
    cookie = response.cookies[door[1].cookie]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    assert not cookie["secure"]


def test_a_route_without_a_permission_stops_the_start() -> None:
    app = web.Application()
    app.router.add_get("/forgotten", hello)
    with pytest.raises(BcpError, match="forgotten"):
        seal(app)


def test_two_handlers_for_one_door_stop_the_start() -> None:
    app = web.Application()
    with pytest.raises(BcpError, match="two handlers"):
        mount(app, [ROUTES[0], ROUTES[0]])


def test_a_short_token_or_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "short").write_text("secret")
    for name in ("short", "absent"):
        with pytest.raises(UsageError) as caught:
            Bearer.read("x", tmp_path / name, frozenset())
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("target", "safe"),
    [
        ("/disaster?x=1", "/disaster?x=1"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/a\r\nSet-Cookie: x", "/"),
        ("", "/"),
    ],
)
def test_signing_in_leads_to_a_place_on_this_server(target: str, safe: str) -> None:
    assert safe_next(target) == safe


def test_an_auditor_may_change_nothing() -> None:
    writes = {
        Permission.OBSERVE, Permission.STEP, Permission.DECLARE, Permission.COMMAND,
        Permission.ANNOUNCE, Permission.WAIVE, Permission.OPERATE, Permission.ACCOUNTS,
    }  # fmt: skip
    assert not GRANTS[Role.AUDITOR] & writes
    assert not GRANTS[Role.VIEWER] & writes


def test_the_table_is_closed_and_denies_by_default() -> None:
    assert set(GRANTS) == set(Role)
    for permission in Permission:
        if permission is not Permission.PUBLIC:
            assert decide(None, permission) == "who"
            assert decide(frozenset(), permission) == "no"
        assert decide(granted(Role), permission) == "yes"


async def test_a_stranger_may_send_no_more_than_a_login_form(
    door: tuple[Client, Doors, Desk],
) -> None:
    client = door[0]

    async def endless() -> AsyncIterator[bytes]:
        yield b"login=x"

    assert (await client.post("/login", data=b"login=x&password=y")).status == 200
    assert (await client.post("/login", data=b"a" * (MAX_STRANGE_BODY + 1))).status == 413
    assert (await client.post("/login", data=endless())).status == 413  # length not told


async def test_a_body_that_drips_in_is_not_waited_for(
    door: tuple[Client, Doors, Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bcp.service.access.guard.SLOWEST_BODY", 0.1)
    client = door[0]
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nlogin")
    async with asyncio.timeout(5):
        assert b" 408 " in await reader.readline()
    writer.close()
