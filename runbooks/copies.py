"""Verified copies as the real log knows them: what may be restored, and from before what. Pure.

Only `backup.evidence` entries are read (restored and compared with the source: rung 4 or more); the
room of backups is never asked. A runbook's step names the set: `evidence: backup.SET.last_verified`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bcp.journal.entry import Entry
from bcp.journal.folding import Fold
from bcp.kit.units import from_us

KIND = "backup.evidence"
VERIFIED = 4
_KEPT = 50


@dataclass(frozen=True, slots=True)
class Copy:
    """One snapshot that was restored and compared."""

    set: str
    repository: str
    snapshot: str
    taken: datetime
    level: int
    proven_at: datetime


@dataclass(frozen=True, slots=True)
class Copies:
    """Of every set, the newest snapshot last; at most 50 per set."""

    of: Mapping[str, tuple[Copy, ...]] = field(default_factory=dict)

    def newest(self, set_id: str, before: datetime | None = None) -> Copy | None:
        """The newest verified copy, from before an instant where one is named (intrusion)."""
        found = [one for one in self.of.get(set_id, ()) if before is None or one.taken < before]
        return max(found, key=lambda one: one.taken, default=None)

    def proven(self, taken: datetime) -> Copy | None:
        """The verified copy taken at this instant (to the minute, as people type it)."""
        at = taken.replace(second=0, microsecond=0)
        return next(
            (
                one
                for copies in self.of.values()
                for one in copies
                if one.taken.replace(second=0, microsecond=0) == at
            ),
            None,
        )


def fold(state: Copies, entry: Entry) -> Copies:
    """One more entry. A copy found bad later is no verified copy any more."""
    if entry.kind != KIND or entry.detail.get("level", 0) < VERIFIED:
        return state
    detail = entry.detail
    snapshot, taken = detail.get("snapshot"), detail.get("snapshot_us")
    if snapshot is None or taken is None or detail["result"] == "inconclusive":
        return state
    known = state.of.get(detail["set"], ())
    rest = tuple(
        one for one in known if (one.repository, one.snapshot) != (detail["repository"], snapshot)
    )
    if detail["result"] == "good":
        made = Copy(
            detail["set"],
            detail["repository"],
            snapshot,
            from_us(taken),
            detail["level"],
            entry.occurred_at,
        )
        rest = tuple(sorted((*rest, made), key=lambda one: one.taken))[-_KEPT:]
    return Copies({**state.of, detail["set"]: rest})


FOLD_NAME = "verified_copies"
FOLD: Fold[Copies] = Fold(Copies(), fold, (KIND,))


def set_of(evidence: str | None) -> str | None:
    """`backup.juki.last_verified` -> `juki`."""
    parts = (evidence or "").split(".")
    return ".".join(parts[1:-1]) if len(parts) > 2 and parts[0] == "backup" else None
