"""Writes a log as static files: C2SP tlog-tiles, for others to keep, serve and verify.

    checkpoint               signed note: origin, size, root
    tile/<level>/…           hashes of the tree, 256 to a tile
    tile/entries/…           the entries, 256 to a bundle
    vkeys                    lines `<epoch> <first size> <vkey>`
    README                   the format in words
    SHA256SUMS               of all the files above

Written into a folder beside the destination, every file fsynced, the checkpoint last, then renamed:
if we die before, only a `.tmp` folder is left. Values (names, free text) are never exported.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from bcp.journal.checkpoint import Checkpoint
from bcp.journal.errors import Damaged, Exists
from bcp.journal.store import Reader
from bcp.journal.tiles import (
    HEIGHT,
    levels_of,
    pack_entries,
    pack_hashes,
    tiles_of,
)
from bcp.kit.durable import fsync_dir, unwritable

README = """\
ICT-BCP 改ざん検知記録の書き出し / Export of an ICT-BCP integrity log

形式 Format: C2SP tlog-tiles (https://c2sp.org/tlog-tiles), RFC 6962 SHA-256.

checkpoint          署名済みチェックポイント (https://c2sp.org/signed-note): 名称・件数・根ハッシュ
                    signed note: origin, number of entries, root hash (base64)
tile/<L>/<N>        ハッシュ。1 ファイルに最大 256 個、右端は .p/<個数>
                    hashes of nodes at height 8*L, up to 256 of 32 bytes
tile/entries/<N>    記録本体。1 ファイルに最大 256 件、2 バイトの長さ (big endian) + 正規形 JSON
                    entries, each 2 bytes length and canonical JSON: sorted keys, UTF-8, no white
                    space, integers only; times in microseconds since 1970 UTC
vkeys               <epoch> <最初の件数 first size> <検証鍵 vkey>
SHA256SUMS          sha256sum -c SHA256SUMS

氏名・自由記述は含みません。entry の commitments は SHA-256(16 バイトの塩 || 文字列) です。
Names and free text are not in here: commitments are SHA-256(16 byte salt || text).

確かめ方 To verify: ict-bcp log verify <this folder> --vkey <紙に控えた検証鍵 the key kept on paper>
この書き出しの vkeys は自己申告です。別に控えた検証鍵と比べてください。
The vkeys file speaks for itself only: compare it with the key kept elsewhere.
"""


def write_export(
    dest: Path,
    folder: Path,
    checkpoint: Checkpoint,
    note: bytes,
    keys: Sequence[tuple[int, int, str]],
) -> None:
    """Write the first `checkpoint.size` entries. Raises Exists, Unwritable, Damaged."""
    if dest.exists():
        raise Exists(
            "the destination exists",
            where=str(dest),
            expected="a new name",
            got="something there",
            next_step="name a folder that does not exist yet",
        )
    temp = dest.with_name(f".{dest.name}.tmp")
    reader = Reader(folder)
    try:
        shutil.rmtree(temp, ignore_errors=True)
        temp.mkdir(parents=True)
        out = _Out(temp)
        for path, data in _tiles(reader, checkpoint.size):
            out.put(path, data)
        out.put("vkeys", "".join(f"{e} {first} {vkey}\n" for e, first, vkey in keys).encode())
        out.put("README", README.encode())
        out.sums["checkpoint"] = hashlib.sha256(note).hexdigest()
        sums = "".join(f"{digest}  {path}\n" for path, digest in sorted(out.sums.items()))
        out.put("SHA256SUMS", sums.encode())
        out.sync_folders()
        out.put("checkpoint", note)
        fsync_dir(temp)
        temp.rename(dest)
        fsync_dir(dest.parent)
    except OSError as error:
        shutil.rmtree(temp, ignore_errors=True)
        raise unwritable(dest, error) from error
    finally:
        reader.close()


def _tiles(reader: Reader, size: int) -> Iterator[tuple[str, bytes]]:
    """Path and content of every tile and bundle of the tree."""
    for tile in tiles_of(size, "entries"):
        rows = reader.rows(tile.index * 256, tile.index * 256 + tile.width)
        if len(rows) != tile.width:
            raise Damaged(
                "entries are missing in the store",
                where=tile.path(),
                expected=f"{tile.width} entries",
                got=str(len(rows)),
                next_step="run `ict-bcp log verify`, restore the folder from its copy",
            )
        yield tile.path(), pack_entries([data for _, data, _ in rows])
    for level in levels_of(size):
        for tile in tiles_of(size, level):
            hashes = reader.hashes(level * HEIGHT, tile.index * 256, tile.width)
            yield tile.path(), pack_hashes(hashes)


class _Out:
    """Files of one export: each written and fsynced, its digest kept."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders = {root}
        self.sums: dict[str, str] = {}

    def put(self, path: str, data: bytes) -> None:
        """Write one new file."""
        full = self._root / path
        if full.parent not in self._folders:
            full.parent.mkdir(parents=True, exist_ok=True)
            self._folders.add(full.parent)
        with full.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        self.sums[path] = hashlib.sha256(data).hexdigest()

    def sync_folders(self) -> None:
        """Make the names durable, the deepest folders first."""
        whole = {parent for f in self._folders for parent in (f, *f.parents)}
        inside = [f for f in whole if f == self._root or self._root in f.parents]
        for folder in sorted(inside, key=lambda f: -len(f.parts)):
            fsync_dir(folder)
