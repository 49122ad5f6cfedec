"""Kind `nut` against a real upsd with dummy-ups, and against servers that answer wrongly."""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcp.watch.values import Outcome, Status
from probes.availability.nut import Listing, NutCheck
from probes.engine.trouble import Trouble
from tests.probes.conftest import Look
from tests.probes.servers import Handler, dead_port, hang, says, serve

_UNPACKED = Path(sys.prefix, "nut")


def _program(name: str) -> str | None:
    places = (_UNPACKED / place / name for place in ("lib/nut", "usr/lib/nut"))
    found = next((str(p) for p in places if p.is_file()), None)
    return found or shutil.which(name, path="/lib/nut:/usr/lib/nut")


UPSD, DUMMY = _program("upsd"), _program("dummy-ups")
real_upsd = pytest.mark.skipif(
    UPSD is None or DUMMY is None, reason="no upsd: apt-get download nut-server, dpkg-deb -x"
)

POWER = {
    "good": "ups.status: OL CHRG\nbattery.charge: 100\nbattery.runtime: 1500\nups.load: 20\n",
    "cut": "ups.status: OB DISCHRG\nbattery.charge: 80\nbattery.runtime: 900\n",
    "low": "ups.status: OB LB\nbattery.charge: 9\nbattery.runtime: 60\n",
}


@asynccontextmanager
async def process(*argv: str, env: dict[str, str]) -> AsyncIterator[None]:
    quiet = asyncio.subprocess.DEVNULL
    child = await asyncio.create_subprocess_exec(*argv, env=env, stdout=quiet, stderr=quiet)
    try:
        yield
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


@asynccontextmanager
async def upsd(state: dict[str, str]) -> AsyncIterator[int]:
    """Debian's upsd and a dummy driver for each UPS of `state`."""
    assert UPSD is not None
    assert DUMMY is not None
    port = dead_port()
    async with AsyncExitStack() as stack:
        # A short folder: the driver's socket lies in it (107 characters at the most).
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nut")))
        env = {
            "NUT_CONFPATH": str(folder),
            "NUT_STATEPATH": str(folder),
            "NUT_ALTPIDPATH": str(folder),
            "LD_LIBRARY_PATH": ":".join(str(p) for p in _UNPACKED.rglob("*-linux-gnu")),
            "PATH": os.environ["PATH"],
        }
        sections = []
        for name, variables in state.items():
            (folder / f"{name}.dev").write_text(variables)
            sections.append(f"[{name}]\ndriver = dummy-ups\nport = {folder}/{name}.dev\n")
        (folder / "ups.conf").write_text("".join(sections))
        (folder / "upsd.conf").write_text(f"LISTEN 127.0.0.1 {port}\nSTATEPATH {folder}\n")
        (folder / "upsd.users").write_text("")
        for file in folder.iterdir():
            file.chmod(0o640)
        user = ("-u", getpass.getuser())
        for name in state:
            await stack.enter_async_context(process(DUMMY, *user, "-a", name, "-D", env=env))
        await stack.enter_async_context(process(UPSD, *user, "-D", env=env))
        yield port


async def heard(look: Look, port: int, ups: str, **more: Any) -> Outcome:
    """The first answer of a server that is still starting."""
    for _turn in range(100):
        outcome: Outcome = await look("nut", host="127.0.0.1", port=port, ups=ups, **more)
        if "on_battery" in outcome.facts:
            break
        await asyncio.sleep(0.1)
    return outcome


@real_upsd
async def test_a_real_upsd_tells_power_cut_and_low_battery(look: Look) -> None:
    async with upsd(POWER) as port:
        good = await heard(look, port, "good")
        cut = await heard(look, port, "cut")
        low = await heard(look, port, "low")
        short = await look("nut", host="127.0.0.1", port=port, ups="good", min_runtime="30m")
        missing = await look("nut", host="127.0.0.1", port=port, ups="none")

    assert good.status is Status.OK, (good.sentence, good.evidence)
    assert good.facts["charge"] == 1.0
    assert good.facts["runtime"] == 1500
    assert "電源は正常" in good.sentence.ja
    assert cut.status is Status.DEGRADED
    assert "停電でバッテリー運転中" in cut.sentence.ja
    assert cut.facts["on_battery"] is True
    assert low.status is Status.FAILED
    assert "もうすぐ切れる" in low.sentence.ja
    assert (short.status, "残り時間が短い" in short.sentence.ja) == (Status.DEGRADED, True)
    assert (missing.status, "その名前のUPS" in missing.sentence.ja) == (Status.UNKNOWN, True)


