"""Notes, checkpoints, tiles and proof files: every parse has its inverse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcp.journal import BadNote, JournalError
from bcp.journal.checkpoint import Checkpoint, open_checkpoint
from bcp.journal.note import SignerKey, VerifierKey, open_note, parse_note, sign_note
from bcp.journal.proof import TlogProof
from bcp.journal.tiles import (
    Level,
    Tile,
    levels_of,
    pack_entries,
    pack_hashes,
    tiles_of,
    unpack_entries,
    unpack_hashes,
)

hashes = st.binary(min_size=32, max_size=32)
names = st.from_regex(r"[a-z0-9.]{1,8}(/[a-z0-9.]{1,8}){0,2}", fullmatch=True)
keys = st.builds(SignerKey, names, hashes)
levels: st.SearchStrategy[Level] = st.sampled_from(("entries", *range(64)))
sizes = st.integers(0, 10**12)


@given(keys)
def test_keys_are_read_back_the_same(key: SignerKey) -> None:
    assert SignerKey.parse(key.secret_text()) == key
    assert VerifierKey.parse(str(key.verifier)) == key.verifier


@given(keys)
def test_a_private_key_never_shows_itself(key: SignerKey) -> None:
    secret = key.secret_text()[-44:]
    assert secret not in repr(key)
    assert repr(key.seed) not in repr(key)
    with pytest.raises(BadNote) as caught:
        SignerKey.parse(key.secret_text()[:-4])
    assert secret[:20] not in str(caught.value)


@given(keys, keys, sizes, hashes)
def test_a_checkpoint_is_signed_opened_and_read_back(
    key: SignerKey, witness: SignerKey, size: int, root: bytes
) -> None:
    checkpoint = Checkpoint(key.name, size, root)
    note = checkpoint.sign(key, witness)
    assert open_checkpoint(note, [key.verifier], key.name)[0] == checkpoint
    assert parse_note(note).data() == note
    assert Checkpoint.parse(checkpoint.text()) == checkpoint


@given(keys, sizes, hashes, st.data())
def test_a_checkpoint_changed_in_one_byte_is_refused(
    key: SignerKey, size: int, root: bytes, data: st.DataObject
) -> None:
    note = bytearray(Checkpoint(key.name, size, root).sign(key))
    at = data.draw(st.integers(0, len(note) - 1))
    note[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BadNote):
        open_checkpoint(bytes(note), [key.verifier], key.name)


@given(keys, keys)
def test_a_note_without_a_known_signature_is_refused(key: SignerKey, other: SignerKey) -> None:
    note = sign_note("text\n", key)
    for known in ([], [other.verifier] if other != key else []):
        with pytest.raises(BadNote):
            open_note(note, known)
    with pytest.raises(BadNote):
        open_note(b"text\n\n", [key.verifier])


@given(levels, st.integers(0, 10**12), st.integers(1, 256))
def test_a_tile_path_is_read_back_the_same(level: Level, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert Tile.parse(tile.path()) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/1",
        "tile/0/0001",
        "tile/00/001",
        "tile/0/x000/001",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/01",
        "tile/64/000",
        "tile/entries/001/",
        "tile/0/../001",
        "/tile/0/001",
        "tile/0/001\n",
    ],
)
def test_any_other_spelling_of_a_path_is_refused(path: str) -> None:
    with pytest.raises(JournalError):
        Tile.parse(path)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=20))
def test_a_bundle_is_read_back_the_same(entries: list[bytes]) -> None:
    tile = Tile("entries", 0, len(entries))
    data = pack_entries(entries)
    assert unpack_entries(data, tile) == entries
    for cut in range(len(data)):
        with pytest.raises(JournalError):
            unpack_entries(data[:cut], tile)


@given(st.lists(hashes, min_size=1, max_size=20))
def test_a_hash_tile_is_read_back_the_same(values: list[bytes]) -> None:
    tile = Tile(0, 0, len(values))
    assert unpack_hashes(pack_hashes(values), tile) == values
    with pytest.raises(JournalError):
        unpack_hashes(pack_hashes(values)[:-1], tile)


@given(st.integers(0, 200_000))
def test_the_tiles_of_a_tree_hold_each_of_its_nodes_once(size: int) -> None:
    for level in levels_of(size):
        tiles = list(tiles_of(size, level))
        assert sum(tile.width for tile in tiles) == size >> (8 * level)
        assert [tile.index for tile in tiles] == list(range(len(tiles)))
    assert size >> (8 * len(levels_of(size))) == 0


@given(
    st.integers(0, 2**60),
    st.lists(hashes, max_size=63),
    st.none() | st.binary(max_size=40),
)
def test_a_proof_file_is_read_back_the_same(
    index: int, path: list[bytes], extra: bytes | None
) -> None:
    proof = TlogProof(index, tuple(path), "origin\n1\nroot\n\n— sig\n", extra)
    assert TlogProof.parse(proof.text()) == proof
