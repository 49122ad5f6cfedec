"""Entries: the bytes that stay for ever. Pure.

An entry says what happened (`kind`, `subject`, `detail`), to which incident it belongs, when it
happened and when it was written, what was known of the clock, and who acted, by pseudonym. It never
holds names, free text or anything else personal: those are *values*, of which the entry carries
only a salted commitment, SHA-256(salt || value) with a salt of 16 random bytes. Salt and value
stand in a store of their own (`values`) and can be erased; the commitment then says nothing more
and every proof still holds. Times are integers, microseconds since 1970 UTC.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NoReturn, cast

from bcp.journal import canonical
from bcp.journal.canonical import Json
from bcp.journal.errors import BadEntry
from bcp.kit.clock import ClockReading
from bcp.kit.units import from_us, to_us

SCHEMA = 1
MAX_BYTES = 65_535
"""An entry's length stands in two bytes of a bundle (C2SP tlog-tiles)."""

SALT_BYTES = 16

_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")
_KIND = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*")
_OP = re.compile(r"[!-~]{1,128}")
_LINE = re.compile(r"[^\x00-\x1f]{0,256}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_TYPES: Mapping[str, type] = {  # in the order of canonical JSON
    "actor": dict,
    "clock": dict,
    "commitments": dict,
    "detail": dict,
    "epoch": int,
    "evidence": list,
    "incident": str,
    "kind": str,
    "node": str,
    "occurred_at": int,
    "op": str,
    "recorded_at": int,
    "schema": int,
    "seq": int,
    "subject": str,
}
_SHAPE = tuple(_TYPES.values())
_SHAPE_ALONE = tuple(type(None) if n == "incident" else t for n, t in _TYPES.items())
_ACTOR = {"id", "capacity"}
_CLOCK = {"offset_us", "synced", "boot", "monotonic_us", "suspect"}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acted: a pseudonym (`u-3f2a`, `system`, `uid:0`), never a name, and in what capacity."""

    id: str
    capacity: str

    def __post_init__(self) -> None:
        for what, value in (("actor id", self.id), ("actor capacity", self.capacity)):
            if not _TOKEN.fullmatch(value):
                _refuse(what, "a pseudonym of 1 to 64 letters, digits and . _ : / -", value)


_actor = lru_cache(256)(Actor)  # few people, many entries


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What a decision wants written. `values` (name -> text) become commitments."""

    kind: str
    subject: str
    detail: Mapping[str, Json]
    incident: str | None
    occurred_at: datetime
    values: Mapping[str, str] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()
    """SHA-256 digests (hex) of what was put into the evidence store before."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it stands in the log. `seq` is its index in the tree, from 0."""

    schema: int
    node: str
    epoch: int
    seq: int
    op: str
    incident: str | None
    kind: str
    occurred_at: datetime
    recorded_at: datetime
    clock: ClockReading
    actor: Actor
    subject: str
    detail: Mapping[str, Any]
    commitments: Mapping[str, str]
    evidence: tuple[str, ...] = ()

    def data(self) -> bytes:
        """The canonical bytes. Raises BadEntry if they are too many, NotCanonical if none exist.

        `detail` must be what `canonical.normal` gave or what was read.
        """
        data = canonical.encode_normal(
            {
                "schema": self.schema,
                "node": self.node,
                "epoch": self.epoch,
                "seq": self.seq,
                "op": self.op,
                "incident": self.incident,
                "kind": self.kind,
                "occurred_at": to_us(self.occurred_at),
                "recorded_at": to_us(self.recorded_at),
                "clock": {
                    "offset_us": self.clock.offset_us,
                    "synced": self.clock.synced,
                    "boot": self.clock.boot,
                    "monotonic_us": self.clock.monotonic_us,
                    "suspect": self.clock.suspect,
                },
                "actor": {"id": self.actor.id, "capacity": self.actor.capacity},
                "subject": self.subject,
                "detail": self.detail,
                "commitments": self.commitments,
                "evidence": self.evidence,
            }
        )
        if len(data) > MAX_BYTES:
            _refuse(
                f"entry {self.kind}",
                f"at most {MAX_BYTES} bytes",
                f"{len(data)} bytes",
                "put the large part into the evidence store and name its digest",
            )
        return data


