"""How a text sounds: its length in morae (拍), and what cannot be read aloud. Pure.

Estimate, not measurement: kana count one mora (small ゃゅょ none), kanji two, numbers as they are
read, letters two. Outdoor loudspeakers are read slowly because of the echo: `RADIO` morae a second;
on the telephone, for somebody who writes along, `PHONE`. Both are rates of ours (要確認), stated beside
every estimate. 、 rests one mora, 。 two.
"""

from __future__ import annotations

import re
from datetime import timedelta

RADIO = 4.5
"""Morae a second over 防災行政無線."""

PHONE = 5.5
"""Morae a second on the telephone."""

LIMIT = timedelta(seconds=60)
"""A broadcast of 防災行政無線."""

_SMALL = frozenset("ぁぃぅぇぉゃゅょゎァィゥェォャュョヮ")
_DIGITS = {"0": 2, "1": 2, "2": 1, "3": 2, "4": 2, "5": 1, "6": 2, "7": 2, "8": 2, "9": 2}
_PLACES = ((10_000, 2), (1_000, 2), (100, 2), (10, 2))
_NUMBER = re.compile(r"\d+")
_READABLE = re.compile(r"[ぁ-ゖァ-ヺー々〆ヶ㐀-䶿一-鿿0-9A-Za-z、。・「」 \n]")
_TIME = re.compile(r"(?<!\d)([01]?\d|2[0-3]):([0-5]\d)(?!\d)")
_PHONE = re.compile(r"(?<!\d)(0\d{1,4})-(\d{1,4})-(\d{3,4})(?!\d)")


def spoken(text: str) -> str:
    """The text as it is read: times and telephone numbers in words, full width as half width."""
    text = text.translate({ord(wide): chr(ord(wide) - 0xFEE0) for wide in _WIDE})
    text = _TIME.sub(_time, text)
    return _PHONE.sub(lambda m: "の".join(" ".join(part) for part in m.groups()), text)


_WIDE = "０１２３４５６７８９：ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ－"


def _time(found: re.Match[str]) -> str:
    hour, minute = int(found[1]), int(found[2])
    half = "午前" if hour < 12 else "午後"
    said = f"{half}{hour if hour <= 12 else hour - 12}時"
    return said + (f"{minute}分" if minute else "")


def unreadable(text: str) -> tuple[str, ...]:
    """Signs nobody can read aloud (％, →, addresses, brackets), each once, in their order."""
    return tuple(dict.fromkeys(sign for sign in spoken(text) if not _READABLE.fullmatch(sign)))


def morae(text: str) -> int:
    """拍数 of the text as read, rests included."""
    said = spoken(text)
    count = sum(_number(int(found[0])) for found in _NUMBER.finditer(said))
    return count + sum(_mora(sign) for sign in _NUMBER.sub("", said))


def _mora(sign: str) -> int:
    if sign in _SMALL or sign in "「」 ":
        return 0
    if sign in "。\n":
        return 2
    return 1 if sign in "、・" or "ぁ" <= sign <= "ヺ" or sign == "ー" else 2


def _number(value: int) -> int:
    """How many morae a number has: 15 is じゅうご, three."""
    if value < 10:
        return _DIGITS[str(value)]
    if value >= 100_000_000:  # read digit by digit
        return sum(_DIGITS[digit] for digit in str(value))
    count = 0
    for place, length in _PLACES:
        times, value = divmod(value, place)
        if times:
            count += length + (_number(times) if times > 1 or place == 10_000 else 0)
    return count + (_DIGITS[str(value)] if value else 0)


def length(text: str, rate: float = RADIO) -> timedelta:
    """How long reading takes at so many morae a second, rounded up to a second."""
    return timedelta(seconds=-(-morae(text) // rate))
