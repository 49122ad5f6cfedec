"""Photos lose place, time and camera, and nothing of the picture."""

from __future__ import annotations

import contextlib
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcp.journal.entry import Actor
from bcp.kit.clock import SystemClock
from bcp.kit.errors import UsageError
from bcp.service import control
from bcp.service.app import open_house
from bcp.service.operations.amending import Photo, Unphoto, erase_photo, photo
from bcp.service.operations.operation import Caller
from bcp.service.photos import kind_of, stripped
from bcp.service.plan import load
from runbooks import commands as c
from tests.bcp.service.small_city import BOOK, PLAN

PLACE = b"38.7303N 141.0214E Kurihara"
SCAN = b"\x01\x02\xff\x00\x03\xff\xd0\x04"


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def exif(orientation: int) -> bytes:
    row = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    where = struct.pack("<HHII", 0x8825, 4, 1, 40)
    tiff = b"II*\x00\x08\x00\x00\x00" + struct.pack("<H", 2) + where + row + b"\x00" * 4 + PLACE
    return b"Exif\x00\x00" + tiff


def a_jpeg(orientation: int = 6) -> bytes:
    return (
        b"\xff\xd8"
        + segment(0xE0, b"JFIF\x00\x01\x02\x00\x00\x01\x00\x01\x00\x00")
        + segment(0xE1, exif(orientation))
        + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + PLACE)
        + segment(0xE2, b"ICC_PROFILE\x00\x01\x01profile")
        + segment(0xED, b"Photoshop 3.0\x00" + PLACE)
        + segment(0xFE, PLACE)
        + segment(0xDB, b"\x00" + bytes(64))
        + segment(0xDA, b"\x01\x01\x00\x00\x3f\x00")
        + SCAN
        + segment(0xDA, b"\x01\x01\x00\x00\x3f\x00")
        + SCAN
        + b"\xff\xd9"
        + b"a second picture, with " + PLACE
    )  # fmt: skip


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def a_png() -> bytes:
    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"eXIf", exif(1)[6:])
        + chunk(b"tEXt", b"Location\x00" + PLACE)
        + chunk(b"IDAT", zlib.compress(b"\x00\x01\x02\x03"))
        + chunk(b"IEND", b"")
        + PLACE
    )


def a_webp() -> bytes:
    def part(kind: bytes, body: bytes) -> bytes:
        return kind + struct.pack("<I", len(body)) + body + b"\x00" * (len(body) & 1)

    inside = part(b"VP8X", b"\x0c" + bytes(9)) + part(b"VP8 ", b"picture") + part(b"EXIF", PLACE)
    return b"RIFF" + struct.pack("<I", len(inside) + 4) + b"WEBP" + inside


@pytest.mark.parametrize("photo", [a_jpeg(), a_png(), a_webp()])
def test_no_place_is_left_and_doing_it_twice_changes_nothing(photo: bytes) -> None:
    assert b"Kurihara" in photo
    bare = stripped(photo)
    assert b"Kurihara" not in bare
    assert kind_of(bare) == kind_of(photo)
    assert stripped(bare) == bare


def test_a_jpeg_keeps_its_picture_its_colours_and_which_way_is_up() -> None:
    bare = stripped(a_jpeg(6))
    assert bare.count(SCAN) == 2
    assert b"ICC_PROFILE" in bare
    assert bare.endswith(b"\xff\xd9")
    assert struct.pack(">HHIH", 0x0112, 3, 1, 6) in bare
    assert b"Exif" not in stripped(a_jpeg(1))


def test_a_webp_says_no_more_that_it_has_metadata() -> None:
    bare = stripped(a_webp())
    assert bare[20] & 0x0C == 0
    assert len(bare) == 8 + struct.unpack_from("<I", bare, 4)[0]


def test_heic_and_what_is_no_photo_are_refused_in_words() -> None:
    with pytest.raises(UsageError, match="HEIC"):
        kind_of(b"\x00\x00\x00\x18ftypheic" + bytes(20))
    for other in (b"", b"%PDF-1.7", b"<svg onload=alert(1)>", b"GIF89a"):
        with pytest.raises(UsageError):
            kind_of(other)


@given(st.sampled_from((a_jpeg(), a_png(), a_webp())), st.data())
def test_a_photo_cut_or_bent_anywhere_is_refused_or_bare_never_anything_else(
    photo: bytes, data: st.DataObject
) -> None:
    end = data.draw(st.integers(0, len(photo)))
    bent = bytearray(photo[:end])
    if bent:
        bent[data.draw(st.integers(0, len(bent) - 1))] ^= data.draw(st.integers(0, 255))
    with contextlib.suppress(UsageError):
        assert kind_of(stripped(bytes(bent))) == kind_of(bytes(bent))


async def test_a_photo_is_kept_and_erased_from_a_terminal(tmp_path: Path) -> None:
    plan, shot = tmp_path / "plan", tmp_path / "shot.png"
    plan.mkdir()
    (plan / "plan.yaml").write_text(PLAN.format(root=tmp_path), "utf-8")
    (plan / "book.yaml").write_text(BOOK, "utf-8")
    shot.write_bytes(a_png())
    terminal = Caller(control.actor(0), "op-1")
    async with open_house(load(plan, SystemClock().utc().date()), tmp_path / "data") as house:
        declared = c.Declare(level=3, onset=house.clock.utc(), reason="試験", capacity="deputy")
        await house.desk.do(declared, Actor("u-1", "commander"), "d")
        step = "J-1"
        kept = await photo(house, terminal, Photo(step=step, file=str(shot), caption="玄関"))
        digest = kept.data["digest"]
        assert house.journal.evidence.has(digest)
        gone = Unphoto(digest=digest, reason="人が写っている")
        await erase_photo(house, replace(terminal, op="op-2"), gone)
        assert not house.journal.evidence.has(digest)
        incident = house.desk.current()
        assert incident is not None
        (one,) = incident.attachments
        assert one.erased_at is not None
