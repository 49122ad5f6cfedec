"""The independent verifier: an export, alone, on a machine with Python and cryptography.

It shares no code with the writer on purpose (own Merkle tree, own notes, own canonical check), so
that one mistake cannot hide another; only `verify_note`, its other half, is imported, and both files
may travel with an export. Nothing is taken for granted: a missing tile, entry or signature is a problem, never
"nothing to check". It prints nothing; `verify_export` gives a `Report`.

What it proves, given a vkey from elsewhere: these entries, all of them, in this order, are what the
holder of the key signed; given older checkpoints too, that nothing signed earlier was changed.
It cannot prove that the newest entries are there: compare the size with a checkpoint kept elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from bcp.journal.verify_note import Bad, open_checkpoint, read_file

_FIELDS = {
    "actor", "clock", "commitments", "detail", "epoch", "evidence", "incident", "kind", "node",
    "occurred_at", "op", "recorded_at", "schema", "seq", "subject",
}  # fmt: skip
_SAFE = 2**53 - 1
_ENCODE = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def _no_float(text: str) -> NoReturn:
    raise ValueError(f"number {text[:40]} is not an integer")


def _integer(text: str) -> int:
    if len(text) > 15 and (len(text) > 17 or abs(int(text)) > _SAFE):
        raise ValueError(f"number {text[:40]} is not within ±{_SAFE}")
    return int(text)


_DECODE = json.JSONDecoder(
    parse_int=_integer, parse_float=_no_float, parse_constant=_no_float
).decode


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `seq` names the entry where one can be named."""

    code: str
    where: str
    expected: str
    got: str
    seq: int | None = None

    def __str__(self) -> str:
        return f"{self.where}: {self.code}: expected {self.expected}, got {self.got}"


@dataclass(slots=True)
class Report:
    """The verdict: `ok` only if there is no problem at all. Warnings do not change it."""

    origin: str = ""
    size: int = 0
    root: str = ""
    entries: int = 0
    signed_by: tuple[str, ...] = ()
    keys_from_elsewhere: bool = False
    first_recorded_us: int | None = None
    last_recorded_us: int | None = None
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Everything was there and everything held."""
        return not self.problems and self.entries == self.size


def verify_export(
    folder: Path, vkeys: Sequence[str] | None = None, older: Sequence[bytes] = ()
) -> Report:
    """Verify a tlog-tiles folder. `vkeys` are trusted keys; without them those of the export are
    used and the report warns. `older` are signed checkpoints kept elsewhere. Raises nothing."""
    report = Report(keys_from_elsewhere=vkeys is not None)
    try:
        keys = list(vkeys) if vkeys is not None else _own_keys(folder, report)
        origin, size, root, names = open_checkpoint(read_file(folder / "checkpoint"), keys)
        heads = {size: root}
        for note in older:
            old_origin, old_size, old_root, _ = open_checkpoint(note, keys)
            if old_origin != origin or old_size > size:
                raise Bad("older_checkpoint", f"{origin} up to {size}", f"{old_origin} {old_size}")
            if heads.setdefault(old_size, old_root) != old_root:
                raise Bad("fork", heads[old_size].hex(), old_root.hex())
    except Bad as bad:
        report.problems.append(Problem(bad.code, "checkpoint", bad.expected, bad.got))
        return report
    report.origin, report.size, report.root, report.signed_by = origin, size, root.hex(), names
    _entries(folder, heads, report)
    _sums(folder, report)
    return report


def _own_keys(folder: Path, report: Report) -> list[str]:
    report.warnings.append("keys_of_export: no vkey from elsewhere; the export vouches for itself")
    lines = read_file(folder / "vkeys").decode("utf-8", "replace").split("\n")
    return [line.split(" ")[-1] for line in lines if line]


def _entries(folder: Path, heads: dict[int, bytes], report: Report) -> None:
    """Read bundles and level-0 tiles side by side, then the upper levels, then the roots."""
    stack: list[tuple[int, bytes]] = []  # (height, hash) of complete subtrees, largest first
    upper: dict[int, list[bytes]] = {}  # height / 8 -> hashes, from the leaves
    state: dict[str, Any] = {"time": None, "back": 0}
    for size in sorted(heads):
        if size == 0:
            _same(report, "root", "size 0", heads[0], _fold(stack))
    for start in range(0, report.size, 256):
        width = min(256, report.size - start)
        tile = _tile(folder, report, 0, start // 256, width)
        leaves = list(_bundle(folder, report, start, width, tile, state))
        for seq, leaf in enumerate(leaves, start):
            height = 0
            while stack and stack[-1][0] == height:
                leaf = hashlib.sha256(b"\x01" + stack.pop()[1] + leaf).digest()
                height += 1
                if height % 8 == 0:
                    upper.setdefault(height // 8, []).append(leaf)
            stack.append((height, leaf))
            if seq + 1 in heads:
                _same(report, "root", f"size {seq + 1}", heads[seq + 1], _fold(stack))
        if len(leaves) < width:
            return  # neither bundle nor tile: no root can be made; said already
    for level, hashes in sorted(upper.items()):
        for index in range(0, (len(hashes) + 255) // 256):
            part = hashes[index * 256 : index * 256 + 256]
            found = _tile(folder, report, level, index, len(part))
            if found is not None and found != part:
                where = f"tile/{level} {index}"
                report.problems.append(Problem("tile", where, "hashes of the entries", "others"))
    if state["back"]:
        report.warnings.append(f"clock_back: {state['back']} entries recorded before the last one")


def _bundle(
    folder: Path,
    report: Report,
    start: int,
    width: int,
    tile: list[bytes] | None,
    state: dict[str, Any],
) -> Iterator[bytes]:
    """The leaf hashes of one bundle's entries; those of the tile where the bundle is missing."""
    path = f"tile/entries/{_number(start // 256)}{_partial(width)}"
    try:
        data = read_file(folder / path)
        entries = _split(data, width)
    except Bad as bad:
        report.problems.append(Problem(bad.code, path, bad.expected, bad.got, start))
        yield from tile or ()
        return
    for seq, entry in enumerate(entries, start):
        leaf = hashlib.sha256(b"\x00" + entry).digest()
        if tile is not None and tile[seq - start] != leaf:
            want = tile[seq - start].hex()
            report.problems.append(Problem("leaf_hash", f"entry {seq}", want, leaf.hex(), seq))
        try:
            _entry(entry, seq, report, state)
        except Bad as bad:
            report.problems.append(Problem(bad.code, f"entry {seq}", bad.expected, bad.got, seq))
        report.entries += 1
        yield leaf


