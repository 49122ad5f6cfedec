"""SCRAM-SHA-256 (RFC 5802, RFC 7677) without channel binding. Pure, but `proof` takes milliseconds."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import unicodedata

_MOST = 1_000_000
"""Rounds; a server that asks for more wants our processor, not our password."""


class Scram:
    """One conversation."""

    def __init__(self, user: str = "", nonce: str | None = None) -> None:
        self._nonce = nonce or base64.b64encode(secrets.token_bytes(18)).decode()
        name = user.replace("=", "=3D").replace(",", "=2C")
        self._bare = f"n={name},r={self._nonce}"
        self._signature = b""

    @property
    def first(self) -> bytes:
        """client-first-message."""
        return f"n,,{self._bare}".encode()

    def proof(self, password: str, server: bytes) -> bytes:
        """client-final-message. Raises ValueError when the server's message is not SCRAM."""
        said = server.decode("ascii")
        parts = dict(part.split("=", 1) for part in said.split(","))
        nonce, rounds = parts.get("r", ""), int(parts.get("i", "0"))
        salt = base64.b64decode(parts.get("s", ""), validate=True)
        if "m" in parts or not nonce.startswith(self._nonce) or nonce == self._nonce or not salt:
            raise ValueError("not an answer to our SCRAM message")
        if not 1 <= rounds <= _MOST:
            raise ValueError(f"{rounds} rounds")
        word = unicodedata.normalize("NFKC", password).encode()
        salted = hashlib.pbkdf2_hmac("sha256", word, salt, rounds)
        key = hmac.digest(salted, b"Client Key", "sha256")
        bare = f"c=biws,r={nonce}"
        whole = f"{self._bare},{said},{bare}".encode()
        mask = hmac.digest(hashlib.sha256(key).digest(), whole, "sha256")
        self._signature = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), whole, "sha256")
        mixed = bytes(a ^ b for a, b in zip(key, mask, strict=True))
        return f"{bare},p={base64.b64encode(mixed).decode()}".encode()

    def knows(self, server: bytes) -> bool:
        """Whether the server's last message proves that it knows the password, too."""
        said = base64.b64encode(self._signature)
        return bool(self._signature) and hmac.compare_digest(server.split(b",")[0], b"v=" + said)
