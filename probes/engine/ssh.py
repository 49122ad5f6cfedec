"""The beginning of SSH (RFC 4253) up to the proof of the host key. Bytes in, bytes out. Pure.

Only what a look needs: nothing here can encrypt or log in. The key exchange is curve25519-sha256
(RFC 8731); host keys are Ed25519 (RFC 8709), ECDSA (RFC 5656) and RSA with SHA-2 (RFC 8332).
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

DISCONNECT, IGNORE, UNIMPLEMENTED, DEBUG, KEXINIT, ECDH_INIT, ECDH_REPLY = 1, 2, 3, 4, 20, 30, 31
"""Message numbers (RFC 4250 section 4.1, RFC 5656 section 7.1)."""

PACKET_MOST = 35_000
"""Bytes of one packet every side must be able to take (RFC 4253 section 6.1)."""

HOST_KEYS: Mapping[str, tuple[str, ...]] = {
    "ed25519": ("ssh-ed25519",),
    "ecdsa": ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    "rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}
"""Signature algorithms by the name of a kind of key. SHA-1 (`ssh-rsa`) proves nothing any more."""

_EXCHANGES = ("curve25519-sha256", "curve25519-sha256@libssh.org")
# Never used: we leave before anything is encrypted. Offered broadly so that every server goes on.
_CIPHERS = (
    "aes128-ctr", "aes192-ctr", "aes256-ctr", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com", "aes128-cbc", "aes256-cbc", "3des-cbc",
)  # fmt: skip
_MACS = (
    "hmac-sha2-256", "hmac-sha2-512", "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com", "umac-128@openssh.com", "hmac-sha1",
)  # fmt: skip
_HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "ecdsa-sha2-nistp256": hashes.SHA256(),
    "ecdsa-sha2-nistp384": hashes.SHA384(),
    "ecdsa-sha2-nistp521": hashes.SHA512(),
    "rsa-sha2-256": hashes.SHA256(),
    "rsa-sha2-512": hashes.SHA512(),
}


class NothingInCommon(ValueError):
    """The two sides share no algorithm. `asked`: `exchange` or `host key`."""

    def __init__(self, asked: str, offered: tuple[str, ...]) -> None:
        super().__init__(f"no {asked} algorithm in common")
        self.asked, self.offered = asked, offered


def string(data: bytes) -> bytes:
    """A string as RFC 4251 section 5 writes it."""
    return len(data).to_bytes(4) + data


def _names(names: tuple[str, ...]) -> bytes:
    return string(",".join(names).encode())


def mpint(value: int) -> bytes:
    """A whole number of zero or more (RFC 4251 section 5)."""
    return string(value.to_bytes(value.bit_length() // 8 + 1) if value else b"")


class Fields:
    """Takes a message apart. Raises ValueError where it is too short."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        taken = self._data[self._at : self._at + count]
        if len(taken) < count:
            raise ValueError("a message is cut short")
        self._at += count
        return taken

    def number(self) -> int:
        """A uint32."""
        return int.from_bytes(self.take(4))

    def string(self) -> bytes:
        """A string."""
        return self.take(self.number())

    def mpint(self) -> int:
        """A number; a negative one makes no sense in a key or a signature."""
        value = int.from_bytes(self.string(), signed=True)
        if value < 0:
            raise ValueError("a negative number")
        return value

    def names(self) -> tuple[str, ...]:
        """A list of names."""
        return tuple(self.string().decode("ascii", "replace").split(","))


def packet(payload: bytes) -> bytes:
    """A packet before encryption (RFC 4253 section 6)."""
    pad = 8 - (len(payload) + 5) % 8
    pad += 8 if pad < 4 else 0
    return (len(payload) + pad + 1).to_bytes(4) + bytes((pad,)) + payload + os.urandom(pad)


def payload_of(body: bytes) -> bytes:
    """What a packet without its length carries. Raises ValueError."""
    end = len(body) - body[0] if body else 0
    if end < 2:
        raise ValueError("a packet without a message")
    return body[1:end]


