"""Gaps: the log's own record that for some time it could not record.

While the log cannot be written, a note is kept beside the head file as far as the disk allows, so
that a restart in the middle does not forget it. May be lost: then the gap entry is missing, and
only the distance between two entries tells.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import cast

from bcp.journal import canonical
from bcp.journal.entry import NewEntry
from bcp.journal.errors import NotCanonical
from bcp.kit.durable import write_atomic
from bcp.kit.errors import Unwritable
from bcp.kit.units import from_us, to_us

KIND = "log.gap"
FILE = "gap"


@dataclass(frozen=True, slots=True)
class Gap:
    """Not writable since `start` for `reason`; `refused` commands were turned away."""

    start: datetime
    reason: str
    refused: int

    def more(self, refused: int) -> Gap:
        """The gap after so many more refusals."""
        return replace(self, refused=self.refused + refused)

    def entry(self, now: datetime) -> NewEntry:
        """The entry that closes the gap."""
        detail: dict[str, canonical.Json] = {
            "from_us": to_us(self.start),
            "to_us": to_us(now),
            "reason": self.reason,
            "refused": self.refused,
        }
        return NewEntry(KIND, "log", detail, None, now)


class GapNote:
    """The note on disk. Best effort: failing to write it changes nothing."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._written: tuple[datetime, str] | None = None

    def read(self) -> Gap | None:
        """The gap of a run that ended in the middle of it."""
        try:
            value = canonical.parse(self._path.read_bytes(), FILE)
            note = cast(dict[str, object], value)
            self._written = (from_us(cast(int, note["from_us"])), cast(str, note["reason"]))
            return Gap(*self._written, cast(int, note["refused"]))
        except (OSError, NotCanonical, KeyError, TypeError):
            return None

    def write(self, gap: Gap) -> None:
        """Keep it, once per gap: the count need not be exact, the beginning must be."""
        if self._written == (gap.start, gap.reason):
            return
        with contextlib.suppress(Unwritable):
            write_atomic(
                self._path,
                canonical.encode(
                    {"from_us": to_us(gap.start), "reason": gap.reason, "refused": gap.refused}
                ),
            )
            self._written = (gap.start, gap.reason)

    def clear(self) -> None:
        """Forget it."""
        self._written = None
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
