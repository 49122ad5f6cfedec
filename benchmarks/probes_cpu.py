"""CPU per probe: a whole check (with its judgement) against an HTTP client and bare sockets.

Server in another process, loopback only, bounded counts, 16 probes in flight, every probe a fresh
connection, uvloop for all. CPU is user and system time of this process; rounds are interleaved and
the median counts. TLS: 1.3, ECDSA P-256, chain and name verified, no resumption.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import multiprocessing.connection
import select
import socket
import ssl
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bcp.kit.clock import SystemClock
from bcp.kit.workers import Workers
from bcp.watch.check import Check, Env
from bcp.watch.values import Status
from benchmarks.frame import Row
from probes import kinds
from probes.engine.http import exchange, parse_url, request
from probes.engine.resolve import SystemResolver
from probes.engine.trouble import Stopwatch
from probes.engine.wire import connect

_COUNTS = {"tcp": 1500, "http": 1000, "https": 400, "handshake": 400}
_ROUNDS = 3
_IN_FLIGHT = 16
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class _Server(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"\r\n\r\n"):
            self._transport.write(_ANSWER)
            self._transport.close()


def serve(pem: str, pipe: multiprocessing.connection.Connection) -> None:
    """The server's process: says its two ports, ends when told."""

    async def main() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        loop = asyncio.get_running_loop()
        plain = await loop.create_server(_Server, "127.0.0.1", 0, backlog=1024)
        secure = await loop.create_server(_Server, "127.0.0.1", 0, ssl=context, backlog=1024)
        pipe.send([server.sockets[0].getsockname()[1] for server in (plain, secure)])
        await asyncio.to_thread(pipe.recv)

    uvloop.run(main())


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=90))
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file


async def _many(count: int, one: Callable[[], Awaitable[None]]) -> float:
    """CPU microseconds per run."""
    left = iter(range(count))

    async def worker() -> None:
        for _ in left:
            await one()

    before = time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(_IN_FLIGHT):
            group.create_task(worker())
    return (time.process_time() - before) / count * 1e6


def _bare(port: int, count: int, request: bytes) -> float:
    """The limit of Python on this kernel: non-blocking sockets and epoll, nothing else."""
    before, epoll = time.process_time(), select.epoll()
    open_: dict[int, socket.socket] = {}
    started = finished = 0
    while finished < count:
        while started < count and len(open_) < _IN_FLIGHT:
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            sock.connect_ex(("127.0.0.1", port))
            epoll.register(sock.fileno(), select.EPOLLOUT)
            open_[sock.fileno()] = sock
            started += 1
        for number, event in epoll.poll():
            sock = open_[number]
            if event & select.EPOLLOUT and request:
                sock.send(request)
                epoll.modify(number, select.EPOLLIN)
                continue
            if request:
                assert sock.recv(65536).startswith(b"HTTP/1.1 200")
            epoll.unregister(number)
            open_.pop(number).close()
            finished += 1
    epoll.close()
    return (time.process_time() - before) / count * 1e6


