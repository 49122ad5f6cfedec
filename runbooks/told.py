"""A paper that was told and must be told again byte for byte: 状況報告, 引継書. Pure.

Its bytes are canonical JSON of plain blocks; they lie in the evidence store and an entry names their
digest. People stand in it as pseudonyms and free words of people do not (they are values of the
entry), so that nothing personal stays where it cannot be erased.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bcp.journal.canonical import Json, encode, parse
from bcp.kit.units import from_us, to_us
from runbooks.paper.sheet import Block, Heading, Note, Table, block_markdown

Said = Callable[[str], str]
"""Pseudonym -> how the reader may see that person."""


@dataclass(frozen=True, slots=True)
class Told:
    """One paper: `number` 0 for one that is not numbered."""

    kind: str
    """`situation` or `handover`."""
    number: int
    incident: str
    drill: str | None
    title: str
    as_of: datetime
    upto: int
    """The last entry of the log it knows of."""
    blocks: tuple[Block, ...]

    def data(self) -> bytes:
        """The bytes kept."""
        value: dict[str, Json] = {
            "kind": self.kind,
            "number": self.number,
            "incident": self.incident,
            "drill": self.drill,
            "title": self.title,
            "as_of_us": to_us(self.as_of),
            "upto": self.upto,
            "blocks": [_plain(block) for block in self.blocks],
        }
        return encode(value)

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes: what the entry names."""
        return hashlib.sha256(self.data()).hexdigest()

    def text(self) -> str:
        """As Markdown, for a terminal, mail or FAX."""
        mark = "【訓練】" if self.drill else ""
        lines = [f"# {mark}{self.title}", ""]
        for block in self.blocks:
            lines += [*block_markdown(block), ""]
        return "\n".join(lines).rstrip() + "\n"

    def named(self, said: Said) -> Told:
        """With people called by name, for a reader who may know them."""
        return replace(self, blocks=tuple(named(block, said) for block in self.blocks))


def read(data: bytes) -> Told:
    """The paper of these bytes. Raises `NotCanonical` or `KeyError` for what is none."""
    value: Any = parse(data)
    return Told(
        value["kind"],
        value["number"],
        value["incident"],
        value["drill"],
        value["title"],
        from_us(value["as_of_us"]),
        value["upto"],
        tuple(_block(one) for one in value["blocks"]),
    )


def person(id: str) -> str:
    """A pseudonym in a cell, marked so that it can be found again."""
    return f"〔{id}〕"


def _plain(block: Block) -> dict[str, Json]:
    if isinstance(block, Heading):
        return {"block": "heading", "text": block.text}
    if isinstance(block, Note):
        return {"block": "note", "text": block.text, "kind": block.kind}
    if isinstance(block, Table):
        return {
            "block": "table",
            "columns": list(block.columns),
            "widths": list(block.widths),
            "rows": [list(row) for row in block.rows],
        }
    raise TypeError(f"no such block in a told paper: {type(block).__name__}")


def _block(value: Any) -> Block:
    if value["block"] == "heading":
        return Heading(value["text"])
    if value["block"] == "note":
        return Note(value["text"], value["kind"])
    rows = tuple(tuple(row) for row in value["rows"])
    return Table(tuple(value["columns"]), tuple(value["widths"]), rows)


def named(block: Block, said: Said) -> Block:
    """A block with people called by name."""
    if isinstance(block, Note):
        return replace(block, text=_say(block.text, said))
    if isinstance(block, Table):
        rows = tuple(tuple(_say(cell, said) for cell in row) for row in block.rows)
        return replace(block, rows=rows)
    return block


def _say(cell: str, said: Said) -> str:
    if "〔" not in cell:
        return cell
    head, *rest = cell.split("〔")
    out = [head]
    for part in rest:
        id, found, tail = part.partition("〕")
        out.append(said(id) + tail if found else "〔" + part)
    return "".join(out)
