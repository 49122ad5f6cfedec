"""Canonical JSON: one value, one sequence of bytes.

Rules, in this order: UTF-8 without byte order mark; no white space outside strings; keys sorted
by Unicode code point (the same order as their UTF-8 bytes; this differs from RFC 8785 only for
keys outside the basic plane); strings with the shortest JSON escape, nothing else escaped;
integers only, within ±(2^53-1) so that every JSON reader keeps them exact; no floats, no NaN.
Text is taken as it is: no Unicode normalisation, because names of files and people must come
back byte for byte.

`parse` accepts exactly what `encode` produces and refuses everything else (RFC 8259 leaves
duplicate keys and number forms open; here they are errors).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, TypeAlias, cast

from bcp.journal.errors import NotCanonical

Json: TypeAlias = "bool | int | str | Sequence[Json] | Mapping[str, Json] | None"
"""What an entry's detail may be made of."""

MAX_INTEGER = 2**53 - 1
"""Largest magnitude of an integer: exact in readers that hold numbers as 64-bit floats."""

MAX_DEPTH = 32
"""Deepest nesting; deeper input is refused before it can exhaust the stack."""

_encoder = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
)


def normal(value: object, where: str = "value") -> Json:
    """A copy of `value` as it would be read back: dicts in canonical order, and lists.

    So a fold sees the very same entry live and after a restart, and nobody changes it later. Raises
    NotCanonical, naming the place, if `value` cannot be written.
    """
    try:
        return _normal(value, 0)
    except _NoForm as fault:
        _refuse(where + "".join(reversed(fault.path)), fault.expected, fault.got)


def encode(value: Json) -> bytes:
    """The canonical bytes of `value`. Raises NotCanonical for what has none."""
    return encode_normal(normal(value))


def encode_normal(value: Json) -> bytes:
    """As `encode`, for what `normal` gave. Raises NotCanonical for text that UTF-8 cannot hold."""
    try:
        return _encoder.encode(value).encode("utf-8")
    except UnicodeEncodeError:
        _refuse("text", "characters that UTF-8 can hold", "a lone surrogate")


def parse(data: bytes, where: str = "value") -> Json:
    """Read canonical bytes. Raises NotCanonical for anything `encode` would not have written."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        _refuse(where, "UTF-8", f"byte {data[error.start]:#04x} at offset {error.start}")
    try:
        value: Json = _strict_decoder.decode(text)
        again = encode_normal(value)
    except RecursionError:
        _refuse(where, f"at most {MAX_DEPTH} levels of nesting", "more")
    except ValueError as error:
        _refuse(where, "JSON of integers and text", str(error)[:120])
    if again != data:
        offset = next(
            (n for n, (a, b) in enumerate(zip(again, data, strict=False)) if a != b),
            min(len(again), len(data)),
        )
        _refuse(where, "the one canonical form", f"another form, first at byte {offset}")
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH:
        normal(value, where)  # the slow look, only where the nesting may be too deep
    return value


def parse_trusted(data: bytes) -> Json:
    """Read bytes that this program wrote and whose hash was just checked; no second encoding."""
    value: Json = _trusting_decoder.decode(data.decode())
    return value


class _NoForm(Exception):
    """Why a value has no form; the path is filled in on the way out, so that good values pay nothing."""

    def __init__(self, expected: str, got: str) -> None:
        super().__init__(expected)
        self.expected, self.got = expected, got
        self.path: list[str] = []


def _normal(value: Any, depth: int) -> Json:
    kind = type(value)
    if kind is str:
        if not value.isascii():
            _check_text(value)
        return cast(str, value)
    if kind is int:
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise _NoForm(f"an integer within ±{MAX_INTEGER}", "a larger one")
        return cast(int, value)
    if value is None or kind is bool:
        return cast("bool | None", value)
    if depth >= MAX_DEPTH:
        raise _NoForm(f"at most {MAX_DEPTH} levels of nesting", "more")
    if kind is dict or isinstance(value, Mapping):
        return _normal_map(value, depth)
    if not isinstance(value, (list, tuple)):
        raise _NoForm("text, integer, true, false, null, list or map", kind.__name__)
    items: list[Json] = []
    for item in value:
        try:
            items.append(_normal(item, depth + 1))
        except _NoForm as fault:
            fault.path.append(f"[{len(items)}]")
            raise
    return items


def _normal_map(value: Mapping[Any, Any], depth: int) -> dict[str, Json]:
    for key in value:
        if type(key) is not str:
            raise _NoForm("text as key", repr(key)[:60])
        _check_text(key)
    made: dict[str, Json] = {}
    for key in sorted(value):
        try:
            made[key] = _normal(value[key], depth + 1)
        except _NoForm as fault:
            fault.path.append(f".{key}")
            raise
    return made


def _check_text(text: str) -> None:
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise _NoForm(
                "text that UTF-8 can hold", f"a lone surrogate at {error.start}"
            ) from None


def _refuse(where: str, expected: str, got: str) -> NoReturn:
    raise NotCanonical(
        "not canonical JSON",
        where=where,
        expected=expected,
        got=got,
        next_step="write integers (microseconds, bytes, per mille) instead of floats, text as text",
    )


def _exact_integer(text: str) -> int:
    if len(text) > 15 and (len(text) > 17 or abs(int(text)) > MAX_INTEGER):
        raise ValueError(f"number {text[:40]} is larger than {MAX_INTEGER}")
    return int(text)


def _no_float(text: str) -> NoReturn:
    raise ValueError(f"number {text[:40]} is not an integer")


# A key that stands twice is lost in decoding, so the second encoding differs and it is refused.
_strict_decoder = json.JSONDecoder(
    parse_int=_exact_integer, parse_float=_no_float, parse_constant=_no_float
)
_trusting_decoder = json.JSONDecoder()
