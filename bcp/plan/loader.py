"""Reads a plan folder into one tree, validates a part of it against a model, names every fault.

Files of `kind: Runbook` are kept apart; all others are read together: top-level lists of several
files are joined, a top-level mapping may stand in one file only.
"""

from __future__ import annotations

import difflib
import json
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from bcp.kit.errors import UsageError
from bcp.plan.marks import Fault, Mark, Parts, Path_, Tree, documents, dotted
from bcp.plan.suggest import keys_at

T = TypeVar("T")

_MOST = 16 << 20
"""Bytes of all files together: ten times a plan of ten thousand checks. It is kept whole for ever."""


@dataclass(slots=True)
class Source:
    """What stands in a plan folder, before any model has looked at it."""

    files: dict[str, bytes]
    """Every file read, by its path relative to the root: kept whole when the plan is accepted."""
    tree: Tree = field(default_factory=Tree)
    runbooks: list[Tree] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def plan_files(root: Path) -> list[Path]:
    """The YAML files of a plan, in a stable order. Raises `UsageError` when there are none."""
    if root.is_file():
        return [root]
    if not root.is_dir():
        raise UsageError(
            "計画のフォルダがありません / no such plan folder",
            where=str(root),
            next_step="ict-bcp run PLAN_DIR の PLAN_DIR を確かめる / check the path",
        )
    files = sorted(p for p in root.rglob("*.y*ml") if p.suffix in (".yaml", ".yml"))
    files = [
        p for p in files if not any(part.startswith(".") for part in p.relative_to(root).parts)
    ]
    if not files:
        raise UsageError("計画に YAML がありません / no YAML file in the plan", where=str(root))
    return files


def read_source(root: Path) -> Source:
    """Read every file of a plan folder; what cannot be read is a fault."""
    files: dict[str, bytes] = {}
    faults: list[Fault] = []
    for path in plan_files(root):
        shown = str(path.relative_to(root)) if path != root else path.name
        try:
            found = _content(path, _MOST - sum(map(len, files.values())))
        except OSError as error:
            found = f"読めません / cannot read: {error.strerror}"
        if isinstance(found, str):
            faults.append(Fault(Mark(shown, 1, 1), "", found))
        else:
            files[shown] = found
    source = parse_files(files)
    if faults and not files:  # nothing could be read: what is missing is said of that file
        source.tree.file = faults[0].mark.file
    source.faults[:0] = faults
    return source


def _content(path: Path, room: int) -> bytes | str:
    """The file whole, or the sentence that refuses it: a pipe would never end, a dump would not fit."""
    about = path.stat()
    if not stat.S_ISREG(about.st_mode):
        return "普通のファイルではありません / not a regular file"
    if about.st_size > room:
        return (
            f"大きすぎます: 計画は合わせて {_MOST >> 20} MB まで (このファイルは "
            f"{about.st_size / (1 << 20):.1f} MB) / too large: a plan has at most {_MOST >> 20} MB"
        )
    return path.read_bytes()


def parse_files(files: Mapping[str, bytes]) -> Source:
    """The same from bytes: an accepted plan kept in the evidence store reads back like this."""
    source = Source(dict(files))
    source.tree.data, source.tree.place = {}, Parts(0, {})
    for shown, content in files.items():
        for tree in documents(content, shown, source.faults):
            if isinstance(tree.data, dict) and tree.data.get("kind") == "Runbook":
                source.runbooks.append(tree)
            else:
                _join(source, tree)
    if source.tree.file == "?":
        source.tree.file = next(iter(files), "?")
    return source


def _join(source: Source, part: Tree) -> None:
    whole: dict[str, Any] = source.tree.data  # type: ignore[assignment]
    if not isinstance(part.data, dict) or not isinstance(part.place, Parts):
        source.faults.append(
            Fault(part.mark(()), "", "計画は キー: 値 の形で書く / a plan file is a mapping")
        )
        return
    if not whole:  # the first one gives the whole its place
        source.tree.file, source.tree.place = part.file, Parts(part.place.at, {})
    for key, value in part.data.items():
        if key not in whole:
            whole[key] = value
            source.tree.join(key, part)
        elif isinstance(whole[key], list) and isinstance(value, list):
            whole[key].extend(value)
            source.tree.join(key, part)
        else:
            first = source.tree.mark((key,))
            message = f"キーが二重です (最初は {first}) / duplicate key"
            source.faults.append(Fault(part.mark((key,)), key, message))


def validate(
    adapter: TypeAdapter[T], tree: Tree, path: Path_ = (), data: Any = None
) -> tuple[T | None, list[Fault]]:
    """Check the part at `path` (its plain data may be given) against a model.

    JSON mode is strict (no "5" for 5) and still reads lists as tuples and texts as enums.
    """
    try:
        value = adapter.validate_json(json.dumps(tree.data if data is None else data), strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False)
        return None, [_fault(tree, path, item, adapter) for item in found if not _echo(item, found)]
    return value, []


def _echo(item: Any, found: Iterable[Any]) -> bool:
    """A list called too short only because every item of it is wrong: that is said already."""
    place = item["loc"]
    return item["type"] == "too_short" and any(
        len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in found
    )


def _written(tree: Tree, base: Path_, loc: Iterable[str | int]) -> Path_:
    """pydantic's location without the parts it invents (union tags, function names)."""
    path = base
    parts = list(loc)
    for index, part in enumerate(parts):
        if tree.has((*path, part)):
            path = (*path, part)
        elif index == len(parts) - 1 and isinstance(part, str):
            return (*path, part)
    return path


_MESSAGES = {
    "missing": "必要な項目がありません / required key is missing",
    "string_type": "文字列で書く / must be text",
    "int_type": "整数で書く / must be an integer",
    "bool_type": "true か false で書く / must be true or false",
    "list_type": "一覧 (- で始まる行) で書く / must be a list",
    "tuple_type": "一覧 (- で始まる行) で書く / must be a list",
}


def _fault(tree: Tree, base: Path_, item: Any, adapter: TypeAdapter[Any]) -> Fault:
    path = _written(tree, base, item["loc"])
    kind, context = item["type"], item.get("ctx") or {}
    if kind == "extra_forbidden":
        name = str(item["loc"][-1])
        known = keys_at(adapter, item["loc"][:-1])
        return Fault(tree.mark(path), dotted(path), unknown(name, known, "key"))
    message = _MESSAGES.get(kind)
    if message is None:
        message = str(item["msg"]).removeprefix("Value error, ")
        if kind in ("enum", "literal_error", "union_tag_invalid"):
            allowed = str(context.get("expected") or context.get("expected_tags") or "")
            given = str(item.get("input") if kind != "union_tag_invalid" else context.get("tag"))
            message = (
                f"'{given}' は使えません。使えるのは {allowed} / not one of {allowed}"
                + _guess(
                    given, [word.strip(" '") for word in allowed.replace(" or ", ",").split(",")]
                )
            )
    if kind == "missing":
        return Fault(tree.mark(path[:-1]), dotted(path), message)
    return Fault(tree.mark(path), dotted(path), message)


def _guess(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"。もしかして '{near[0]}' / did you mean '{near[0]}'?" if near else ""


def unknown(name: str, known: Iterable[str], what: str = "id") -> str:
    """The message for a name that nobody defined, with a guess."""
    noun = {"key": "知らないキー", "id": "定義されていない名前"}.get(what, what)
    return f"{noun} '{name}' / unknown {what} '{name}'" + _guess(name, known)
