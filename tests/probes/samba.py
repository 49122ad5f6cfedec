"""A real throw-away Samba on loopback, ended with the block."""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.probes.servers import dead_port, listening

SMBD = shutil.which("smbd") or "/usr/sbin/smbd"
real_samba = pytest.mark.skipif(
    not Path(SMBD).is_file() or os.geteuid() != 0,
    reason="no smbd here, or not root: apt install samba",
)
PASSWORD = "kurikoma-smb-7"
USER = getpass.getuser()


@dataclass(frozen=True, slots=True)
class FileServer:
    """What runs."""

    port: int
    user: str = USER


@asynccontextmanager
async def samba(*options: str, share: str = "") -> AsyncIterator[FileServer]:
    """With one user and the shares `soumu` (his) and `closed` (nobody's)."""
    with tempfile.TemporaryDirectory(prefix="smb") as name:
        folder, port = Path(name), dead_port()
        for inside in ("private", "run", "files"):
            (folder / inside).mkdir(mode=0o755)
        (folder / "files/台帳.txt").write_text("never read")
        config = folder / "smb.conf"
        places = ("private dir", "private"), ("lock directory", "run"), ("state directory", "run")
        more = ("cache directory", "run"), ("pid directory", "run"), ("ncalrpc dir", "run/rpc")
        lines = [
            "[global]",
            *(f"{what} = {folder}/{where}" for what, where in (*places, *more)),
            f"passdb backend = tdbsam:{folder}/private/passdb.tdb",
            f"log file = {folder}/run/log",
            f"smb ports = {port}",
            "interfaces = 127.0.0.1",
            "bind interfaces only = yes",
            "disable spoolss = yes",
            "load printers = no",
            "workgroup = CITY",
            *options,
            "[soumu]",
            f"path = {folder}/files",
            share,
            "[closed]",
            f"path = {folder}/files",
            "valid users = nobody-at-all",
        ]
        config.write_text("\n".join(lines) + "\n")
        await _password(config)
        process = await asyncio.create_subprocess_exec(
            SMBD, "--foreground", "--no-process-group", f"--configfile={config}",
            stdin=asyncio.subprocess.DEVNULL,  # on a socket it would serve that one
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # at its end it kills its whole group
        )  # fmt: skip
        try:
            await listening(port)
            yield FileServer(port)
        finally:
            if process.returncode is None:
                process.terminate()
            async with asyncio.timeout(10):
                await process.wait()


async def _password(config: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        "smbpasswd", "-c", str(config), "-L", "-a", "-s", USER,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate(f"{PASSWORD}\n{PASSWORD}\n".encode())
    assert process.returncode == 0, said.decode()
