"""One value, one sequence of bytes: and back, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcp.journal import canonical
from bcp.journal.errors import NotCanonical

text = st.text(st.characters(codec="utf-8"), max_size=12)
integers = st.integers(-canonical.MAX_INTEGER, canonical.MAX_INTEGER)
values = st.recursive(
    st.none() | st.booleans() | integers | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_what_was_written_is_read_back_the_same(value: Any) -> None:
    data = canonical.encode(value)
    assert canonical.parse(data) == value
    assert canonical.encode(canonical.parse(data)) == data


@given(values)
def test_any_json_reader_reads_the_same_value(value: Any) -> None:
    assert json.loads(canonical.encode(value)) == value


@given(st.dictionaries(text, integers, max_size=6))
def test_the_order_in_which_a_map_was_built_does_not_matter(value: dict[str, int]) -> None:
    turned = dict(reversed(list(value.items())))
    assert canonical.encode(value) == canonical.encode(turned)


@given(values, st.integers(0, 200), st.integers(0, 255))
def test_a_changed_byte_is_refused_or_is_another_value(value: Any, at: int, byte: int) -> None:
    data = bytearray(canonical.encode({"v": value}))
    data[at % len(data)] = byte
    try:
        got = canonical.parse(bytes(data))
    except NotCanonical:
        return
    assert canonical.encode(got) == bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":1}',
        b'{"a":1,"a":2}',
        b'{"b":1,"a":1}',
        b'{"a": 1}',
        b'{"a":1}\n',
        b'{"a":1.0}',
        b'{"a":1e3}',
        b'{"a":-0}',
        b'{"a":01}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":9007199254740992}',
        b'{"a":-9007199254740992}',
        b'{"a":99999999999999999999999}',
        b'{"a":"\\u0041"}',
        b'{"a":"\\/"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b"\xef\xbb\xbf{}",
        b"",
        b"{",
        b"{}{}",
        b"[" * 40 + b"]" * 40,
        b"[" * 100_000,
        b"1" * 5000,
    ],
)
def test_any_other_form_is_refused(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        canonical.parse(data)


@pytest.mark.parametrize(
    "value",
    [1.5, {"a": float("nan")}, {1: 2}, {"a": b"x"}, {"a": {1, 2}}, 2**53, "\ud800", {"\udc00": 1}],
)
def test_a_value_without_a_form_is_refused_and_its_place_named(value: Any) -> None:
    with pytest.raises(NotCanonical) as caught:
        canonical.encode(value)
    assert caught.value.where
    assert caught.value.expected


def test_deep_nesting_is_refused_before_the_stack_ends() -> None:
    value: Any = 1
    for _ in range(100_000):
        value = [value]
    with pytest.raises(NotCanonical):
        canonical.encode(value)


def test_the_largest_integers_are_kept_exact() -> None:
    for value in (canonical.MAX_INTEGER, -canonical.MAX_INTEGER):
        assert canonical.parse(canonical.encode([value])) == [value]


def test_keys_are_in_the_order_of_their_bytes() -> None:
    keys = ["é", "z", "a", "あ", "😀", "\uff5e", "Z", ""]
    data = canonical.encode(dict.fromkeys(keys, 1))
    assert list(json.loads(data)) == sorted(keys, key=lambda key: key.encode())
