"""Kind `ssh` against a real sshd and against servers that greet, prove or end wrongly."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, x25519
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bcp.watch.values import Outcome, Status
from probes import kinds
from probes.engine import ssh
from tests.probes.conftest import Look
from tests.probes.servers import Handler, dead_port, hang, says, serve

SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:{sys.prefix}/openssh/usr/sbin")
real = pytest.mark.skipif(
    SSHD is None, reason="no sshd: apt-get download openssh-server libwrap0, dpkg-deb -x"
)
LOCAL = {"host": "127.0.0.1"}


class Sshd:
    """Debian's sshd on loopback with one key of each kind; nobody can log in."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port, self.folder = port, folder

    def fingerprint(self, kind: str) -> str:
        """As ssh-keygen prints it."""
        said = subprocess.check_output(["ssh-keygen", "-l", "-f", str(self.folder / kind)])
        return said.decode().split()[1]

    @property
    def log(self) -> str:
        """What it wrote so far."""
        return (self.folder / "log").read_text()


@contextmanager
def sshd(*options: str, kinds: tuple[str, ...] = ("ed25519", "ecdsa", "rsa")) -> Iterator[Sshd]:
    assert SSHD is not None
    with tempfile.TemporaryDirectory(prefix="sshd-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        program = shutil.copy(SSHD, folder / "sshd")
        for kind in kinds:
            subprocess.run(
                ["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(folder / kind)], check=True
            )
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            port = sock.getsockname()[1]
        fixed = (f"ListenAddress 127.0.0.1:{port}", "PidFile none", "UsePAM no")
        more = tuple(f"HostKey {folder / kind}" for kind in kinds)
        (folder / "conf").write_text("\n".join((*fixed, *more, *options)) + "\n")
        # As root it would want a user of its own on this machine; anyone else may run it as is.
        user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
        if user is not None:
            for file in folder.iterdir():
                os.chown(file, user, -1)
        libraries = ":".join(str(p) for p in Path(SSHD).parents[1].glob("lib/*-linux-gnu"))
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [program, "-D", "-e", "-f", str(folder / "conf")],
                stdin=subprocess.DEVNULL, stderr=log, user=user, cwd="/",
                env={"LD_LIBRARY_PATH": libraries},
            )  # fmt: skip
        try:
            for _turn in range(100):
                with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                if process.poll() is not None:
                    raise AssertionError((folder / "log").read_text())
                time.sleep(0.05)
            yield Sshd(port, folder)
        finally:
            process.terminate()
            process.wait()


@pytest.fixture(scope="module")
def server() -> Iterator[Sshd]:
    with sshd() as server:
        yield server


@real
async def test_a_real_server_greets_and_is_left_politely(look: Look, server: Sshd) -> None:
    outcome = await look("ssh", **LOCAL, port=server.port, expect="OpenSSH")
    other = await look("ssh", **LOCAL, port=server.port, expect="dropbear")

    assert outcome.status is Status.OK, outcome.sentence
    assert outcome.evidence[0].startswith("SSH-2.0-OpenSSH")
    assert "未確認" in outcome.sentence.ja
    assert "availability check" in server.log
    assert "reset" not in server.log
    assert (other.status, "期待 dropbear" in other.sentence.ja) == (Status.FAILED, True)


@real
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
async def test_a_real_server_proves_each_kind_of_key(look: Look, server: Sshd, kind: str) -> None:
    pins = ["SHA256:" + "A" * 43, server.fingerprint(kind)]

    outcome = await look(
        "ssh", **LOCAL, port=server.port, host_keys=pins, host_key_type=kind, timeout="20s"
    )

    assert outcome.status is Status.OK, outcome
    assert "計画どおり" in outcome.sentence.ja
    assert pins[1] in outcome.evidence[1]
    assert "Failed" not in server.log


@real
async def test_another_key_is_told_from_a_missing_kind_of_key(look: Look, server: Sshd) -> None:
    changed = await look("ssh", **LOCAL, port=server.port, host_keys=["SHA256:" + "A" * 43])
    with sshd(kinds=("ecdsa",)) as other:
        missing = await look("ssh", **LOCAL, port=other.port, host_keys=["SHA256:" + "A" * 43])

    assert changed.status is Status.FAILED
    assert "ホスト鍵が計画と違う" in changed.sentence.ja
    assert server.fingerprint("ed25519") in changed.sentence.en
    assert missing.status is Status.FAILED
    assert "ed25519 のホスト鍵を持っていません" in missing.sentence.ja
    assert "ecdsa-sha2-nistp256" in missing.evidence[0]


@real
async def test_without_a_key_exchange_in_common_nothing_is_claimed(look: Look) -> None:
    with sshd("KexAlgorithms diffie-hellman-group14-sha256") as server:
        pins = [server.fingerprint("ed25519")]
        outcome = await look("ssh", **LOCAL, port=server.port, host_keys=pins)

    assert outcome.status is Status.UNKNOWN
    assert "確かめられません" in outcome.sentence.ja


KEY = ed25519.Ed25519PrivateKey.generate()
BLOB = ssh.string(b"ssh-ed25519") + ssh.string(KEY.public_key().public_bytes_raw())
PIN = ssh.Proof(BLOB, "", b"", b"").fingerprint


async def _packet(reader: asyncio.StreamReader) -> bytes:
    size = int.from_bytes(await reader.readexactly(4))
    return ssh.payload_of(await reader.readexactly(size))


def impostor(*, first: bytes = b"", public: bytes | None = None, name: bytes = b"") -> Handler:
    """Shows the right host key (it is public) but signs with another one."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"welcome\r\nSSH-2.0-x\r\n" + first)
        ours = ssh.Exchange(b"", b"", ("ssh-ed25519",))
        writer.write(ssh.packet(ours.offer))
        await reader.readline()
        await _packet(reader)
        await _packet(reader)
        other = ed25519.Ed25519PrivateKey.generate()
        own = x25519.X25519PrivateKey.generate().public_key().public_bytes_raw()
        signature = ssh.string(name or b"ssh-ed25519") + ssh.string(other.sign(b"something"))
        parts = (BLOB, own if public is None else public, signature)
        writer.write(ssh.packet(bytes((31,)) + b"".join(map(ssh.string, parts))))
        await hang(reader, writer)

    return handler


def packets(*payloads: bytes) -> Handler:
    """Greets, says these packets and listens on."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-x\r\n" + b"".join(map(ssh.packet, payloads)))
        await hang(reader, writer)

    return handler


