"""Names of files as bytes. Pure.

A city's old file servers hold names in Shift_JIS; JSON and text would lose them. Inside they stay the
bytes the kernel gave (`os.fsencode`); in a record for people or JSON they are percent-escaped; in a
manifest they are raw, escaped as `sha256sum` does it (a backslash before the line, `\\\\` and `\\n`).
"""

from __future__ import annotations

import re
from functools import cache

_SAFE = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+=@,:~ ")
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_BACK = {b"\\": b"\\", b"n": b"\n", b"r": b"\r"}


def escape_percent(name: bytes) -> str:
    """ASCII text from which `unescape_percent` makes the same bytes."""
    return "".join(chr(byte) if byte in _SAFE else f"%{byte:02X}" for byte in name)


def unescape_percent(text: str) -> bytes:
    """The inverse. Raises ValueError for a broken escape."""
    out, parts = bytearray(), text.split("%")
    out += parts[0].encode("ascii")
    for part in parts[1:]:
        out.append(int(part[:2], 16))
        out += part[2:].encode("ascii")
    return bytes(out)


def shown(name: bytes) -> str:
    """For people: as UTF-8 or Shift_JIS where the bytes are that, else percent-escaped."""
    for encoding in ("utf-8", "cp932"):
        try:
            text = name.decode(encoding)
        except UnicodeDecodeError:
            continue
        if text.isprintable():
            return text
    return escape_percent(name)


def escape_line(name: bytes) -> tuple[bool, bytes]:
    """(needs a leading backslash, the name) as GNU `sha256sum` writes it."""
    if b"\\" in name or b"\n" in name or b"\r" in name:
        escaped = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
        return True, escaped
    return False, name


def unescape_line(name: bytes) -> bytes:
    """The inverse. Raises ValueError for an escape `sha256sum` does not know."""

    def one(match: re.Match[bytes]) -> bytes:
        try:
            return _BACK[match.group(1)]
        except KeyError:
            raise ValueError("unknown escape in a manifest line") from None

    return _ESCAPE.sub(one, name)


def excluded(name: bytes, patterns: tuple[bytes, ...]) -> bool:
    """Whether restic leaves this absolute path out, for the plain patterns the plan allows."""
    return any(_matches(name, pattern) for pattern in patterns)


def _matches(name: bytes, pattern: bytes) -> bool:
    parts = [part for part in name.split(b"/") if part]
    wanted = [part for part in pattern.split(b"/") if part]
    if pattern.startswith(b"/"):
        if len(parts) != len(wanted):
            return False
    else:
        parts = parts[-1:]
    return len(parts) == len(wanted) and all(
        _glob(want).fullmatch(part) for part, want in zip(parts, wanted, strict=True)
    )


@cache
def _glob(pattern: bytes) -> re.Pattern[bytes]:
    text = re.escape(pattern).replace(rb"\*", rb".*")
    return re.compile(text, re.DOTALL)
