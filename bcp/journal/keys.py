"""The log's Ed25519 signing key: one file, mode 0600, made once, never printed.

One key belongs to one (origin, epoch): its name is the origin, and the log's first entry names the
public half, so a checkpoint by any other key does not belong to this log.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bcp.journal.errors import Damaged, Exists, Missing
from bcp.journal.note import SignerKey
from bcp.kit.durable import write_atomic

SEED_BYTES = 32


def create_key(path: Path, name: str, random_bytes: Callable[[int], bytes]) -> SignerKey:
    """Make and store a key; refuses if the file exists."""
    if path.exists():
        raise Exists(
            "a signing key already stands here",
            where=str(path),
            expected="no file",
            got="one",
            next_step="keep it: checkpoints already signed need it",
        )
    key = SignerKey(name, random_bytes(SEED_BYTES))
    write_atomic(path, key.secret_text().encode() + b"\n", 0o600)
    return key


def load_key(path: Path, name: str) -> SignerKey:
    """Read the key. Refuses a missing one, one of another log, one that others can read."""
    try:
        mode = path.stat().st_mode & 0o777
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Missing(
            "署名鍵を読めません / the log's signing key cannot be read",
            where=str(path),
            expected="a key file of mode 0600",
            got=error.strerror or str(error),
            next_step="restore the key file from its sealed copy",
        ) from error
    if mode & 0o077:
        raise Damaged(
            "署名鍵を他の利用者が読めます / others can read the log's signing key",
            where=str(path),
            expected="mode 0600",
            got=f"mode {mode:04o}",
            next_step=f"chmod 600 {path}; if others had access, start a new epoch",
        )
    key = SignerKey.parse(text)
    if key.name != name:
        raise Damaged(
            "the signing key belongs to another log",
            where=str(path),
            expected=name,
            got=key.name,
            next_step="restore the key file of this log",
        )
    return key
