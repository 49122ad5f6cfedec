"""The state file of a names check: what was found good, so that a killed check goes on where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bcp.kit.units import to_us

ROUND = timedelta(days=7)
"""A check begun longer ago is not continued: its first half proves too little about today."""


class Notes:
    """The state file: a first line with the round, then the objects found good, a batch a line.

    Losable, so not synced; a line cut by a kill is dropped. Faults are never noted: a check that goes
    on finds them again.
    """

    def __init__(self, path: Path | None, folder: Path, now: datetime) -> None:
        self._path, self._now = path, now
        self._folder = str(folder.resolve())
        self._file: int | None = None

    def load(self) -> dict[str, Any]:
        """What this round has done; begins a new round when there is none to go on with."""
        if self._path is None:
            return {}
        done: dict[str, Any] = {}
        try:
            first, *rest = self._path.read_bytes().splitlines()
            head = json.loads(first)
            age = to_us(self._now) - int(head["since_us"])
            if head["folder"] == self._folder and 0 <= age <= ROUND / timedelta(microseconds=1):
                for line in rest:
                    done |= _noted(line)
        except (OSError, ValueError, KeyError, TypeError):
            done = {}
        if not done:
            head = {"since_us": to_us(self._now), "folder": self._folder}
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._path.write_text(json.dumps(head) + "\n", encoding="ascii")
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        os.write(self._file, b"\n" if done else b"")  # a line cut by a kill ends here
        return done

    def add(self, done: Mapping[str, tuple[int, int]]) -> None:
        """Objects found good: name -> (size, time of change)."""
        if self._file is not None and done:
            os.write(self._file, json.dumps(done).encode("ascii") + b"\n")

    def close(self) -> None:
        """Write no more; what was noted stays."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def forget(self) -> None:
        """The round is complete."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def _noted(line: bytes) -> dict[str, Any]:
    """One line of notes; nothing for one that a kill cut."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
