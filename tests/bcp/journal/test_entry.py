"""Entries: their bytes, their limits, and that nothing personal stands in them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcp.journal import Actor, BadEntry, Entry, JournalError, NewEntry, canonical
from bcp.journal.entry import MAX_BYTES, SCHEMA, check_new, commitment, parse, parse_trusted
from bcp.kit.clock import ClockReading
from bcp.kit.units import from_us
from tests.bcp.journal.test_canonical import integers, text, values
from tests.fakes import START

tokens = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,10}", fullmatch=True)
instants = st.integers(-(10**14), 4 * 10**15).map(from_us)
lines = st.text(st.characters(codec="utf-8", min_codepoint=32), max_size=20)
digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
readings = st.builds(
    ClockReading,
    st.none() | integers,
    st.none() | st.booleans(),
    text,
    st.integers(0, 2**50),
    st.booleans(),
)
entries = st.builds(
    Entry,
    schema=st.just(SCHEMA),
    node=tokens,
    epoch=st.integers(0, 100),
    seq=st.integers(0, 2**40),
    op=tokens,
    incident=st.none() | lines,
    kind=st.from_regex(r"[a-z]{1,6}(\.[a-z]{1,6}){0,2}", fullmatch=True),
    occurred_at=instants,
    recorded_at=instants,
    clock=readings,
    actor=st.builds(Actor, tokens, tokens),
    subject=lines,
    detail=st.dictionaries(text, values, max_size=4),
    commitments=st.dictionaries(tokens, digests, max_size=3),
    evidence=st.lists(digests, max_size=3).map(tuple),
)


def example(**changes: Any) -> Entry:
    fields: dict[str, Any] = {
        "schema": SCHEMA,
        "node": "n1",
        "epoch": 1,
        "seq": 7,
        "op": "op-1",
        "incident": None,
        "kind": "incident.declared",
        "occurred_at": START,
        "recorded_at": START + timedelta(microseconds=1),
        "clock": ClockReading(None, None, "boot", 5, False),
        "actor": Actor("u-3f2a", "commander"),
        "subject": "s",
        "detail": {"level": 3},
        "commitments": {},
    }
    return Entry(**{**fields, **changes})


@given(entries)
def test_an_entry_is_read_back_the_same_strictly_and_trusted(entry: Entry) -> None:
    data = entry.data()
    assert parse(data) == entry
    assert parse_trusted(data) == entry
    assert parse(data).data() == data


@given(entries, st.integers(0, 5000), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_is_another_entry(entry: Entry, at: int, mask: int) -> None:
    data = bytearray(entry.data())
    data[at % len(data)] ^= mask
    try:
        other = parse(bytes(data))
    except JournalError:
        return
    assert other.data() == bytes(data)
    assert other != entry


def test_the_bytes_stay_for_ever() -> None:
    assert example().data() == (
        b'{"actor":{"capacity":"commander","id":"u-3f2a"},"clock":{"boot":"boot","monotonic_us":5,'
        b'"offset_us":null,"suspect":false,"synced":null},"commitments":{},"detail":{"level":3},'
        b'"epoch":1,"evidence":[],"incident":null,"kind":"incident.declared","node":"n1",'
        b'"occurred_at":1795395600000000,"op":"op-1","recorded_at":1795395600000001,"schema":1,'
        b'"seq":7,"subject":"s"}'
    )


@pytest.mark.parametrize("name", json.loads(example().data()))
def test_a_missing_or_strange_field_is_refused(name: str) -> None:
    good = json.loads(example().data())
    without = {key: value for key, value in good.items() if key != name}
    for bad in (without, {**good, name: [[]]}, {**good, name: True}, {**good, "more": 1}):
        with pytest.raises(JournalError):
            parse(canonical.encode(bad))


@pytest.mark.parametrize("outer", ["clock", "actor"])
def test_a_strange_field_inside_clock_or_actor_is_refused(outer: str) -> None:
    bad = json.loads(example().data())
    bad[outer]["name"] = "山田"
    with pytest.raises(JournalError):
        parse(canonical.encode(bad))


def test_an_entry_may_have_65535_bytes_and_not_one_more() -> None:
    room = MAX_BYTES - len(example(detail={"text": ""}).data())
    assert len(example(detail={"text": "x" * room}).data()) == MAX_BYTES
    with pytest.raises(BadEntry, match="entry") as caught:
        example(detail={"text": "x" * (room + 1)}).data()
    assert "evidence store" in str(caught.value.next_step)


@pytest.mark.parametrize("name", ["山田太郎", "taro@example.jp", "Taro Yamada", "", "x" * 65])
def test_an_actor_is_a_pseudonym_never_a_name(name: str) -> None:
    with pytest.raises(BadEntry):
        Actor(name, "commander")
    with pytest.raises(BadEntry):
        Actor("u-1", name)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "Declared"},
        {"kind": "a..b"},
        {"kind": ""},
        {"subject": "a\nb"},
        {"subject": "x" * 257},
        {"incident": "a\x00"},
        {"occurred_at": datetime(2026, 1, 1)},  # noqa: DTZ001
        {"evidence": ("abc",)},
        {"values": {"a b": "text"}},
        {"values": {"name": 5}},
    ],
)
def test_a_new_entry_that_breaks_a_rule_is_refused(changes: dict[str, Any]) -> None:
    good: dict[str, Any] = {
        "kind": "a.b",
        "subject": "s",
        "detail": {},
        "incident": None,
        "occurred_at": START,
    }
    check_new(NewEntry(**good))
    with pytest.raises(BadEntry):
        check_new(NewEntry(**{**good, **changes}))


def test_an_instant_is_kept_to_the_microsecond_whatever_its_zone() -> None:
    local = datetime(2026, 11, 23, 10, 0, 0, 123457, tzinfo=timezone(timedelta(hours=9)))
    assert parse(example(occurred_at=local).data()).occurred_at == local


def test_a_commitment_depends_on_salt_and_text() -> None:
    salts = [bytes(16), b"\x01" + bytes(15)]
    found = {commitment(salt, text) for salt in salts for text in ("山田", "山田 ", "")}
    assert len(found) == 6
