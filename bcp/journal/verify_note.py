"""The independent verifier's own reading of signed notes. Shares no code with the writer."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_MOST = 256 * 65_537  # bytes of the largest file of the format


class Bad(Exception):
    """What was expected and what came."""

    def __init__(self, code: str, expected: str, got: str) -> None:
        super().__init__(code)
        self.code, self.expected, self.got = code, expected, got


def read_file(path: Path) -> bytes:
    """The content of one file of an export; Bad if it is missing or larger than any can be."""
    try:
        if not path.is_file() or path.stat().st_size > _MOST:
            raise OSError(f"not a file of at most {_MOST} bytes")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise Bad("missing", "a readable file", str(error)[:120]) from None


def open_checkpoint(note: bytes, keys: Sequence[str]) -> tuple[str, int, bytes, tuple[str, ...]]:
    """(origin, size, root, names of good signers) of a signed checkpoint."""
    text, mark, tail = note.rpartition(b"\n\n")
    if not mark or not tail.endswith(b"\n"):
        raise Bad("not_signed", "a signed note", f"{len(note)} bytes without signature lines")
    known = {}
    for vkey in keys:
        name, _, rest = vkey.partition("+")
        key = _unbase64(rest.partition("+")[2])
        if len(key) != 33 or key[0] != 1:
            raise Bad("vkey", "an Ed25519 vkey", vkey[:80])
        hint = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
        if rest[:8] != hint.hex():
            raise Bad("vkey", f"key id {hint.hex()}", rest[:8])
        known[name, hint] = key[1:]
    good = []
    for line in tail[:-1].split(b"\n"):
        parts = line.decode("utf-8", "replace").split(" ")
        if len(parts) != 3 or parts[0] != "—":
            raise Bad("signature_line", "— name base64", repr(line)[:80])
        raw = _unbase64(parts[2])
        public = known.get((parts[1], raw[:4]))
        if public is None:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], text + b"\n")
        except InvalidSignature:
            raise Bad("signature", "one that verifies", f"a bad one by {parts[1]}") from None
        good.append(parts[1])
    if not good:
        raise Bad("not_signed", f"a signature by {', '.join(keys) or 'a given key'}", "none")
    lines = text.decode("utf-8", "replace").split("\n")
    if len(lines) < 3 or not all(lines) or not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]):
        raise Bad("checkpoint", "origin, size, root", repr(lines)[:80])
    root = _unbase64(lines[2])
    if len(root) != 32:
        raise Bad("checkpoint", "a root of 32 bytes", f"{len(root)} bytes")
    return lines[0], int(lines[1]), root, tuple(good)


def _unbase64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise Bad("base64", "base64", text[:40]) from None
    if base64.b64encode(raw).decode() != text:
        raise Bad("base64", "base64 in its one form", text[:40])
    return raw
