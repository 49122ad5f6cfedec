"""Vectors published by other logs, where the folder with them stands beside the checkout.

`test_own_vectors.py` covers the same ground with vectors of our own everywhere else.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bcp.journal import merkle
from bcp.journal.checkpoint import Checkpoint, open_checkpoint
from bcp.journal.errors import BadNote, BadProof
from bcp.journal.note import (
    Signature,
    SignerKey,
    VerifierKey,
    cosignature_time,
    open_note,
    parse_note,
    sign_note,
)
from bcp.journal.proof import TlogProof
from bcp.journal.tiles import Tile, levels_of, tiles_of, unpack_entries, unpack_hashes

FOLDER = Path(__file__).resolve().parents[3].parent / "shared" / "vectors_tlog"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="no published vectors beside the checkout"
)


def vectors(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def b64(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def hashes(proof: list[str] | None) -> list[bytes]:
    return [b64(item) for item in proof or []]


def naive_root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return merkle.EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return merkle.node_hash(naive_root(leaves[:split]), naive_root(leaves[split:]))


def test_hashes_and_roots_are_those_of_rfc_6962() -> None:
    data = vectors("rfc6962_tree")
    made = {
        "empty_root": lambda case: merkle.EMPTY_ROOT,
        "leaf": lambda case: merkle.leaf_hash(bytes.fromhex(case["data"])),
        "node": lambda case: merkle.node_hash(
            bytes.fromhex(case["left"]), bytes.fromhex(case["right"])
        ),
    }
    for case in data["hasher"]:
        assert made[case["op"]](case).hex() == case["want"]
    leaves = [merkle.leaf_hash(bytes.fromhex(item)) for item in data["leaf_inputs"]]
    for size, root in enumerate(data["roots"]):
        assert merkle.CompactRange().extend(leaves[:size]).root().hex() == root
    nodes: dict[tuple[int, int], bytes] = {}
    merkle.CompactRange().extend(leaves, lambda level, index, h: nodes.update({(level, index): h}))
    for level, row in enumerate(data["nodes"][1:], 1):
        assert [nodes[level, index].hex() for index in range(len(row))] == row


@pytest.mark.parametrize("name", ["rfc6962_inclusion", "subtree_inclusion"])
def test_inclusion_proofs_get_the_published_verdict(name: str) -> None:
    cases = vectors(name)["cases"]
    for case in cases:
        start = case.get("start", 0)
        size = case.get("end", case.get("treeSize"))
        try:
            merkle.verify_inclusion(
                b64(case["leafHash"]),
                case["leafIdx"],
                size,
                hashes(case["proof"]),
                b64(case["root"]),
                start,
            )
            refused = False
        except BadProof:
            refused = True
        assert refused == case["wantErr"], case
    assert len(cases) > 90


@pytest.mark.parametrize("name", ["rfc6962_consistency", "subtree_consistency"])
def test_consistency_proofs_get_the_published_verdict(name: str) -> None:
    cases = vectors(name)["cases"]
    for case in cases:
        roots_and_proof = b64(case["root1"]), b64(case["root2"]), hashes(case["proof"])
        try:
            if "start" in case:
                merkle.verify_subtree_consistency(
                    case["start"], case["end"], case["size"], *roots_and_proof
                )
            else:
                merkle.verify_consistency(case["size1"], case["size2"], *roots_and_proof)
            refused = False
        except BadProof:
            refused = True
        assert refused == case["wantErr"], case
    assert len(cases) > 90


def _valid(start: int, end: int) -> bool:
    try:
        merkle.check_subtree(start, end, end)
    except BadProof:
        return False
    return True


def test_subtree_hashes_and_proofs_of_all_sizes_add_up_to_the_published_digests() -> None:
    want = {item["what"]: item["want"] for item in vectors("subtree_accumulated")["vectors"]}
    leaves = [merkle.leaf_hash(bytes([value])) for value in range(130)]
    table: dict[tuple[int, int], bytes] = {(0, i): leaf for i, leaf in enumerate(leaves)}
    merkle.CompactRange().extend(leaves, lambda level, index, h: table.update({(level, index): h}))

    def nodes(level: int, index: int) -> bytes:
        return table[level, index]

    def lines(what: str) -> Iterator[str]:
        for size in range(131):
            ends = range(size + 1) if what == "consistency" else [size]
            for end in ends:
                for start in range(end + 1):
                    if not _valid(start, end):
                        continue
                    if what == "hash":
                        root = merkle.subtree_root(start, end, nodes)
                        yield f"[{start}, {end}) {root.hex()}\n"
                    elif what == "inclusion":
                        for index in range(start, end):
                            proof = merkle.inclusion_proof(index, end, nodes, start)
                            tail = "".join(f" {value.hex()}" for value in proof)
                            yield f"{index} [{start}, {end}){tail}\n"
                    else:
                        proof = merkle.consistency_proof(end, size, nodes, start)
                        tail = "".join(f" {value.hex()}" for value in proof)
                        yield f"[{start}, {end}) {size}{tail}\n"

    for what, digest in want.items():
        accumulated = hashlib.sha256()
        for line in lines(what):
            accumulated.update(line.encode())
        assert accumulated.hexdigest() == digest, what


def test_keys_are_read_as_go_reads_them() -> None:
    data = vectors("signed_note")
    for text in data["vkeys_good"]:
        assert str(VerifierKey.parse(text)) == text
    for text in data["vkeys_bad"]:
        with pytest.raises(BadNote):
            VerifierKey.parse(text)


def test_notes_are_signed_and_opened_as_go_does_it() -> None:
    data = vectors("signed_note")
    for case in data["sign"]:
        key = SignerKey.parse(case["skey"])
        assert sign_note(case["text"], key) == case["want"].encode()
        assert key.secret_text() == case["skey"]
    for case in data["open"]:
        keys = [VerifierKey.parse(text) for text in case["keys"]]
        if case["want"] == "ok":
            note = open_note(b64(case["note_b64"]), keys)
            assert [signature.name for signature in note.verified] == case["verified"]
        else:
            with pytest.raises(BadNote):
                open_note(b64(case["note_b64"]), keys)


def test_real_checkpoints_are_opened_and_changed_ones_refused() -> None:
    data = vectors("checkpoint")
    for case in data["signed"]:
        keys = [VerifierKey.parse(case["vkey"])]
        if case["want"] == "ok":
            checkpoint, _ = open_checkpoint(b64(case["note_b64"]), keys, case["origin"])
            assert (checkpoint.size, checkpoint.root) == (case["size"], b64(case["root"]))
        else:
            with pytest.raises(BadNote):
                open_checkpoint(b64(case["note_b64"]), keys, case["origin"])
    for case in data["parse"]:
        with pytest.raises(BadNote):
            Checkpoint.parse(case["body"])


def test_cosignatures_of_witnesses_are_checked_with_their_time() -> None:
    data = vectors("cosignature")
    for case in data["cases"]:
        key = VerifierKey.parse(case["vkey"])
        note = case["body"] + "\n" + case["line"]
        if case["want"] == "ok":
            verified = open_note(note.encode(), [key]).verified[0]
            assert key.timestamp(verified.raw, case["body"]) == case["timestamp"]
        else:
            with pytest.raises(BadNote):
                open_note(note.encode(), [key])
    for case in data["vkey"]:
        key = VerifierKey(case["name"], case["type"], bytes.fromhex(case["public_key"]))
        assert str(key) == case["want"]
    for case in data["timestamp"]:
        assert cosignature_time(b64(case["signature_b64"])[4:]) == case["want"]


def test_entries_of_the_rekor_log_are_in_the_tree_that_their_checkpoint_names() -> None:
    cases = vectors("rekor_inclusion")["cases"]
    for case in cases:
        leaf = merkle.leaf_hash(b64(case["entry_b64"]))
        root = b64(case["root"])
        merkle.verify_inclusion(leaf, case["index"], case["size"], hashes(case["proof"]), root)
        note = parse_note(case["checkpoint"].encode())
        checkpoint = Checkpoint.parse(note.text)
        assert (checkpoint.size, checkpoint.root) == (case["size"], root)
        with pytest.raises(BadProof):
            merkle.verify_inclusion(
                leaf, case["index"] - 1, case["size"], hashes(case["proof"]), root
            )
    assert len(cases) > 10


def test_a_log_written_by_tessera_is_read_whole() -> None:
    data = vectors("tessera_log15")
    files = {path: b64(content) for path, content in data["files"].items()}
    key = VerifierKey.parse(data["vkey"])
    heads: dict[int, bytes] = {}
    for size in range(data["size"] + 1):
        checkpoint, _ = open_checkpoint(files[f"checkpoint.{size}"], [key], key.name)
        heads[checkpoint.size] = checkpoint.root
    for size in range(1, data["size"] + 1):
        (bundle,) = tiles_of(size, "entries")
        (tile,) = tiles_of(size, 0)
        leaves = [merkle.leaf_hash(e) for e in unpack_entries(files[bundle.path()], bundle)]
        assert leaves == unpack_hashes(files[tile.path()], tile)
        assert naive_root(leaves) == heads[size]


def test_tile_paths_are_those_of_the_specification() -> None:
    data = vectors("tile_paths")
    for case in data["paths"]:
        tile = Tile(case["level"], case["index"], case["width"])
        assert tile.path() == case["path"]
        assert Tile.parse(case["path"]) == tile
    for case in data["tiles_of_size"]:
        found = list(tiles_of(case["size"], case["level"]))
        assert sum(tile.width == 256 for tile in found) == case["full"]
        assert [tile.width for tile in found if tile.width < 256] == (
            [case["partial"]] if case["partial"] else []
        )
        assert case["level"] in levels_of(case["size"])


def test_tlog_proof_files_are_written_and_refused_as_published() -> None:
    data = vectors("tlog_proof_format")
    for case in data["marshal"]:
        extra = b64(case["extra"]) if case["extra"] is not None else None
        proof = TlogProof(case["index"], tuple(hashes(case["hashes"])), case["checkpoint"], extra)
        assert proof.text() == case["want"]
        assert TlogProof.parse(case["want"]) == proof
    for text in data["reject"]:
        with pytest.raises(BadProof):
            TlogProof.parse(text)


def test_a_signature_line_is_written_as_it_was_read() -> None:
    for case in vectors("checkpoint")["signed"]:
        data = b64(case["note_b64"])
        note = parse_note(data)
        assert note.data() == data
        assert all(isinstance(signature, Signature) for signature in note.signatures)
