"""Kind `websocket` against aiohttp's own server and against servers that behave badly."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bcp.watch.values import Status
from probes import kinds
from probes.engine.frames import BINARY, CLOSE, PING, PONG, TEXT, Message, Messages, frame
from tests.probes.conftest import Look
from tests.probes.pki import DAY, NOW, Authority
from tests.probes.servers import answer, hang, says, serve, web_socket

TOKEN = "kurikoma-77"


@asynccontextmanager
async def real(**kept: Any) -> AsyncIterator[str]:
    """aiohttp's server: echoes, and keeps what the handshake and the goodbye said."""
    seen: dict[str, Any] = kept.get("seen", {})

    async def talk(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("counter.v1",))
        seen.update(request.headers)
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.ping(b"there?")
                await socket.send_str(f"echo {message.data}")
        seen["code"] = socket.close_code
        return socket

    app = web.Application()
    app.router.add_get("/talk", talk)
    async with TestServer(app) as server:
        yield f"ws://127.0.0.1:{server.port}/talk"


async def test_a_real_server_answers_the_ping_and_is_left_politely(look: Look) -> None:
    seen: dict[str, Any] = {}
    async with real(seen=seen) as url:
        outcome = await look("websocket", url=url)

    assert (outcome.status, outcome.facts["status"]) == (Status.OK, 101)
    assert outcome.evidence[-1] == "pong"
    assert seen["code"] == 1000


