"""Codes that people read over the radio and type with gloves. Pure.

Crockford's base 32: no I, L, O, U. The last character is a check: a slip of the pen, or two letters
swapped, shows at once instead of being tried.
"""

from __future__ import annotations

import unicodedata

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SLIPS = str.maketrans("OIL", "011", " -‐－ー・")


def check_character(letters: str) -> str:
    """Weights 1, 2, 3 … modulo 31 (prime): finds one wrong and two swapped letters (up to 30)."""
    total = sum(weight * ALPHABET.index(letter) for weight, letter in enumerate(letters, 1))
    return ALPHABET[total % 31]


def with_check(letters: str) -> str:
    """The letters and their check character."""
    return letters + check_character(letters)


def read(typed: str, length: int) -> str | None:
    """The code as typed by a tired person (case, full width, spaces, O for 0, I or L for 1).

    None when it cannot be right: wrong length, unknown letter, check fails.
    """
    if len(typed) > 200:
        return None
    text = unicodedata.normalize("NFKC", typed).upper().translate(_SLIPS)
    if len(text) != length or any(letter not in ALPHABET for letter in text):
        return None
    return text if check_character(text[:-1]) == text[-1] else None


def grouped(code: str) -> str:
    """`ABCD-EFGH-JKMN`: groups of four are read without losing the place."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))