class _Bench:
    """Everything that is compared, by name."""

    def __init__(self, ports: list[int], pem: Path, env: Env) -> None:
        self.plain, self.secure = ports
        self.env = env
        self.context = ssl.create_default_context(cafile=str(pem))
        self.session: aiohttp.ClientSession

    def _check(self, kind: str, **fields: Any) -> Callable[[], Awaitable[None]]:
        check: Check = kinds()[kind].model_validate({"id": "b", "kind": kind, **fields})

        async def one() -> None:
            outcome = await check.run(self.env)
            assert outcome.status is Status.OK, outcome

        return one

    def _client(self, url: str) -> Callable[[], Awaitable[None]]:
        async def one() -> None:
            async with self.session.get(url) as response:
                assert await response.read() == b"ok"

        return one

    def _engine(self, url: str) -> Callable[[], Awaitable[None]]:
        """The engine alone: connect, verify, ask, read; no judgement."""
        where, sent = parse_url(url), request("GET", parse_url(url), {})

        async def one() -> None:
            watch = Stopwatch(self.env.clock)
            async with connect(
                self.env,
                "127.0.0.1",
                where.port,
                watch,
                server_name=where.host,
                secure=where.secure,
            ) as wire:
                assert wire.peer is None or wire.peer.trusted
                answer = await exchange(wire, sent, watch, cap=65536, head=False)
                assert answer.body == b"ok"

        return one

    async def _handshake(self) -> None:
        watch = Stopwatch(self.env.clock)
        async with connect(
            self.env, "127.0.0.1", self.secure, watch, server_name="localhost", secure=True
        ) as wire:
            assert wire.peer is not None
            assert wire.peer.trusted

    async def _connect(self) -> None:
        async with connect(self.env, "127.0.0.1", self.plain, Stopwatch(self.env.clock)):
            pass

    async def _streams(self) -> None:
        _reader, writer = await asyncio.open_connection("127.0.0.1", self.plain)
        writer.close()

    async def _stdlib_tls(self) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(
            asyncio.Protocol,
            "127.0.0.1",
            self.secure,
            ssl=self.context,
            server_hostname="localhost",
        )
        transport.abort()

    async def round(self) -> dict[str, float]:
        """One round of everything, one after the other."""
        asked = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
        plain, secure = f"http://127.0.0.1:{self.plain}/", f"https://localhost:{self.secure}/"
        local = {"host": "127.0.0.1"}
        tls = self._check("tls", **local, port=self.secure, server_name="localhost")
        n = _COUNTS
        return {
            "tcp engine": await _many(n["tcp"], self._connect),
            "http engine": await _many(n["http"], self._engine(plain)),
            "https engine": await _many(n["https"], self._engine(secure)),
            "tls engine": await _many(n["handshake"], self._handshake),
            "tcp": await _many(n["tcp"], self._check("tcp", **local, port=self.plain)),
            "tcp streams": await _many(n["tcp"], self._streams),
            "tcp bare": _bare(self.plain, n["tcp"], b""),
            "http": await _many(n["http"], self._check("http", url=plain)),
            "http aiohttp": await _many(n["http"], self._client(plain)),
            "http bare": _bare(self.plain, n["http"], asked),
            "https": await _many(
                n["https"], self._check("http", url=secure, connect_to="127.0.0.1")
            ),
            "https aiohttp": await _many(n["https"], self._client(secure)),
            "tls": await _many(n["handshake"], tls),
            "tls stdlib": await _many(n["handshake"], self._stdlib_tls),
        }


async def _measure(ports: list[int], pem: Path) -> dict[str, float]:
    workers = Workers(threads=1)
    bench = _Bench(ports, pem, Env(SystemClock(), workers, SystemResolver(), ca_file=pem))
    connector = aiohttp.TCPConnector(force_close=True, limit=0, ssl=bench.context)
    async with aiohttp.ClientSession(connector=connector) as bench.session:
        rounds = [await bench.round() for _ in range(_ROUNDS)]
    workers.close()
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


@contextmanager
def serving() -> Iterator[tuple[list[int], Path]]:
    """The server's two ports (plain, TLS) and its certificate."""
    with tempfile.TemporaryDirectory() as folder:
        pem = _certificate(Path(folder))
        spawn = multiprocessing.get_context("spawn")
        here, there = spawn.Pipe()
        server = spawn.Process(target=serve, args=(str(pem), there), daemon=True)
        server.start()
        try:
            yield here.recv(), pem
        finally:
            here.send(None)
            server.join(5)
            server.kill()


def measure() -> list[Row]:
    """CPU microseconds per probe, ours against peers and limits."""
    with serving() as (ports, pem):
        found = uvloop.run(_measure(ports, pem))
    pairs = (
        ("engine tcp", "tcp engine", "tcp streams", "asyncio streams"),
        ("engine tcp", "tcp engine", "tcp bare", "bare epoll"),
        ("engine http", "http engine", "http aiohttp", "aiohttp client"),
        ("engine http", "http engine", "http bare", "bare epoll"),
        ("engine https", "https engine", "https aiohttp", "aiohttp client"),
        ("engine tls handshake", "tls engine", "tls stdlib", "ssl of the standard library"),
        ("whole check tcp", "tcp", "tcp streams", "asyncio streams"),
        ("whole check tcp", "tcp", "tcp bare", "bare epoll"),
        ("whole check http", "http", "http aiohttp", "aiohttp client"),
        ("whole check http", "http", "http bare", "bare epoll"),
        ("whole check https", "https", "https aiohttp", "aiohttp client"),
        ("whole check tls", "tls", "tls stdlib", "ssl of the standard library"),
    )
    return [Row(name, found[a], found[b], "us CPU", peer) for name, a, b, peer in pairs]
