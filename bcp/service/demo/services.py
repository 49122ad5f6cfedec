"""What runs in the practice city: web applications, a print server, name service, an alert receiver."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import html
import json
import socket
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.rrset
from aiohttp import web

from bcp.kit.language import Text, same
from bcp.service.demo.listener import Listener, bound

ZONE = dns.name.from_text("renshu.example.")
_WRONG = "192.0.2.66"
"""An address of the documentation range, nobody's."""


class HttpService(Listener):
    """A small web application of the city; with a context it speaks HTTPS."""

    def __init__(
        self,
        id: str,
        host: str,
        port: int,
        make_app: Callable[[], web.Application],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(id, host, port)
        self._make_app, self._tls = make_app, tls
        self._runner: web.AppRunner | None = None

    async def _open(self, sock: socket.socket) -> None:
        runner = web.AppRunner(self._make_app(), access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        await web.SockSite(runner, sock, ssl_context=self._tls).start()
        self._runner = runner

    async def _close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None


def _page(title: str, body: str) -> web.Response:
    text = (
        "<!doctype html><html lang='ja'><meta charset='utf-8'>"
        f"<title>{html.escape(title)}</title><h1>{html.escape(title)}</h1>{body}</html>"
    )
    return web.Response(text=text, content_type="text/html")


def counter_app(title: str, register: Path) -> Callable[[], web.Application]:
    """窓口: `/health` reads the register, `/shokai?no=00000001` looks a fictitious person up."""

    def rows() -> dict[str, dict[str, str]]:
        with register.open(encoding="utf-8", newline="") as file:
            return {row["住民番号"]: row for row in csv.DictReader(file)}

    async def health(_request: web.Request) -> web.Response:
        try:
            count = len(rows())
        except OSError as error:
            return web.json_response({"status": "error", "why": error.strerror}, status=503)
        return web.json_response({"status": "ok", "service": title, "rows": count})

    async def look_up(request: web.Request) -> web.Response:
        row = rows().get(request.query.get("no", ""))
        if row is None:
            return _page(title, "<p>該当なし (番号は 00000001 から)</p>")
        cells = "".join(
            f"<tr><th>{html.escape(key)}</th><td>{html.escape(value)}</td></tr>"
            for key, value in row.items()
        )
        return _page(title, f"<table>{cells}</table><p>架空の人物です。</p>")

    def make() -> web.Application:
        app = web.Application()
        app.add_routes([web.get("/health", health), web.get("/shokai", look_up)])
        return app

    return make


def plain_app(title: str, body: str) -> Callable[[], web.Application]:
    """A page and a `/health`, nothing more."""

    async def page(_request: web.Request) -> web.Response:
        response = _page(title, f"<p>{html.escape(body)}</p>")
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
        return response

    async def health(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "service": title})

    def make() -> web.Application:
        app = web.Application()
        app.add_routes([web.get("/", page), web.get("/health", health)])
        return app

    return make


class BannerService(Listener):
    """A TCP service that greets and echoes one line: a print server, a line's far end."""

    def __init__(self, id: str, host: str, port: int, banner: str) -> None:
        super().__init__(id, host, port)
        self._banner = banner.encode("ascii") + b"\r\n"
        self._server: asyncio.Server | None = None
        self._open_ends: set[asyncio.StreamWriter] = set()

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open_ends.add(writer)
        try:
            with contextlib.suppress(OSError, TimeoutError, ValueError):
                writer.write(self._banner)
                await writer.drain()
                async with asyncio.timeout(5):
                    line = await reader.readline()
                if line:
                    writer.write(b"ACK " + line[:200].strip() + b"\r\n")
                    await writer.drain()
        finally:
            self._open_ends.discard(writer)
            writer.close()

    async def _open(self, sock: socket.socket) -> None:
        self._server = await asyncio.start_server(self._greet, sock=sock, limit=4096)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in list(self._open_ends):
                writer.transport.abort()
            self._server = None


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self._answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # The loops' own datagram transports are not all subclasses of `DatagramTransport`.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self._answer(data)
        if reply is not None:
            self._transport.sendto(reply, addr)


class NameService(BannerService):
    """Authoritative for `renshu.example`, over UDP and TCP; refuses every other zone."""

    def __init__(self, id: str, host: str, port: int, records: dict[str, str]) -> None:
        super().__init__(id, host, port, "")
        self._records = {dns.name.from_text(name, ZONE): to for name, to in records.items()}
        self.lying = False
        """A fault: every name leads to a wrong address."""
        self._udp: asyncio.DatagramTransport | None = None

    def answer(self, wire: bytes) -> bytes | None:
        """The reply to a query; None when it is not one (nothing is sent back)."""
        try:
            query = dns.message.from_wire(wire)
        except (dns.exception.DNSException, ValueError):
            return None
        if query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
            return None
        if query.flags & dns.flags.QR:
            return None
        reply, question = dns.message.make_response(query), query.question[0]
        name = question.name
        if not name.is_subdomain(ZONE):
            reply.set_rcode(dns.rcode.REFUSED)
            return reply.to_wire()
        reply.flags |= dns.flags.AA
        known = name == ZONE or name in self._records
        if question.rdtype == dns.rdatatype.A and name in self._records:
            address = _WRONG if self.lying else self._records[name]
            reply.answer.append(dns.rrset.from_text(name, 60, "IN", "A", address))
        elif question.rdtype == dns.rdatatype.NS and name == ZONE:
            reply.answer.append(dns.rrset.from_text(ZONE, 60, "IN", "NS", f"ns.{ZONE}"))
        else:
            soa = f"ns.{ZONE} hostmaster.{ZONE} 2026112301 3600 600 86400 60"
            record = dns.rrset.from_text(ZONE, 60, "IN", "SOA", soa)
            if question.rdtype == dns.rdatatype.SOA and name == ZONE:
                reply.answer.append(record)
            else:
                reply.set_rcode(dns.rcode.NOERROR if known else dns.rcode.NXDOMAIN)
                reply.authority.append(record)
        return reply.to_wire()

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open_ends.add(writer)
        try:
            with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                async with asyncio.timeout(5):
                    length = int.from_bytes(await reader.readexactly(2), "big")
                    reply = self.answer(await reader.readexactly(length))
                if reply is not None:
                    writer.write(len(reply).to_bytes(2, "big") + reply)
                    await writer.drain()
        finally:
            self._open_ends.discard(writer)
            writer.close()

    async def _open(self, sock: socket.socket) -> None:
        udp = bound(self.host, self.port, socket.SOCK_DGRAM)
        loop = asyncio.get_running_loop()
        self._udp, _protocol = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self.answer), sock=udp
        )
        await super()._open(sock)

    async def _close(self) -> None:
        await super()._close()
        if self._udp is not None:
            self._udp.abort()
            self._udp = None
            await asyncio.sleep(0)  # the transport lets go of its port one turn later

    def _silence(self) -> list[socket.socket]:
        return [bound(self.host, self.port, socket.SOCK_DGRAM)]


@dataclass(frozen=True, slots=True)
class Alert:
    """One notification as it arrived: its sentence, and the whole document."""

    text: Text
    document: str

    @classmethod
    def read(cls, body: str) -> Alert:
        """Never refuses: what is not JSON with a `text` is shown as it is."""
        try:
            found = json.loads(body)
            ja, en = str(found["text"]), str(found.get("text_en") or found["text"])
        except (ValueError, TypeError, KeyError, AttributeError):
            return cls(same(body[:200]), body[:2000])
        return cls(Text(ja[:300], en[:300]), json.dumps(found, ensure_ascii=False)[:2000])


class AlertReceiver(HttpService):
    """Where the practice city's notifications go: keeps the last ones for its page."""

    def __init__(self, id: str, host: str, port: int) -> None:
        self.messages: deque[Alert] = deque(maxlen=50)
        """Newest first."""
        super().__init__(id, host, port, self._make)

    def _make(self) -> web.Application:
        app = web.Application(client_max_size=1 << 18)
        app.add_routes([web.post("/alert", self._receive)])
        return app

    async def _receive(self, request: web.Request) -> web.Response:
        self.messages.appendleft(Alert.read(await request.text()))
        return web.json_response({"received": len(self.messages)})
