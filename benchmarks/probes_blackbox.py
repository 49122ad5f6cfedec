"""CPU per probe against Debian's blackbox_exporter: same targets, fresh connections, the same run.

The exporter is asked as Prometheus asks it, over a kept connection, sixteen at a time; counted is the
user and system time of its process alone (Prometheus's own share comes on top). Ours is the engine
alone, and beside it the whole check with its judgement. Where the exporter is not installed: no rows.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import statistics
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import uvloop

from bcp.kit.clock import SystemClock
from bcp.kit.workers import Workers
from bcp.watch.check import Env
from benchmarks.frame import Row
from benchmarks.probes_cpu import _Bench, _many, serving
from probes.engine.resolve import SystemResolver

PROGRAM = "prometheus-blackbox-exporter"
ROUNDS, IN_FLIGHT = 3, 16
COUNTS = {"http": 1500, "tcp": 1500, "tls": 500}
_TICK = os.sysconf("SC_CLK_TCK")


def measure() -> list[Row]:
    """CPU microseconds per probe."""
    program = shutil.which(PROGRAM)
    if program is None:
        return []
    with serving() as (ports, pem):
        found = uvloop.run(_measure(program, ports, pem))
    return [
        Row(f"{what} {kind}", found[f"{kind} {what}"], found[f"{kind} exporter"], "us CPU", PROGRAM)
        for kind in COUNTS
        for what in ("engine", "check")
    ]


async def _measure(program: str, ports: list[int], pem: Path) -> dict[str, float]:
    workers = Workers(threads=1)
    bench = _Bench(ports, pem, Env(SystemClock(), workers, SystemResolver(), ca_file=pem))
    plain, secure = ports
    ours = {
        "http engine": bench._engine(f"http://127.0.0.1:{plain}/"),
        "http check": bench._check("http", url=f"http://127.0.0.1:{plain}/"),
        "tcp engine": bench._connect,
        "tcp check": bench._check("tcp", host="127.0.0.1", port=plain),
        "tls engine": bench._handshake,
        "tls check": bench._check("tls", host="127.0.0.1", port=secure, server_name="localhost"),
    }
    targets = {
        "http": f"http://127.0.0.1:{plain}/",
        "tcp": f"127.0.0.1:{plain}",
        "tls": f"127.0.0.1:{secure}",
    }
    rounds: list[dict[str, float]] = []
    async with _exporter(program, pem) as (pid, ask):
        for _round in range(ROUNDS):
            found = {
                name: await _many(COUNTS[name.partition(" ")[0]], one) for name, one in ours.items()
            }
            for kind, target in targets.items():
                found[f"{kind} exporter"] = await _theirs(pid, ask, kind, target)
            rounds.append(found)
    workers.close()
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


@asynccontextmanager
async def _exporter(
    program: str, pem: Path
) -> AsyncIterator[tuple[int, Callable[[str, str], Awaitable[None]]]]:
    """Its process id, and a probe by module and target."""
    config = pem.with_name("blackbox.yml")
    config.write_text(
        "modules:\n"
        "  http: {prober: http, timeout: 5s}\n"
        "  tcp: {prober: tcp, timeout: 5s}\n"
        "  tls:\n    prober: tcp\n    timeout: 5s\n    tcp:\n      tls: true\n"
        f"      tls_config: {{ca_file: {pem}, server_name: localhost}}\n"
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [program, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"]
    words.append("--log.level=error")
    quiet = subprocess.DEVNULL
    with subprocess.Popen(words, stdout=quiet, stderr=quiet) as process:  # noqa: ASYNC220 - once
        connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def ask(module: str, target: str) -> None:
                where = f"http://127.0.0.1:{port}/probe"
                async with session.get(where, params={"module": module, "target": target}) as got:
                    if b"\nprobe_success 1" not in await got.read():
                        raise RuntimeError(f"{module} {target} failed")

            await _up(port)
            try:
                yield process.pid, ask
            finally:
                process.kill()


async def _up(port: int) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                _reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


async def _theirs(
    pid: int, ask: Callable[[str, str], Awaitable[None]], kind: str, target: str
) -> float:
    before = _cpu(pid)
    await _many(COUNTS[kind], lambda: ask(kind, target))
    return (_cpu(pid) - before) / COUNTS[kind] * 1e6


def _cpu(pid: int) -> float:
    """Seconds of user and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK
