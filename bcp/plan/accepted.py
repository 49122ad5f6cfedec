"""Which plan is in force: every accepted plan is an entry and stands whole in the evidence store.

Pure. `plan.accepted` carries the digest of the plan's bytes; who accepted it is the actor.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bcp.journal.canonical import Json
from bcp.journal.entry import Entry, NewEntry
from bcp.journal.folding import Fold

KIND = "plan.accepted"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The plan in force and since when; `digest` None before the first."""

    digest: str | None = None
    since: datetime | None = None


def accept(digest: str, evidence: str, counts: dict[str, int], at: datetime) -> NewEntry:
    """The entry that puts a plan in force. `evidence` is where its bytes stand."""
    detail: dict[str, Json] = {"digest": digest, "counts": dict(counts)}
    return NewEntry(KIND, "plan", detail, None, at, evidence=(evidence,))


def apply(state: Accepted, entry: Entry) -> Accepted:
    """The state with one more entry."""
    return Accepted(str(entry.detail["digest"]), entry.recorded_at)


FOLD: Fold[Accepted] = Fold(Accepted(), apply, kinds=(KIND,))
