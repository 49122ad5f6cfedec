"""事後報告: planned and actual, made from the entries alone; the same entries give the same bytes.

`build` folds the entries itself, so report and state cannot disagree; nothing reads a clock: "now" is
the last entry that counts. The report of an event covers its entries up to `upto` (a later addendum
makes a new edition, it never rewrites one). People appear as pseudonyms. A text erased from the value
store shows as 消去済み, and the digest then differs from the one logged: that is what erasing means.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from bcp.journal.entry import Entry
from bcp.kit.errors import UsageError
from runbooks.amended import amended
from runbooks.folding import PREFIX, fold
from runbooks.frozen import Frozen
from runbooks.gates import Gate, gates
from runbooks.incidents import Incidents
from runbooks.progress import OPEN, Stand, Standing, standings
from runbooks.state import LATE_SECONDS, Incident
from runbooks.targets import LevelTarget, ServiceTarget, level_targets, service_targets

Texts = Mapping[int, Mapping[str, str]]
"""Entry number -> name -> text (`Journal.reveal`)."""

ERASED = "(消去済み)"
_AFTERWARDS = ("report_made", "reviewed")


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step: planned and actual."""

    runbook: str
    step: str
    title: str
    role: str
    planned: timedelta | None
    planned_long: timedelta | None
    started_at: datetime | None
    finished_at: datetime | None
    actual: timedelta | None
    stand: str
    verification: str
    attempts: int
    by: str
    late: bool
    reason: str
    """Why it was skipped or failed, as written."""

    @property
    def over(self) -> timedelta | None:
        """Actual minus planned (p50)."""
        if self.actual is None or self.planned is None:
            return None
        return self.actual - self.planned


@dataclass(frozen=True, slots=True)
class ContradictionRow:
    """A tick that the probe denied, and when it agreed again (None = never)."""

    step: str
    check: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Line:
    """Something said with a text: a decision, a hand-over, a correction, a gate, a note."""

    at: datetime
    kind: str
    subject: str
    by: str
    text: str
    seq: int
    late: bool


@dataclass(frozen=True, slots=True)
class Report:
    """Everything of one event; `digest` is of its Markdown."""

    incident: Incident
    upto: int
    plan: str
    steps: tuple[StepRow, ...]
    systems: tuple[LevelTarget, ...]
    services: tuple[ServiceTarget, ...]
    contradictions: tuple[ContradictionRow, ...]
    gates: tuple[Gate, ...]
    lines: tuple[Line, ...]
    late: int
    late_median: timedelta | None
    not_executed: tuple[str, ...]
    """Steps that were applicable and never finished nor skipped."""

    @property
    def markdown(self) -> str:
        """The report as text (Japanese)."""
        from runbooks.reporttext import report_markdown

        return report_markdown(self)

    @property
    def digest(self) -> str:
        """SHA-256 of the Markdown; goes into the log with `RecordReport`."""
        return hashlib.sha256(self.markdown.encode()).hexdigest()


def build(
    entries: Sequence[Entry], texts: Texts, frozen: Frozen, upto: int | None = None
) -> Report:
    """The report of the event these entries belong to.

    `entries`: all of the event's, in the order of the log (`Journal.read(incident=id)`); `upto`: the
    last one that counts (default: all but the report's own). Raises UsageError when there is none.
    """
    own = [
        entry
        for entry in entries
        if entry.kind.startswith(PREFIX)
        and entry.kind.removeprefix(PREFIX) not in _AFTERWARDS
        and (upto is None or entry.seq <= upto)
    ]
    if not own:
        raise UsageError("この発動の記録がありません / no entries of this event")
    state = Incidents()
    for entry in own:
        state = fold(state, entry)
    incident = state.latest
    assert incident is not None
    now = incident.last_at or incident.declared_at
    found = standings(incident, amended(frozen.book, incident, texts))
    delays = sorted(
        entry.recorded_at - entry.occurred_at
        for entry in own
        if (entry.recorded_at - entry.occurred_at).total_seconds() > LATE_SECONDS
    )
    reasons = _reasons(own, texts)
    return Report(
        incident,
        own[-1].seq,
        incident.plan,
        tuple(_row(item, reasons) for item in found.values()),
        level_targets(incident, frozen.city, frozen.book, now),
        service_targets(incident, frozen.city, frozen.book, now),
        _contradictions(own),
        gates(incident, now),
        tuple(_lines(own, texts)),
        len(delays),
        timedelta(seconds=round(median(d.total_seconds() for d in delays))) if delays else None,
        tuple(id for id, item in found.items() if item.stand in OPEN),
    )