def parse(data: bytes) -> Entry:
    """Read an entry strictly: canonical, complete, of this schema. Raises NotCanonical, BadEntry."""
    if len(data) > MAX_BYTES:
        _refuse("entry", f"at most {MAX_BYTES} bytes", f"{len(data)} bytes")
    value = canonical.parse(data, "entry")
    entry = _from_json(value)
    raw = cast(dict[str, Any], value)
    shape = tuple(map(type, raw.values()))
    if shape not in (_SHAPE, _SHAPE_ALONE) or entry.seq < 0 or entry.epoch < 0:
        wrong = [n for n, t in _TYPES.items() if type(raw[n]) is not t and raw[n] is not None]
        _refuse("entry", "every field of its type, no negative number", ", ".join(wrong) or "seq")
    if raw["clock"].keys() != _CLOCK or raw["actor"].keys() != _ACTOR:
        _refuse("entry", "the known fields in clock and actor", "others")
    check_op(entry.op)
    _check_words(entry.kind, entry.subject, entry.incident)
    for digest in (*entry.evidence, *entry.commitments.values()):
        _check_digest(digest)
    for name in entry.commitments:
        _check_value_name(name)
    return entry


def parse_trusted(data: bytes) -> Entry:
    """Read an entry that this program wrote and whose leaf hash was just checked."""
    return _from_json(canonical.parse_trusted(data))


def commitment(salt: bytes, value: str) -> str:
    """SHA-256(salt || UTF-8 of value), hexadecimal. The salt has always SALT_BYTES bytes."""
    return hashlib.sha256(salt + value.encode("utf-8")).hexdigest()


def check_op(op: str) -> None:
    """Operation ids: 1 to 128 printable ASCII characters without spaces."""
    if not _OP.fullmatch(op):
        _refuse("operation id", "1 to 128 printable ASCII characters without spaces", op)


def check_new(new: NewEntry) -> None:
    """Raise BadEntry if a new entry breaks a rule that canonical JSON does not know."""
    _check_words(new.kind, new.subject, new.incident)
    if new.occurred_at.tzinfo is None:
        _refuse("occurred_at", "an instant with a time zone", "one without")
    for digest in new.evidence:
        _check_digest(digest)
    for name, value in new.values.items():
        _check_value_name(name)
        if type(value) is not str:
            _refuse(f"value {name}", "text", type(value).__name__)


def _check_words(kind: str, subject: str, incident: str | None) -> None:
    if not _KIND.fullmatch(kind) or len(kind) > 64:
        _refuse("kind", "lower-case words joined by dots, at most 64 characters", kind)
    for what, text in (("subject", subject), ("incident", incident)):
        if text is not None and not _LINE.fullmatch(text):
            _refuse(what, "at most 256 characters, no control characters", text)


def _check_digest(digest: object) -> None:
    if type(digest) is not str or not _DIGEST.fullmatch(digest):
        _refuse("evidence or commitment", "a SHA-256 digest of 64 hexadecimal digits", str(digest))


def _check_value_name(name: str) -> None:
    if not _TOKEN.fullmatch(name):
        _refuse("name of a value", "1 to 64 letters, digits and . _ : / -", name)


def _from_json(value: Json) -> Entry:
    if not isinstance(value, dict) or value.keys() != _TYPES.keys():
        fields = sorted(value) if isinstance(value, dict) else value
        _refuse("entry", f"the fields {sorted(_TYPES)}", str(fields)[:200])
    raw = cast(dict[str, Any], value)
    if raw["schema"] != SCHEMA:
        _refuse("entry", f"schema {SCHEMA}", str(raw["schema"]), "use a newer version of ict-bcp")
    try:
        clock = raw["clock"]
        reading = ClockReading(
            clock["offset_us"],
            clock["synced"],
            clock["boot"],
            clock["monotonic_us"],
            clock["suspect"],
        )
        return Entry(
            raw["schema"],
            raw["node"],
            raw["epoch"],
            raw["seq"],
            raw["op"],
            raw["incident"],
            raw["kind"],
            from_us(raw["occurred_at"]),
            from_us(raw["recorded_at"]),
            reading,
            _actor(raw["actor"]["id"], raw["actor"]["capacity"]),
            raw["subject"],
            raw["detail"],
            raw["commitments"],
            tuple(raw["evidence"]),
        )
    except (KeyError, TypeError, AttributeError, OverflowError, IndexError) as error:
        raise BadEntry(
            "an entry with a field of the wrong type",
            where="entry",
            expected=f"schema {SCHEMA}",
            got=repr(error)[:120],
            next_step="verify the log; fetch the entry from an export or a copy",
        ) from error


def _refuse(where: str, expected: str, got: str, next_step: str = "correct the caller") -> NoReturn:
    raise BadEntry(
        "not an entry of this log",
        where=where,
        expected=expected,
        got=got[:200],
        next_step=next_step,
    )
