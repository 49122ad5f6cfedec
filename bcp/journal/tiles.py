"""Tiles and entry bundles of C2SP tlog-tiles: which exist, how they are named and packed. Pure.

A tile of level L holds up to 256 hashes of tree nodes at height 8·L; an entry bundle holds up to
256 entries, each behind its length in two bytes. Only the right-most one of a level may be partial.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

from bcp.journal.errors import BadTile

WIDTH = 256
HEIGHT = 8
MAX_ENTRY_BYTES = 65_535
MAX_LEVEL = 63

Level = int | Literal["entries"]

_PATH = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*)([0-9]{3})(?:\.p/([1-9][0-9]*))?"
)


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile: its level, its index among those of the level, and how many items it holds."""

    level: Level
    index: int
    width: int = WIDTH

    def path(self) -> str:
        """`tile/<level>/<index in groups of three digits>[.p/<width>]`, relative to the log."""
        groups = [f"{self.index % 1000:03d}"]
        rest = self.index // 1000
        while rest:
            groups.append(f"x{rest % 1000:03d}")
            rest //= 1000
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{self.level}/{'/'.join(reversed(groups))}{partial}"

    @classmethod
    def parse(cls, path: str) -> Tile:
        """The inverse of `path`; BadTile for any other spelling."""
        match = _PATH.fullmatch(path)
        if match is None:
            _refuse(path, "tile/<level>/<index>[.p/<width>]")
        name, groups, last, width = match.groups()
        index = int("".join(re.findall(r"[0-9]+", groups)) + last)
        level: Level = "entries" if name == "entries" else int(name)
        tile = cls(level, index, int(width) if width else WIDTH)
        if (
            tile.path() != path
            or not 0 < tile.width <= WIDTH
            or (level != "entries" and level > MAX_LEVEL)
        ):
            _refuse(path, "the one spelling of this tile")
        return tile


def tiles_of(size: int, level: Level) -> Iterator[Tile]:
    """The tiles of one level of a tree of `size` entries, from the left."""
    items = size if level == "entries" else size >> (HEIGHT * level)
    full, rest = divmod(items, WIDTH)
    yield from (Tile(level, index) for index in range(full))
    if rest:
        yield Tile(level, full, rest)


def levels_of(size: int) -> range:
    """The levels of hash tiles that a tree of `size` entries has."""
    return range((max(size.bit_length(), 1) - 1) // HEIGHT + 1 if size else 0)


def pack_hashes(hashes: Iterable[bytes]) -> bytes:
    """The content of a hash tile."""
    return b"".join(hashes)


def unpack_hashes(data: bytes, tile: Tile) -> list[bytes]:
    """The hashes of a tile; BadTile if the length does not fit its width."""
    if len(data) != 32 * tile.width:
        _refuse(tile.path(), f"{32 * tile.width} bytes", f"{len(data)} bytes")
    return [data[at : at + 32] for at in range(0, len(data), 32)]


def pack_entries(entries: Sequence[bytes]) -> bytes:
    """The content of an entry bundle: each entry behind its length (big endian, 2 bytes)."""
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            _refuse("entry bundle", f"entries of at most {MAX_ENTRY_BYTES} bytes", str(len(entry)))
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unpack_entries(data: bytes, tile: Tile) -> list[bytes]:
    """The entries of a bundle; BadTile if they do not fill it exactly."""
    entries, at = [], 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        end = at + 2 + length
        if at + 2 > len(data) or end > len(data):
            _refuse(tile.path(), f"an entry of {length} bytes at offset {at}", "a shorter file")
        entries.append(data[at + 2 : end])
        at = end
    if len(entries) != tile.width:
        _refuse(tile.path(), f"{tile.width} entries", str(len(entries)))
    return entries


def _refuse(where: str, expected: str, got: str = "another") -> NoReturn:
    raise BadTile(
        "not a tile of this log",
        where=where,
        expected=expected,
        got=got,
        next_step="export again from the log, or fetch the file from another copy",
    )
