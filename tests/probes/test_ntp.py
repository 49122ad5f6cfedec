"""Kind `ntp` against a real chronyd and against servers that answer wrongly."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import struct
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcp.watch.values import Outcome, Status
from probes.availability.ntp import sample_of
from tests.probes.conftest import Look
from tests.probes.servers import Ntp, dead_port

CHRONYD = shutil.which("chronyd", path=f"{os.environ['PATH']}:/usr/sbin:{sys.prefix}")


def free_udp() -> int:
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@asynccontextmanager
async def chronyd(folder: Path, *lines: str) -> AsyncIterator[int]:
    """Debian's chronyd as a server only: it never touches this machine's clock (-x)."""
    assert CHRONYD is not None
    port = free_udp()
    conf = folder / "chrony.conf"
    fixed = (f"port {port}", "cmdport 0", "bindaddress 127.0.0.1", "allow", f"pidfile {folder}/pid")
    conf.write_text("\n".join((*fixed, *lines)) + "\n")
    user = ("-u", "root") if os.geteuid() == 0 else ("-U",)
    process = await asyncio.create_subprocess_exec(
        CHRONYD, "-x", "-d", *user, "-f", str(conf),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield port
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def until_heard(look: Callable[[], Any]) -> Outcome:
    """The first answer of a server that is still starting."""
    for _turn in range(50):
        outcome: Outcome = await look()
        if "stratum" in outcome.facts:
            return outcome
        await asyncio.sleep(0.1)
    return outcome


@pytest.mark.skipif(CHRONYD is None, reason="no chronyd: apt-get download chrony, dpkg-deb -x")
async def test_a_real_server_in_step_is_close_to_our_clock(look: Look, tmp_path: Path) -> None:
    async with chronyd(tmp_path, "local stratum 3") as port:
        outcome = await until_heard(lambda: look("ntp", host="127.0.0.1", port=port))
        far = await look("ntp", host="127.0.0.1", port=port, max_stratum=2)

    assert outcome.status is Status.OK, outcome.sentence
    assert outcome.facts["stratum"] == 3
    assert outcome.facts["offset"] == pytest.approx(0, abs=0.1)
    assert far.status is Status.DEGRADED
    assert "階層が3" in far.sentence.ja


@pytest.mark.skipif(CHRONYD is None, reason="no chronyd: apt-get download chrony, dpkg-deb -x")
async def test_a_real_server_without_a_source_is_not_in_step(look: Look, tmp_path: Path) -> None:
    async with chronyd(tmp_path) as port:
        outcome = await until_heard(lambda: look("ntp", host="127.0.0.1", port=port))

    assert outcome.status is Status.FAILED
    assert "同期していない" in outcome.sentence.ja
    assert "offset" not in outcome.facts


async def test_it_measures_an_offset_of_either_sign(look: Look) -> None:
    for ahead in (3.5, -3.5):
        async with Ntp(ahead=ahead).up() as port:
            wrong = await look("ntp", host="127.0.0.1", port=port)
            wide = await look("ntp", host="127.0.0.1", port=port, max_offset="5s")

        assert wrong.facts["offset"] == pytest.approx(ahead, abs=0.1)
        assert (wrong.status, wide.status) == (Status.DEGRADED, Status.OK)
        assert f"{ahead:+.1f}"[:3] in wrong.sentence.ja


async def test_the_time_the_server_holds_the_question_is_not_an_offset(look: Look) -> None:
    async with Ntp(held=0.3).up() as port:
        outcome = await look("ntp", host="127.0.0.1", port=port, max_offset="100ms")

    assert outcome.status is Status.OK, outcome.sentence
    assert outcome.facts["delay"] < 0.2
    assert outcome.facts["answer"] >= 0.3


async def test_being_turned_away_is_not_down(look: Look) -> None:
    async with Ntp(stratum=0, reference=b"RATE").up() as port:
        outcome = await look("ntp", host="127.0.0.1", port=port)

    assert outcome.status is Status.UNKNOWN
    assert "RATE" in outcome.sentence.ja


@pytest.mark.parametrize(
    "wrong",
    [{"mode": 3}, {"origin": 7}, {"cut": 47}, {"drop": 9}],
    ids=["another client", "not our question", "cut", "silence"],
)
async def test_what_does_not_answer_us_is_no_answer(look: Look, wrong: dict[str, Any]) -> None:
    async with Ntp(**wrong).up() as port:
        outcome = await look("ntp", host="127.0.0.1", port=port, timeout="400ms")

    assert outcome.status is Status.FAILED
    assert "待っても" in outcome.sentence.ja


async def test_a_lost_datagram_is_asked_for_again_and_a_closed_port_is_told(look: Look) -> None:
    async with Ntp(drop=1).up() as port:
        again = await look("ntp", host="127.0.0.1", port=port)
    closed = await look("ntp", host="127.0.0.1", port=dead_port(), timeout="1s")

    assert again.status is Status.OK
    assert (closed.status, "拒否" in closed.sentence.ja) == (Status.FAILED, True)


@given(st.binary(max_size=80))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    left = {5: (datetime.now(UTC), time.monotonic())}

    assert sample_of(data, left, time.monotonic()) is None or len(data) >= 48


@given(st.integers(0, 2**64 - 1), st.floats(-60, 60), st.floats(0, 2), st.floats(0, 2))
def test_offset_and_delay_are_right_across_the_end_of_an_era(
    cookie: int, ahead: float, road: float, held: float
) -> None:
    wall = datetime(2036, 2, 7, 6, 28, 15, tzinfo=UTC)  # a second before the first era ends

    def stamp(seconds: float) -> int:
        since = (wall - datetime(1900, 1, 1, tzinfo=UTC)) + timedelta(seconds=seconds)
        return int(since.total_seconds() * (1 << 32)) % (1 << 64)

    heard = stamp(road + ahead), stamp(road + held + ahead)
    head = struct.pack("!BBbbII4s8s", 0x24, 2, 0, 0, 0, 0, b"", b"")
    data = head + struct.pack("!QQQ", cookie, *heard)

    sample = sample_of(data, {cookie: (wall, 100.0)}, 100.0 + 2 * road + held)

    assert sample is not None
    assert sample.offset == pytest.approx(ahead, abs=1e-4)
    assert sample.delay == pytest.approx(2 * road, abs=1e-4)