def _entry(data: bytes, seq: int, report: Report, state: dict[str, Any]) -> None:
    try:
        value = _DECODE(data.decode("utf-8"))
        again = _ENCODE(value).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise Bad("not_canonical", "canonical JSON", str(error)[:80]) from None
    if again != data:
        raise Bad("not_canonical", "the one canonical form", "another form")
    if not isinstance(value, dict) or value.keys() != _FIELDS or value["schema"] != 1:
        raise Bad("entry_form", "an entry of schema 1", repr(value)[:80])
    if value["seq"] != seq:
        raise Bad("sequence", f"seq {seq}", f"seq {value['seq']}")
    at = value["recorded_at"]
    if (type(at), type(value["occurred_at"]), type(value["detail"])) != (int, int, dict):
        raise Bad("entry_form", "integer times and a detail map", repr(at)[:40])
    if state["time"] is not None and at < state["time"]:
        state["back"] += 1
    state["time"] = report.last_recorded_us = at
    if report.first_recorded_us is None:
        report.first_recorded_us = at
    if seq == 0 and value["kind"] == "log.created":
        named = value["detail"].get("origin")
        if named != report.origin:
            raise Bad("origin", report.origin, repr(named)[:80])


def _tile(folder: Path, report: Report, level: int, index: int, width: int) -> list[bytes] | None:
    path = f"tile/{level}/{_number(index)}{_partial(width)}"
    try:
        data = read_file(folder / path)
        if len(data) != 32 * width:
            raise Bad("tile", f"{32 * width} bytes", f"{len(data)} bytes")
    except Bad as bad:
        report.problems.append(Problem(bad.code, path, bad.expected, bad.got))
        return None
    return [data[at : at + 32] for at in range(0, len(data), 32)]


def _split(data: bytes, width: int) -> list[bytes]:
    entries, at = [], 0
    while at + 2 <= len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        entries.append(data[at + 2 : end])
        at = end
    if at != len(data) or len(entries) != width:
        raise Bad("bundle", f"{width} whole entries", f"{len(entries)} in {len(data)} bytes")
    return entries


def _fold(stack: list[tuple[int, bytes]]) -> bytes:
    root = stack[-1][1] if stack else hashlib.sha256(b"").digest()
    for _height, left in reversed(stack[:-1]):
        root = hashlib.sha256(b"\x01" + left + root).digest()
    return root


def _number(index: int) -> str:
    text = f"{index % 1000:03d}"
    while index := index // 1000:
        text = f"x{index % 1000:03d}/{text}"
    return text


def _partial(width: int) -> str:
    return "" if width == 256 else f".p/{width}"


def _sums(folder: Path, report: Report) -> None:
    """SHA256SUMS, a help for those without this program: what it lists must fit."""
    try:
        *lines, rest = read_file(folder / "SHA256SUMS").decode("utf-8", "replace").split("\n")
    except Bad:
        report.warnings.append("no_sums: SHA256SUMS is missing")
        return
    if rest:
        report.problems.append(Problem("sum", "SHA256SUMS", "whole lines", rest[:80]))
    for line in lines:
        want, _, name = line.partition("  ")
        try:
            if name.startswith("/") or ".." in name.split("/"):
                raise Bad("sum", "a file of the export", name[:80])
            got = hashlib.sha256(read_file(folder / name)).hexdigest()
        except Bad as bad:
            got = bad.got
        if got != want:
            report.problems.append(Problem("sum", name, want, got))


def _same(report: Report, code: str, where: str, expected: bytes, got: bytes) -> None:
    if expected != got:
        report.problems.append(Problem(code, where, expected.hex(), got.hex()))
