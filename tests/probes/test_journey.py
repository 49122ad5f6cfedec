"""Kind `journey` against a real web application: logs in, reads, logs out, and stays gentle."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bcp.watch.check import Env
from bcp.watch.logins import Logins
from bcp.watch.values import Outcome, Status
from probes import kinds
from probes.engine.http import parse_url
from probes.engine.jar import in_json, in_url, usable
from tests.probes.conftest import Look
from tests.probes.pki import Authority
from tests.probes.servers import answer, dead_port, hang, http, says, serve

PASSWORD = "kurikoma&1234 %"
LOGIN: dict[str, Any] = {
    "name": "ログイン",
    "path": "/login",
    "method": "POST",
    "form": {"csrf": "{csrf}", "user": "{user}", "password": "{password}"},
    "contains": "ようこそ",
    "login": True,
}
STEPS: list[dict[str, Any]] = [
    {
        "name": "入口",
        "path": "/",
        "capture": {"csrf": {"matches": 'name="csrf" value="([0-9a-f]+)"'}},
    },
    LOGIN,
    {"name": "照会", "path": "/search?of={user}", "json": [{"pointer": "/count", "at_least": 1}]},
    {"name": "ログアウト", "path": "/logout", "status": [200], "finally": True},
]


class Office:
    """A small application of the city: a form with a token, a session in a Secure cookie."""

    def __init__(self) -> None:
        self.tokens, self.sessions = set[str](), set[str]()
        self.guesses: list[str] = []
        self.asked: list[str] = []
        self.ill = ""
        """The path that answers 503."""
        self.port = 0

    @web.middleware
    async def _note(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked.append(request.path)
        if request.path == self.ill:
            raise web.HTTPServiceUnavailable(text=f"echo {await request.text()}")
        answered: web.StreamResponse = await handler(request)
        return answered

    async def _form(self, _request: web.Request) -> web.Response:
        token = secrets.token_hex(8)
        self.tokens.add(token)
        return web.Response(text='<input name="csrf" value="' + token + '">')

    async def _login(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.guesses.append(str(form["password"]))
        assert form["csrf"] in self.tokens
        if (form["user"], form["password"]) != ("probe", PASSWORD):
            return web.Response(text=f"違います {form['password']!s}")
        session = secrets.token_hex(16)
        self.sessions.add(session)
        moved = web.HTTPSeeOther("/home")
        moved.set_cookie("session", session, secure=True, httponly=True)
        raise moved

    def _inside(self, request: web.Request) -> str:
        session = request.cookies.get("session", "")
        if session not in self.sessions:
            raise web.HTTPForbidden
        return session

    async def _home(self, request: web.Request) -> web.Response:
        self._inside(request)
        return web.Response(text="ようこそ")

    async def _search(self, request: web.Request) -> web.Response:
        self._inside(request)
        return web.json_response({"count": 3, "of": request.query["of"]})

    async def _logout(self, request: web.Request) -> web.Response:
        self.sessions.discard(self._inside(request))
        return web.Response(text="さようなら")

    async def serve(self, authority: Authority) -> web.AppRunner:
        app = web.Application(middlewares=[self._note])
        app.router.add_get("/", self._form)
        app.router.add_post("/login", self._login)
        app.router.add_get("/home", self._home)
        app.router.add_get("/search", self._search)
        app.router.add_get("/logout", self._logout)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=authority.server("office"))
        await site.start()
        self.port = runner.addresses[0][1]
        return runner


@pytest.fixture
async def office(authority: Authority) -> AsyncIterator[Office]:
    found = Office()
    runner = await found.serve(authority)
    yield found
    await runner.cleanup()


@pytest.fixture
def password(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    file.chmod(0o600)
    return file


def fields(office: Office, password: Path, **more: Any) -> dict[str, Any]:
    return {
        "url": f"https://localhost:{office.port}",
        "steps": STEPS,
        "user": "probe",
        "secrets": {"password": str(password)},
        **more,
    }


def hides(outcome: Outcome, *words: str) -> bool:
    said = repr(outcome)
    return not any(word in said for word in words)


async def test_a_person_could_do_the_work(look: Look, office: Office, password: Path) -> None:
    outcome = await look("journey", **fields(office, password))

    assert outcome.status is Status.OK, outcome
    assert office.asked == ["/", "/login", "/home", "/search", "/logout"]
    assert office.guesses == [PASSWORD]
    assert office.sessions == set(), "we left as we came"
    assert outcome.facts["steps"] == 4
    assert outcome.facts["tls_version"] == "TLSv1.3"
    assert hides(outcome, PASSWORD, *office.tokens)


async def test_a_refused_password_is_shown_once(look: Look, office: Office, password: Path) -> None:
    password.write_text("wrong-wrong-7\n")
    wrong = [await look("journey", **fields(office, password)) for _turn in range(3)]
    password.write_text(PASSWORD + "\n")
    right = await look("journey", **fields(office, password))

    assert {one.status for one in wrong} == {Status.UNKNOWN}, "our password, not their failure"
    assert office.guesses == ["wrong-wrong-7", PASSWORD]
    assert all(hides(one, "wrong-wrong-7") for one in wrong)
    assert right.status is Status.OK


async def test_a_restart_shows_no_refused_password_again(
    look: Look, env: Env, office: Office, password: Path, tmp_path: Path
) -> None:
    password.write_text("wrong-wrong-7\n")
    kept = tmp_path / "logins.json"
    for _start in range(3):
        started = replace(env, logins=Logins.open(kept, env.workers))
        outcome = await look("journey", env=started, **fields(office, password))
        assert outcome.status is Status.UNKNOWN
    assert office.guesses == ["wrong-wrong-7"]


async def test_after_a_failure_it_logs_out_all_the_same(
    look: Look, office: Office, password: Path
) -> None:
    office.ill = "/search"
    outcome = await look("journey", **fields(office, password))

    assert (outcome.status, outcome.facts["steps"]) == (Status.FAILED, 3)
    assert "「照会」で応答 503 (期待 2xx)" in outcome.sentence.ja
    assert office.sessions == set()


async def test_before_the_log_in_there_is_nothing_to_end(
    look: Look, office: Office, password: Path
) -> None:
    office.ill = "/"
    outcome = await look("journey", **fields(office, password))

    assert (outcome.status, office.asked, office.guesses) == (Status.FAILED, ["/"], [])


async def test_a_sick_server_is_not_a_refused_password(
    look: Look, office: Office, password: Path
) -> None:
    office.ill = "/login"
    ill = await look("journey", **fields(office, password))
    office.ill = ""
    well = await look("journey", **fields(office, password))

    assert (ill.status, well.status) == (Status.FAILED, Status.OK), (ill, well)
    assert "503" in ill.sentence.ja
    assert hides(ill, PASSWORD, "kurikoma%261234")


async def test_behind_a_bad_certificate_nothing_is_shown(
    look: Look, office: Office, password: Path
) -> None:
    outcome = await look(
        "journey", **fields(office, password, url=f"https://127.0.0.2:{office.port}")
    )
    assert outcome.status is Status.FAILED
    assert office.guesses == []


async def test_a_redirect_to_another_place_is_not_followed(look: Look) -> None:
    reached: list[str] = []

    def page(request: Any) -> bytes:
        reached.append(request.path)
        return answer()

    async with serve(http({"/": page})) as other:
        away = answer("302 Found", Location=f"http://127.0.0.1:{other}/", Set_Cookie="a=kept-word")
        async with serve(http({"/": away})) as port:
            outcome = await look(
                "journey",
                url=f"http://127.0.0.1:{port}",
                steps=[{"name": "見る", "path": "/"}],
            )
    assert (outcome.status, reached) == (Status.FAILED, [])
    assert "応答 302" in outcome.sentence.ja


async def test_cookies_marked_secure_stay_out_of_the_clear(look: Look) -> None:
    sent: list[str] = []

    def page(request: Any) -> bytes:
        sent.append(request.headers.get("cookie", ""))
        return answer(Set_Cookie="hidden=1; Secure") if len(sent) == 1 else answer()

    def more(request: Any) -> bytes:
        sent.append(request.headers.get("cookie", ""))
        return answer(Set_Cookie="open=2; Path=/")

    async with serve(http({"/": page, "/more": more})) as port:
        steps = [{"name": n, "path": p} for n, p in (("1", "/"), ("2", "/more"), ("3", "/"))]
        outcome = await look("journey", url=f"http://127.0.0.1:{port}", steps=steps)
    assert outcome.status is Status.OK
    assert sent == ["", "", "open=2"]


@pytest.mark.parametrize(
    ("body", "said"),
    [(b"no token here", "「word」を読み取れない"), (b"token=", "「word」を読み取れない")],
)
async def test_a_word_that_is_not_there_is_failed(look: Look, body: bytes, said: str) -> None:
    step = {"name": "見る", "path": "/", "capture": {"word": {"matches": "token=(\\w*)"}}}
    async with serve(http({"/": answer(body=body)})) as port:
        outcome = await look("journey", url=f"http://127.0.0.1:{port}", steps=[step])
    assert outcome.status is Status.FAILED
    assert said in outcome.sentence.ja


async def test_words_are_taken_from_json_and_a_renewed_cookie_is_sent(look: Look) -> None:
    sent: list[Any] = []

    def page(request: Any) -> bytes:
        sent.append((request.headers.get("x-word", ""), request.headers.get("cookie", "")))
        body = b'{"a": {"b": 7}, "t": true}'
        more = "".join(f"Set-Cookie: c{n}={len(sent)}\r\n" for n in range(30))
        return f"HTTP/1.1 200 OK\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body

    async with serve(http({"/": page})) as port:
        url = f"http://127.0.0.1:{port}"
        take = {"name": "読む", "path": "/", "capture": {"w": {"pointer": "/a/b"}}}
        use = {"name": "使う", "path": "/", "request_headers": {"X-Word": "{w}"}}
        good = await look("journey", url=url, steps=[take, use, use])
        wrong = {**take, "capture": {"w": {"pointer": "/t"}}}
        bad = await look("journey", url=url, steps=[wrong])
    assert good.status is Status.OK, good
    assert [word for word, _cookie in sent[:3]] == ["", "7", "7"]
    assert "c29=1" in sent[1][1]
    assert "c29=2" in sent[2][1], "the newest value, also when there are many"
    assert (bad.status, "「w」を読み取れない" in bad.sentence.ja) == (Status.FAILED, True)


async def test_nobody_there_silent_slow_and_a_loop(look: Look) -> None:
    step = {"name": "見る", "path": "/"}
    dead = await look("journey", url=f"http://127.0.0.1:{dead_port()}", steps=[step])
    async with serve(hang) as port:
        url = f"http://127.0.0.1:{port}"
        silent = await look("journey", url=url, steps=[step], timeout="300ms")
    async with serve(says(b"HTTP/1.1 200 OK\r\n", b"\r\n", pause=0.05)) as port:
        url = f"http://127.0.0.1:{port}"
        slow = await look("journey", url=url, steps=[step], slow_after="10ms")
    async with serve(http({"/": answer("302 Found", Location="/")})) as port:
        loop = await look("journey", url=f"http://127.0.0.1:{port}", steps=[step])

    found = [one.status for one in (dead, silent, slow, loop)]
    assert found == [Status.FAILED, Status.FAILED, Status.DEGRADED, Status.FAILED]
    assert "転送が5回を超えました" in loop.sentence.ja
    assert "「見る」で / at '見る'" in dead.evidence, "which step it was"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"url": "http://localhost"}, "検証した https だけ"),
        ({"verify": False}, "検証した https だけ"),
        ({"url": "https://localhost/path"}, "https://ホスト まで"),
        ({"user": None}, "user が要ります"),
        ({"steps": STEPS[:1]}, "login の操作は一つ"),
        ({"steps": [LOGIN]}, "まだ無い言葉"),
        ({"steps": [{"name": "x", "path": "/{password}"}, *STEPS]}, "秘密は login の操作だけ"),
        ({"steps": [*STEPS, {"name": "x", "path": "/", "form": {"a": "b"}}]}, "POST だけ"),
        ({"steps": [*STEPS, {"name": "x", "path": "/", "capture": {"a": {}}}]}, "どちらか一つ"),
        ({"steps": [{**STEPS[0], "request_headers": {"X": "a\nY: b"}}, *STEPS[1:]]}, "ヘッダ"),
        ({"steps": [{**STEPS[0], "request_headers": {"X: y\n": "a"}}, *STEPS[1:]]}, "ヘッダ"),
        ({"steps": [{**STEPS[0], "request_headers": {"Cookie": "a=b"}}, *STEPS[1:]]}, "言葉"),
        ({"user": "a\nb"}, "pattern"),
    ],
)
def test_a_plan_that_would_be_careless_is_refused(more: dict[str, Any], said: str) -> None:
    plan = {
        "id": "t",
        "kind": "journey",
        "url": "https://localhost",
        "steps": STEPS,
        "user": "probe",
        "secrets": {"password": "/run/x"},
    }
    with pytest.raises(ValidationError, match=said):
        kinds()["journey"].model_validate({**plan, **more})


@given(st.text(max_size=60).filter(lambda word: word.isprintable()))
def test_no_word_changes_where_it_is_put(word: str) -> None:
    words = {"w": word}
    url = parse_url(f"https://localhost{in_url('/a/{w}?q={w}&z=1', words)}")
    assert url.host == "localhost"
    parts = urlsplit(url.whole)
    assert parts.path.count("/") == 2
    asked = parse_qs(parts.query, keep_blank_values=True)
    assert (asked["q"], asked["z"]) == ([word], ["1"])
    assert json.loads(in_json('{"a": "{w}", "b": 1}', words)) == {"a": word, "b": 1}


@given(st.text(max_size=40))
def test_a_word_with_a_line_in_it_is_not_used(word: str) -> None:
    assert not usable(word + "\r\nX: y")
    assert usable(word) == (bool(word) and word.isprintable())
