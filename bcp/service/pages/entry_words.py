"""What an entry says, in words: its detail as pairs of a plain name and a plain value. Pure.

Sizes and lengths are human, instants are JST, bounded words are translated, ids of people become
names. Long hashes are shortened in lists; the page of the entry shows them whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from bcp.journal.entry import Entry
from bcp.kit.language import catalogue
from bcp.kit.units import from_us, jst, jst_short, size
from bcp.service.pages.render import Words

_HASH = re.compile(r"[0-9a-f]{16,}")
_PEOPLE = ("by", "to", "from", "approved_by")
_OF_PLAN = (
    "check",
    "checks",
    "proven_by",
    "system",
    "systems",
    "service",
    "services",
    "site",
    "sites",
)
"""Facts that hold ids of the plan."""
_BYTES = ("size", "added", "compared", "bytes")
_WORDS = {
    "nature": "runbooks.nature_",
    "capacity": "runbooks.capacity_",
    "drill": "runbooks.drill_",
    "proof": "runbooks.proof_",
    "old": "pages.state_",
    "new": "pages.state_",
    "status": "pages.state_",
}
_FIRST = ("action", "level", "result", "reason", "old", "new")
"""What one reads first; an entry's own order is that of the alphabet."""
_MOST = 6
"""Pairs of one line of the list; the page of the entry shows all of them."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One fact of an entry."""

    name: str
    value: str
    full: str
    """The value whole: what is shortened in `value`."""
    telling: bool = True
    """Worth a place in the list: no digest, no zero, nothing the subject says already."""


@dataclass(frozen=True, slots=True)
class Names:
    """What ids are called: people, things of the plan, levels of a declaration."""

    called: Callable[[str], str] = str
    of_plan: Callable[[str], str] = str
    level: Callable[[int], str] = str


def pairs(entry: Entry, words: Words, names: Names) -> tuple[Pair, ...]:
    """Everything the entry's detail holds."""
    told = set(entry.subject.split("/")) | {entry.subject, entry.incident or entry.subject}
    backup = entry.kind.startswith("backup.")
    return tuple(
        _pair(name, value, words, names, told, backup) for name, value in _flat(entry.detail)
    )


def in_short(found: tuple[Pair, ...]) -> str:
    """The list's line: a handful of telling pairs."""
    return "・".join(f"{one.name} {one.value}" for one in found if one.telling and one.value)[:400]


def first_few(found: tuple[Pair, ...]) -> tuple[Pair, ...]:
    """The telling ones, not more than a line holds."""
    return tuple(one for one in found if one.telling)[:_MOST]


def _flat(detail: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Facts within facts stand beside the others; a table of digests is only counted."""
    rank = {name: index for index, name in enumerate(_FIRST)}
    for name, value in sorted(detail.items(), key=lambda item: rank.get(item[0], len(_FIRST))):
        if isinstance(value, dict) and value and all(_HASH.fullmatch(str(key)) for key in value):
            yield name, len(value)
        elif isinstance(value, dict):
            yield from value.items()
        elif value not in ("", None, [], {}):
            yield name, value


def _pair(
    name: str, value: object, words: Words, names: Names, told: set[str], backup: bool
) -> Pair:
    label = _label("rung" if name == "level" and isinstance(value, str) else name, words)
    if name.endswith("_us") and isinstance(value, int) and not isinstance(value, bool):
        instant = from_us(value)
        return Pair(label, jst_short(instant, words.now), f"{jst(instant)} JST")
    if isinstance(value, bool):
        said = words.word("entries.yes" if value else "entries.no")
        return Pair(label, said, said, telling=value is not True or name != "complete")
    if name.endswith("_ms") and isinstance(value, int):
        said = words.exact(timedelta(milliseconds=value))
        return Pair(label, said, f"{said} ({value} ms)")
    if backup and name in _BYTES and isinstance(value, int):
        return Pair(label, size(value), f"{size(value)} ({value} B)", telling=value > 0)
    if isinstance(value, int):
        said = names.level(value) if name == "level" and not backup else str(value)
        return Pair(label, said, said, telling=value != 0 or name == "level")
    if isinstance(value, list):
        items = [_said(name, str(item), words, names) for item in value]
        shown = "、".join(_cut(one) for one in items[:8]) + ("…" if len(items) > 8 else "")
        return Pair(label, shown, "、".join(items), any(str(one) not in told for one in value))
    exact = str(value)
    whole = _said(name, exact, words, names)
    return Pair(label, _cut(whole), whole, not (_HASH.fullmatch(exact) or exact in told))


def _label(name: str, words: Words) -> str:
    plain = name.removesuffix("_us").removesuffix("_ms")
    for key in (f"entries.name_{name}", f"entries.name_{plain}"):
        if key in catalogue():
            return words.word(key)
    return plain


def _said(name: str, value: str, words: Words, names: Names) -> str:
    if name in _PEOPLE:
        return names.called(value)
    if name in _OF_PLAN:
        return names.of_plan(value)
    if name == "roles":
        return "・".join(_word(f"access.role_{role}", role, words) for role in value.split())
    key = f"{_WORDS[name]}{value}" if name in _WORDS else f"entries.word_{value}"
    return _word(key, value, words)


def _word(key: str, value: str, words: Words) -> str:
    return words.word(key) if key in catalogue() else value


def _cut(value: str) -> str:
    return f"{value[:12]}…" if _HASH.fullmatch(value) else value
