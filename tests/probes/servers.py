"""Real listeners on port 0 that behave well or badly. Each is an async context manager."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from probes.engine.frames import accept_of

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serve(
    handler: Handler, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1"
) -> AsyncIterator[int]:
    """A TCP (or TLS) listener on loopback; closes every connection at the end."""
    writers: set[asyncio.StreamWriter] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        try:
            await handler(reader, writer)
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError):
            pass
        finally:
            writers.discard(writer)
            writer.transport.abort()

    server = await asyncio.start_server(one, address, 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in list(writers):
            writer.transport.abort()
        await asyncio.sleep(0)


async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Takes everything, says nothing, until the other side goes."""
    while await reader.read(65536):
        pass


async def listening(port: int) -> None:
    """Wait for a real server to take connections."""
    async with asyncio.timeout(20):
        while True:
            try:
                _reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


def dead_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def answer(status: str = "200 OK", body: bytes = b"", **headers: str) -> bytes:
    """An HTTP answer; `Content_Type` is written with a dash."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Request:
    """What a probe sent."""

    def __init__(self, head: str) -> None:
        first, *rest = head.split("\r\n")
        self.method, self.path, _version = first.split(" ")
        pairs = (line.partition(": ") for line in rest if line)
        self.headers = {name.lower(): value for name, _, value in pairs}


def http(pages: Mapping[str, bytes | Callable[[Request], bytes]]) -> Handler:
    """Answers by path; unknown ones get 404."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        request = Request(head)
        page = pages.get(request.path.partition("?")[0], answer("404 Not Found"))
        writer.write(page(request) if callable(page) else page)
        await writer.drain()
        writer.close()

    return handler


def says(*chunks: bytes, pause: float = 0.0, read_first: bool = True) -> Handler:
    """Says chunks whatever is asked, then closes."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if read_first:
            await reader.read(65536)
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(pause)
        writer.close()

    return handler


def proxy(seen: list[str], refuse: str = "") -> Handler:
    """A forward proxy: CONNECT by a tunnel, plain requests in absolute form; `refuse`: its answer."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first = head.split("\r\n", 1)[0]
        seen.append(first)
        if refuse:
            writer.write(answer(refuse))
            return
        method, target, _version = first.split(" ")
        place = target if method == "CONNECT" else target.split("/")[2]
        host, port = place.rsplit(":", 1)
        there, back = await asyncio.open_connection(host, int(port))
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            path = "/" + target.split("/", 3)[3]
            back.write(head.replace(target, path, 1).encode())
        async with asyncio.TaskGroup() as group:
            group.create_task(copy(reader, back))
            await copy(there, writer)
            back.close()
            writer.close()

    return handler


def dialogue(
    greeting: bytes,
    replies: Mapping[str, bytes],
    tls: ssl.SSLContext | None = None,
    seen: list[str] | None = None,
) -> Handler:
    """Answers lines by a word in them (`%tag`: their first word); TLS after STARTTLS or STLS."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        while line := (await reader.readline()).decode("latin-1").split():
            word = next((one for one in line if one in replies), "")
            if seen is not None:
                seen.append(" ".join(line))
            writer.write(replies.get(word, b"").replace(b"%tag", line[0].encode()))
            await writer.drain()
            if word in ("STARTTLS", "STLS") and tls is not None:
                await writer.start_tls(tls)
            if "QUIT" in line or "LOGOUT" in line:
                break

    return handler


def upgrade(head: str, **headers: str) -> bytes:
    """The head of a switch to WebSocket that answers `head`; a header of None is left out."""
    key = Request(head).headers.get("sec-websocket-key", "")
    pairs = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": accept_of(key),
    }
    pairs |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in pairs.items() if value]
    return "\r\n".join(["HTTP/1.1 101 Switching Protocols", *lines, "", ""]).encode()


def web_socket(*chunks: bytes, raw: bool = False, pause: float = 0.0, **headers: str) -> Handler:
    """Switches and says chunks (as text messages; `raw`: as they are), then listens on."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        said = [c if raw else bytes((0x81, len(c))) + c for c in chunks]
        writer.write(upgrade(head, **headers) + (said.pop(0) if said and not pause else b""))
        for chunk in said:
            await asyncio.sleep(pause)
            writer.write(chunk)
            await writer.drain()
        await hang(reader, writer)

    return handler


Zone = Mapping[tuple[str, str], list[str]]


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, reply: Callable[[bytes, bool], bytes | None]) -> None:
        self._reply = reply
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        out = self._reply(data, True)
        if out is not None:
            self._transport.sendto(out, address)


