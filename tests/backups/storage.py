"""Places for repositories with a real server before each: sshd with sftp-server, rclone's REST server, S3."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from backups.repository import Repository
from tests.backups.conftest import Place

USER, PASSWORD = "city", "s3cret/with signs@:%"
"""For the REST server; the password needs every kind of escaping."""


def _found(name: str, *more: str) -> str | None:
    folders = (os.environ["PATH"], sys.prefix, *(f"{sys.prefix}/{one}" for one in more), *more)
    return shutil.which(name, path=":".join(folders))


SSHD = _found("sshd", "openssh/usr/sbin", "/usr/sbin")
SFTP_SERVER = _found("sftp-server", "/usr/lib/openssh")
RCLONE = _found("rclone")


@dataclass
class Store:
    """One place for repositories: the plan's fields that lead there, and the folder behind it."""

    kind: str
    fields: Mapping[str, object]
    """`location` without the repository's own folder, and what opens it."""
    folder: Path | None = None
    """What the storage host itself sees; None: nothing but the server can."""
    process: subprocess.Popen[bytes] | None = None
    uid: int | None = None
    """Whose files they are there, when not ours."""
    count: int = field(default=0)

    def copy(self, place: Place, **changes: object) -> Repository:
        """A repository of its own, as a plan would name it."""
        self.count += 1
        plain = {
            "id": "main",
            "password_file": str(place.password),
            "restic": place.restic,
            **self.fields,
            "location": f"{self.fields['location']}/r{self.count}",
        }
        return Repository.model_validate({**plain, **changes})

    def behind(self, copy: Repository) -> Path:
        """The repository as the storage host sees it."""
        assert self.folder is not None
        return self.folder / copy.location.rstrip("/").rsplit("/", 1)[1]

    def hand_over(self, copy: Repository) -> None:
        """What was put behind the server by hand belongs to its user."""
        if self.uid is not None:
            for path in (self.behind(copy), *self.behind(copy).rglob("*")):
                os.chown(path, self.uid, -1, follow_symlinks=False)

    def die(self) -> None:
        """The server and all its sessions end at once, as by a power cut."""
        assert self.process is not None
        for pid in (self.process.pid, *descendants(self.process.pid)):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()


def descendants(pid: int) -> list[int]:
    """Processes below one of ours: sshd's sessions leave its process group."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [below for child in map(int, listed) for below in (child, *descendants(child))]


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _turn in range(600):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    raise AssertionError(log.read_text())


@contextmanager
def _serving(
    words: list[str], port: int, folder: Path, uid: int | None = None, **env: str
) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=uid, cwd="/",
            env={"PATH": "/usr/bin:/bin", "HOME": str(folder), **env},
        )  # fmt: skip
    try:
        _listening(process, port, folder / "log")
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait()


@contextmanager
def _folder() -> Iterator[Path]:
    """Where another user may look, which pytest's own folders forbid."""
    with tempfile.TemporaryDirectory(prefix="store-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "srv").mkdir()
        yield folder


def key(file: Path) -> Path:
    """A fresh key pair."""
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)]
    subprocess.run(words, check=True)
    return file


@contextmanager
def local() -> Iterator[Store]:
    """A folder of this host."""
    with _folder() as folder:
        yield Store("local", {"location": str(folder / "srv")}, folder / "srv")


@contextmanager
def sftp(*server: str) -> Iterator[Store]:
    """OpenSSH's sshd as a user of its own; `server`: further words for its sftp-server."""
    if SSHD is None or SFTP_SERVER is None:
        pytest.skip("no sshd or sftp-server: apt-get download openssh-server openssh-sftp-server")
    with _folder() as folder:
        # As root sshd would want a user of its own on this machine: it runs as somebody who may log
        # in, since sftp-server is started by the user's shell; without one, by sshd itself.
        users = [u for u in pwd.getpwall() if u.pw_uid and u.pw_shell.endswith(("/bash", "/sh"))]
        root = os.geteuid() == 0
        user = pwd.getpwuid(os.geteuid())
        if root:
            user = min(users, key=lambda u: u.pw_uid, default=pwd.getpwnam("nobody"))
        for program in (SSHD, SFTP_SERVER):
            shutil.copy(program, folder)
        host, mine = key(folder / "host"), key(folder / "identity")
        shutil.copy(f"{mine}.pub", folder / "authorized_keys")
        port = free_port()
        known = folder / "known_hosts"
        known.write_text(f"[127.0.0.1]:{port} {Path(f'{host}.pub').read_text()}")
        program = str(folder / "sftp-server") if user.pw_name != "nobody" else "internal-sftp"
        (folder / "conf").write_text(
            f"ListenAddress 127.0.0.1:{port}\nPidFile none\nUsePAM no\nStrictModes no\n"
            f"HostKey {host}\nAuthorizedKeysFile {folder}/authorized_keys\n"
            f"MaxStartups 100\nMaxSessions 100\nSubsystem sftp {' '.join((program, *server))}\n"
        )
        if root:
            for path in (host, folder / "srv", folder / "conf"):
                os.chown(path, user.pw_uid, -1)
        libraries = ":".join(str(p) for p in Path(SSHD).parents[1].glob("lib/*-linux-gnu"))
        words = [str(folder / "sshd"), "-D", "-e", "-f", str(folder / "conf")]
        uid = user.pw_uid if root else None
        fields = {
            "location": f"sftp://{user.pw_name}@127.0.0.1:{port}/{folder}/srv",
            "ssh_identity_file": str(mine),
            "ssh_known_hosts_file": str(known),
        }
        with _serving(words, port, folder, uid, LD_LIBRARY_PATH=libraries) as process:
            yield Store("sftp", fields, folder / "srv", process, uid)


@contextmanager
def rest(*options: str, ca: Path | None = None) -> Iterator[Store]:
    """rclone's REST server, with a user and a password; `ca`: it speaks TLS, this file vouches for it."""
    if RCLONE is None:
        pytest.skip("no rclone: apt-get download rclone")
    with _folder() as folder:
        port = free_port()
        words = [RCLONE, "serve", "restic", "--config", "", "--addr", f"127.0.0.1:{port}"]
        words += ["--user", USER, "--pass", PASSWORD, *options, str(folder / "srv")]
        (folder / "login").write_text(f"{USER}:{PASSWORD}\n")
        fields: dict[str, object] = {
            "location": f"rest:{'https' if ca else 'http'}://127.0.0.1:{port}",
            "credentials_file": str(folder / "login"),
            "ca_file": str(ca) if ca else None,
        }
        with _serving(words, port, folder) as process:
            yield Store("rest", fields, folder / "srv", process)


@contextmanager
def s3() -> Iterator[Store]:
    """An S3 server of its own (moto)."""
    with _folder() as folder:
        port = free_port()
        words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        (folder / "credentials").write_text(
            "[default]\naws_access_key_id = testing\naws_secret_access_key = testing-secret\n"
        )
        fields = {
            "location": f"s3:http://127.0.0.1:{port}/city",
            "credentials_file": str(folder / "credentials"),
        }
        with _serving(words, port, folder) as process:
            yield Store("s3", fields, None, process)


STORES = {"local": local, "sftp": sftp, "rest": rest, "s3": s3}
