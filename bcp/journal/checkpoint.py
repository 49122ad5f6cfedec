"""Checkpoints (C2SP tlog-checkpoint): origin, size and root of a tree, as the text of a note. Pure.

Ours have no extension lines, and the origin is the name of the key that signs.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from bcp.journal.errors import BadNote
from bcp.journal.note import Note, SignerKey, VerifierKey, open_note, sign_note

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
MAX_SIZE = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a signer says: the log `origin` has `size` entries and this root."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """The body that is signed."""
        root = base64.b64encode(self.root).decode("ascii")
        return "\n".join((self.origin, str(self.size), root, *self.extensions)) + "\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read a body. BadNote unless three good lines stand first (and no line is empty)."""
        if not text.endswith("\n"):
            _refuse("lines that end in a newline", "an unfinished line")
        lines = text[:-1].split("\n")
        if len(lines) < 3 or not all(lines):
            _refuse("origin, size and root, each on a line", f"{len(lines)} lines")
        if not _SIZE.fullmatch(lines[1]) or int(lines[1]) > MAX_SIZE:
            _refuse("a decimal size without leading zeros", repr(lines[1])[:40])
        try:
            root = base64.b64decode(lines[2], validate=True)
        except (binascii.Error, ValueError):
            root = b""
        if len(root) != 32 or base64.b64encode(root).decode("ascii") != lines[2]:
            _refuse("a root of 32 bytes in base64", repr(lines[2])[:60])
        return cls(lines[0], int(lines[1]), root, tuple(lines[3:]))

    def sign(self, *keys: SignerKey) -> bytes:
        """The signed note."""
        return sign_note(self.text(), *keys)


def open_checkpoint(
    data: bytes, keys: Sequence[VerifierKey], origin: str
) -> tuple[Checkpoint, Note]:
    """Check a signed checkpoint of `origin`; BadNote with expected and got otherwise."""
    note = open_note(data, keys)
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != origin:
        _refuse(f"origin {origin}", checkpoint.origin)
    return checkpoint, note


def _refuse(expected: str, got: str) -> NoReturn:
    raise BadNote(
        "not a checkpoint of this log",
        where="checkpoint",
        expected=expected,
        got=got,
        next_step="fetch the checkpoint again and compare its origin with the plan",
    )
