"""Reads what restic writes. Pure, and tolerant: any line may be text, any field may be missing.

0.14 writes text where later versions write JSON; numbers that are zero are left out; errors nest
their message since 0.17; a snapshot id has eight digits in 0.14's summary.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)\Z")
MAX_LINE = 1 << 20


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One snapshot as the repository lists it."""

    id: str
    tree: str
    time: datetime
    hostname: str
    paths: tuple[str, ...]
    tags: tuple[str, ...]
    original: str | None = None
    """The id it was copied or rewritten from."""
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """The end of a backup; a field restic left out is 0."""

    snapshot_id: str
    """Full, or its first eight digits (0.14); empty: nothing was written."""
    files_new: int = 0
    files_changed: int = 0
    files_unmodified: int = 0
    files: int = 0
    bytes: int = 0
    bytes_added: int = 0
    bytes_packed: int = 0
    """Of them after compression (0.17 on)."""


@dataclass(frozen=True, slots=True)
class Progress:
    """One status line: how far a backup or a restore is."""

    ratio: float
    bytes_done: int
    bytes_total: int


def messages(output: bytes) -> Iterator[Mapping[str, Any]]:
    """Every line that is a JSON object; other lines are skipped."""
    for line in output.splitlines():
        if line[:1] == b"{" and len(line) <= MAX_LINE:
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict):
                yield value


def instant(text: str) -> datetime:
    """RFC 3339 with nanoseconds, as Go writes it. Raises ValueError."""
    match = _TIME.match(text)
    if match is None:
        raise ValueError(f"not an instant: {text[:40]!r}")
    whole, fraction, zone = match.groups()
    micro = (fraction or "0")[:6].ljust(6, "0")
    offset = "+00:00" if zone == "Z" else zone
    return datetime.fromisoformat(f"{whole}.{micro}{offset}").astimezone(UTC)


def snapshots(output: bytes) -> tuple[Snapshot, ...] | None:
    """The array of `snapshots --json`, oldest first; None when there is none (could not tell)."""
    array = _array(output)
    if array is None:
        return None
    try:
        found = [_snapshot(item) for item in array]
    except (KeyError, TypeError, ValueError):
        return None
    return tuple(sorted(found, key=lambda one: (one.time, one.id)))


def _snapshot(item: Mapping[str, Any]) -> Snapshot:
    return Snapshot(
        id=str(item["id"]),
        tree=str(item["tree"]),
        time=instant(str(item["time"])),
        hostname=str(item.get("hostname", "")),
        paths=tuple(str(path) for path in item.get("paths") or ()),
        tags=tuple(str(tag) for tag in item.get("tags") or ()),
        original=item.get("original"),
        parent=item.get("parent"),
    )


def _array(output: bytes) -> list[Any] | None:
    """The first line that is a JSON array; text around it is skipped."""
    for line in output.splitlines():
        if line.lstrip()[:1] == b"[":
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(value, list):
                return value
    return [] if output.strip() == b"null" else None


def summary(output: bytes) -> Summary | None:
    """The last `summary` of a backup."""
    found = [item for item in messages(output) if item.get("message_type") == "summary"]
    if not found:
        return None
    last = found[-1]
    return Summary(
        snapshot_id=str(last.get("snapshot_id", "")),
        files_new=_int(last, "files_new"),
        files_changed=_int(last, "files_changed"),
        files_unmodified=_int(last, "files_unmodified"),
        files=_int(last, "total_files_processed"),
        bytes=_int(last, "total_bytes_processed"),
        bytes_added=_int(last, "data_added"),
        bytes_packed=_int(last, "data_added_packed"),
    )


def _int(item: Mapping[str, Any], name: str) -> int:
    value = item.get(name, 0)
    return value if isinstance(value, int) else 0


def progress(line: bytes) -> Progress | None:
    """A status line of `backup` or `restore`; None for any other line."""
    if not line.startswith(b"{"):
        return None
    item = next(messages(line), None)
    if item is None or item.get("message_type") != "status":
        return None
    ratio = item.get("percent_done", 0)
    done = _int(item, "bytes_done") or _int(item, "bytes_restored")
    return Progress(
        float(ratio) if isinstance(ratio, int | float) else 0.0, done, _int(item, "total_bytes")
    )


def repository_id(output: bytes) -> str | None:
    """The id in `cat config` (indented JSON over several lines)."""
    try:
        value = json.loads(output)
        found = value.get("id")
    except (ValueError, AttributeError, RecursionError):
        return None
    return found if isinstance(found, str) and len(found) == 64 else None


def error_text(stderr: bytes, stdout: bytes = b"") -> str:
    """What restic complained about, JSON or text, one complaint a line, newest last."""
    lines = []
    for line in stderr.splitlines() or stdout.splitlines():
        item = next(messages(line), None)
        lines.append(_message(item) if item else line.decode("utf-8", "replace"))
    return "\n".join(text for text in (line.strip() for line in lines) if text)


def _message(item: Mapping[str, Any]) -> str:
    """`message`, or `error.message` nested (0.17), or `error` as text (0.14)."""
    error = item.get("error")
    if isinstance(error, dict):
        error = error.get("message", "")
    text = item.get("message") or error or ""
    where = item.get("item")
    return f"{where}: {text}" if where else str(text)


def check_errors(stdout: bytes) -> int | None:
    """`num_errors` of 0.18's check summary; None before 0.18. Read the exit code first: a locked
    repository also says one error."""
    found = [item for item in messages(stdout) if item.get("message_type") == "summary"]
    return _int(found[-1], "num_errors") if found else None
