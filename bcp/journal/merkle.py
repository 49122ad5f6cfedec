"""Merkle tree of RFC 6962 section 2.1 over SHA-256: hashes, tree head, proofs. Pure.

Words: the *size* of a tree is its number of leaves; a node `(level, index)` is the root of the
complete subtree over the leaves `[index << level, (index + 1) << level)`; `Nodes` gives the hash of
such a node. Proofs are lists of 32-byte hashes in the order of the RFC.

Consistency of two trees is the case `start = 0` of the consistency of a *subtree*
`[start, end)` with a tree (draft-ietf-plants-merkle-tree-certs), so there is one algorithm.
Verifying raises `BadProof` with what was expected and what came; nothing returns a bool.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from bcp.journal.errors import BadProof

Nodes = Callable[[int, int], bytes]
"""(level, index) -> hash of that complete subtree."""

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Hash of one entry: SHA-256(0x00 || data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class CompactRange:
    """The right edge of a tree: all that is needed to append and to give the root.

    `peaks` are the roots of the complete subtrees that make up the tree, largest first: one for
    each 1 in the binary form of `size`.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def extend(
        self, leaves: Iterable[bytes], made: Callable[[int, int, bytes], None] | None = None
    ) -> CompactRange:
        """The range with the given leaf *hashes* appended.

        `made(level, index, hash)` hears of every inner node that becomes complete on the way.
        """
        size, peaks = self.size, list(self.peaks)
        for leaf in leaves:
            peaks.append(leaf)
            size += 1
            level, rest = 0, size
            while not rest & 1:
                right, left = peaks.pop(), peaks.pop()
                peaks.append(node_hash(left, right))
                level, rest = level + 1, rest >> 1
                if made is not None:
                    made(level, rest - 1, peaks[-1])
        return CompactRange(size, tuple(peaks))

    def root(self) -> bytes:
        """The tree head: MTH of RFC 6962."""
        if not self.peaks:
            return EMPTY_ROOT
        result = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            result = node_hash(peak, result)
        return result


def range_at(size: int, nodes: Nodes) -> CompactRange:
    """The compact range of the first `size` leaves."""
    peaks, start = [], 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            peaks.append(nodes(level, start >> level))
            start += 1 << level
    return CompactRange(size, tuple(peaks))


def subtree_root(start: int, end: int, nodes: Nodes) -> bytes:
    """MTH(D[start:end]) of a valid subtree (see `check_subtree`)."""
    peaks = []
    for level in range((end - start).bit_length() - 1, -1, -1):
        if (end - start) >> level & 1:
            peaks.append(nodes(level, start >> level))
            start += 1 << level
    return CompactRange(0, tuple(peaks)).root()


def check_subtree(start: int, end: int, size: int) -> None:
    """A subtree is valid if `start` is a multiple of the smallest power of two >= its width."""
    if not 0 <= start <= end <= size:
        _refuse("subtree", f"0 <= start <= end <= {size}", f"[{start}, {end})")
    width = end - start
    if width and start & ((1 << (width - 1).bit_length()) - 1):
        _refuse("subtree", "start aligned to the width", f"[{start}, {end})")


def inclusion_proof(index: int, size: int, nodes: Nodes, start: int = 0) -> list[bytes]:
    """Proof that leaf `index` is in the subtree `[start, size)`; with start 0, in the tree."""
    check_subtree(start, size, size)
    if not start <= index < size:
        _refuse("inclusion proof", f"an index in [{start}, {size})", str(index))
    low, high, proof = start, size, []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            proof.append(subtree_root(middle, high, nodes))
            high = middle
        else:
            proof.append(subtree_root(low, middle, nodes))
            low = middle
    proof.reverse()
    return proof


def consistency_proof(old: int, size: int, nodes: Nodes, start: int = 0) -> list[bytes]:
    """Proof that the subtree `[start, old)` is part of the tree of `size` leaves."""
    check_subtree(start, old, size)
    low, high, whole = 0, size, True
    proof: list[bytes] = []
    if start == old:
        return proof
    while (low, high) != (start, old):
        middle = low + _split(high - low)
        if old <= middle:
            proof.append(subtree_root(middle, high, nodes))
            high = middle
        else:
            proof.append(subtree_root(low, middle, nodes))
            if start < middle:
                start, whole = middle, False
            low = middle
    if not whole:
        proof.append(subtree_root(low, high, nodes))
    proof.reverse()
    return proof