def _raw(data: bytes) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-x\r\n" + data)
        await hang(reader, writer)

    return handler


LEFT = bytes((1,)) + (2).to_bytes(4) + ssh.string(b"too many") + ssh.string(b"")
BAD = {
    "impostor": (impostor(), "証明できない"),
    "impostor, chatty": (impostor(first=ssh.packet(b"\x02" + ssh.string(b"hm"))), "証明できない"),
    "another algorithm": (impostor(name=b"ssh-rsa"), "証明できない"),
    "no point": (impostor(public=bytes(32)), "SSHとして読めない"),
    "short point": (impostor(public=b"x"), "SSHとして読めない"),
    "disconnects": (packets(LEFT), "理由 2"),
    "endless chatter": (packets(*[b"\x02"] * 200), "SSHとして読めない"),
    "wrong message": (packets(b"\x05x"), "SSHとして読めない"),
    "cut message": (packets(b"\x14short"), "SSHとして読めない"),
    "huge packet": (_raw(b"\xff\xff\xff\xff"), "SSHとして読めない"),
    "empty packet": (_raw(b"\0\0\0\x02\xff\xff"), "SSHとして読めない"),
    "cut": (says(b"SSH-2.0-x\r\n\0\0\x01"), "切られ"),
    "web server": (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "切られ"),
    "too many": (says(b"Exceeded MaxStartups\r\n"), "切られ"),
    "old": (says(b"SSH-1.5-x\r\n"), "版1"),
    "no end of lines": (says(*[b"hello\r\n" * 100]), "SSHではない"),
    "one long line": (says(b"x" * 5000), "一行が長すぎ"),
    "closes": (says(), "切られ"),
    "silence": (hang, "待っても"),
    "slow drip": (says(*[b"S"] * 20, pause=0.3), "待っても"),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_server_fails_and_says_how(look: Look, name: str) -> None:
    handler, words = BAD[name]
    async with serve(handler) as port:
        outcome = await look("ssh", **LOCAL, port=port, host_keys=[PIN], timeout="1s")

    assert outcome.status is Status.FAILED
    assert words in outcome.sentence.ja


async def test_what_it_said_instead_stands_in_the_evidence(look: Look) -> None:
    async with serve(says(b"Exceeded MaxStartups\r\n")) as port:
        outcome = await look("ssh", **LOCAL, port=port)
    closed = await look("ssh", **LOCAL, port=dead_port())

    assert outcome.evidence[0] == "Exceeded MaxStartups"
    assert (closed.status, "拒否" in closed.sentence.ja) == (Status.FAILED, True)


async def test_a_server_that_never_says_goodbye_is_not_waited_for(look: Look) -> None:
    async with serve(packets()) as port:
        outcome: Outcome = await look("ssh", **LOCAL, port=port, timeout="1s")

    assert outcome.status is Status.OK, outcome.sentence
    assert float(outcome.facts["total"]) < 0.5


@pytest.mark.parametrize("pin", ["SHA256:short", "MD5:aa:bb", "A" * 43, "SHA256:" + "é" * 43])
def test_only_a_sha256_fingerprint_is_taken(pin: str) -> None:
    fields: dict[str, Any] = {"id": "t", "kind": "ssh", **LOCAL, "host_keys": [pin]}
    with pytest.raises(ValidationError):
        kinds()["ssh"].model_validate(fields)


@given(st.binary(max_size=200), st.binary(max_size=300), st.binary(max_size=200))
def test_no_bytes_break_the_reader_or_prove_a_key(body: bytes, init: bytes, reply: bytes) -> None:
    exchange = ssh.Exchange(b"a", b"b", ssh.HOST_KEYS["rsa"])
    with suppress(ValueError):
        assert len(ssh.payload_of(body)) < len(body)
    with suppress(ValueError):
        exchange.answer(init)
    with suppress(ValueError):
        assert not exchange.proof(reply).holds()
    for kind in (b"ssh-ed25519", b"ssh-rsa", b"ecdsa-sha2-nistp256"):
        for algorithms in ssh.HOST_KEYS.values():
            key = ssh.string(kind) + body
            assert not ssh.Proof(key, algorithms[0], reply, init).holds()


@given(st.binary(min_size=1, max_size=400))
def test_a_packet_reads_back_and_fills_whole_blocks(payload: bytes) -> None:
    sent = ssh.packet(payload)

    assert len(sent) % 8 == 0
    assert 4 <= sent[4] <= 255
    assert int.from_bytes(sent[:4]) == len(sent) - 4
    assert ssh.payload_of(sent[4:]) == payload


@given(st.integers(0, 2**300))
def test_numbers_read_back(value: int) -> None:
    assert ssh.Fields(ssh.mpint(value)).mpint() == value
