"""Manifests: byte-exact, checkable by others, whole or refused, compared without tables."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backups import compare, manifest, names, walk
from backups.manifest import BrokenManifest
from backups.walk import Entry
from bcp.kit.errors import Unwritable
from bcp.kit.workers import Workers

parts = st.binary(min_size=1, max_size=12).filter(
    lambda b: b"/" not in b and b"\0" not in b and b not in (b".", b"..")
)
paths = st.lists(parts, min_size=1, max_size=3).map(b"/".join)
digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
entries = st.one_of(
    st.builds(
        lambda name, mode, size, digest: Entry("f", name, mode, size, digest),
        paths,
        st.integers(0, 0o7777),
        st.integers(0, 1 << 50),
        digests,
    ),
    st.builds(lambda name, mode: Entry("d", name, mode), paths, st.integers(0, 0o7777)),
    st.builds(lambda name, to: Entry("l", name, target=to), paths, st.binary(max_size=20)),
)


def trees(of: st.SearchStrategy[Entry] = entries) -> st.SearchStrategy[list[Entry]]:
    """Entries in a manifest's order, each name once."""
    return st.lists(of, max_size=12, unique_by=lambda entry: entry.name).map(
        lambda found: sorted(found, key=lambda entry: entry.key)
    )


def written(tree: list[Entry]) -> list[bytes]:
    files = [entry for entry in tree if entry.kind == "f"]
    end = manifest._end(len(files), sum(entry.size for entry in files), len(tree))
    data = manifest.HEAD + b"".join(manifest.line(entry) for entry in tree) + end
    return data.splitlines(keepends=True) if b"\r" not in data else _lines(data)


def _lines(data: bytes) -> list[bytes]:
    return [row + b"\n" for row in data.split(b"\n")[:-1]]


@given(trees())
def test_what_is_written_is_read_back_byte_for_byte(tree: list[Entry]) -> None:
    assert list(manifest.parse(_lines(b"".join(written(tree))))) == tree


@given(trees(), st.data())
def test_a_manifest_cut_anywhere_is_refused(tree: list[Entry], data: st.DataObject) -> None:
    whole = b"".join(written(tree))
    cut = data.draw(st.integers(0, len(whole) - 1))
    rows = [row + b"\n" for row in whole[:cut].split(b"\n")]
    rows[-1] = rows[-1][:-1]
    with pytest.raises(BrokenManifest):
        list(manifest.parse([row for row in rows if row]))


@given(trees(), trees())
def test_a_comparison_names_exactly_what_differs(left: list[Entry], right: list[Entry]) -> None:
    found = compare.compare(left, right)
    a, b = {e.name: e for e in left}, {e.name: e for e in right}
    assert found.missing == len(a.keys() - b.keys())
    assert found.extra == len(b.keys() - a.keys())
    differ = [n for n in a.keys() & b.keys() if a[n] != b[n]]
    assert found.changed + found.modes == len(differ)
    assert compare.compare(left, left).equal
    everything = frozenset(a.keys() | b.keys())
    assert compare.compare(left, right, everything).equal


@given(st.binary(max_size=40))
def test_escapes_are_undone_to_the_same_bytes(name: bytes) -> None:
    assert names.unescape_percent(names.escape_percent(name)) == name
    marked, line = names.escape_line(name)
    assert b"\n" not in line
    assert (names.unescape_line(line) if marked else line) == name
    assert names.shown(name).isprintable()


def test_old_names_are_shown_in_japanese() -> None:
    assert names.shown("住民票.txt".encode("cp932")) == "住民票.txt"
    assert names.shown("住民票.txt".encode()) == "住民票.txt"
    assert names.shown(b"\xff\xfe") == "%FF%FE"


@pytest.mark.parametrize(
    ("path", "pattern", "hit"),
    [
        (b"/srv/a.tmp", b"*.tmp", True),
        (b"/srv/a.tmp.txt", b"*.tmp", False),
        (b"/srv/tmp/a", b"tmp", False),
        (b"/srv/tmp", b"tmp", True),
        (b"/srv/x1", b"/srv/x*", True),
        (b"/srv/sub/x1", b"/srv/x*", False),
    ],
)
def test_patterns_hit_a_name_anywhere_or_one_absolute_path(
    path: bytes, pattern: bytes, hit: bool
) -> None:
    assert names.excluded(path, (pattern,)) is hit


def _sums_hold(path: Path) -> bool:
    words = ["sha256sum", "-c", "--strict", "--quiet", str(path)]
    return subprocess.run(words, cwd="/", check=False).returncode == 0


async def test_a_real_tree_is_checkable_by_sha256sum_and_equal_to_itself(
    tmp_path: Path, workers: Workers
) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for index in range(700):  # more than two batches
        (tree / f"d{index % 7}").mkdir(exist_ok=True)
        (tree / f"d{index % 7}" / f"f{index}").write_bytes(os.urandom(index))
    (tree / "big").write_bytes(os.urandom(3 << 20))
    (tree / "big2").write_bytes(os.urandom(9 << 20))
    (tree / "empty").write_bytes(b"")
    (tree / "link").symlink_to("nowhere")
    os.mkfifo(tree / "pipe")
    taken = await manifest.write(workers, [tree], tmp_path / "m")
    assert (taken.files, taken.unreadable) == (703, 0)
    assert taken.entries == len(taken.stamps) == 703 + 8 + 2
    assert _sums_hold(tmp_path / "m")
    again = await manifest.write(workers, [tree], tmp_path / "m2")
    assert again.root == taken.root, "the same tree has the same root"
    assert list(compare.unsettled(taken, walk.walk([os.fsencode(tree)], b"/"))) == []
    (tree / "d1" / "f1").write_bytes(b"!")
    (tree / "d2" / "f9").unlink()
    (tree / "d3" / "new").write_bytes(b"")
    cut = len(os.fsencode(tree))
    moved = {name[cut:] for name in compare.unsettled(taken, walk.walk([os.fsencode(tree)], b"/"))}
    assert moved == {b"d1/f1", b"d2/f9", b"d3/new"}


async def test_what_vanishes_while_walking_is_named_not_fatal(
    tmp_path: Path, workers: Workers
) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a").write_bytes(b"x")
    items = list(walk.walk([os.fsencode(tree)], b"/"))
    (tree / "a").unlink()
    read = walk.read_batch(items)
    assert [entry.kind for entry, _stamp in read] == ["d", "x"]
    assert read[1][0].target == b"ENOENT"


async def test_a_manifest_that_cannot_be_written_is_said_and_not_a_bug(
    tmp_path: Path, workers: Workers
) -> None:
    for number in range(3):
        (tmp_path / f"file{number}").write_bytes(bytes(20_000))
    for out in (Path("/dev/full"), tmp_path / "nowhere" / "manifest"):
        with pytest.raises(Unwritable):
            await manifest.write(workers, [tmp_path], out)
