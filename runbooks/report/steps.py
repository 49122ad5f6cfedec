"""Each step, planned and actual: when it could begin, hands on it, waiting, too long. Pure.

Times are sums over every attempt. *Ready* is when the last thing it waited for was settled (or the
event declared, the runbook added); the time from there to the first hand on it was spent by people
who were elsewhere. *Overdue* is hands-on time beyond p90 and waiting beyond what was promised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bcp.journal.entry import Entry
from bcp.kit.units import from_us
from runbooks.book import Book
from runbooks.folding import PREFIX
from runbooks.form import WaitStep
from runbooks.progress import OPEN, PROVEN, Stand, Standing, standings
from runbooks.report.material import Material, late
from runbooks.stepfold import STEP_KINDS

_NONE = timedelta()
_ENDS = frozenset(
    {
        "step_done",
        "step_failed",
        "step_skipped",
        "step_cancelled",
        "decision_taken",
        "step_reopened",
        "step_released",
    }
)
_PROOFS = frozenset({"step_verified", "step_attested", "step_waived"})
_TOLD = frozenset({Stand.SKIPPED, Stand.FAILED, Stand.CANCELLED})


_OPEN = frozenset(stand.value for stand in OPEN)


@dataclass(frozen=True, slots=True)
class Go:
    """One attempt."""

    number: int
    started_at: datetime | None
    finished_at: datetime | None
    result: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step: planned and actual."""

    runbook: str
    system: str
    step: str
    title: str
    role: str
    planned: timedelta | None
    planned_long: timedelta | None
    ready_at: datetime | None
    started_at: datetime | None
    """The first hand on it, of any attempt."""
    finished_at: datetime | None
    queued: timedelta | None
    """Ready, and nobody on it yet."""
    hands_on: timedelta | None
    """None: nobody said when it began."""
    waiting: timedelta
    overdue: timedelta
    stand: str
    verification: str
    proven_at: datetime | None
    attempts: tuple[Go, ...]
    by: str
    helpers: tuple[str, ...]
    late: bool
    mandatory: bool
    reason: str
    """Why it was skipped, failed or cancelled, as written."""
    consent: str
    """Who consented to leaving it out."""

    @property
    def over(self) -> timedelta | None:
        """Hands-on minus planned (p50)."""
        if self.hands_on is None or self.planned is None:
            return None
        return self.hands_on - self.planned

    @property
    def left_out(self) -> bool:
        """Applicable, and neither done nor begun to any end."""
        return self.stand in _OPEN


def step_rows(material: Material, book: Book) -> tuple[StepRow, ...]:
    """In the order of the book."""
    found = standings(material.incident, book)
    lives: dict[tuple[str, str], list[Entry]] = {}
    joined: dict[str, datetime] = {}
    for entry in material.own:
        word = entry.kind.removeprefix(PREFIX)
        if word in STEP_KINDS and "runbook" in entry.detail:
            lives.setdefault((entry.detail["runbook"], entry.subject), []).append(entry)
        elif word == "runbook_added":
            joined.setdefault(entry.subject, entry.occurred_at)
    settled = {id: _settled(one, lives.get((one.runbook.id, id), ())) for id, one in found.items()}
    return tuple(
        _row(
            material,
            one,
            lives.get((one.runbook.id, id), ()),
            _ready(one, book, settled, joined.get(one.runbook.id, material.incident.declared_at)),
        )
        for id, one in found.items()
    )


def _settled(one: Standing, life: Sequence[Entry]) -> datetime | None:
    """When what follows could begin; None where it holds nobody."""
    if one.stand not in (Stand.DONE, Stand.SKIPPED, Stand.FAILED):
        return None
    if one.stand is Stand.DONE and one.step.gate == "verified":
        return _proven(one, life) or one.run.finished_at
    return one.run.finished_at


