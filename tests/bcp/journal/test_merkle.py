"""The tree against the definition of RFC 6962, for all small sizes."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcp.journal import BadProof
from bcp.journal.merkle import (
    EMPTY_ROOT,
    CompactRange,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    range_at,
    verify_consistency,
    verify_inclusion,
)

LARGEST = 70
LEAVES = [leaf_hash(str(number).encode()) for number in range(LARGEST)]


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH, as the RFC writes it."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    left, right = naive_root(leaves[:k]), naive_root(leaves[k:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def nodes(level: int, index: int) -> bytes:
    return naive_root(LEAVES[index << level : (index + 1) << level])


ROOTS = [naive_root(LEAVES[:size]) for size in range(LARGEST + 1)]


def test_the_root_is_the_same_however_the_leaves_arrive() -> None:
    one_by_one = CompactRange()
    for size in range(LARGEST + 1):
        assert one_by_one.root() == ROOTS[size] == range_at(size, nodes).root()
        assert one_by_one == range_at(size, nodes)
        assert CompactRange().extend(LEAVES[:size]).root() == ROOTS[size]
        if size < LARGEST:
            one_by_one = one_by_one.extend([LEAVES[size]])


def test_every_inner_node_is_reported_once_when_it_is_complete() -> None:
    made: dict[tuple[int, int], bytes] = {}
    tree = CompactRange()
    for leaf in LEAVES:
        tree = tree.extend([leaf], lambda level, index, value: made.update({(level, index): value}))
    assert made == {
        (level, index): nodes(level, index)
        for level in range(1, 7)
        for index in range(LARGEST >> level)
    }


def test_every_entry_of_every_tree_has_a_proof_that_holds() -> None:
    for size in range(1, LARGEST + 1):
        for index in range(size):
            proof = inclusion_proof(index, size, nodes)
            verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size])


def test_every_tree_is_provably_the_beginning_of_every_larger_one() -> None:
    for size in range(LARGEST + 1):
        for old in range(size + 1):
            proof = consistency_proof(old, size, nodes)
            verify_consistency(old, size, ROOTS[old], ROOTS[size], proof)


@given(st.data())
def test_a_proof_changed_in_any_way_is_refused(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, LARGEST))
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, nodes)
    at = data.draw(st.integers(0, len(proof) - 1))
    flipped = bytes([proof[at][0] ^ 1]) + proof[at][1:]
    others = [
        proof[:at] + proof[at + 1 :],
        [*proof[:at], flipped, *proof[at + 1 :]],
        [*proof, LEAVES[0]],
        [LEAVES[0], *proof],
        [*proof[:at], proof[at][:31], *proof[at + 1 :]],
    ]
    for other in others:
        with pytest.raises(BadProof):
            verify_inclusion(LEAVES[index], index, size, other, ROOTS[size])
    for leaf, place, root in (
        (LEAVES[(index + 1) % size], index, ROOTS[size]),
        (LEAVES[index], size, ROOTS[size]),
        (LEAVES[index], -1, ROOTS[size]),
        (LEAVES[index], index, ROOTS[size - 1]),
    ):
        with pytest.raises(BadProof):
            verify_inclusion(leaf, place, size, proof, root)


@given(st.data())
def test_a_rewritten_history_has_no_consistency_proof(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, LARGEST))
    old = data.draw(st.integers(1, size - 1))
    at = data.draw(st.integers(0, old - 1))
    rewritten = [*LEAVES[:at], leaf_hash(b"rewritten"), *LEAVES[at + 1 : size]]

    def forged(level: int, index: int) -> bytes:
        return naive_root(rewritten[index << level : (index + 1) << level])

    proof = consistency_proof(old, size, forged)
    with pytest.raises(BadProof) as caught:
        verify_consistency(old, size, ROOTS[old], naive_root(rewritten), proof)
    assert caught.value.expected
    assert caught.value.got


def test_two_heads_of_one_size_must_be_the_same() -> None:
    with pytest.raises(BadProof):
        verify_consistency(5, 5, ROOTS[5], ROOTS[6], [])
    verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])


def test_a_leaf_cannot_pass_for_an_inner_node() -> None:
    left, right = LEAVES[:2]
    assert leaf_hash(left + right) != node_hash(left, right)