def goodbye() -> bytes:
    """SSH_MSG_DISCONNECT, by application (RFC 4253 section 11.1), as a packet."""
    words = string(b"availability check") + string(b"")
    return packet(bytes((DISCONNECT,)) + (11).to_bytes(4) + words)


@dataclass(frozen=True, slots=True)
class Proof:
    """What a server showed: a host key, and whether it holds it is up to `holds`."""

    key: bytes
    algorithm: str
    signature: bytes
    signed: bytes

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` prints it."""
        digest = base64.b64encode(hashlib.sha256(self.key).digest()).decode()
        return "SHA256:" + digest.rstrip("=")

    def holds(self) -> bool:
        """The server signed this exchange with the key. Ask after comparing the fingerprint: a
        stranger's key could be made to take long."""
        try:
            return self._verify()
        except (ValueError, InvalidSignature, UnsupportedAlgorithm):
            return False

    def _verify(self) -> bool:
        kind = Fields(self.key).string()
        if kind.decode("ascii") not in (self.algorithm, "ssh-rsa"):
            return False
        key = serialization.load_ssh_public_key(kind + b" " + base64.b64encode(self.key))
        fields = Fields(self.signature)
        if fields.string().decode("ascii") != self.algorithm:
            return False
        signature = fields.string()
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, self.signed)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            pair = Fields(signature)
            der = encode_dss_signature(pair.mpint(), pair.mpint())
            key.verify(der, self.signed, ec.ECDSA(_HASHES[self.algorithm]))
        elif isinstance(key, rsa.RSAPublicKey) and self.algorithm in HOST_KEYS["rsa"]:
            whole = signature.rjust((key.key_size + 7) // 8, b"\0")  # leading zeros may be left out
            key.verify(whole, self.signed, padding.PKCS1v15(), _HASHES[self.algorithm])
        else:
            return False
        return True


class Exchange:
    """Our side of one key exchange. `ours` and `theirs`: the identification strings."""

    def __init__(self, ours: bytes, theirs: bytes, algorithms: tuple[str, ...]) -> None:
        self._ours, self._theirs, self._algorithms = ours, theirs, algorithms
        self._key = x25519.X25519PrivateKey.generate()
        self._public = self._key.public_key().public_bytes_raw()
        lists = (_EXCHANGES, algorithms, _CIPHERS, _CIPHERS, _MACS, _MACS, ("none",), ("none",))
        body = b"".join(map(_names, lists)) + string(b"") * 2 + bytes(5)
        self.offer = bytes((KEXINIT,)) + os.urandom(16) + body
        """Our KEXINIT (RFC 4253 section 7.1)."""
        self._offered = b""
        self._algorithm = ""

    def answer(self, kexinit: bytes) -> bytes:
        """The message that answers the server's KEXINIT. Raises ValueError, `NothingInCommon`."""
        fields = Fields(kexinit)
        fields.take(17)
        self._offered = kexinit
        _common("exchange", _EXCHANGES, fields.names())
        self._algorithm = _common("host key", self._algorithms, fields.names())
        return bytes((ECDH_INIT,)) + string(self._public)

    def proof(self, reply: bytes) -> Proof:
        """What the server's reply shows (RFC 8731 section 3). Raises ValueError."""
        fields = Fields(reply)
        fields.take(1)
        key, public, signature = fields.string(), fields.string(), fields.string()
        shared = self._key.exchange(x25519.X25519PublicKey.from_public_bytes(public))
        said = (self._ours, self._theirs, self.offer, self._offered, key, self._public, public)
        whole = b"".join(map(string, said)) + mpint(int.from_bytes(shared))
        return Proof(key, self._algorithm, signature, hashlib.sha256(whole).digest())


def _common(asked: str, ours: tuple[str, ...], theirs: tuple[str, ...]) -> str:
    for name in ours:
        if name in theirs:
            return name
    raise NothingInCommon(asked, theirs)
