"""The tlog-proof file (C2SP tlog-proof@v1): one entry's inclusion proof with its checkpoint. Pure.

It can be checked with no log at hand: `leaf_hash` of the entry, this file, and the log's vkey.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import NoReturn

from bcp.journal.errors import BadProof

_HEADER = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class TlogProof:
    """`index` of the entry, hashes from the leaf upwards, the signed checkpoint they lead to."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    def text(self) -> str:
        """The file."""
        lines = [_HEADER]
        if self.extra is not None:
            lines.append(f"extra {_b64(self.extra)}")
        lines.append(f"index {self.index}")
        lines += [_b64(value) for value in self.hashes]
        return "\n".join(lines) + "\n\n" + self.checkpoint

    @classmethod
    def parse(cls, text: str) -> TlogProof:
        """Read a file; BadProof with what was expected."""
        head, separator, checkpoint = text.partition("\n\n")
        lines = head.split("\n")
        if not separator or lines.pop(0) != _HEADER:
            _refuse(f"the line {_HEADER} and an empty line before the checkpoint")
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = _unb64(lines.pop(0).removeprefix("extra "))
        match = _INDEX.fullmatch(lines.pop(0)) if lines else None
        if match is None:
            _refuse("a line 'index <number>'")
        hashes = tuple(_unb64(line) for line in lines)
        if any(len(value) != 32 for value in hashes) or len(hashes) > 63:
            _refuse("at most 63 hashes of 32 bytes")
        return cls(int(match[1]), hashes, checkpoint, extra)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _unb64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if _b64(data) != text:
        _refuse("base64 in its one form")
    return data


def _refuse(expected: str) -> NoReturn:
    raise BadProof(
        "not a tlog-proof file",
        where="tlog-proof",
        expected=expected,
        got="another",
        next_step="make the proof again (ict-bcp log prove)",
    )
