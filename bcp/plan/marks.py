"""YAML with places: every value keeps the file, line and column it was written at.

PyYAML follows YAML 1.1, where `no` is False, `1:30` is 90 and a key may stand twice. Here scalars
are resolved by a smaller rule set (null, true/false, decimal integers and floats; all else is
text), duplicate keys are faults, aliases and tags other than the plain ones are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

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


@dataclass(slots=True)
class Tree:
    """Plain data and the mark of every path in it. A mapping's mark is its key's place."""

    data: Json = None
    marks: dict[Path_, Mark] = field(default_factory=dict)

    def mark(self, path: Path_) -> Mark:
        """The place of `path`, or of the nearest parent that is written down."""
        while path and path not in self.marks:
            path = path[:-1]
        return self.marks.get(path) or Mark("?", 1, 1)


def dotted(path: Path_) -> str:
    """`targets.0.rto`, the form people type."""
    return ".".join(str(part) for part in path)


def _scalar(node: yaml.ScalarNode) -> Json:
    text: str = node.value
    if node.style:  # quoted or block: always text (plain: None in Python, "" in the C loader)
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.match(text):
        return int(text)
    if _FLOAT.match(text):
        return float(text)
    return text


class _Loader(yaml.CSafeLoader):
    """The C loader with a floor: it composes by recursion, and thousands of levels end the process
    (a fault of the C stack, not an exception).
    """

    _depth = 0

    def descend_resolver(self, current_node: yaml.Node | None, current_index: object) -> None:
        self._depth += 1
        if self._depth > 2 * _MAX_DEPTH and current_node is not None:
            said = "入れ子が深すぎます / nested too deeply"
            raise yaml.MarkedYAMLError(problem=said, problem_mark=current_node.start_mark)

    def ascend_resolver(self) -> None:
        self._depth -= 1


class _Reader:
    """Turns composed nodes into a Tree, collecting faults instead of stopping at the first."""

    def __init__(self, file: str, base: Path_, tree: Tree, faults: list[Fault]) -> None:
        self.file, self.base, self.tree, self.faults = file, base, tree, faults
        self.seen: set[int] = set()

    def at(self, node: yaml.Node) -> Mark:
        return Mark(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def fault(self, node: yaml.Node, path: Path_, message: str) -> None:
        self.faults.append(Fault(self.at(node), dotted(path), message))

    def read(self, node: yaml.Node, path: Path_) -> Json:
        self.tree.marks.setdefault(path, self.at(node))
        if len(path) > _MAX_DEPTH:
            self.fault(node, path, "入れ子が深すぎます / nested too deeply")
            return None
        if node.tag.startswith("!") or ("python" in node.tag):
            self.fault(node, path, f"タグ {node.tag} は使えません / tags are not allowed")
            return None
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        if id(node) in self.seen:
            self.fault(
                node, path, "アンカーと別名は使えません / anchors and aliases are not allowed"
            )
            return None
        self.seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
        return self.mapping(node, path)

    def mapping(self, node: yaml.Node, path: Path_) -> dict[str, Json]:
        out: dict[str, Json] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.fault(key_node, path, "キーは文字列で書く / a key must be plain text")
                continue
            key = str(key_node.value)
            if key in out:
                first = self.tree.marks.get((*path, key))
                self.fault(
                    key_node,
                    (*path, key),
                    f"キーが二重です (最初は {first}) / duplicate key, first at {first}",
                )
                continue
            self.tree.marks[(*path, key)] = self.at(key_node)
            out[key] = self.read(value_node, (*path, key))
        return out


def documents(content: bytes, shown: str, faults: list[Fault]) -> Iterator[Tree]:
    """Every YAML document of a file as a Tree; syntax errors become faults."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        faults.append(Fault(Mark(shown, 1, 1), "", f"UTF-8 で書く / not UTF-8: {error.reason}"))
        return
    try:
        for node in yaml.compose_all(text, Loader=_Loader):
            if node is not None:
                tree = Tree()
                tree.data = _Reader(shown, (), tree, faults).read(node, ())
                yield tree
    except yaml.MarkedYAMLError as error:
        place = error.problem_mark or error.context_mark
        mark = Mark(shown, place.line + 1, place.column + 1) if place else Mark(shown, 1, 1)
        faults.append(Fault(mark, "", f"YAML の書き方の誤り / YAML syntax: {error.problem}"))
    except yaml.YAMLError as error:
        faults.append(Fault(Mark(shown, 1, 1), "", f"YAML: {error}"))
    except RecursionError:
        faults.append(Fault(Mark(shown, 1, 1), "", "入れ子が深すぎます / nested too deeply"))
