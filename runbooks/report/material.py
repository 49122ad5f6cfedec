"""Which entries a report is made of, and the state as it was when something was decided. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import accumulate

from bcp.journal.entry import Entry
from bcp.kit.errors import UsageError
from runbooks.copies import Copies
from runbooks.folding import PREFIX, fold
from runbooks.frozen import Frozen
from runbooks.incidents import Incidents
from runbooks.state import LATE_SECONDS, Incident, Phase

Texts = Mapping[int, Mapping[str, str]]
"""Entry number -> name -> text (`Journal.reveal`)."""

ERASED = "(消去済み)"
ANNOUNCED = "announcement."
LATE = timedelta(seconds=LATE_SECONDS)
_AFTERWARDS = frozenset({PREFIX + "report_made", PREFIX + "reviewed"})
_OVER = frozenset({Phase.STOOD_DOWN, Phase.REVIEWED, Phase.CANCELLED})

_FIRST = {"question": 0, "choice": 1, "rationale": 2}
"""Texts in the order in which they are understood; the others by name."""

DECISIONS = frozenset(
    {
        "declared",
        "level_changed",
        "scope_changed",
        "overruled",
        "cancelled",
        "decision_taken",
        "runbook_abandoned",
        "part_ended",
        "restored",
        "gate_closed",
        "hold_overridden",
        "power_overridden",
        "stopped_on_purpose",
        "step_waived",
    }
)
"""What a report calls a decision: somebody chose, and others would have chosen otherwise."""


@dataclass(frozen=True)
class Around:
    """What happened beside the event, from the same log (a drill: from the drill's own)."""

    entries: tuple[Entry, ...] = ()
    """Other events, suggestions, sealed codes, changes of checks; in any order, more than count."""
    frozen: Mapping[str, Frozen] = field(default_factory=dict)
    """Other events -> the plan each is worked by."""
    copies: Copies | None = None
    """Verified copies as they were known at the last entry; None: nobody looked."""


@dataclass(frozen=True)
class Material:
    """The entries that count, and what they fold to."""

    own: tuple[Entry, ...]
    """Of the event, in the order of the log."""
    near: tuple[Entry, ...]
    """Beside it, up to the last own one, in the order of the log."""
    texts: Texts
    incident: Incident
    events: Incidents
    before: Mapping[int, Incident | None]
    """Entry of a decision -> the event as it was known when it was taken; None: nothing yet."""

    @property
    def upto(self) -> int:
        """The last entry that counts."""
        return self.own[-1].seq

    @property
    def end(self) -> datetime:
        """The instant against which what is not attained is measured."""
        incident = self.incident
        if incident.phase in _OVER and incident.phase_since is not None:
            return incident.phase_since
        return incident.last_at or incident.declared_at

    def words(self, entry: Entry) -> str:
        """Every text of an entry, erased ones as such."""
        known = self.texts.get(entry.seq, {})
        names = known if not entry.commitments else entry.commitments
        ordered = sorted(names, key=lambda name: (_FIRST.get(name, len(_FIRST)), name))
        return " / ".join(known.get(name, ERASED) for name in ordered)

    def word(self, seq: int, name: str) -> str:
        """One text; empty where none was written (or it was erased)."""
        return self.texts.get(seq, {}).get(name, "")

    def of(self, *words: str) -> list[Entry]:
        """Own entries of these kinds, in the order in which things happened."""
        kinds = {PREFIX + word for word in words}
        return in_time(entry for entry in self.own if entry.kind in kinds)


def gather(
    entries: Sequence[Entry], texts: Texts, around: Around, upto: int | None = None
) -> Material:
    """Choose and fold. Raises UsageError when the event has no entries."""
    own = counted(entries, upto)
    if not any(entry.kind == PREFIX + "declared" for entry in own):
        raise UsageError("この発動の記録がありません / no entries of this event")
    id, last = own[0].incident, own[-1].seq
    near = tuple(
        sorted(
            (one for one in around.entries if one.seq <= last and one.incident != id),
            key=lambda one: one.seq,
        )
    )
    wanted = _wanted(own)
    kept: dict[int, Incident | None] = {0: None}
    state, count = Incidents(), 0
    for entry in sorted((*own, *near), key=lambda one: one.seq):
        state = fold(state, entry)
        if entry.incident == id:
            count += 1
            if count in wanted:
                kept[count] = state.get(str(id))
    incident = state.get(str(id))
    assert incident is not None
    before = {seq: kept[after] for after, seqs in wanted.items() for seq in seqs}
    return Material(own, near, texts, incident, state, before)


def counted(entries: Iterable[Entry], upto: int | None) -> tuple[Entry, ...]:
    """Those of the event that a report speaks of: all but what is said of the report itself."""
    return tuple(
        entry
        for entry in entries
        if entry.kind.startswith((PREFIX, ANNOUNCED))
        and entry.kind not in _AFTERWARDS
        and (upto is None or entry.seq <= upto)
    )


def _wanted(own: Sequence[Entry]) -> dict[int, list[int]]:
    """How many entries were recorded when each decision was taken -> those decisions.

    What was typed in late was decided on what was on record when it happened, not when it was typed.
    """
    recorded = list(accumulate((entry.recorded_at for entry in own), max))
    wanted: dict[int, list[int]] = {}
    for place, entry in enumerate(own):
        if entry.kind.removeprefix(PREFIX) in DECISIONS:
            known = bisect_right(recorded, entry.occurred_at, 0, place) if late(entry) else place
            wanted.setdefault(known, []).append(entry.seq)
    return wanted


def late(entry: Entry) -> bool:
    """後入力."""
    return entry.recorded_at - entry.occurred_at > LATE


def in_time(entries: Iterable[Entry]) -> list[Entry]:
    """In the order in which things happened."""
    return sorted(entries, key=lambda entry: (entry.occurred_at, entry.seq))


def whole(incident: Incident) -> Incident:
    """The event with the parts that were ended early: the report speaks of them too."""
    return replace(incident, ended={}) if incident.ended else incident