def root_from_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], start: int = 0
) -> bytes:
    """The root to which an inclusion proof leads (RFC 9162 section 2.1.3.2)."""
    check_subtree(start, size, size)
    _check_hashes([leaf, *proof])
    if not start <= index < size:
        _refuse("inclusion proof", f"an index in [{start}, {size})", str(index))
    node, last, result = index - start, size - start - 1, leaf
    for position, sibling in enumerate(proof):
        if last == 0:
            _refuse("inclusion proof", f"{position} hashes", str(len(proof)))
        if node & 1 or node == last:
            result = node_hash(sibling, result)
            while not node & 1:
                node, last = node >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        _refuse("inclusion proof", "more hashes", str(len(proof)))
    return result


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes, start: int = 0
) -> None:
    """Raise BadProof unless `leaf` is entry `index` of the tree with this size and root."""
    got = root_from_inclusion(leaf, index, size, proof, start)
    if got != root:
        _refuse(f"inclusion proof of entry {index}", f"root {root.hex()}", got.hex())


def verify_consistency(
    old: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]
) -> None:
    """Raise BadProof unless the tree of `old` leaves is the beginning of the tree of `size`.

    An empty tree is consistent with every tree, with an empty proof (tlog-witness).
    """
    if old == size and old_root != root:
        _refuse(f"two heads of size {size}", f"root {old_root.hex()}", root.hex())
    if old == 0:
        _check_hashes([root])
    verify_subtree_consistency(0, old, size, old_root, root, proof)


def verify_subtree_consistency(
    start: int, old: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]
) -> None:
    """Raise BadProof unless `[start, old)` with hash `old_root` is a subtree of the tree."""
    check_subtree(start, old, size)
    _check_hashes(proof)
    if start == old:
        if proof:
            _refuse("consistency proof", "no hashes from an empty tree", str(len(proof)))
        if old_root != EMPTY_ROOT:
            _refuse("consistency proof", f"root {EMPTY_ROOT.hex()}", old_root.hex())
        return
    first, last, end = start, old - 1, size - 1
    if last == end:
        while first != last:
            first, last, end = first >> 1, last >> 1, end >> 1
    else:
        while first != last and last & 1:
            first, last, end = first >> 1, last >> 1, end >> 1
    rest = list(proof)
    if first == last:
        old_got = new_got = old_root
    elif rest:
        old_got = new_got = rest.pop(0)
    else:
        _refuse("consistency proof", "at least one hash", "none")
    for sibling in rest:
        if end == 0:
            _refuse("consistency proof", "fewer hashes", str(len(proof)))
        if last & 1 or last == end:
            if first < last:
                old_got = node_hash(sibling, old_got)
            new_got = node_hash(sibling, new_got)
            while not last & 1:
                first, last, end = first >> 1, last >> 1, end >> 1
        else:
            new_got = node_hash(new_got, sibling)
        first, last, end = first >> 1, last >> 1, end >> 1
    if end != 0:
        _refuse("consistency proof", "more hashes", str(len(proof)))
    if old_got != old_root:
        _refuse(f"consistency with size {old}", f"root {old_root.hex()}", old_got.hex())
    if new_got != root:
        _refuse(f"consistency with size {size}", f"root {root.hex()}", new_got.hex())


def _split(width: int) -> int:
    """Largest power of two smaller than `width` (>= 2)."""
    return 1 << ((width - 1).bit_length() - 1)


def _check_hashes(hashes: Iterable[bytes]) -> None:
    for value in hashes:
        if len(value) != HASH_BYTES:
            _refuse("proof", f"hashes of {HASH_BYTES} bytes", f"{len(value)} bytes")


def _refuse(where: str, expected: str, got: str) -> NoReturn:
    raise BadProof(
        "the proof does not hold",
        where=where,
        expected=expected,
        got=got,
        next_step="fetch checkpoint and proof again; if it stays so, keep both as evidence of a fork",
    )