@pytest.mark.parametrize(
    ("variables", "fields", "status", "words"),
    [
        ({"ups.status": "OL"}, {}, Status.OK, "電源は正常"),
        ({"ups.status": "OL RB"}, {}, Status.DEGRADED, "交換時期"),
        ({"ups.status": "OL LB"}, {}, Status.FAILED, "もうすぐ切れる"),
        ({"ups.status": "FSD OB LB"}, {}, Status.FAILED, "強制停止"),
        ({"ups.status": "OL BYPASS"}, {}, Status.DEGRADED, "備えがない"),
        ({"ups.status": "OL", "battery.charge": "49"}, {"min_charge": 50}, Status.DEGRADED, "充電が少ない"),
        ({"ups.status": "OL", "battery.charge": "nan"}, {"min_charge": 50}, Status.UNKNOWN, "分からない"),
        ({"ups.status": "OL"}, {"min_runtime": "5m"}, Status.UNKNOWN, "残り時間が分からない"),
    ],
)  # fmt: skip
def test_what_each_word_means(
    variables: dict[str, str], fields: dict[str, Any], status: Status, words: str
) -> None:
    check = NutCheck.model_validate({"id": "u", "host": "ups", **fields})
    found, said, _facts = check._judge(variables)

    assert found is status
    assert words in said.ja


@pytest.mark.parametrize("said", ["", "WAIT", "whatever"])
def test_a_ups_that_does_not_tell_its_state_is_unknown(said: str) -> None:
    check = NutCheck.model_validate({"id": "u", "host": "ups"})

    with pytest.raises(Trouble) as caught:
        check._judge({"ups.status": said})
    assert caught.value.ours


def flood(*first: bytes) -> Handler:
    async def handler(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.writelines(first)
        while True:
            writer.write(b'VAR ups x "y"\n' * 1000)
            await writer.drain()

    return handler


@pytest.mark.parametrize(
    ("server", "status", "words"),
    [
        (says(b"ERR DATA-STALE\n"), Status.UNKNOWN, "話せていません"),
        (says(b"ERR DRIVER-NOT-CONNECTED\n"), Status.UNKNOWN, "つながっていません"),
        (says(b"ERR ACCESS-DENIED\n"), Status.UNKNOWN, "許しません"),
        (says(b"ERR\x1b[0m WHAT\n"), Status.FAILED, "NUTとして読めない"),
        (says(b"HTTP/1.1 400 Bad Request\n"), Status.FAILED, "NUTとして読めない"),
        (says(b"BEGIN LIST VAR ups\nVAR ups ups.status \"OL\"\n"), Status.FAILED, "途中で切られ"),
        (says(b"BEGIN LIST VAR ups\nnonsense\n"), Status.FAILED, "NUTとして読めない"),
        (says(b"x" * 9000), Status.FAILED, "大きすぎます"),
        (flood(b"BEGIN LIST VAR ups\n"), Status.FAILED, "大きすぎます"),
        (says(*[b"B", b"E"] * 20, pause=0.1), Status.FAILED, "待っても"),
        (hang, Status.FAILED, "待っても"),
        (says(), Status.FAILED, "途中で切られ"),
    ],
    ids=["stale", "no driver", "denied", "control", "http", "cut", "nonsense", "long line",
         "endless", "drip", "silence", "closed"],
)  # fmt: skip
async def test_wrong_answers_are_told_apart(
    look: Look, server: Handler, status: Status, words: str
) -> None:
    async with serve(server) as port:
        outcome = await look("nut", host="127.0.0.1", port=port, timeout="800ms")

    assert outcome.status is status
    assert words in outcome.sentence.ja


async def test_refused_unresolved_and_ipv6_only(look: Look) -> None:
    refused = await look("nut", host="127.0.0.1", port=dead_port())
    unknown = await look("nut", host="no-such-host.invalid", timeout="8s")

    assert (refused.status, "拒否" in refused.sentence.ja) == (Status.FAILED, True)
    assert unknown.status in (Status.FAILED, Status.UNKNOWN)
    assert "名前" in unknown.sentence.ja

    async def good(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readline() == b"LIST VAR ups\n"
        writer.write(b'BEGIN LIST VAR ups\nVAR ups ups.status "OL"\nEND LIST VAR ups\n')
        await writer.drain()
        writer.close()

    try:
        server = await asyncio.start_server(good, "::1", 0, family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    async with server:
        port = server.sockets[0].getsockname()[1]
        six = await look("nut", host="::1", port=port)
    assert six.status is Status.OK, six.sentence


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_no_bytes_break_the_reader(chunks: list[bytes]) -> None:
    listing = Listing("ups")
    try:
        for chunk in chunks:
            listing.feed(chunk)
    except Trouble:
        return
    assert not listing.complete or listing.found == {}


@given(st.text(st.characters(exclude_characters="\n\r", codec="utf-8"), max_size=60), st.data())
def test_a_value_survives_quoting_however_it_is_cut(value: str, data: st.DataObject) -> None:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    whole = f'BEGIN LIST VAR ups\nVAR ups a.b "{quoted}"\nEND LIST VAR ups\n'.encode()
    at = data.draw(st.integers(0, len(whole)))
    listing = Listing("ups")
    for part in (whole[:at], whole[at:]):
        listing.feed(part)

    assert listing.complete
    assert listing.found == {"a.b": value}
