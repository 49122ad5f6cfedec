"""YAML with places: every value keeps the file, line and column it was written at.

PyYAML follows YAML 1.1, where `no` is False, `1:30` is 90 and a key may stand twice. Here scalars
are resolved by a smaller rule set (null, true/false, decimal integers and floats; all else is
text), duplicate keys are faults, aliases and tags other than the plain ones are refused.

The parser's events are read straight into plain data: libyaml composes nodes by recursion, where
thousands of levels end the process, and half of the time goes into nodes nobody looks at. Places
are kept as numbers beside the data and become a `Mark` when a fault asks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import yaml

from bcp.kit.errors import UsageError

Json = object
"""Plain data: str, int, float, bool, None, list, dict."""
Path_ = tuple[str | int, ...]

# longer ones stay text, so that a model refuses them: `int` raises, `float` makes them infinite
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\Z")
_FLOAT = re.compile(r"[-+]?[0-9]{1,18}\.[0-9]{1,18}\Z")
_WORDS = {"null": None, "~": None, "": None, "true": True, "false": False}
_MAX_DEPTH = 40
_TOO_DEEP = "入れ子が深すぎます / nested too deeply"


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a file; line and column count from 1, as editors do."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong: where, at which key, what."""

    mark: Mark
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.mark}: {self.path + ': ' if self.path else ''}{self.message}"

    def as_dict(self) -> dict[str, str | int]:
        """For `--json`."""
        return {
            "file": self.mark.file,
            "line": self.mark.line,
            "column": self.mark.column,
            "path": self.path,
            "message": self.message,
        }


class PlanInvalid(UsageError):
    """Every fault of a plan at once; nothing was taken over."""

    def __init__(self, faults: list[Fault], where: str) -> None:
        self.faults = sorted(set(faults))
        super().__init__(
            "\n".join(str(fault) for fault in self.faults)
            + f"\n{len(self.faults)} 件の誤り / {len(self.faults)} faults",
            next_step="直してから ict-bcp check-config を実行する / fix them, then run check-config",
        )
        self.plan_dir = where


class Parts(NamedTuple):
    """The place of a mapping or list, and of what is in it."""

    at: int
    parts: dict[str, Place] | list[Place]
    file: str | None = None
    """Only where it came from another file than the whole."""


Place: TypeAlias = int | Parts
"""Where a value begins: `line << 24 | column`, from 0. A mapping's value begins at its key."""


@dataclass(slots=True)
class Tree:
    """Plain data, and the place of every path in it."""

    data: Json = None
    file: str = "?"
    place: Place = 0

    def mark(self, path: Path_) -> Mark:
        """The place of `path`, or of the nearest parent that is written down."""
        file, at, _whole = self._find(path)
        return Mark(file, (at >> 24) + 1, (at & 0xFFFFFF) + 1)

    def has(self, path: Path_) -> bool:
        """Whether `path` is written down."""
        return self._find(path)[2]

    def join(self, key: str, other: Tree) -> None:
        """Take over the places of a top-level key of another file; a list's items join at the end."""
        mine, new = self.place, other.place
        if not (isinstance(mine, Parts) and isinstance(new, Parts)):
            return  # no mapping, no keys
        if not (isinstance(mine.parts, dict) and isinstance(new.parts, dict)):
            return
        old, part = mine.parts.get(key), _of(other.file, new.parts[key])
        if old is None:
            mine.parts[key] = part
        elif isinstance(old, Parts) and isinstance(old.parts, list):
            more = part.parts if isinstance(part.parts, list) else ()
            old.parts.extend(_of(other.file, one) for one in more)

    def _find(self, path: Path_) -> tuple[str, int, bool]:
        file, place = self.file, self.place
        for step in path:
            found: Place | None = None
            if isinstance(place, Parts):
                file, parts = place.file or file, place.parts
                if isinstance(parts, dict):
                    found = parts.get(str(step))
                elif isinstance(step, int) and 0 <= step < len(parts):
                    found = parts[step]
            if found is None:
                return file, _begin(place), False
            place = found
        if isinstance(place, Parts):
            file = place.file or file
        return file, _begin(place), True


def dotted(path: Path_) -> str:
    """`targets.0.rto`, the form people type."""
    return ".".join(str(part) for part in path)


def _of(file: str, place: Place) -> Parts:
    """A place that remembers its file."""
    return Parts(place, {}, file) if isinstance(place, int) else place._replace(file=file)


def _begin(place: Place) -> int:
    return place if isinstance(place, int) else place.at