def _proven(one: Standing, life: Sequence[Entry]) -> datetime | None:
    if one.run.verification not in PROVEN:
        return None
    proofs = [
        entry.occurred_at
        for entry in life
        if entry.kind.removeprefix(PREFIX) in _PROOFS and entry.detail.get("passed", True)
    ]
    return one.run.verified_since or (proofs[-1] if proofs else None)


def _ready(
    one: Standing, book: Book, settled: Mapping[str, datetime | None], joined: datetime
) -> datetime | None:
    if one.stand in (Stand.NOT_APPLICABLE, Stand.BLOCKED, Stand.CANCELLED):
        return None
    graph = book.graphs[one.runbook.id]
    needs = graph.needs[one.step.id]
    by = [settled.get(source) for source, _what in graph.starters.get(one.step.id, ())]
    led = min((at for at in by if at is not None), default=None)
    times = [at for need in needs if (at := settled.get(need)) is not None]
    return max([joined, *times, *([led] if led is not None else [])])


@dataclass(slots=True)
class _Clock:
    """Adds up the life of one step."""

    begun: datetime | None = None
    hands_on: timedelta = _NONE
    waiting: timedelta = _NONE
    beyond: timedelta = _NONE
    known: bool = False
    _since: datetime | None = None
    _promised: datetime | None = None
    _waits: bool = False

    def hear(self, word: str, at: datetime, promised: datetime | None) -> None:
        if word == "step_started":
            self._stop(at)
            self._since, self._waits, self.known = at, False, True
            self.begun = self.begun or at
        elif word == "step_waiting":
            self._stop(at)
            self._since, self._waits, self._promised = at, True, promised
            self.begun = self.begun or at
        elif word in _ENDS:
            self._stop(at)

    def _stop(self, at: datetime) -> None:
        since, self._since = self._since, None
        if since is None or at <= since:
            return
        if not self._waits:
            self.hands_on += at - since
            return
        self.waiting += at - since
        if self._promised is not None and at > self._promised:
            self.beyond += at - max(self._promised, since)

    def end(self, at: datetime) -> None:
        self._stop(at)


def _row(
    material: Material, one: Standing, life: Sequence[Entry], ready: datetime | None
) -> StepRow:
    run, step, clock = one.run, one.step, _Clock()
    for entry in sorted(life, key=lambda entry: (entry.occurred_at, entry.seq)):
        until = entry.detail.get("expected_us")
        promised = from_us(until) if until is not None else None
        clock.hear(entry.kind.removeprefix(PREFIX), entry.occurred_at, promised)
    clock.end(material.end)
    p50, p90 = _planned(one)
    beyond = clock.hands_on - (p90 or p50) if clock.known and p50 is not None else _NONE
    ending = next((e for e in reversed(life) if e.seq == run.finished_seq), None)
    queued = clock.begun - ready if clock.begun is not None and ready is not None else None
    return StepRow(
        one.runbook.id,
        one.runbook.system or "",
        step.id,
        step.title,
        one.role,
        p50,
        p90,
        ready,
        clock.begun,
        run.finished_at,
        max(queued, _NONE) if queued is not None else None,
        clock.hands_on if clock.known else None,
        clock.waiting,
        max(beyond, _NONE) + clock.beyond,
        one.stand.value,
        run.verification.value,
        _proven(one, life),
        tuple(
            Go(go.number, go.started_at, go.finished_at, go.result.value, go.by, reason)
            for go in run.attempts
            for reason in (material.word(go.seq, "reason"),)
        ),
        run.finished_by or run.claimed_by or "",
        run.helpers,
        ending is not None and late(ending),
        step.mandatory,
        material.words(ending) if ending is not None and one.stand in _TOLD else "",
        str((ending.detail.get("approved_by") or "") if ending is not None else ""),
    )


def _planned(one: Standing) -> tuple[timedelta | None, timedelta | None]:
    estimate, step = one.step.duration, one.step
    if estimate is not None:
        return estimate.p50, estimate.p90
    return (step.expected, None) if isinstance(step, WaitStep) else (None, None)