class Dns:
    """A name server over UDP and TCP on one port. `drop` datagrams are lost first."""

    def __init__(self, zone: Zone, *, cut: bool = False, drop: int = 0, mute: bool = False) -> None:
        self.zone, self.cut, self.drop, self.mute = zone, cut, drop, mute
        self.asked: list[str] = []

    def reply(self, data: bytes, udp: bool) -> bytes | None:
        query = dns.message.from_wire(data)
        self.asked.append("udp" if udp else "tcp")
        if self.mute or (udp and self.drop > 0):
            self.drop -= 1
            return None
        reply = dns.message.make_response(query)
        question = query.question[0]
        name, kind = question.name.to_text(), question.rdtype.name
        records = self.zone.get((name, kind))
        if records is None and not any(key[0] == name for key in self.zone):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        if udp and self.cut:
            reply.flags |= dns.flags.TC
        elif records:
            reply.answer.append(dns.rrset.from_text(name, 300, "IN", kind, *records))
        return reply.to_wire()

    async def _tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        out = self.reply(await reader.readexactly(length), False)
        if out is None:
            await hang(reader, writer)
            return
        writer.write(struct.pack("!H", len(out)) + out)
        await writer.drain()

    @asynccontextmanager
    async def up(self) -> AsyncIterator[int]:
        """Listen; yields the port."""
        loop = asyncio.get_running_loop()
        for _turn in range(20):
            async with serve(self._tcp) as port:
                try:
                    transport, _ = await loop.create_datagram_endpoint(
                        lambda: _Datagrams(self.reply), local_addr=("127.0.0.1", port)
                    )
                except OSError:  # another test has this number for datagrams
                    continue
                try:
                    yield port
                finally:
                    transport.abort()
                return
        raise AssertionError("no port is free for both")


def old_tls(*, version: int, ciphers: tuple[int, ...], dh_bits: int = 0, split: int = 0) -> Handler:
    """A server no library can play any more: agrees to old hellos, then waits.

    It answers a hello of at least `version` offering one of `ciphers` with ServerHello (and a
    ServerKeyExchange when `dh_bits`), anything else with an alert, as RFC 5246 demands.
    """

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(5)
        body = await reader.readexactly(int.from_bytes(head[3:5], "big"))
        asked = int.from_bytes(body[4:6], "big")
        at = 39 + body[38]
        count = int.from_bytes(body[at : at + 2], "big")
        offered = struct.unpack(f"!{count // 2}H", body[at + 2 : at + 2 + count])
        chosen = next((cipher for cipher in offered if cipher in ciphers), None)
        if asked < version or chosen is None:
            writer.write(b"\x15\x03\x00\x00\x02\x02\x28")
            await writer.drain()
            return
        hello = struct.pack("!H", version) + bytes(32) + b"\0" + struct.pack("!HB", chosen, 0)
        out = b"\x02" + len(hello).to_bytes(3, "big") + hello
        if dh_bits:
            prime = ((1 << dh_bits) - 1).to_bytes(dh_bits // 8, "big")
            key = struct.pack("!H", len(prime)) + prime + b"\0\x01\x02\0\x01\x03"
            out += b"\x0c" + len(key).to_bytes(3, "big") + key
        size = split or len(out)
        for start in range(0, len(out), size):
            part = out[start : start + size]
            writer.write(struct.pack("!BHH", 22, version, len(part)) + part)
            await writer.drain()
        await hang(reader, writer)

    return handler


class Ntp:
    """A time server that is `ahead` of us and `held` seconds slow, or wrong in one way."""

    def __init__(
        self,
        *,
        ahead: float = 0.0,
        held: float = 0.0,
        stratum: int = 2,
        reference: bytes = b"GPS",
        mode: int = 4,
        origin: int | None = None,
        cut: int = 48,
        drop: int = 0,
    ) -> None:
        self.ahead, self.held, self.stratum, self.reference = ahead, held, stratum, reference
        self.mode, self.origin, self.cut, self.drop = mode, origin, cut, drop

    def _stamp(self) -> int:
        return int((time.time() + self.ahead + 2_208_988_800) * (1 << 32)) % (1 << 64)

    def reply(self, data: bytes, _udp: bool) -> bytes | None:
        self.drop -= 1
        if self.drop >= 0:
            return None
        heard = self._stamp()
        time.sleep(self.held)
        asked = int.from_bytes(data[40:48]) if self.origin is None else self.origin
        head = struct.pack(
            "!BBbbII4s8s", 4 << 3 | self.mode, self.stratum, 6, -20, 0, 0, self.reference, b""
        )
        return (head + struct.pack("!QQQ", asked, heard, self._stamp()))[: self.cut]

    @asynccontextmanager
    async def up(self) -> AsyncIterator[int]:
        """Answers until left; gives the port."""
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Datagrams(self.reply), local_addr=("127.0.0.1", 0)
        )
        try:
            yield int(transport.get_extra_info("sockname")[1])
        finally:
            transport.close()
