"""Makes `tests/vectors/tlog/own.json` from the definitions, with none of the product's code.

`python -m tests.bcp.journal.make_vectors` prints it. The file is kept in the repository: bytes that
stay for ever must not follow the code. The tree is RFC 6962 section 2.1 written as it stands there.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

LEAVES = [b"", b"\x00", b"\x10 ", "住基".encode(), *(bytes([n]) * n for n in range(4, 21))]
ORIGIN = "vectors.example/ict-bcp/integrity"
SEED = hashlib.sha256(b"ict-bcp test vectors, never a real key").digest()


def mth(data: list[bytes]) -> bytes:
    if not data:
        return hashlib.sha256(b"").digest()
    if len(data) == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    k = split(len(data))
    return hashlib.sha256(b"\x01" + mth(data[:k]) + mth(data[k:])).digest()


def split(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def path(m: int, data: list[bytes]) -> list[bytes]:
    if len(data) == 1:
        return []
    k = split(len(data))
    if m < k:
        return [*path(m, data[:k]), mth(data[k:])]
    return [*path(m - k, data[k:]), mth(data[:k])]


def subproof(m: int, data: list[bytes], whole: bool) -> list[bytes]:
    if m == len(data):
        return [] if whole else [mth(data)]
    k = split(len(data))
    if m <= k:
        return [*subproof(m, data[:k], whole), mth(data[k:])]
    return [*subproof(m - k, data[k:], False), mth(data[:k])]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def make() -> dict[str, Any]:
    sizes = (1, 2, 3, 7, 8, 13, 21)
    inclusion = [
        {
            "index": index,
            "size": size,
            "leaf": mth(LEAVES[index : index + 1]).hex(),
            "root": mth(LEAVES[:size]).hex(),
            "proof": [item.hex() for item in path(index, LEAVES[:size])],
        }
        for size in sizes
        for index in sorted({0, size // 2, size - 1})
    ]
    consistency = [
        {
            "old": old,
            "size": size,
            "old_root": mth(LEAVES[:old]).hex(),
            "root": mth(LEAVES[:size]).hex(),
            "proof": [item.hex() for item in subproof(old, LEAVES[:size], True)],
        }
        for size in sizes
        for old in sorted({1, size // 2, size - 1, size} - {0})
    ]
    private = Ed25519PrivateKey.from_private_bytes(SEED)
    public = b"\x01" + private.public_key().public_bytes_raw()
    key_id = hashlib.sha256(ORIGIN.encode() + b"\n" + public).digest()[:4]
    root = mth(LEAVES)
    text = f"{ORIGIN}\n{len(LEAVES)}\n{b64(root)}\n"
    line = f"— {ORIGIN} {b64(key_id + private.sign(text.encode()))}\n"
    note = text + "\n" + line
    proof = "".join(b64(item) + "\n" for item in path(5, LEAVES))
    entry = (
        '{"actor":{"capacity":"commander","id":"u-3f2a"},'
        '"clock":{"boot":"b","monotonic_us":5,"offset_us":-12,"suspect":false,"synced":true},'
        '"commitments":{"name":"'
        + hashlib.sha256(bytes(range(16)) + "山田".encode()).hexdigest()
        + '"},"detail":{"a":[1,-1,true,null,"é\\n\\"\\\\/\\u0000"],"レベル":9007199254740991},'
        '"epoch":1,"evidence":["' + "ab" * 32 + '"],"incident":"i-1","kind":"incident.declared",'
        '"node":"n1","occurred_at":1795395600000000,"op":"op-1","recorded_at":1795395600000001,'
        '"schema":1,"seq":7,"subject":"juki"}'
    )
    return {
        "note": "made by tests/bcp/journal/make_vectors.py from the definitions; hex unless said",
        "leaves": [item.hex() for item in LEAVES],
        "roots": [mth(LEAVES[:size]).hex() for size in range(len(LEAVES) + 1)],
        "inclusion": inclusion,
        "consistency": consistency,
        "skey": f"PRIVATE+KEY+{ORIGIN}+{key_id.hex()}+{b64(bytes([1]) + SEED)}",
        "vkey": f"{ORIGIN}+{key_id.hex()}+{b64(public)}",
        "origin": ORIGIN,
        "checkpoint": note,
        "bad_notes": [
            text,
            text + "\n",
            note[:-1],
            note.replace(f"\n{len(LEAVES)}\n", f"\n{len(LEAVES) - 1}\n"),
            note.replace("— ", "- "),
            note.replace("\n\n", "\n"),
            note.replace(ORIGIN, "other.example"),
            note + "\n",
            note.replace("=\n", "\n"),
            note.replace("\n", "\r\n"),
        ],
        "tlog_proof": {
            "index": 5,
            "text": f"c2sp.org/tlog-proof@v1\nindex 5\n{proof}\n{note}",
        },
        "tile_paths": [
            ["entries", 0, 256, "tile/entries/000"],
            ["entries", 0, 1, "tile/entries/000.p/1"],
            [0, 1000, 256, "tile/0/x001/000"],
            [1, 999, 255, "tile/1/999.p/255"],
            [2, 1234067, 3, "tile/2/x001/x234/067.p/3"],
        ],
        "entry": {
            "text": entry,
            "leaf": mth([entry.encode()]).hex(),
            "salt": bytes(range(16)).hex(),
            "value": "山田",
        },
        "bad_entries": [
            entry + " ",
            entry.replace('"seq":7', '"seq":-7'),
            entry.replace('"seq":7', '"seq":7.0'),
            entry.replace('"seq":7', '"seq":true'),
            entry.replace('"schema":1', '"schema":2'),
            entry.replace('"epoch":1,', ""),
            entry.replace('"epoch":1', '"epoch":1,"extra":1'),
            entry.replace("9007199254740991", "9007199254740992"),
            entry.replace("é", "\\u00e9"),
            entry.replace('"u-3f2a"', '"山田太郎"'),
            entry.replace('"a":[', '"龍":['),
            entry.replace("ab" * 32, "AB" * 32),
        ],
    }


if __name__ == "__main__":
    print(json.dumps(make(), ensure_ascii=False, indent=1))
