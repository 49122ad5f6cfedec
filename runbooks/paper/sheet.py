"""A sheet of paper as a plain value: title, numbers that identify it, blocks. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import date
from functools import cache
from typing import Any, Literal

from bcp.kit.typed_code import ALPHABET, read, with_check
from bcp.kit.units import wareki


@dataclass(frozen=True, slots=True)
class Heading:
    """見出し."""

    text: str
    block: Literal["heading"] = "heading"


@dataclass(frozen=True, slots=True)
class Note:
    """A paragraph; `safety` stands in a heavy frame and comes before what it is about."""

    text: str
    kind: Literal["plain", "safety", "stop", "large"] = "plain"
    block: Literal["note"] = "note"


@dataclass(frozen=True, slots=True)
class Table:
    """Columns with relative widths; `tall`: rows high enough to write in with gloves."""

    columns: tuple[str, ...]
    widths: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]
    tall: bool = False
    block: Literal["table"] = "table"


@dataclass(frozen=True, slots=True)
class Checklist:
    """Boxes to tick, one line each."""

    items: tuple[str, ...]
    block: Literal["checklist"] = "checklist"


@dataclass(frozen=True, slots=True)
class Boxes:
    """Empty fields to fill in: (label, relative width)."""

    fields: tuple[tuple[str, int], ...]
    block: Literal["boxes"] = "boxes"


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step of a runbook: a row with empty columns 実施時刻 and 氏名."""

    id: str
    title: str
    who: str
    time: str = ""
    safety: str = ""
    detail: tuple[str, ...] = ()
    type_in: tuple[str, ...] = ()
    expect: str = ""
    question: str = ""
    options: tuple[str, ...] = ()
    otherwise: str = ""
    """「できないとき」: where to go on."""
    mark: str = ""
    """必須, 二人で, 要ベンダー …"""
    milestone: bool = False


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps one under the other."""

    steps: tuple[StepLine, ...]
    block: Literal["steps"] = "steps"


@dataclass(frozen=True, slots=True)
class CutOut:
    """One card to cut out: a number, a code, and what its QR code says."""

    number: str
    code: str
    qr: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cards:
    """Cards in two columns, with lines to cut along."""

    cards: tuple[CutOut, ...]
    block: Literal["cards"] = "cards"


Block = Heading | Note | Table | Checklist | Boxes | Steps | Cards


@dataclass(frozen=True, slots=True)
class Sheet:
    """One printed thing, possibly of several pages.

    `sha256` is of the content (title, form, blocks, edition, drill), not of the day it is printed:
    the same content has the same number everywhere. `code` is its eight-character typed form; the
    last character is a check, so a slip of the pen shows.
    """

    id: str
    kind: Literal["runbook", "contacts", "damage", "card", "report", "form", "codes"]
    title: str
    form: str
    """様式番号, or empty."""
    organization: str
    classification: str
    edition: str
    printed: date
    blocks: tuple[Block, ...]
    drill: str | None = None
    """The drill's id: 【訓練】 on every page."""
    event: str | None = None
    subtitle: str = ""
    large: bool = False
    sha256: str = field(default="", compare=False)
    code: str = field(default="", compare=False)

    @property
    def day(self) -> str:
        """令和8年11月23日."""
        return wareki(self.printed)

    @property
    def payload(self) -> str:
        """What the QR code says: `ICT-BCP|event|sheet|edition|code`."""
        return "|".join(("ICT-BCP", self.event or "-", self.id, self.edition, self.code))


def sealed(sheet: Sheet) -> Sheet:
    """The sheet with its digest and typed code."""
    content = _plain(sheet)
    for name in ("printed", "sha256", "code"):
        del content[name]
    data = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    digest = hashlib.sha256(data).hexdigest()
    return replace(sheet, sha256=digest, code=typed_code(digest))


def _plain(value: Any) -> Any:
    """`dataclasses.asdict` without its copies: a report has thirty thousand texts."""
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, tuple | list):
        return tuple([_plain(item) for item in value])
    if is_dataclass(value):
        kind: Any = type(value)
        return {name: _plain(getattr(value, name)) for name in _names(kind)}
    return value


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind))


def typed_code(digest: str) -> str:
    """Seven characters of a digest and one check character."""
    number = int(digest, 16) >> (4 * len(digest) - 35)
    return with_check("".join(ALPHABET[number >> shift & 31] for shift in range(30, -1, -5)))


def read_code(typed: str) -> str | None:
    """The code as typed by a tired person; None if wrong."""
    return read(typed, 8)


def as_data(sheet: Sheet) -> dict[str, Any]:
    """Plain data for a renderer in another process."""
    return {
        **_plain(sheet),
        "printed": sheet.printed.isoformat(),
        "day": sheet.day,
        "payload": sheet.payload,
    }


def markdown(sheet: Sheet) -> str:
    """The sheet as Markdown: for terminals, mail and byte-for-byte comparison."""
    mark = "【訓練】" if sheet.drill else ""
    lines = [f"# {mark}{sheet.title}", ""]
    if sheet.subtitle:
        lines += [sheet.subtitle, ""]
    for block in sheet.blocks:
        lines += [*block_markdown(block), ""]
    return "\n".join(lines).rstrip() + "\n"


def block_markdown(block: Block) -> list[str]:
    """One block as lines of Markdown."""
    if isinstance(block, Heading):
        return [f"## {block.text}"]
    if isinstance(block, Note):
        return [f"> **{block.text}**" if block.kind in ("safety", "stop") else block.text]
    if isinstance(block, Table):
        rows = ["| " + " | ".join(map(_cell, row)) + " |" for row in block.rows]
        rule = "|" + "---|" * len(block.columns)
        return ["| " + " | ".join(block.columns) + " |", rule, *rows]
    if isinstance(block, Checklist):
        return [f"- [ ] {item}" for item in block.items]
    if isinstance(block, Boxes):
        return [" ".join(f"{label}: ____________" for label, _width in block.fields)]
    if isinstance(block, Cards):
        lines = [f"[{one.number}]  {one.code}  {' / '.join(one.lines)}" for one in block.cards]
        return [part for line in lines for part in (line, "")]
    return [line for step in block.steps for line in _step(step)]


def _step(step: StepLine) -> list[str]:
    lines = [
        f"- [ ] **{step.id} {step.title}** ({step.who}{', ' + step.time if step.time else ''})"
    ]
    lines += [f"  - 注意: {step.safety}"] if step.safety else []
    lines += [f"  - {item}" for item in step.detail]
    lines += [f"  - `{item}`" for item in step.type_in]
    lines += [f"  - {step.question}"] if step.question else []
    lines += [f"  - [ ] {item}" for item in step.options]
    lines += [f"  - 見えるもの: {step.expect}"] if step.expect else []
    return lines + ([f"  - できないとき: {step.otherwise}"] if step.otherwise else [])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
