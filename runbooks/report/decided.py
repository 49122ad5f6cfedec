"""Decisions with their reasons, and what was known when each was taken. Pure.

*Known then* is the event as it was folded up to the entry before the decision (of one typed in late:
up to what was on record when it happened): red checks, levels held with evidence, newest estimates.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from bcp.journal.entry import Entry
from runbooks.book import Book
from runbooks.folding import PREFIX
from runbooks.proofstate import Estimate
from runbooks.report.material import DECISIONS, Material, late
from runbooks.state import Incident, Verification

CHANGED = "check.changed"


@dataclass(frozen=True, slots=True)
class Known:
    """What was on record when something was decided."""

    upto: int
    """The last entry of the event then; -1: none yet."""
    red: tuple[str, ...]
    """Checks that were red."""
    held: tuple[str, ...]
    """`system level` held with evidence."""
    estimates: tuple[Estimate, ...]
    """The newest of each system and service, the newest first."""


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """Somebody chose."""

    seq: int
    at: datetime
    recorded_at: datetime
    late: bool
    kind: str
    subject: str
    choice: str
    by: str
    approved_by: str
    words: str
    """Question, choice and rationale as written; reasons."""
    known: Known


def decision_rows(material: Material, book: Book) -> tuple[DecisionRow, ...]:
    """In the order in which they were taken."""
    chosen = sorted(
        (one for one in material.own if one.kind.removeprefix(PREFIX) in DECISIONS),
        key=lambda one: (one.occurred_at, one.seq),
    )
    red = _board(material.near, chosen)
    return tuple(_row(material, book, entry, red[entry.seq]) for entry in chosen)


def _row(material: Material, book: Book, entry: Entry, board: frozenset[str]) -> DecisionRow:
    detail = entry.detail
    choice = next((detail[key] for key in ("option", "level", "what") if detail.get(key)), "")
    return DecisionRow(
        entry.seq,
        entry.occurred_at,
        entry.recorded_at,
        late(entry),
        entry.kind.removeprefix(PREFIX),
        entry.subject,
        str(choice),
        entry.actor.id,
        str(detail.get("approved_by") or ""),
        material.words(entry),
        _known(material, material.before[entry.seq], book, board),
    )


def _known(material: Material, then: Incident | None, book: Book, board: frozenset[str]) -> Known:
    if then is None:  # the declaration itself: what the suggestion showed
        one = material.events.suggestions.get(material.incident.suggestion or "")
        shown = {check for check, _since in one.evidence} if one is not None else set()
        return Known(-1, tuple(sorted(board | shown)), (), ())
    held = [
        f"{system} {level}"
        for system, rungs in then.levels.items()
        for level, spells in rungs.items()
        if spells and spells[-1].until is None
    ]
    newest = {(one.kind, one.id): one for one in then.estimates}
    estimates = sorted(newest.values(), key=lambda one: (one.said_at, one.seq), reverse=True)
    red = board | set(_denied(then, book))
    return Known(then.last_seq, tuple(sorted(red)), tuple(sorted(held)), tuple(estimates))


def _denied(then: Incident, book: Book) -> Iterator[str]:
    """Checks that the event's own entries show red: a lost level, a denied tick."""
    for rungs in then.levels.values():
        for spells in rungs.values():
            if spells and spells[-1].until is not None:
                yield from spells[-1].checks
    for runs in then.runs.values():
        for run in runs.values():
            place = book.step(run.id)
            if run.verification is Verification.FAILED and place and place[1].probe:
                yield place[1].probe.id


def _board(near: Iterable[Entry], chosen: Iterable[Entry]) -> dict[int, frozenset[str]]:
    """Decision -> checks that were red then, from the changes of checks in the same log."""
    changes = [one for one in near if one.kind == CHANGED]
    seqs = [one.seq for one in changes]
    recorded = list(accumulate((one.recorded_at for one in changes), max))
    asked = sorted(
        (
            bisect_right(recorded, one.occurred_at) if late(one) else bisect_right(seqs, one.seq),
            one.seq,
        )
        for one in chosen
    )
    found, red, place = {}, set[str](), 0
    for count, seq in asked:
        for change in changes[place:count]:
            (red.add if change.detail["new"] == "failed" else red.discard)(change.subject)
        place = max(place, count)
        found[seq] = frozenset(red)
    return found
