"""What a file is, by its first bytes: key, dump, encrypted or plain. Content never leaves here."""

from __future__ import annotations

import bz2
import contextlib
import lzma
import os
import re
import stat
import zlib
from pathlib import Path
from typing import Literal

_HEAD = 64 << 10

_KEY = re.compile(rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----|PuTTY-User-Key-File-\d:")
_SQL = re.compile(
    rb"^-- (?:PostgreSQL|MySQL|MariaDB)[^\n]{0,40}dump|^(?:CREATE TABLE|INSERT INTO|COPY) ",
    re.MULTILINE,
)
_ARMOUR = (b"age-encryption.org/v1", b"-----BEGIN AGE ENCRYPTED", b"-----BEGIN PGP MESSAGE")
_SECRET_NAME = re.compile(
    r"(?i)(?:pass(?:word|wd|phrase|code)?s?|secret|credential|restic[-_.]?(?:env|key|pw))(?:[-_.]|$)"
    r"|^\.env|(?:[-_.])(?:pw|pass)$|\.env$"
)
_SECRET_LINE = re.compile(rb"(?mi)^\s*(?:export\s+)?(?:RESTIC_PASSWORD|AWS_SECRET_ACCESS_KEY)\s*=")

Protection = Literal["plain", "encrypted"]


def head(path: Path, count: int = _HEAD) -> bytes:
    """The first bytes of a regular file; never follows a link, never waits on a pipe.

    Raises OSError. Does not change the access time where the system lets us.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd = os.open(path, flags | os.O_NOATIME)
    except PermissionError:
        fd = os.open(path, flags)  # O_NOATIME is for owners only
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return b""
        return os.read(fd, count)
    finally:
        os.close(fd)


def is_private_key(data: bytes, name: str) -> bool:
    """A private key by its banner; PKCS#12 and DER keys by name and first bytes."""
    if _KEY.search(data):
        return True
    lower = name.lower()
    return data[:1] == b"\x30" and lower.endswith((".p12", ".pfx", ".key", ".pk8"))


def _unpacked(data: bytes) -> bytes | None:
    """The beginning of what is packed in it; None when it is not packed."""
    with contextlib.suppress(zlib.error, OSError, lzma.LZMAError, EOFError, ValueError):
        if data[:2] == b"\x1f\x8b":
            return zlib.decompressobj(31).decompress(data, _HEAD)
        if data[:3] == b"BZh":
            return bz2.BZ2Decompressor().decompress(data, _HEAD)
        if data[:6] == b"\xfd7zXZ\x00":
            return lzma.LZMADecompressor(memlimit=64 << 20).decompress(data, _HEAD)
    return None


def protection(data: bytes, *, depth: int = 0) -> tuple[Protection, str] | None:
    """Plain or encrypted, and what it is; None when it cannot be proven."""
    if data.startswith(_ARMOUR):
        return "encrypted", "age/OpenPGP"
    if data.startswith(b"Salted__"):
        return "encrypted", "openssl enc"
    if data.startswith(b"LUKS\xba\xbe"):
        return "encrypted", "LUKS"
    if data[:4] == b"PK\x03\x04" and len(data) > 8:
        return ("encrypted", "zip") if data[6] & 1 else ("plain", "zip")
    if data.startswith(b"PGDMP"):
        return "plain", "pg_dump"
    if data.startswith(b"SQLite format 3\x00"):
        return "plain", "SQLite"
    if data[257:262] == b"ustar":
        return "plain", "tar"
    if _SQL.search(data):
        return "plain", "SQL"
    inner = _unpacked(data) if depth < 3 else None
    if inner:
        found = protection(inner, depth=depth + 1)
        return (found[0], f"{found[1]} (圧縮 packed)") if found else None
    return None


def is_secret(data: bytes, name: str) -> bool:
    """A small file that holds a password: by its name and by having one line, or by its keys."""
    if _SECRET_LINE.search(data):
        return True
    lines = data.strip().splitlines()
    if not _SECRET_NAME.search(name) or len(data) > 4096 or len(lines) != 1:
        return False
    return all(byte >= 32 for byte in lines[0])


def may_be_secret(name: str, size: int) -> bool:
    """Worth opening beside a backup."""
    return 0 < size <= 4096 and (_SECRET_NAME.search(name) is not None or "env" in name.lower())


def is_restic(folder: Path) -> bool:
    """A restic repository: its layout, and a key file that names its derivation."""
    if not (folder / "config").is_file() or not (folder / "data").is_dir():
        return False
    keys = folder / "keys"
    try:
        return any(b'"kdf"' in head(key, 4096) for key in list(keys.iterdir())[:4])
    except OSError:
        return False


def volume_encrypted(device: int) -> bool | None:
    """Whether a file system lies on dm-crypt (LUKS): asks the kernel's device tree.

    None when it cannot be told (network, overlay and other file systems without a block device).
    """
    major, minor = os.major(device), os.minor(device)
    if major == 0:
        return None
    return _crypt(Path(f"/sys/dev/block/{major}:{minor}"), 0)


def _crypt(block: Path, depth: int) -> bool | None:
    if not block.exists() or depth > 8:
        return None
    with contextlib.suppress(OSError):
        if (block / "dm/uuid").read_text(encoding="ascii").startswith("CRYPT-"):
            return True
    with contextlib.suppress(OSError):
        below = [_crypt(slave, depth + 1) for slave in (block / "slaves").iterdir()]
        if below:
            return None if None in below else all(below)
    return False
