"""Signed notes and their Ed25519 keys (C2SP signed-note, Go `sumdb/note`), cosignatures. Pure.

A note is text ending in a newline, an empty line, and signature lines
`— <key name> base64(4-byte key id || signature)`. The key id is a hint made from the key, so two
keys of one name can be told apart. Signatures by unknown keys are carried and ignored; a bad one
by a known key refuses the note; no good one at all refuses it too ("nothing to check" is failure).

Algorithms: 0x01 Ed25519 over the text; 0x04 cosignature/v1, Ed25519 over a header with the
witness's time and the text (C2SP tlog-cosignature).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bcp.journal.errors import BadNote

ED25519 = 0x01
COSIGNATURE_V1 = 0x04
MAX_SIGNATURES = 100
MAX_NOTE_BYTES = 1_000_000
_PRIVATE = "PRIVATE+KEY+"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key as others hold it: `<name>+<key id>+base64(algorithm || key)`."""

    name: str
    algorithm: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """First 4 bytes of SHA-256(name || newline || algorithm || key)."""
        return _key_id(self.name, self.algorithm, self.public)

    def __str__(self) -> str:
        body = _b64(bytes([self.algorithm]) + self.public)
        return f"{self.name}+{self.key_id.hex()}+{body}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read a vkey; BadNote unless name, id and key agree."""
        name, key_id, body = _split_key(text)
        if len(body) != 33 or body[0] not in (ED25519, COSIGNATURE_V1):
            _refuse("verifier key", "Ed25519 or cosignature/v1 with 32 bytes", f"{len(body)} bytes")
        key = cls(name, body[0], body[1:])
        if key.key_id.hex() != key_id:
            _refuse("verifier key", f"key id {key.key_id.hex()}", key_id)
        return key

    def timestamp(self, signature: bytes, text: str) -> int | None:
        """Check one signature; gives the witness's time (seconds) for a cosignature, else None.

        Raises BadNote if the signature does not hold.
        """
        message, raw, when = text.encode(), signature, None
        if self.algorithm == COSIGNATURE_V1:
            when = cosignature_time(signature)
            raw = signature[8:]
            message = f"cosignature/v1\ntime {when}\n".encode() + message
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(raw, message)
        except (InvalidSignature, ValueError) as error:
            raise _bad(f"signature by {self.name}", "one that verifies", "another") from error
        return when


@dataclass(frozen=True, slots=True)
class SignerKey:
    """A private Ed25519 key with its name. `repr` never shows the key."""

    name: str
    seed: bytes = field(repr=False)

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        return VerifierKey(self.name, ED25519, public)

    def secret_text(self) -> str:
        """The key as Go's tools write it. Only for the key file."""
        key_id = self.verifier.key_id.hex()
        return f"{_PRIVATE}{self.name}+{key_id}+{_b64(bytes([ED25519]) + self.seed)}"

    @classmethod
    def parse(cls, text: str) -> SignerKey:
        """Read `PRIVATE+KEY+…`. The error never repeats the input."""
        if not text.startswith(_PRIVATE):
            _refuse("signing key", f"text beginning with {_PRIVATE}", "other text")
        name, key_id, body = _split_key(text.removeprefix(_PRIVATE))
        if len(body) != 33 or body[0] != ED25519:
            _refuse("signing key", "an Ed25519 seed of 32 bytes", f"{len(body)} bytes")
        key = cls(name, body[1:])
        if key.verifier.key_id.hex() != key_id:
            _refuse("signing key", f"key id {key.verifier.key_id.hex()}", key_id)
        return key

    def sign(self, text: str) -> Signature:
        """The signature line over `text` (which must end in a newline)."""
        _check_text(text)
        raw = Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())
        return Signature(self.name, self.verifier.key_id, raw)


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line."""

    name: str
    key_id: bytes
    raw: bytes

    def line(self) -> str:
        """The line as it stands in a note, with its newline."""
        return f"— {self.name} {_b64(self.key_id + self.raw)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed note. `verified` is what `open_note` could check, in the order of the lines."""

    text: str
    signatures: tuple[Signature, ...]
    verified: tuple[Signature, ...] = ()

    def data(self) -> bytes:
        """The note as bytes; the inverse of `parse_note`."""
        return (self.text + "\n" + "".join(s.line() for s in self.signatures)).encode()


