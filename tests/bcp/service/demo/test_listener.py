"""Three states of a service: it serves, it refuses, it is silent."""

from __future__ import annotations

import asyncio
import socket

import aiohttp
import dns.asyncquery
import dns.exception
import dns.message
import dns.rcode
import pytest

from bcp.kit.errors import Busy
from bcp.kit.language import Text
from bcp.service.demo.listener import Listener, Mode, bound, free_port, is_free
from bcp.service.demo.services import (
    AlertReceiver,
    BannerService,
    HttpService,
    NameService,
    plain_app,
)

HOST = "127.0.0.2"


def _web() -> HttpService:
    return HttpService("web", HOST, free_port(HOST), plain_app("試験", "本文"))


async def _ask(listener: Listener) -> str:
    """`200`, `refused` or `silent`."""
    limit = aiohttp.ClientTimeout(total=0.5)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit) as session,
            session.get(f"http://{listener.address}/health") as answer,
        ):
            return str(answer.status)
    except TimeoutError:
        return "silent"
    except aiohttp.ClientConnectorError:
        return "refused"


async def test_a_service_serves_refuses_and_falls_silent_on_the_same_port() -> None:
    web = _web()
    said = []
    for step in (web.start, web.stop, web.cut, web.start, web.cut, web.stop, web.start, web.stop):
        await step()
        said.append(await _ask(web))
    assert said == ["200", "refused", "silent", "200", "silent", "refused", "200", "refused"]


async def test_starting_stopping_and_cutting_twice_is_the_same_as_once() -> None:
    web = _web()
    for step, mode in ((web.start, "running"), (web.cut, "cut"), (web.stop, "stopped")):
        await step()
        await step()
        assert web.mode is Mode(mode)


async def test_a_port_taken_by_somebody_else_is_named() -> None:
    web = _web()
    with bound(HOST, web.port) as other:
        other.listen(1)
        assert not is_free(HOST, web.port)
        with pytest.raises(Busy, match="ポートが使われています"):
            await web.start()
    await web.start()
    await web.stop()


async def test_stopping_ends_conversations_that_are_under_way() -> None:
    service = BannerService("b", HOST, free_port(HOST), "READY")
    await service.start()
    reader, writer = await asyncio.open_connection(HOST, service.port)
    assert await reader.readline() == b"READY\r\n"
    await service.stop()
    async with asyncio.timeout(1):
        try:
            assert await reader.read() == b""
        except ConnectionResetError:
            pass
    writer.close()


async def _query(names: NameService, name: str, *, tcp: bool) -> str:
    query = dns.message.make_query(name, "A")
    ask = dns.asyncquery.tcp if tcp else dns.asyncquery.udp
    try:
        reply = await ask(query, names.host, port=names.port, timeout=0.5)
    except (dns.exception.Timeout, TimeoutError):
        return "silent"
    except ConnectionRefusedError:
        return "refused"
    if reply.answer:
        return str(reply.answer[0][0])
    return dns.rcode.to_text(reply.rcode())


@pytest.mark.parametrize("tcp", [False, True])
async def test_the_name_service_knows_its_zone_and_refuses_others(tcp: bool) -> None:
    names = NameService("dns", "127.0.0.1", free_port("127.0.0.1"), {"juki": "127.0.0.1"})
    await names.start()
    assert await _query(names, "juki.renshu.example", tcp=tcp) == "127.0.0.1"
    assert await _query(names, "nai.renshu.example", tcp=tcp) == "NXDOMAIN"
    assert await _query(names, "example.org", tcp=tcp) == "REFUSED"
    names.lying = True
    assert await _query(names, "juki.renshu.example", tcp=tcp) == "192.0.2.66"
    await names.cut()
    assert await _query(names, "juki.renshu.example", tcp=tcp) == "silent"
    await names.start()
    names.lying = False
    assert await _query(names, "juki.renshu.example", tcp=tcp) == "127.0.0.1"
    await names.stop()


@pytest.mark.parametrize("wire", [b"", b"\0" * 5, b"\xff" * 40, b"\0" * 12])
def test_garbage_gets_no_answer_and_breaks_nothing(wire: bytes) -> None:
    assert NameService("dns", "127.0.0.1", 0, {}).answer(wire) is None


async def test_the_alert_receiver_keeps_the_newest_messages_first() -> None:
    alerts = AlertReceiver("webhook", HOST, free_port(HOST))
    await alerts.start()
    async with aiohttp.ClientSession() as session:
        for number in range(60):
            message = {"text": f"停止 {number}", "text_en": f"down {number}"}
            await session.post(f"http://{alerts.address}/alert", json=message)
        assert len(alerts.messages) == 50
        assert alerts.messages[0].text == Text("停止 59", "down 59")
        for odd in (b"", b"[1]", b"plain", b'{"text": null}', b'"x"'):
            await session.post(f"http://{alerts.address}/alert", data=odd)
    assert alerts.messages[2].text.ja == "plain"
    await alerts.stop()


def test_free_ports_lie_below_the_ephemeral_ones_and_avoid_the_taken_ones() -> None:
    taken: list[int] = []
    for _ in range(5):
        taken.append(free_port(HOST, taken))
    assert len(set(taken)) == 5
    assert all(20_000 <= port < 32_000 for port in taken)
    with bound(HOST, taken[0], socket.SOCK_DGRAM):
        assert not is_free(HOST, taken[0])
