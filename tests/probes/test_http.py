"""Kind `http`, against servers that behave well, badly and strangely."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bcp.watch.values import Status
from probes.availability.http import HttpCheck
from tests.probes.conftest import Look
from tests.probes.pki import DAY, NOW, Authority
from tests.probes.servers import Request, answer, dead_port, http, proxy, says, serve


def _moved(to: str, status: str = "302 Found") -> bytes:
    return answer(status, Location=to)


async def test_a_page_with_the_right_words_is_good(look: Look) -> None:
    body = "住民票の交付 受付中".encode("cp932")
    page = answer(body=body, Content_Type="text/html; charset=Shift_JIS")
    async with serve(http({"/": page})) as port:
        outcome = await look("http", url=f"http://127.0.0.1:{port}/", contains="受付中")

    assert outcome.status is Status.OK
    assert outcome.facts["status"] == 200
    assert {"resolve", "connect", "answer", "body", "total"} <= outcome.facts.keys()
    assert "HTTP 200 OK" in outcome.evidence


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"contains": "受付中"}, "「受付中」がない"),
        ({"not_contains": "error"}, "「error」がある"),
        ({"matches": r"queue=\d\d"}, r"/queue=\d\d/ に合わない"),
        ({"not_matches": r"err\w+"}, "に合う"),
        ({"status": [204]}, "応答 200 (期待 204)"),
        ({"json": [{"pointer": "/a", "equals": 1}]}, "JSONではない"),
        ({"headers": [{"name": "X-Frame-Options"}]}, "X-Frame-Options"),
        ({"headers": [{"name": "Server", "absent": True}]}, "Server"),
        ({"headers": [{"name": "Server", "contains": "nginx"}]}, "期待 (nginx)"),
    ],
)
async def test_what_does_not_hold_is_failed_and_told(
    look: Look, fields: dict[str, Any], said: str
) -> None:
    async with serve(http({"/": answer(body=b"error queue=1", Server="other")})) as port:
        outcome = await look("http", url=f"http://127.0.0.1:{port}/", **fields)

    assert outcome.status is Status.FAILED
    assert said in outcome.sentence.ja


@pytest.mark.parametrize(
    ("condition", "good"),
    [
        ({"pointer": "/state", "equals": "up"}, True),
        ({"pointer": "/state", "equals": "down"}, False),
        ({"pointer": "/queue", "at_most": 5}, True),
        ({"pointer": "/queue", "at_least": 5}, False),
        ({"pointer": "/nodes/1", "contains": "b"}, True),
        ({"pointer": "/nodes", "contains": "c"}, False),
        ({"pointer": "/a~1b", "equals": None}, True),
        ({"pointer": "/gone", "absent": True}, True),
        ({"pointer": "/gone"}, False),
        ({"pointer": "/flag", "equals": 1}, False),  # true is not 1
    ],
)
async def test_json_is_judged_by_pointer(look: Look, condition: dict[str, Any], good: bool) -> None:
    body = b'{"state": "up", "queue": 3, "nodes": ["a", "b"], "a/b": null, "flag": true}'
    async with serve(http({"/": answer(body=body)})) as port:
        outcome = await look("http", url=f"http://127.0.0.1:{port}/", json=[condition])

    assert (outcome.status is Status.OK) == good, outcome.sentence.ja


async def test_redirects_on_the_same_host_are_followed(look: Look) -> None:
    pages = {
        "/": _moved("/a"),
        "/a": _moved("b", "308 Permanent Redirect"),
        "/b": answer(body=b"x"),
    }
    async with serve(http(pages)) as port:
        followed = await look("http", url=f"http://127.0.0.1:{port}/", contains="x")
        refused = await look("http", url=f"http://127.0.0.1:{port}/", follow=0, status=["3xx"])

    assert (followed.status, followed.facts["redirects"]) == (Status.OK, 2)
    assert (refused.status, refused.facts["status"]) == (Status.OK, 302)


async def test_a_redirect_loop_ends(look: Look) -> None:
    async with serve(http({"/": _moved("/")})) as port:
        outcome = await look("http", url=f"http://127.0.0.1:{port}/", follow=3)

    assert outcome.status is Status.FAILED
    assert "転送が3回を超えました" in outcome.sentence.ja


async def test_another_host_is_not_contacted_by_a_redirect(look: Look) -> None:
    reached: list[Request] = []

    def page(request: Request) -> bytes:
        reached.append(request)
        return answer()

    async with serve(http({"/": page})) as other:
        away = _moved(f"http://localhost:{other}/")
        async with serve(http({"/": away})) as port:
            outcome = await look("http", url=f"http://127.0.0.1:{port}/")
            assert (outcome.status, reached) == (Status.FAILED, [])
            assert "localhost" in outcome.sentence.ja

            allowed = await look(
                "http", url=f"http://127.0.0.1:{port}/", redirect_hosts=["localhost"]
            )
            assert (allowed.status, len(reached)) == (Status.OK, 1)


async def test_a_credential_is_sent_but_not_to_another_place(look: Look, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret-token\n")
    seen: list[str | None] = []

    def page(request: Request) -> bytes:
        seen.append(request.headers.get("authorization"))
        return answer()

    async with serve(http({"/": page})) as other:

        def first(request: Request) -> bytes:
            seen.append(request.headers.get("authorization"))
            return _moved(f"http://127.0.0.1:{other}/")

        async with serve(http({"/": first})) as port:
            outcome = await look("http", url=f"http://127.0.0.1:{port}/", bearer_file=str(token))

    assert outcome.status is Status.OK
    assert seen == ["Bearer s3cret-token", None]
    assert "s3cret" not in repr(outcome)


async def test_a_missing_credential_file_is_our_own_fault(look: Look, tmp_path: Path) -> None:
    outcome = await look("http", url="http://127.0.0.1:1/", basic_file=str(tmp_path / "none"))

    assert outcome.status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("chunks", "status", "said"),
    [
        ((b"\x00\x01garbage\r\n\r\n",), Status.FAILED, "HTTPとして読めない"),
        ((b"",), Status.FAILED, "途中で切られました"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",), Status.FAILED, "途中で切られ"),
        ((b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000,), Status.FAILED, "ヘッダが大きすぎ"),
        ((b"HTTP/1.0 200 OK\r\n\r\nuntil the end",), Status.OK, "200"),
        (
            (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
            Status.OK,
            "200",
        ),
        ((b"HTTP/1.1 204 No Content\r\n\r\n",), Status.OK, "204"),
        (
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", b"0\r\n\r\n"),
            Status.OK,
            "200",
        ),
    ],
)
async def test_strange_answers_are_told_apart(
    look: Look, chunks: tuple[bytes, ...], status: Status, said: str
) -> None:
    async with serve(says(*chunks, pause=0.02)) as port:
        outcome = await look("http", url=f"http://127.0.0.1:{port}/")

    assert outcome.status is status, outcome.sentence.ja
    assert said in outcome.sentence.ja


async def test_a_huge_body_is_cut_and_costs_only_the_cap(look: Look) -> None:
    async with serve(says(answer(body=b"x" * 5_000_000))) as port:
        outcome = await look("http", url=f"http://127.0.0.1:{port}/", max_body=1000)
        beyond = await look("http", url=f"http://127.0.0.1:{port}/", max_body=1000, contains="y")

    assert (outcome.status, outcome.facts["size"]) == (Status.OK, 1000)
    assert "上限で切りました" in beyond.sentence.ja


async def test_a_packed_bomb_stays_small(look: Look) -> None:
    bomb = gzip.compress(b"0" * 20_000_000)
    async with serve(says(answer(body=bomb, Content_Encoding="gzip"))) as port:
        outcome = await look("http", url=f"http://127.0.0.1:{port}/", contains="000")

    assert (outcome.status, outcome.facts["size"]) == (Status.OK, 256 << 10)


async def test_a_slow_page_is_degraded(look: Look) -> None:
    async with serve(says(b"HTTP/1.1 200 OK\r\n", b"Content-Length: 0\r\n\r\n", pause=0.1)) as port:
        outcome = await look("http", url=f"http://127.0.0.1:{port}/", slow_after="50ms")

    assert outcome.status is Status.DEGRADED
    assert "遅い" in outcome.sentence.ja


async def test_a_drip_of_bytes_does_not_outlive_the_timeout(look: Look) -> None:
    drops = [b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n"] * 100]
    async with serve(says(*drops, pause=0.1)) as port:
        outcome = await look("http", url=f"http://127.0.0.1:{port}/", timeout="500ms")

    assert outcome.status is Status.FAILED
    assert "秒待っても" in outcome.sentence.ja


async def test_https_is_verified_before_anything_is_sent(look: Look, authority: Authority) -> None:
    seen: list[Request] = []

    def page(request: Request) -> bytes:
        seen.append(request)
        return answer()

    good = authority.server("good")
    old = authority.server("expired", begin=NOW - 30 * DAY, end=NOW - DAY)
    async with serve(http({"/": page}), good) as port, serve(http({"/": page}), old) as expired:
        fine = await look("http", url=f"https://localhost:{port}/")
        bad = await look("http", url=f"https://localhost:{expired}/")
        anyway = await look("http", url=f"https://localhost:{expired}/", verify=False)

    assert fine.status is Status.OK
    assert fine.facts["not_after"] > NOW.timestamp()
    assert bad.status is Status.FAILED
    assert "期限切れ" in bad.sentence.ja
    assert any("証明書 certificate" in line for line in bad.evidence)
    assert anyway.status is Status.DEGRADED
    assert len(seen) == 2  # not to the expired one, until told to


async def test_a_name_that_does_not_exist_is_the_targets_fault(look: Look) -> None:
    outcome = await look("http", url="http://no-such-host.invalid/")

    assert outcome.status in (Status.FAILED, Status.UNKNOWN)  # unknown: no resolver here at all
    assert "名前" in outcome.sentence.ja


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "ftp://example.jp/"},
        {"url": "http://user:password@example.jp/"},
        {"url": "http://example.jp/a b"},
        {"url": "http://example.jp/", "request_headers": {"Authorization": "Bearer x"}},
        {"url": "http://example.jp/", "request_headers": {"X": "a\r\nHost: b"}},
        {"url": "http://example.jp/", "method": "DELETE"},
        {"url": "http://example.jp/", "matches": "(a+)+b"},
        {"url": "http://example.jp/", "matches": "(a|aa)+$"},
        {"url": "http://example.jp/", "json": [{"pointer": ""}], "max_body": 300_000},
        {"url": "http://example.jp/", "basic_file": "/a", "bearer_file": "/b"},
    ],
)
def test_a_dangerous_plan_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HttpCheck.model_validate({"id": "t", **fields})


def test_the_query_of_a_url_is_not_shown() -> None:
    check = HttpCheck.model_validate({"id": "t", "url": "https://例え.jp/a?token=x"})

    assert check.target == "https://xn--r8jz45g.jp/a"
    assert check.endpoint_host == "xn--r8jz45g.jp"


async def test_it_shows_its_own_certificate_where_one_is_asked_for(
    look: Look, authority: Authority, tmp_path: Path
) -> None:
    mine, stranger = authority.client("machine"), Authority(tmp_path, "nobody").client("machine")
    server = authority.demanding("mutual")
    async with serve(http({"/": answer(body=b"in")}), server) as port:
        url = f"https://localhost:{port}/"
        inside = await look("http", url=url, contains="in", client_cert_file=str(mine))
        outside = await look("http", url=url)
        other = await look("http", url=url, client_cert_file=str(stranger))

    assert inside.status is Status.OK
    assert outside.status is other.status is Status.FAILED


async def test_a_client_certificate_that_cannot_be_used_is_our_own_fault(
    look: Look, authority: Authority, tmp_path: Path
) -> None:
    (tmp_path / "half.pem").write_bytes(authority.file.read_bytes())
    async with serve(http({"/": answer()}), authority.server("plain")) as port:
        for file in ("none.pem", "half.pem"):
            path = str(tmp_path / file)
            outcome = await look("http", url=f"https://localhost:{port}/", client_cert_file=path)
            assert outcome.status is Status.UNKNOWN, file
            assert "クライアント証明書" in outcome.sentence.ja


async def test_a_query_that_is_posted_and_the_page_after_it(look: Look) -> None:
    seen: list[Request] = []

    def query(request: Request) -> bytes:
        seen.append(request)
        return answer("303 See Other", Location="/result")

    pages: Any = {"/search": query, "/result": answer(body=b"3 found")}
    async with serve(http(pages)) as port:
        outcome = await look(
            "http",
            url=f"http://127.0.0.1:{port}/search",
            method="POST",
            body="q=\u4f4f\u6c11",
            request_headers={"Content-Type": "application/x-www-form-urlencoded"},
            contains="3 found",
        )
    assert outcome.status is Status.OK
    assert (seen[0].method, seen[0].headers["content-length"]) == ("POST", "8")
    assert "GET http" in " ".join(outcome.evidence)


async def test_through_a_proxy_plain_and_by_a_tunnel(look: Look, authority: Authority) -> None:
    seen: list[str] = []
    page = http({"/": answer(body=b"here")})
    async with (
        serve(proxy(seen)) as gate,
        serve(page) as plain,
        serve(page, authority.server("behind")) as secure,
    ):
        by = {"proxy": f"http://127.0.0.1:{gate}", "contains": "here"}
        one = await look("http", url=f"http://127.0.0.1:{plain}/", **by)
        two = await look("http", url=f"https://127.0.0.1:{secure}/", **by)
    assert one.status is two.status is Status.OK, (one, two)
    assert seen == [
        f"GET http://127.0.0.1:{plain}/ HTTP/1.1",
        f"CONNECT 127.0.0.1:{secure} HTTP/1.1",
    ]
    assert two.facts["tls_version"] == "TLSv1.3", "judged behind the proxy as without it"


async def test_a_proxy_that_does_not_let_us_through_says_nothing_about_the_server(
    look: Look, authority: Authority
) -> None:
    async with (
        serve(proxy([], refuse="407 Proxy Authentication Required")) as gate,
        serve(http({"/": answer()}), authority.server("behind2")) as port,
    ):
        by = f"http://127.0.0.1:{gate}"
        refused = await look("http", url=f"https://localhost:{port}/", proxy=by)
        gone = f"http://127.0.0.1:{dead_port()}"
        dead = await look("http", url=f"https://localhost:{port}/", proxy=gone)
    assert refused.status is Status.UNKNOWN
    assert "プロキシ" in refused.sentence.ja
    assert dead.status is Status.UNKNOWN, "the proxy is down, of the server nothing is known"


@pytest.mark.parametrize(
    "fields",
    [
        {"body": "x"},
        {"proxy": "https://a:1"},
        {"proxy": "http://a:1/path"},
        {"proxy": "http://u:p@a:1"},
        {"proxy": "http://a:1", "connect_to": "b"},
    ],
)
def test_what_cannot_be_meant_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HttpCheck.model_validate({"id": "a", "kind": "http", "url": "http://a/", **fields})
