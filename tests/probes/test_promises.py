"""Every kind of this room keeps the promises of `CheckSuite`, on both event loops."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bcp.kit.clock import SystemClock
from bcp.watch.check import Env, Statement
from bcp.watch.heartbeats import Beat, Heard, after
from bcp.watch.values import Status
from probes import kinds
from tests.probes.pki import Authority
from tests.probes.servers import (
    Dns,
    Ntp,
    Request,
    answer,
    dead_port,
    dialogue,
    hang,
    http,
    says,
    serve,
    web_socket,
)
from tests.probes.test_smb import framed
from tests.probes.test_starttls import ldap_says
from tests.suites.check_suite import Case, CheckSuite

SECRET = "kurikoma-1234"
HEARD = Heard(after(Beat(), "success", SystemClock().utc()))


def _mirror(request: Request) -> bytes:
    """A careless page: throws the credentials back in headers and body."""
    sent = request.headers["authorization"]
    return answer(body=f"you sent {sent}".encode(), X_Debug=sent, Set_Cookie=f"s={SECRET}")


async def _cases(stack: AsyncExitStack, env: Env, folder: Path, authority: Authority) -> Any:
    async def up(*server: Any) -> int:
        return await stack.enter_async_context(serve(*server))

    hung, dead = await up(hang), dead_port()
    silent = await stack.enter_async_context(Dns({}, mute=True).up())
    names = await stack.enter_async_context(Dns({("a.example.", "A"): ["192.0.2.1"]}).up())
    web = await up(http({"/": _mirror}))
    talk = await up(says(f"220 ready password={SECRET}\r\n".encode(), read_first=False))
    secure = await up(hang, authority.server("promise"))
    password, token = folder / "password", folder / "token"
    password.write_text(SECRET + "\n")
    token.write_text(SECRET + "\n")
    password.chmod(0o600)
    secret = folder / "secret"
    secret.write_text(SECRET * 2 + "\n")
    local = {"host": "127.0.0.1"}
    seen = Statement("suite/x", Status.OK, SystemClock().utc(), "u-1", note=SECRET)
    clock = await stack.enter_async_context(Ntp().up())
    mute = await stack.enter_async_context(Ntp(drop=999).up())
    greets = await up(says(f"password={SECRET}\r\nSSH-2.0-x password={SECRET}\r\n".encode()))
    offers = {"EHLO": f"250-x password={SECRET}\r\n250 token={SECRET}\r\n".encode(), "QUIT": b""}
    post = await up(dialogue(f"220 password={SECRET}\r\n".encode(), offers))
    tree = await up(says(ldap_says(49, 1, 0x61, f"password={SECRET}")))
    files = await up(says(framed(f"password={SECRET}".encode(), status=0xC000009A)))
    said = b"C28P01\0Mpassword=" + SECRET.encode() + b"\0\0"
    table = await up(says(b"E" + (len(said) + 4).to_bytes(4) + said))
    login = {**local, "user": "u", "password_file": str(secret), "tls": False}
    socket = await up(web_socket(f"password={SECRET}".encode()))
    variables = f'VAR ups ups.model "password={SECRET}"\nVAR ups ups.status "OL"\n'
    ups = await up(says(f"BEGIN LIST VAR ups\n{variables}END LIST VAR ups\n".encode()))
    return {
        "websocket": (
            {
                "url": f"ws://127.0.0.1:{socket}/",
                "bearer_file": str(token),
                "send": "?",
                "expect": "password",
            },
            {"url": f"ws://127.0.0.1:{dead}/"},
            {"url": f"ws://127.0.0.1:{hung}/"},
        ),
        "http": (
            {"url": f"http://127.0.0.1:{web}/", "bearer_file": str(token), "contains": "nothing"},
            {"url": f"http://127.0.0.1:{dead}/"},
            {"url": f"http://127.0.0.1:{hung}/"},
        ),
        "journey": (
            {
                "url": f"http://127.0.0.1:{web}",
                "user": "x",
                "steps": [
                    {"name": "見る", "path": "/", "request_headers": {"Authorization": "{user}"}},
                    {
                        "name": "もう一度",
                        "path": "/",
                        "request_headers": {"Authorization": "{user}"},
                        "headers": [{"name": "Set-Cookie", "contains": "nothing"}],
                    },
                ],
            },
            {"url": f"http://127.0.0.1:{dead}", "steps": [{"name": "見る", "path": "/"}]},
            {"url": f"http://127.0.0.1:{hung}", "steps": [{"name": "見る", "path": "/"}]},
        ),
        "tcp": (
            {**local, "port": talk, "dialogue": [{"expect": "220"}, {"expect": "\n"}]},
            {**local, "port": dead},
            {**local, "port": hung, "dialogue": [{"send": "x", "expect": "y"}]},
        ),
        "tls": ({**local, "port": secure}, {**local, "port": dead}, {**local, "port": hung}),
        "tls_policy": (
            {**local, "port": secure, "gap": "1ms"},
            {**local, "port": dead},
            {**local, "port": hung, "patience": "300ms", "gap": "1ms"},
        ),
        "dns": (
            {"server": "127.0.0.1", "port": names, "query": "a.example"},
            {"server": "127.0.0.1", "port": dead, "query": "a.example"},
            {"server": "127.0.0.1", "port": silent, "query": "a.example"},
        ),
        "ping": (local, None, None),
        "ldap": (
            {**local, "port": tree, "tls": "none"},
            {**local, "port": dead},
            {**local, "port": hung},
        ),
        "mail": (
            {**local, "protocol": "smtp", "port": post, "tls": "none"},
            {**local, "protocol": "smtp", "port": dead},
            {**local, "protocol": "imap", "port": hung},
        ),
        "sql": (
            {**login, "engine": "postgresql", "port": table},
            {**login, "engine": "mariadb", "port": dead},
            {**login, "engine": "mysql", "port": hung},
        ),
        "grpc": (
            {**local, "port": greets, "tls": False},
            {**local, "port": dead},
            {**local, "port": hung, "tls": False},
        ),
        "smb": (
            {**local, "port": files, "user": "u", "password_file": str(secret)},
            {**local, "port": dead},
            {**local, "port": hung},
        ),
        "ssh": ({**local, "port": greets}, {**local, "port": dead}, {**local, "port": hung}),
        "ntp": ({**local, "port": clock}, {**local, "port": dead}, {**local, "port": mute}),
        "command": (
            {"argv": ["/bin/echo", f"api_key={SECRET}"]},
            {"argv": ["/nonexistent/program"]},
            {"argv": ["/bin/sh", "-c", "sleep 60 & sleep 60"]},
        ),
        "heartbeat": ({"token_file": str(secret), "interval": "1h"}, None, None),
        "quorum": (
            {"vantages": [{"name": "甲", "check": "a/up"}, {"name": "乙", "check": "b/up"}]},
            None,
            None,
        ),
        "pair": (
            {
                "members": [
                    {"name": "本番", "ready": ["a/up"], "active": "a/serves"},
                    {"name": "待機", "ready": ["b/up"], "active": "b/serves"},
                ]
            },
            None,
            None,
        ),
        "host": ({"path": str(folder)}, {"path": str(folder / "absent")}, None),
        "nut": ({**local, "port": ups}, {**local, "port": dead}, {**local, "port": hung}),
        "observed": ({"function": "住民票", "counter": "市民課"}, None, None),
        "host_files": (
            {"places": [{"path": str(password), "holds": "password_file"}]},
            {"places": [{"path": str(folder / "absent"), "holds": "dump"}]},
            None,
        ),
    }, replace(env, statement=lambda _check: seen, heard=lambda _check: HEARD)


@pytest.fixture(params=sorted(kinds()))
async def case(
    request: pytest.FixtureRequest, env: Env, tmp_path: Path, authority: Authority
) -> AsyncIterator[Case]:
    async with AsyncExitStack() as stack:
        cases, env = await _cases(stack, env, tmp_path, authority)
        good, dead, hung = cases[request.param]  # a kind without a case fails here
        yield Case(kinds()[request.param], env, good, dead, hung, (SECRET,))


class TestEveryKind(CheckSuite):
    """The promises, kind by kind."""
