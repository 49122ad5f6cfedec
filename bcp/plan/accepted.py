"""Which plan is in force: every accepted plan is an entry and stands whole in the evidence store.

Pure. `plan.accepted` carries the digest of the kept document, from which people's texts are taken
out (`bcp.plan.personal`); these are values of the entry, and of `plan.people` entries beside it
where one cannot hold them all. Who accepted it is the actor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bcp.journal.canonical import Json
from bcp.journal.entry import Entry, NewEntry
from bcp.journal.folding import Fold

KIND = "plan.accepted"
PEOPLE = "plan.people"
_PER_ENTRY = 350
"""Commitments in one entry: some 140 bytes each of the 65,535 it may have."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The plan in force and since when; `digest` None before the first."""

    digest: str | None = None
    since: datetime | None = None
    seqs: tuple[int, ...] = ()
    """The entries that carry its people."""


def accept(
    digest: str, evidence: str, counts: dict[str, int], at: datetime, people: Mapping[str, str]
) -> tuple[NewEntry, ...]:
    """The entries that put a plan in force. `evidence` is where its bytes stand."""
    detail: dict[str, Json] = {"digest": digest, "counts": dict(counts)}
    names = sorted(people)
    parts = [names[start : start + _PER_ENTRY] for start in range(0, len(names), _PER_ENTRY)] or [
        []
    ]
    first, *rest = ({name: people[name] for name in part} for part in parts)
    return (
        NewEntry(KIND, "plan", detail, None, at, first, evidence=(evidence,)),
        *(NewEntry(PEOPLE, "plan", {"digest": digest}, None, at, part) for part in rest),
    )


def apply(state: Accepted, entry: Entry) -> Accepted:
    """The state with one more entry."""
    if entry.kind == PEOPLE:
        return replace(state, seqs=(*state.seqs, entry.seq))
    return Accepted(str(entry.detail["digest"]), entry.recorded_at, (entry.seq,))


FOLD: Fold[Accepted] = Fold(Accepted(), apply, kinds=(KIND, PEOPLE))
