"""Makes the only key of a test's repository quick to open: restic spends half a second on deriving it.

restic stays real and the repository whole; only the work factor of scrypt is 2 instead of 2^15, so that a
kill meets restic at work and not at deriving a key, and a thousand kills take minutes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

_MAX = 1 << 30


def cheapen(repository: Path, password: Path) -> None:
    """Rewrap the master key under the same password with the smallest work factor."""
    (old,) = (repository / "keys").iterdir()
    key = json.loads(old.read_bytes())
    secret = password.read_text().rstrip("\n").encode()
    sealed = base64.b64decode(key["data"])
    before = _derive(secret, key)
    iv, text, tag = sealed[:16], sealed[16:-16], sealed[-16:]
    assert _tag(before, iv, text) == tag, "the password or restic's key format is another"
    master = _xor(before, iv, text)
    key |= {"N": 2, "r": 8, "p": 1}
    after, iv = _derive(secret, key), os.urandom(16)
    text = _xor(after, iv, master)
    key["data"] = base64.b64encode(iv + text + _tag(after, iv, text)).decode()
    data = json.dumps(key).encode()
    old.chmod(0o600)
    old.unlink()
    (repository / "keys" / hashlib.sha256(data).hexdigest()).write_bytes(data)


def _derive(secret: bytes, key: dict[str, object]) -> bytes:
    salt = base64.b64decode(str(key["salt"]))
    n, r, p = (int(str(key[name])) for name in "Nrp")
    return hashlib.scrypt(secret, salt=salt, n=n, r=r, p=p, maxmem=_MAX, dklen=64)


def _xor(key: bytes, iv: bytes, data: bytes) -> bytes:
    return Cipher(algorithms.AES(key[:32]), modes.CTR(iv)).encryptor().update(data)


def _tag(key: bytes, iv: bytes, data: bytes) -> bytes:
    """Poly1305-AES as restic uses it: r from the key, s is the encrypted nonce."""
    pad = Cipher(algorithms.AES(key[32:48]), modes.ECB()).encryptor().update(iv)
    return Poly1305.generate_tag(key[48:64] + pad, data)