def _scalar(text: str) -> Json:
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in "+-0123456789":
        if _INT.match(text):
            return int(text)
        if _FLOAT.match(text):
            return float(text)
    return text


class _Reader:
    """Turns the events of a document into a Tree, collecting faults instead of stopping at the first."""

    def __init__(self, loader: yaml.CSafeLoader, file: str, faults: list[Fault]) -> None:
        self.next: Callable[[], Any] = loader.get_event
        self.file, self.faults = file, faults
        self.path: list[str | int] = []

    def document(self) -> Tree:
        """The document that begins now."""
        data, place = self.read(self.next())
        self.next()  # its end
        return Tree(data, self.file, place)

    def mark(self, at: int) -> Mark:
        """A place for people."""
        return Mark(self.file, (at >> 24) + 1, (at & 0xFFFFFF) + 1)

    def read(self, event: Any) -> tuple[Json, Place]:
        """The value that begins with `event`."""
        begun = event.start_mark
        at = begun.line << 24 | begun.column
        kind = type(event)
        if kind is yaml.AliasEvent:
            said = "アンカーと別名は使えません / anchors and aliases are not allowed"
            return self.refused(event, at, said)
        if len(self.path) > _MAX_DEPTH:
            return self.refused(event, at, _TOO_DEEP)
        tag = event.tag
        if tag is not None and (tag.startswith("!") or "python" in tag):
            return self.refused(event, at, f"タグ {tag} は使えません / tags are not allowed")
        if kind is yaml.ScalarEvent:
            # quoted or block: always text
            return event.value if event.style else _scalar(event.value), at
        return self.sequence(at) if kind is yaml.SequenceStartEvent else self.mapping(at)

    def sequence(self, at: int) -> tuple[Json, Place]:
        """Its items, to the end."""
        data: list[Json] = []
        places: list[Place] = []
        while type(event := self.next()) is not yaml.SequenceEndEvent:
            self.path.append(len(data))
            value, place = self.read(event)
            self.path.pop()
            data.append(value)
            places.append(place)
        return data, Parts(at, places)

    def mapping(self, at: int) -> tuple[Json, Place]:
        """Its keys and values, to the end; the first of two like keys holds."""
        data: dict[str, Json] = {}
        places: dict[str, Place] = {}
        while type(event := self.next()) is not yaml.MappingEndEvent:
            mark = event.start_mark
            begun = mark.line << 24 | mark.column
            if type(event) is not yaml.ScalarEvent:
                self.refused(event, begun, "キーは文字列で書く / a key must be plain text")
                self.skip(self.next())
                continue
            key = event.value
            self.path.append(key)
            if key in data:
                first = self.mark(_begin(places[key]))
                said = f"キーが二重です (最初は {first}) / duplicate key, first at {first}"
                self.refused(self.next(), begun, said)
            else:
                data[key], place = self.read(self.next())
                places[key] = begun if isinstance(place, int) else Parts(begun, place.parts)
            self.path.pop()
        return data, Parts(at, places)

    def refused(self, event: Any, at: int, message: str) -> tuple[Json, Place]:
        """Say why, and go past the value."""
        self.faults.append(Fault(self.mark(at), dotted(tuple(self.path)), message))
        self.skip(event)
        return None, at

    def skip(self, event: Any) -> None:
        """Go past the value that begins with `event`, however deep it is."""
        depth = 0
        while True:
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if not depth:
                return
            if depth > _MAX_DEPTH:  # a bomb: nothing after it is worth reading
                raise yaml.MarkedYAMLError(problem=_TOO_DEEP, problem_mark=event.start_mark)
            event = self.next()


def documents(content: bytes, shown: str, faults: list[Fault]) -> Iterator[Tree]:
    """Every YAML document of a file as a Tree; syntax errors become faults."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        faults.append(Fault(Mark(shown, 1, 1), "", f"UTF-8 で書く / not UTF-8: {error.reason}"))
        return
    try:
        loader = yaml.CSafeLoader(text)
        while not loader.check_event(yaml.StreamEndEvent):
            if isinstance(loader.get_event(), yaml.DocumentStartEvent):
                yield _Reader(loader, shown, faults).document()
    except yaml.MarkedYAMLError as error:
        place = error.problem_mark or error.context_mark
        mark = Mark(shown, place.line + 1, place.column + 1) if place else Mark(shown, 1, 1)
        faults.append(Fault(mark, "", f"YAML の書き方の誤り / YAML syntax: {error.problem}"))
    except yaml.YAMLError as error:
        faults.append(Fault(Mark(shown, 1, 1), "", f"YAML: {error}"))
