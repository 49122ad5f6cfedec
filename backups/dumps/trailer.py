"""Whether a dump file is whole. Loading a cut one ends with exit code 0: only its end tells."""

from __future__ import annotations

import os
from pathlib import Path

TAIL = 64 << 10
POSTGRESQL = "-- PostgreSQL database dump complete"
MARIADB = "-- Dump completed"


def tail(path: Path, most: int = TAIL) -> bytes:
    """The last bytes of a file. Raises OSError."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - most))
        return file.read()


def head(path: Path, most: int = TAIL) -> bytes:
    """The first bytes of a file. Raises OSError."""
    with path.open("rb") as file:
        return file.read(most)


def plain_postgresql(first: bytes, last: bytes) -> bool:
    """The trailer is the last thing but comments; since the 2025-08 releases a dump that begins with
    `\\restrict KEY` ends with `\\unrestrict KEY`."""
    lines = [line for line in last.split(b"\n") if line.strip(b"- ")]
    head_word = b"\\restrict "
    keys = (line.removeprefix(head_word) for line in first.split(b"\n") if line[:10] == head_word)
    key = next(keys, None)
    if key is not None and (not lines or lines.pop() != b"\\unrestrict " + key):
        return False
    # Every version ends with an empty line: not even the last byte may lack.
    return bool(lines) and lines[-1] == POSTGRESQL.encode() and last.endswith(b"\n\n")


def plain_mariadb(last: bytes) -> bool:
    """`-- Dump completed on DATE` is the last line, ended."""
    lines = [line for line in last.split(b"\n") if line.strip()]
    return bool(lines) and lines[-1].startswith(MARIADB.encode()) and last.endswith(b"\n")


def ends_with(last: bytes, wanted: str) -> bool:
    """The last line that is not empty contains the words of the plan."""
    lines = [line for line in last.split(b"\n") if line.strip()]
    return bool(lines) and wanted.encode() in lines[-1]
