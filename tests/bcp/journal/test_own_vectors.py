"""Vectors of our own: the ground of the published ones, and the bytes of entries, everywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bcp.journal import BadNote, BadProof, JournalError
from bcp.journal.checkpoint import open_checkpoint
from bcp.journal.entry import commitment, parse
from bcp.journal.merkle import (
    CompactRange,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from bcp.journal.note import SignerKey, VerifierKey
from bcp.journal.proof import TlogProof
from bcp.journal.tiles import Tile
from bcp.journal.verify_note import Bad
from bcp.journal.verify_note import open_checkpoint as second_open
from tests.bcp.journal.make_vectors import make

FILE = Path(__file__).resolve().parents[2] / "vectors" / "tlog" / "own.json"
OWN: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))


def raw(items: list[str]) -> list[bytes]:
    return [bytes.fromhex(item) for item in items]


def test_the_vectors_are_still_what_the_definitions_say() -> None:
    assert make() == OWN


def test_roots_of_every_size() -> None:
    leaves = [leaf_hash(item) for item in raw(OWN["leaves"])]
    for size, root in enumerate(raw(OWN["roots"])):
        assert CompactRange().extend(leaves[:size]).root() == root


@pytest.mark.parametrize("case", OWN["inclusion"])
def test_inclusion_holds_and_nothing_beside_it(case: dict[str, Any]) -> None:
    leaf, root = raw([case["leaf"], case["root"]])
    proof = raw(case["proof"])
    verify_inclusion(leaf, case["index"], case["size"], proof, root)
    for index, size, path in (
        (case["index"] + 1, case["size"], proof),
        (case["index"], case["size"] * 2 + 2, proof),
        (case["index"], case["size"], [*proof, root]),
        (case["index"], case["size"], [*proof[:-1], root]),
    ):
        with pytest.raises(BadProof):
            verify_inclusion(leaf, index, size, path, root)


@pytest.mark.parametrize("case", OWN["consistency"])
def test_consistency_holds_and_nothing_beside_it(case: dict[str, Any]) -> None:
    old_root, root = raw([case["old_root"], case["root"]])
    proof = raw(case["proof"])
    verify_consistency(case["old"], case["size"], old_root, root, proof)
    for first, second, path in (
        (old_root, leaf_hash(b"x"), proof),
        (leaf_hash(b"x"), root, proof),
        (old_root, root, [*proof, root]),
    ):
        with pytest.raises(BadProof):
            verify_consistency(case["old"], case["size"], first, second, path)


def test_keys_and_checkpoint_of_both_implementations() -> None:
    key = SignerKey.parse(OWN["skey"])
    assert str(key.verifier) == OWN["vkey"]
    note = OWN["checkpoint"].encode()
    checkpoint, _ = open_checkpoint(note, [VerifierKey.parse(OWN["vkey"])], OWN["origin"])
    assert checkpoint.sign(key) == note
    assert checkpoint.root.hex() == OWN["roots"][-1]
    assert second_open(note, [OWN["vkey"]])[:3] == (
        checkpoint.origin,
        checkpoint.size,
        checkpoint.root,
    )


@pytest.mark.parametrize("text", OWN["bad_notes"])
def test_bad_notes_are_refused_by_both_implementations(text: str) -> None:
    with pytest.raises(BadNote):
        open_checkpoint(text.encode(), [VerifierKey.parse(OWN["vkey"])], OWN["origin"])
    with pytest.raises(Bad):
        second_open(text.encode(), [OWN["vkey"]])


def test_a_proof_file_leads_to_its_checkpoint() -> None:
    text = OWN["tlog_proof"]["text"]
    proof = TlogProof.parse(text)
    assert (proof.index, proof.text()) == (OWN["tlog_proof"]["index"], text)
    keys = [VerifierKey.parse(OWN["vkey"])]
    checkpoint, _ = open_checkpoint(proof.checkpoint.encode(), keys, OWN["origin"])
    leaf = leaf_hash(raw(OWN["leaves"])[proof.index])
    verify_inclusion(leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root)


@pytest.mark.parametrize("case", OWN["tile_paths"])
def test_tile_paths(case: list[Any]) -> None:
    level, index, width, path = case
    assert Tile(level, index, width).path() == path
    assert Tile.parse(path) == Tile(level, index, width)


def test_an_entry_has_these_bytes_for_ever() -> None:
    case = OWN["entry"]
    data = case["text"].encode()
    entry = parse(data)
    assert entry.data() == data
    assert leaf_hash(data).hex() == case["leaf"]
    assert entry.commitments["name"] == commitment(bytes.fromhex(case["salt"]), case["value"])


@pytest.mark.parametrize("text", OWN["bad_entries"])
def test_entries_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(JournalError):
        parse(text.encode())
