"""Changes of state that the log has not seen yet, and the entry that catches up with them. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from bcp.journal.entry import NewEntry
from bcp.kit.units import to_us
from bcp.watch.values import Transition


@dataclass(frozen=True, slots=True)
class Unlogged:
    """Changes of one check that the log has not seen."""

    first: Transition
    last: Transition
    count: int = 1


def entry_of(missing: Unlogged) -> tuple[NewEntry, str]:
    """One entry for all of them, with its operation id."""
    first, last = missing.first, missing.last
    detail: dict[str, str | int] = {
        "check": last.check,
        "old": first.old.value,
        "new": last.new.value,
        "since_us": to_us(last.since),
    }
    if missing.count > 1:
        detail["changes"] = missing.count
    seed = f"{last.check}\0{to_us(last.at)}\0{missing.count}"
    op = "check-" + hashlib.sha256(seed.encode()).hexdigest()[:32]
    values = {"why": last.why.ja}
    return NewEntry("check.changed", last.check, detail, None, last.at, values), op
