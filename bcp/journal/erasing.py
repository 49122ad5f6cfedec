"""Erasures: the entry that says which values were erased. Pure.

Recorded first, carried out second; an erasure that was recorded but not done (we died in between) is
done at the next opening. The commitments stay, so every proof goes on to hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bcp.journal.canonical import Json
from bcp.journal.entry import Entry, NewEntry
from bcp.journal.errors import BadEntry

KIND = "log.erased"


def erasure(entry: Entry, names: Sequence[str], now: datetime) -> NewEntry:
    """The entry for erasing these values of `entry`. Raises BadEntry for a name it does not have."""
    unknown = sorted(set(names) - entry.commitments.keys())
    if unknown or not names:
        raise BadEntry(
            "no such value in this entry",
            where=f"entry {entry.seq}",
            expected=f"names among {sorted(entry.commitments)}",
            got=", ".join(unknown) or "none",
            next_step="read the entry again",
        )
    detail: dict[str, Json] = {
        "seq": entry.seq,
        "names": list(names),
        "digests": [entry.commitments[name] for name in names],
    }
    return NewEntry(KIND, f"entry/{entry.seq}", detail, entry.incident, now)


def digests(erased: Entry) -> list[str]:
    """Which commitments' texts an erasure removes."""
    return list(erased.detail.get("digests", ()))
