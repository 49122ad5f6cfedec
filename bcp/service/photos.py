"""What a photo is by its content, and the same photo without place, time and camera. Pure.

JPEG, PNG and WebP are taken apart at their own borders (no picture is decoded): metadata and what
hangs on after the end are left out, colour profile and orientation stay. HEIC, what phones of one
maker keep, cannot be shown by every browser and is refused with words.
Formats: ITU-T T.81 (JPEG), W3C PNG 3rd edition, RFC 9649 (WebP), CIPA DC-008 (Exif).
"""

from __future__ import annotations

import struct
import zlib

from bcp.kit.errors import UsageError
from bcp.kit.language import text

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT"}
    | {b"pHYs", b"bKGD", b"cICP"}
)
_HEIC = frozenset({b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif"})


def kind_of(data: bytes) -> str:
    """`image/jpeg`, `image/png` or `image/webp`. Raises UsageError for anything else."""
    if data[:3] == b"\xff\xd8\xff":
        return "image/jpeg"
    if data[:8] == _PNG:
        return "image/png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    heic = data[4:8] == b"ftyp" and data[8:12] in _HEIC
    raise _unfit("photo_heic" if heic else "photo_kind")


def stripped(data: bytes) -> bytes:
    """The photo without metadata. Raises UsageError when it is damaged or no photo."""
    kind = kind_of(data)
    try:
        if kind == "image/jpeg":
            return _jpeg(data)
        return _png(data) if kind == "image/png" else _webp(data)
    except (IndexError, struct.error, zlib.error) as error:
        raise _unfit("photo_damaged") from error


def _unfit(key: str) -> UsageError:
    said = text(f"pages.{key}")
    return UsageError(f"{said.ja} / {said.en}", expected="JPEG, PNG, WebP")


def _jpeg(data: bytes) -> bytes:
    out, place, turned = bytearray(b"\xff\xd8"), 2, b""
    while True:
        if data[place] != 0xFF:
            raise _unfit("photo_damaged")
        marker = data[place + 1]
        if marker == 0xFF:  # fill
            place += 1
            continue
        if marker == 0xD9:
            return bytes(out[:2]) + turned + bytes(out[2:]) + b"\xff\xd9"
        (length,) = struct.unpack_from(">H", data, place + 2)
        end = place + 2 + length
        if length < 2 or end > len(data):
            raise _unfit("photo_damaged")
        segment = data[place:end]
        if marker == 0xE1 and not turned:
            turned = _orientation(segment[4:])
        if _kept(marker, segment):
            out += segment
        place = end
        if marker == 0xDA:  # picture data runs to the next real marker
            begin = place
            while not (data[place] == 0xFF and data[place + 1] not in _IN_SCAN):
                place += 1
            out += data[begin:place]


_IN_SCAN = frozenset({0x00, *range(0xD0, 0xD8)})
"""After 0xFF: a stuffed byte or a restart marker, part of the picture data."""


def _kept(marker: int, segment: bytes) -> bool:
    """Everything of the picture, the colour profile, JFIF and Adobe's colour transform."""
    if marker == 0xFE:
        return False
    if not 0xE0 <= marker <= 0xEF:
        return True
    if marker == 0xE2:
        return segment[4:].startswith(b"ICC_PROFILE\x00")
    return marker in (0xE0, 0xEE) and not segment[4:].startswith(b"JFXX")


def _orientation(exif: bytes) -> bytes:
    """A segment that says only which way is up; empty where none was said."""
    if not exif.startswith(b"Exif\x00\x00"):
        return b""
    tiff = exif[6:]
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 14:
        return b""
    (at,) = struct.unpack_from(order + "I", tiff, 4)
    if at + 2 > len(tiff):
        return b""
    (count,) = struct.unpack_from(order + "H", tiff, at)
    for index in range(min(count, 100)):
        row = tiff[at + 2 + 12 * index : at + 14 + 12 * index]
        if len(row) < 12:
            return b""
        tag, form, number, value = struct.unpack_from(order + "HHIH", row, 0)
        if tag == 0x0112 and form == 3 and number == 1 and 2 <= value <= 8:
            body = b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01" + struct.pack(
                ">HHIHHI", 0x0112, 3, 1, value, 0, 0
            )
            return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    return b""


def _png(data: bytes) -> bytes:
    out, place = bytearray(_PNG), 8
    while True:
        length, kind = struct.unpack_from(">I4s", data, place)
        end = place + 12 + length
        chunk = data[place:end]
        if end > len(data) or zlib.crc32(chunk[4:-4]) != struct.unpack(">I", chunk[-4:])[0]:
            raise _unfit("photo_damaged")
        if kind in _PNG_KEPT:
            out += chunk
        if kind == b"IEND":
            return bytes(out)
        place = end


def _webp(data: bytes) -> bytes:
    (size,) = struct.unpack_from("<I", data, 4)
    limit, place, out = 8 + size, 12, bytearray()
    if limit > len(data):
        raise _unfit("photo_damaged")
    while place + 8 <= limit:
        kind, length = struct.unpack_from("<4sI", data, place)
        end = place + 8 + length + (length & 1)
        if place + 8 + length > limit:
            raise _unfit("photo_damaged")
        chunk = bytearray(data[place:end])
        if kind == b"VP8X":
            chunk[8] &= ~0x0C & 0xFF  # no Exif, no XMP any more
        if kind in (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"):
            out += chunk
        place = end
    if not out:
        raise _unfit("photo_damaged")
    return b"RIFF" + struct.pack("<I", len(out) + 4) + b"WEBP" + bytes(out)
