"""What a plan says of people, taken out of what is kept for ever. Pure.

An accepted plan is evidence: it is proven by its digest and cannot be changed. A person can be
forgotten. So the kept document holds a mark, `⟦PERSON/FIELD⟧`, wherever the plan says a name, a
number or an address; the texts go into the value store, one value per person (JSON of field to
text), and the entry that names the document carries their salted commitments. Joined again the plan
is whole; where a value was erased the mark reads 消去済, and digest, commitments and every proof hold.

Chosen over keeping the files encrypted: one erased key would take the whole plan with it, and the
digest of a file with a telephone number in it lets anybody who knows the rest try all the numbers.
What is kept is therefore what the program read (comments and layout of the YAML are not: free text
of people, and of no effect), and the digest is that of the document with the marks.

Names, numbers and addresses of the listed people are also found in the other texts of the plan (a
step that says whom to call). What no rule can find, the name of somebody who is not listed, stays:
the plan is not the place for it, as `docs` say.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

FIELDS = ("name", "title", "phone", "mobile", "mail", "radio")
"""Of `plan.model.Person`: everything but id, site and what was confirmed when."""

ERASED = "消去済"
PREFIX = "person/"
"""Of the names of these values: no page shows them, contacts are shown by role (R-96)."""
_MARK = re.compile(r"⟦([^⟦⟧]+)⟧|⟦([⟦⟧])⟧")
_SOUGHT = {"name": 3, "phone": 6, "mobile": 6, "mail": 6}
"""Looked for in other texts too, from so many characters on: a shorter one means something else."""


@dataclass(frozen=True, slots=True)
class Split:
    """A document without personal texts, and these: name of the value -> its text."""

    document: Any
    values: Mapping[str, str]


@dataclass
class _Found:
    """The texts that were taken out, by person and field."""

    sought: Mapping[str, tuple[str, str]]
    pattern: re.Pattern[str]
    taken: dict[str, dict[str, str]] = field(default_factory=dict)

    def mark(self, person: str, name: str, text: str) -> str:
        self.taken.setdefault(person, {})[name] = text
        return f"⟦{person}/{name}⟧"

    def text(self, text: str) -> str:
        """A text of the plan that is nobody's own field."""
        if not self.pattern.search(text):
            return text
        return self.pattern.sub(self._one, text)

    def _one(self, match: re.Match[str]) -> str:
        found = match.group()
        return f"⟦{found}⟧" if found in "⟦⟧" else self.mark(*self.sought[found], found)


def value_name(person: str) -> str:
    """The name of a person's value in an entry (64 characters at most)."""
    short = person if len(person) <= 56 else hashlib.sha256(person.encode()).hexdigest()[:32]
    return f"{PREFIX}{short}"


def split(document: Any, people: Iterable[Mapping[str, Any]]) -> Split:
    """Take the texts of `people` out of a document of plain JSON values.

    Where the document lists these very people, their fields become marks whole.
    """
    rows = [one for one in people if isinstance(one.get("id"), str)]
    sought: dict[str, tuple[str, str]] = {}
    for one in rows:
        for name, least in _SOUGHT.items():
            text = one.get(name)
            if not isinstance(text, str) or len(text) < least:
                continue
            if name != "name" or not text.isascii():
                sought.setdefault(text, (one["id"], name))
    own = {id(one): one["id"] for one in rows}
    there = _texts_of(document, own)
    live = sorted((text for text in sought if text in there), key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, (*live, "⟦", "⟧"))))
    found = _Found(sought, pattern)

    def row(person: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {
            key: found.mark(person, key, value)
            if key in FIELDS and isinstance(value, str)
            else _each(value, found.text, own, row)
            for key, value in fields.items()
        }

    without = _each(document, found.text, own, row)
    values = {
        value_name(person): json.dumps(texts, ensure_ascii=False, sort_keys=True)
        for person, texts in found.taken.items()
    }
    return Split(without, values)


def join(document: Any, values: Mapping[str, str]) -> Any:
    """The inverse; what is not among `values` any more reads `ERASED`."""
    known = {name: json.loads(text) for name, text in values.items() if name.startswith(PREFIX)}

    def one(match: re.Match[str]) -> str:
        if match[2]:
            return match[2]
        person, _slash, name = match[1].rpartition("/")
        return str(known.get(value_name(person), {}).get(name, ERASED))

    return _each(document, lambda text: _MARK.sub(one, text), {}, lambda _person, row: dict(row))


def _texts_of(document: Any, own: Mapping[int, str]) -> str:
    """Every text that is nobody's own field, in one string: most people are named nowhere else."""
    texts: list[str] = []
    left = [document]
    while left:
        value = left.pop()
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, dict):
            if id(value) not in own:
                left.extend(value.values())
        elif isinstance(value, list | tuple):
            left.extend(value)
    return "\0".join(texts)


def _each(
    value: Any,
    text: Callable[[str], str],
    own: Mapping[int, str],
    row: Callable[[str, Mapping[str, Any]], dict[str, Any]],
) -> Any:
    """The document with `text` of every text and `row` of every person's own row."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, dict):
        person = own.get(id(value))
        if person is not None:
            return row(person, value)
        return {key: _each(item, text, own, row) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_each(item, text, own, row) for item in value]
    return value