def sign_note(text: str, *keys: SignerKey) -> bytes:
    """A note with one signature of each key."""
    return Note(text, tuple(key.sign(text) for key in keys)).data()


def parse_note(data: bytes) -> Note:
    """Split a note into text and signature lines; says nothing of their truth."""
    if len(data) > MAX_NOTE_BYTES:
        _refuse("note", f"at most {MAX_NOTE_BYTES} bytes", str(len(data)))
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _bad("note", "UTF-8", f"byte {data[error.start]:#04x}") from error
    if any((ch < " " and ch != "\n") or ch == "\ufffd" for ch in whole):
        _refuse("note", "no control characters", "one")
    text, separator, tail = whole.rpartition("\n\n")
    if not separator or not tail.endswith("\n"):
        _refuse("note", "text, an empty line, signature lines each ending in a newline", "other")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        _refuse("note", f"at most {MAX_SIGNATURES} signatures", str(len(lines)))
    return Note(text + "\n", tuple(_parse_line(line) for line in lines))


def open_note(data: bytes, keys: Sequence[VerifierKey]) -> Note:
    """Parse and check. BadNote if a known key's signature is bad or none is by a known key."""
    note = parse_note(data)
    known = {(key.name, key.key_id): key for key in keys}
    verified: dict[tuple[str, bytes], Signature] = {}
    for signature in note.signatures:
        name_and_id = (signature.name, signature.key_id)
        key = known.get(name_and_id)
        if key is not None and name_and_id not in verified:
            key.timestamp(signature.raw, note.text)
            verified[name_and_id] = signature
    if not verified:
        names = ", ".join(sorted(str(key) for key in keys)) or "none given"
        _refuse("note", f"a signature by one of: {names}", f"{len(note.signatures)} by others")
    return Note(note.text, note.signatures, tuple(verified.values()))


def cosignature_time(signature: bytes) -> int:
    """Seconds since 1970 at which a witness signed; the first 8 bytes of a cosignature/v1."""
    if len(signature) != 72:
        _refuse("cosignature", "72 bytes", f"{len(signature)} bytes")
    return int.from_bytes(signature[:8], "big")


def check_name(name: str) -> None:
    """Key names: not empty, no Unicode space, no plus sign."""
    if not name or "+" in name or any(ch.isspace() or ch < " " for ch in name):
        _refuse("key name", "text without spaces and plus signs", repr(name)[:80])


def _parse_line(line: str) -> Signature:
    head, _, rest = line.partition(" ")
    name, _, body = rest.partition(" ")
    if head != "—":
        _refuse("signature line", "— name base64", repr(line)[:80])
    check_name(name)
    raw = _unb64(body, "signature line")
    if len(raw) < 5:
        _refuse("signature line", "a key id and a signature", f"{len(raw)} bytes")
    return Signature(name, raw[:4], raw[4:])


def _split_key(text: str) -> tuple[str, str, bytes]:
    name, _, rest = text.partition("+")
    key_id, _, body = rest.partition("+")
    check_name(name)
    if len(key_id) != 8 or any(ch not in "0123456789abcdef" for ch in key_id):
        _refuse("key", "name+8 hexadecimal digits+base64", "other text")
    return name, key_id, _unb64(body, "key")


def _key_id(name: str, algorithm: int, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([algorithm]) + public).digest()[:4]


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _unb64(text: str, where: str) -> bytes:
    """Standard base64 in its one form: padded, no stray bits."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _bad(where, "base64", "other text") from error
    if _b64(data) != text:
        _refuse(where, "base64 in its one form", "another form")
    return data


def _check_text(text: str) -> None:
    if not text.endswith("\n") or any(ch < " " and ch != "\n" for ch in text):
        _refuse("note text", "text ending in a newline, no control characters", "other text")


def _bad(where: str, expected: str, got: str) -> BadNote:
    return BadNote(
        "the note or key cannot be trusted",
        where=where,
        expected=expected,
        got=got,
        next_step="compare the key (vkey) with the one on paper or at the witness, fetch again",
    )


def _refuse(where: str, expected: str, got: str) -> NoReturn:
    raise _bad(where, expected, got)
