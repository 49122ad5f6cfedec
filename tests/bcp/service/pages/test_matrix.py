"""Every route and every role, and somebody without an account: the table holds, nothing else opens."""

from __future__ import annotations

import pytest

from bcp.service.access.roles import Permission, Role, granted
from bcp.service.access.routes import ROUTE, Route
from tests.bcp.service.pages.sample import Town, Visitor

PUBLIC = {"/login", "/status", "/break-glass"}


def doors(made: Town) -> list[Route]:
    found: list[Route] = list(made.app[ROUTE].values())
    return [r for r in found if not r.path.startswith(("/static/", "/events"))]


def address(path: str) -> str:
    for part, value in (
        ("{drill}", "none"),
        ("{id:.+}", "web/main"),
        ("{id}", "web"),
        ("{digest}", "00"),
        ("{site}", "honcho"),
    ):
        path = path.replace(part, value)
    return path


@pytest.mark.timeout(300)  # some two hundred doors
@pytest.mark.parametrize("role", [None, *Role])
async def test_every_route_opens_to_those_the_table_names_and_to_nobody_else(
    made: Town, visitor: Visitor, role: Role | None
) -> None:
    if role is not None:
        assert await visitor.sign_in(role.value) == 303
    may = granted([role]) if role else frozenset({Permission.PUBLIC})
    for route in doors(made):
        if route.path == "/logout":
            continue
        if route.writes:
            status, _ = await visitor.post(address(route.path))
        else:
            status, _ = await visitor.get(address(route.path))
        wanted = f"{route.method} {route.path} as {role}: {status}"
        if route.permission in may:
            assert status not in (401, 403) or route.path in ("/login", "/break-glass"), wanted
            assert status < 500, wanted
        elif role is None:
            assert status == 303, wanted
        else:
            assert status == 403, wanted


async def test_only_these_pages_need_no_account(made: Town, visitor: Visitor) -> None:
    open_ = {r.path for r in doors(made) if r.permission is Permission.PUBLIC}
    assert open_ == PUBLIC
    _, page = await visitor.get("/status")
    assert "お知らせはありません" in page
    for word in ("停止", "関係者限り", "公式Web", "バックアップ"):
        assert word not in page


async def test_no_write_is_heard_without_the_sessions_token(made: Town, visitor: Visitor) -> None:
    await visitor.sign_in("commander")
    visitor.csrf = "forged"
    for route in doors(made):
        if route.writes and route.permission is not Permission.PUBLIC:
            status, page = await visitor.post(address(route.path))
            assert status == 403, route.path
            if route.permission in granted([Role.COMMANDER]):
                assert "開き直して" in page, route.path