def _row(item: Standing, reasons: Mapping[int, str]) -> StepRow:
    run, estimate = item.run, item.step.duration
    begun = run.started_at
    actual = run.finished_at - begun if run.finished_at is not None and begun is not None else None
    told = item.stand in (Stand.SKIPPED, Stand.FAILED)
    return StepRow(
        item.runbook.id,
        item.step.id,
        item.step.title,
        item.role,
        estimate.p50 if estimate is not None else None,
        estimate.p90 if estimate is not None else None,
        begun,
        run.finished_at,
        actual,
        item.stand.value,
        run.verification.value,
        len(run.attempts),
        run.finished_by or run.claimed_by or "",
        run.late,
        reasons.get(run.finished_seq or -1, "") if told else "",
    )


def _reasons(own: Sequence[Entry], texts: Texts) -> dict[int, str]:
    return {entry.seq: _text(entry, texts) for entry in own}


def _contradictions(own: Sequence[Entry]) -> tuple[ContradictionRow, ...]:
    """From the log: `step_verified` said no; a later yes, or an undo, ends it."""
    rows: list[ContradictionRow] = []
    running: dict[str, int] = {}
    for entry in own:
        word = entry.kind.removeprefix(PREFIX)
        denied = word == "step_verified" and not entry.detail["passed"]
        if denied and entry.subject not in running:
            running[entry.subject] = len(rows)
            row = ContradictionRow(entry.subject, entry.detail["check"], entry.occurred_at, None)
            rows.append(row)
        elif word in ("step_verified", "step_reopened") and not denied and entry.subject in running:
            place = running.pop(entry.subject)
            row = rows[place]
            rows[place] = ContradictionRow(row.step, row.check, row.since, entry.occurred_at)
    return tuple(rows)


_TOLD = frozenset(
    {
        "declared",
        "level_changed",
        "scope_changed",
        "runbook_added",
        "onset_corrected",
        "ratified",
        "overruled",
        "cancelled",
        "decision_taken",
        "hand_over",
        "hand_over_offered",
        "hand_over_confirmed",
        "hand_over_withdrawn",
        "hand_over_alone",
        "situation_reported",
        "restored",
        "relapsed",
        "stand_down_started",
        "stood_down",
        "gate_met",
        "gate_closed",
        "step_attested",
        "step_failed",
        "step_skipped",
        "step_reopened",
        "alternate_started",
        "alternate_ended",
        "back_entered",
        "change_opened",
        "change_reverted",
        "level_attained",
        "level_lost",
        "preempted",
        "note_added",
    }
)


def _lines(own: Sequence[Entry], texts: Texts) -> list[Line]:
    """クロノロジー of what must be told, in the order in which it happened."""
    told = [entry for entry in own if entry.kind.removeprefix(PREFIX) in _TOLD]
    return [
        Line(
            entry.occurred_at,
            entry.kind.removeprefix(PREFIX),
            _subject(entry),
            entry.actor.id,
            _text(entry, texts),
            entry.seq,
            (entry.recorded_at - entry.occurred_at).total_seconds() > LATE_SECONDS,
        )
        for entry in sorted(told, key=lambda entry: (entry.occurred_at, entry.seq))
    ]


def _subject(entry: Entry) -> str:
    more = [str(entry.detail[key]) for key in ("option", "level", "to") if key in entry.detail]
    if entry.detail.get("alone"):
        more.append("単独")
    return " ".join((entry.subject, *more))


def _text(entry: Entry, texts: Texts) -> str:
    known = texts.get(entry.seq, {})
    names = known if not entry.commitments else entry.commitments
    return " / ".join(known.get(name, ERASED) for name in sorted(names))