async def test_it_says_and_hears_with_origin_subprotocol_and_token(
    look: Look, tmp_path: Any
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    seen: dict[str, Any] = {}
    async with real(seen=seen) as url:
        outcome = await look(
            "websocket",
            url=url + "?from=bcp",
            origin="https://town.example",
            subprotocol="counter.v1",
            bearer_file=str(tmp_path / "token"),
            send=f"番号 {TOKEN}",
            expect="echo 番号",
        )

    assert outcome.status is Status.OK, outcome.sentence
    assert (seen["Origin"], seen["Authorization"]) == ("https://town.example", f"Bearer {TOKEN}")
    assert "echo 番号" in outcome.evidence[-1]
    assert TOKEN not in repr(outcome)


async def test_over_tls_the_certificate_is_judged_before_anything_is_said(
    look: Look, authority: Authority
) -> None:
    old = authority.server("ws-old", begin=NOW - 30 * DAY, end=NOW - DAY)
    async with (
        serve(web_socket(b"hello"), authority.server("ws-good")) as good,
        serve(web_socket(b"hello"), old) as bad,
    ):
        fine = await look("websocket", url=f"wss://127.0.0.1:{good}/", expect="hello")
        expired = await look("websocket", url=f"wss://127.0.0.1:{bad}/", expect="hello")

    assert fine.status is Status.OK, fine.sentence
    assert fine.facts["tls_version"] == "TLSv1.3"
    assert expired.status is Status.FAILED
    assert "期限切れ" in expired.sentence.ja
    assert "status" not in expired.facts


async def test_a_token_thrown_back_stays_hidden(look: Look, tmp_path: Any) -> None:
    (tmp_path / "token").write_text(TOKEN)
    async with serve(web_socket(Sec_WebSocket_Protocol=TOKEN)) as port:
        outcome = await look(
            "websocket", url=f"ws://127.0.0.1:{port}/", bearer_file=str(tmp_path / "token")
        )

    assert outcome.status is Status.FAILED
    assert TOKEN not in repr(outcome)


TEXT_HI, CLOSED = b"\x81\x02hi", b"\x88\x02\x03\xf3"
BAD = {
    "plain page": (says(answer(body=b"hello")), "応答 200"),
    "refused": (says(answer("403 Forbidden")), "応答 403"),
    "not http": (says(b"SSH-2.0-x\r\n"), "HTTPとして読めない"),
    "wrong accept": (web_socket(Sec_WebSocket_Accept="AAAA"), "確認の値"),
    "other protocol": (web_socket(Upgrade="h2c"), "WebSocket以外"),
    "unasked subprotocol": (web_socket(Sec_WebSocket_Protocol="x"), "サブプロトコルが x"),
    "closes": (web_socket(CLOSED, raw=True), "コード 1011"),
    "masked": (web_socket(b"\x81\x82abcdab", raw=True), "読めない"),
    "reserved bits": (web_socket(b"\xc1\x02hi", raw=True), "読めない"),
    "huge": (web_socket(b"\x81\x7f" + (1 << 40).to_bytes(8), raw=True), "読めない"),
    "empty frames": (web_socket(b"\x89\x00" * 5000, raw=True), "読めない"),
    "flood": (web_socket(*[b"\x82\x7e\xff\x00" + b"x" * 0xFF00] * 9, raw=True), "大量"),
    "wrong pong": (web_socket(b"\x8a\x02no", raw=True), "待っても"),
    "silence": (hang, "待っても"),
    "slow drip": (web_socket(*[b"\x81"] * 1, *[b"\x05"] * 1, raw=True, pause=0.3), "待っても"),
    "cut": (says(b"HTTP/1.1 101 Switching"), "途中で切られ"),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_server_fails_and_says_how(look: Look, name: str) -> None:
    handler, words = BAD[name]
    async with serve(handler) as port:
        outcome = await look("websocket", url=f"ws://127.0.0.1:{port}/", timeout="1s")

    assert outcome.status is Status.FAILED
    assert words in outcome.sentence.ja


async def test_the_expected_words_must_come(look: Look) -> None:
    async with serve(web_socket(TEXT_HI, raw=True)) as port:
        url = f"ws://127.0.0.1:{port}/"
        heard = await look("websocket", url=url, expect="hi")
        other = await look("websocket", url=url, expect="bye", timeout="500ms")

    assert (heard.status, other.status) == (Status.OK, Status.FAILED)


@pytest.mark.parametrize("url", ["http://a/", "ws://u:p@a/", "ws:///x", "ws://a b/"])
def test_only_a_websocket_url_without_secrets_is_taken(url: str) -> None:
    with pytest.raises(ValidationError):
        kinds()["websocket"].model_validate({"id": "t", "kind": "websocket", "url": url})


@given(st.lists(st.binary(max_size=64), max_size=8))
def test_no_bytes_break_the_reader(chunks: list[bytes]) -> None:
    messages = Messages(4096)
    with suppress(ValueError):
        for chunk in chunks:
            assert all(len(m.payload) <= 4096 for m in messages.feed(chunk))


def _unmasked(opcode: int, payload: bytes, *, final: bool = True) -> bytes:
    size = len(payload)
    length = bytes((size,)) if size < 126 else b"\x7e" + size.to_bytes(2)
    return bytes((opcode | (0x80 if final else 0),)) + length + payload


@given(
    st.lists(st.tuples(st.sampled_from([TEXT, BINARY]), st.binary(max_size=300)), max_size=5),
    st.integers(1, 40),
)
def test_messages_survive_any_cut_and_a_ping_between_their_parts(
    said: list[tuple[int, bytes]], step: int
) -> None:
    sent = b""
    for opcode, payload in said:
        half = len(payload) // 2
        sent += _unmasked(opcode, payload[:half], final=False) + _unmasked(PING, b"p")
        sent += _unmasked(0, payload[half:])
    messages = Messages(4096)

    got = [m for at in range(0, len(sent), step) for m in messages.feed(sent[at : at + step])]

    assert [(m.opcode, m.payload) for m in got if m.opcode != PING] == said
    assert [m for m in got if m.opcode == PING] == [Message(PING, b"p")] * len(said)


@given(st.sampled_from([TEXT, PING, PONG, CLOSE]), st.binary(max_size=125))
def test_what_a_client_sends_is_masked_and_reads_back(opcode: int, payload: bytes) -> None:
    sent = frame(opcode, payload)
    mask = sent[2:6]

    assert sent[1] == 0x80 | len(payload)
    assert bytes(b ^ mask[i % 4] for i, b in enumerate(sent[6:])) == payload
