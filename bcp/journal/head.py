"""The head file: what was acknowledged last, kept apart from the store.

It holds the id of the log, the size and the root of the tree after the last group commit. It is
written and fsynced after the store's commit and before anybody hears "ok". So a store that is
*larger* than its head is legal (we died in between: the entries are durable, only nobody was
told), and a store that is *smaller*, or has another root at that size, is refused.

Form: two slots of 512 bytes (one sector each), written in turn, each one line of canonical JSON
with a check sum, padded with spaces. If we die while writing a slot, the other one still tells
the head before, and nothing after it was acknowledged. The file never changes its length, so a cut
one is seen. May not be lost: without it a rolled-back store cannot be told from a good one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, cast

from bcp.journal import canonical
from bcp.journal.errors import Damaged, Exists, Missing, NotCanonical
from bcp.kit.durable import unwritable, write_atomic

SLOT_BYTES = 512

Fault = Callable[[str], None]
"""Hears `<write>:before` and `<write>:after` of every durable write; tests make it raise or kill."""


def no_fault(_point: str) -> None:
    """The hook outside tests."""


@dataclass(frozen=True, slots=True)
class Head:
    """What was acknowledged: the tree of this log at this size has this root."""

    log_id: str
    size: int
    root: bytes
    generation: int = 0
    """Counts the writes; the slot with the larger one is the newer."""

    def slot(self) -> bytes:
        """The 512 bytes of a slot."""
        body: dict[str, canonical.Json] = {
            "generation": self.generation,
            "log": self.log_id,
            "root": self.root.hex(),
            "size": self.size,
        }
        line = canonical.encode({**body, "check": _check(body)})
        return line.ljust(SLOT_BYTES - 1) + b"\n"

    @classmethod
    def parse(cls, slot: bytes) -> Head | None:
        """The head in a slot, or None for one that is torn or not yet written."""
        try:
            value = canonical.parse(slot.rstrip(b" \n"), "head")
        except NotCanonical:
            return None
        if not isinstance(value, dict):
            return None
        body = {key: item for key, item in value.items() if key != "check"}
        if body.keys() != {"generation", "log", "root", "size"} or value["check"] != _check(body):
            return None
        return cls(
            cast(str, body["log"]),
            cast(int, body["size"]),
            bytes.fromhex(cast(str, body["root"])),
            cast(int, body["generation"]),
        )


class HeadFile:
    """The open head file. Owned by the writer thread after opening."""

    def __init__(self, path: Path, head: Head, fault: Fault = no_fault) -> None:
        self.path = path
        self.head = head
        self._fault = fault
        self._fd: int | None = None

    @staticmethod
    def create(path: Path, log_id: str, size: int, root: bytes) -> None:
        """Make the file; refuses if one exists."""
        if path.exists():
            raise Exists(
                "head file already there",
                where=str(path),
                expected="no file",
                got="one",
                next_step="name another head folder; never delete the head of a log in use",
            )
        empty = b" " * (SLOT_BYTES - 1) + b"\n"
        write_atomic(path, Head(log_id, size, root).slot() + empty)

    @classmethod
    def open(cls, path: Path, fault: Fault = no_fault) -> HeadFile:
        """Read the newest good slot. Missing or Damaged say what to do; nothing is made anew."""
        try:
            data = path.read_bytes()
        except FileNotFoundError as error:
            raise Missing(
                "この記録の head ファイルがありません / the head file of this log is missing",
                where=str(path),
                expected="a file of two slots",
                got="none",
                next_step=_NEXT,
            ) from error
        except OSError as error:
            raise Damaged(
                "the head file cannot be read",
                where=str(path),
                expected="a file of two slots",
                got=error.strerror or str(error),
                next_step="check the disk; " + _NEXT,
            ) from error
        if len(data) != 2 * SLOT_BYTES:
            _damaged(path, f"{2 * SLOT_BYTES} bytes", f"{len(data)} bytes")
        slots = (Head.parse(data[:SLOT_BYTES]), Head.parse(data[SLOT_BYTES:]))
        good = [head for head in slots if head is not None]
        if not good:
            _damaged(path, "at least one whole slot", "none")
        return cls(path, max(good, key=lambda head: head.generation), fault)

    def write(self, size: int, root: bytes) -> None:
        """Put down the new head and fsync it. Raises Unwritable; then the old head still holds."""
        head = Head(self.head.log_id, size, root, self.head.generation + 1)
        try:
            self._fault("head:before")
            if self._fd is None:
                self._fd = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
            os.pwrite(self._fd, head.slot(), (head.generation % 2) * SLOT_BYTES)
            os.fdatasync(self._fd)
            self._fault("head:after")
        except OSError as error:
            self.close()
            raise unwritable(self.path, error) from error
        self.head = head

    def close(self) -> None:
        """Give back the file descriptor."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


_NEXT = (
    "head を控えから戻すか、最後の署名済みチェックポイントと照合してから採用する / restore the head "
    "folder from its own copy, or, after comparing the log with a checkpoint kept elsewhere "
    "(paper, witness, export), accept it anew with adopt_head"
)


def _check(body: object) -> str:
    return hashlib.sha256(canonical.encode(cast(canonical.Json, body))).hexdigest()


def _damaged(path: Path, expected: str, got: str) -> NoReturn:
    raise Damaged(
        "head ファイルが壊れています / the head file is damaged",
        where=str(path),
        expected=expected,
        got=got,
        next_step=_NEXT,
    )
