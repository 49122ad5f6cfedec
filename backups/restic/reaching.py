"""How a repository elsewhere is reached: SFTP by ssh, a REST server, S3. Pure but for `login`.

The other end is proven before anything is given to it: ssh accepts only host keys that are known
already (`known_hosts`), TLS only a certificate that the machine or the plan's CA file vouches for. What
opens the door (a private key, a user with a password) stands in a file of its own, never in the plan and
never among the words of a command line, which everybody on the host can read.
"""

from __future__ import annotations

import shlex
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from bcp.kit.errors import BcpError

HIDDEN = "***"


class NoLogin(BcpError):
    """The file with user and password cannot be used."""


@dataclass(frozen=True, slots=True)
class Login:
    """User and password for a REST server; the password is never shown."""

    user: str
    password: str

    def __repr__(self) -> str:
        return "Login(…)"

    @property
    def header(self) -> str:
        """For `Authorization` (RFC 7617)."""
        return "Basic " + b64encode(f"{self.user}:{self.password}".encode()).decode("ascii")

    def inside(self, location: str) -> str:
        """The location with both in it, as every version of restic takes it (from the environment)."""
        scheme, _mark, rest = location.partition("://")
        return f"{scheme}://{quote(self.user, safe='')}:{quote(self.password, safe='')}@{rest}"

    def hide(self, said: str) -> str:
        """The text without the password, plain or as it stands in an address."""
        for secret in (self.password, quote(self.password, safe="")):
            said = said.replace(secret, HIDDEN)
        return said


def login(file: Path) -> Login:
    """Read `USER:PASSWORD` from the file's first line. Blocking. Raises `NoLogin`."""
    wanted = "USER:PASSWORD"
    try:
        first = file.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise _no_login(file, wanted, why) from error
    user, _colon, password = first.partition(":")
    if not user or not password:
        raise _no_login(file, wanted, "-")
    return Login(user, password)


def _no_login(file: Path, wanted: str, got: str) -> NoLogin:
    return NoLogin(
        "利用者名とパスワードを読めません / user and password cannot be read",
        where=str(file),
        expected=wanted,
        got=got,
        next_step="credentials_file を確かめる / check credentials_file",
    )


@dataclass(frozen=True, slots=True)
class SftpPlace:
    """`sftp:USER@HOST:PATH` or `sftp://USER@HOST:PORT/PATH` as restic reads it."""

    host: str
    path: str
    user: str = ""
    port: int | None = None


def sftp_place(location: str) -> SftpPlace | None:
    """What the location names; None when it is not SFTP, or nothing ssh should be given."""
    where = location.removeprefix("sftp:")
    if where == location:
        return None
    port = None
    if where.startswith("//"):
        try:
            parts = urlsplit(location)
            port = parts.port
        except ValueError:
            return None
        host, user = parts.hostname or "", unquote(parts.username or "")
        path = unquote(parts.path.removeprefix("/"))
    else:
        whole, _colon, path = where.partition(":")
        user, _at, host = whole.rpartition("@")
    if not host or not path or host.startswith("-") or user.startswith("-"):
        return None
    return SftpPlace(host, path, user, port)


@dataclass(frozen=True, slots=True)
class Ssh:
    """What ssh proves itself with and whom it believes; without files: this user's own of `~/.ssh`."""

    identity: Path | None = None
    known_hosts: Path | None = None

    def options(self) -> list[str]:
        """For ssh and sftp alike: never a question, never a key that is not known, never a dead line."""
        words = ["-oBatchMode=yes", "-oStrictHostKeyChecking=yes", "-oConnectTimeout=20"]
        words += ["-oServerAliveInterval=15", "-oServerAliveCountMax=4"]
        if self.known_hosts is not None:
            words += [
                f"-oUserKnownHostsFile={self.known_hosts}",
                "-oGlobalKnownHostsFile=/dev/null",
            ]
        if self.identity is not None:
            words += ["-oIdentitiesOnly=yes", "-oIdentityAgent=none", "-i", str(self.identity)]
        return words

    @property
    def own(self) -> bool:
        """Whether the plan names a file."""
        return self.identity is not None or self.known_hosts is not None

    def words(self, place: SftpPlace) -> list[str]:
        """The ssh that speaks SFTP with the place."""
        words = ["/usr/bin/ssh", *self.options()]
        words += ["-p", str(place.port)] if place.port is not None else []
        words += ["-l", place.user] if place.user else []
        return [*words, "-s", "--", place.host, "sftp"]

    def command(self, place: SftpPlace) -> str:
        """restic's `sftp.command` (0.14 knows no `sftp.args`)."""
        return shlex.join(self.words(place))
