"""The report of one event as a value, and how it is built. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from bcp.journal.entry import Entry
from runbooks.amended import amended
from runbooks.frozen import Frozen
from runbooks.gates import Gate, gates
from runbooks.notices.state import Notice
from runbooks.report.acts import (
    AloneRow,
    EstimateRow,
    HandRow,
    LateRow,
    PartRow,
    alone_rows,
    estimate_rows,
    hand_rows,
    late_rows,
    middle,
    part_rows,
    word_of,
)
from runbooks.report.beside import (
    CodeRow,
    DamageRow,
    SuggestionRow,
    code_rows,
    damage_rows,
    notices,
    suggestion_rows,
)
from runbooks.report.decided import DecisionRow, decision_rows
from runbooks.report.denied import ContradictionRow, contradiction_rows
from runbooks.report.goalrows import Goals
from runbooks.report.goals import goals
from runbooks.report.material import ANNOUNCED, Around, Material, Texts, gather, in_time, late
from runbooks.report.steps import StepRow, step_rows
from runbooks.state import Incident

FORMAT = 4
"""Of the report: a newer program may say more of the same entries, and then says so here."""


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
class AmendmentRow:
    """差し込み: what the book lacked; a candidate for its next edition."""

    op: str
    runbook: str
    step: str
    at: datetime
    by: str
    words: str
    seq: int


@dataclass(frozen=True)
class Report:
    """Everything of one event; `digest` is of its Markdown."""

    incident: Incident
    upto: int
    end: datetime
    """Against which what is not attained is measured."""
    plan: str
    levels: Mapping[int, str]
    """段階 as the plan in force named them."""
    steps: tuple[StepRow, ...]
    goals: Goals
    contradictions: tuple[ContradictionRow, ...]
    decisions: tuple[DecisionRow, ...]
    gates: tuple[Gate, ...]
    gate_words: Mapping[str, str]
    """Gate -> why it was closed, or how it was met."""
    gate_proof: Mapping[str, str]
    """Gate -> the check named as its evidence; `shown`: board and log showed it; empty: in words."""
    alone: tuple[AloneRow, ...]
    hand_overs: tuple[HandRow, ...]
    estimates: tuple[EstimateRow, ...]
    parts: tuple[PartRow, ...]
    late: tuple[LateRow, ...]
    late_median: timedelta | None
    amendments: tuple[AmendmentRow, ...]
    change_words: Mapping[str, str]
    """Emergency change -> what it was and how its reversal was checked."""
    run_words: Mapping[str, str]
    """Automated act -> reasons and output as recorded."""
    announcements: tuple[Notice, ...]
    codes: tuple[CodeRow, ...]
    suggestions: tuple[SuggestionRow, ...]
    damage: tuple[DamageRow, ...]
    lines: tuple[Line, ...]

    def level_name(self, number: int) -> str:
        """全面発動 for 3."""
        return self.levels.get(number, str(number))

    @property
    def not_executed(self) -> tuple[str, ...]:
        """Steps that were applicable and never finished nor skipped."""
        return tuple(row.step for row in self.steps if row.left_out)

    @cached_property
    def markdown(self) -> str:
        """The report as text (Japanese)."""
        from runbooks.report.sheet import report_markdown

        return report_markdown(self)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the Markdown; goes into the log with `RecordReport`."""
        return hashlib.sha256(self.markdown.encode()).hexdigest()


def build(
    entries: Sequence[Entry],
    texts: Texts,
    frozen: Frozen,
    upto: int | None = None,
    around: Around | None = None,
) -> Report:
    """The report of the event these entries belong to.

    `entries`: all of the event's, in the order of the log (`Journal.read(incident=id)`); `upto`: the
    last one that counts (default: all but the report's own); `around`: what happened beside it.
    Raises UsageError when there is none.
    """
    beside = around or Around()
    material = gather(entries, texts, beside, upto)
    incident = material.incident
    book = amended(frozen.book, incident, texts)
    plan = Frozen(frozen.city, book)
    steps = step_rows(material, book)
    found = goals(material, plan, beside.frozen, beside.copies)
    typed = late_rows(material)
    closings = [*gates(incident, material.end)]
    said = {entry.seq: entry for entry in material.own}
    return Report(
        incident,
        material.upto,
        material.end,
        incident.plan,
        {one.number: one.name for one in frozen.city.disaster.levels},
        steps,
        found,
        contradiction_rows(material, book, steps),
        decision_rows(material, book),
        tuple(closings),
        {g.id: material.words(said[g.closing.seq]) for g in closings if g.closing is not None},
        {g.id: _proof(said[g.closing.seq]) for g in closings if g.closing is not None},
        alone_rows(material),
        hand_rows(material),
        estimate_rows(material, found),
        part_rows(material),
        typed,
        middle([row.delay for row in typed]),
        _amendments(material),
        _by_subject(material, "change_opened", "change_extended", "change_reverted"),
        _by_run(material),
        notices(material),
        code_rows(material),
        suggestion_rows(material),
        damage_rows(material, {site.id: site.name for site in frozen.city.sites}),
        tuple(_lines(material)),
    )


def _proof(closing: Entry) -> str:
    shown = "shown" if closing.detail.get("shown") else ""
    return str(closing.detail.get("check") or shown)


def _amendments(material: Material) -> tuple[AmendmentRow, ...]:
    said = {entry.seq: entry for entry in material.own}
    return tuple(
        AmendmentRow(
            one.op,
            one.runbook,
            one.step.id,
            one.at,
            one.by,
            material.words(said[one.seq]),
            one.seq,
        )
        for one in material.incident.amendments
    )


def _by_subject(material: Material, *words: str) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for entry in material.of(*words):
        if told := material.words(entry):
            found.setdefault(entry.subject, []).append(told)
    return {id: " → ".join(told) for id, told in found.items()}


def _by_run(material: Material) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for entry in material.of("run_requested", "run_withdrawn", "run_ended", "run_countersigned"):
        if told := material.words(entry):
            found.setdefault(str(entry.detail["run"]), []).append(told)
    return {id: " → ".join(told) for id, told in found.items()}


_UNTOLD = frozenset(
    {
        "step_started",
        "step_done",
        "step_waiting",
        "step_confirmed",
        "step_verified",
        "step_joined",
        "step_assigned",
        "step_released",
        "sheets_issued",
        "sheet_returned",
        "photo_added",
        "contact_tried",
        "role_filled",
        "role_left",
    }
)
"""Told by the table of steps, or of no weight in the story; the exported chronology has them all."""


def _lines(material: Material) -> list[Line]:
    """経過 of what must be told, in the order in which it happened."""
    return [
        Line(
            entry.occurred_at,
            word_of(entry),
            _subject(entry),
            entry.actor.id,
            material.words(entry),
            entry.seq,
            late(entry),
        )
        for entry in in_time(material.own)
        if not entry.kind.startswith(ANNOUNCED) and word_of(entry) not in _UNTOLD
    ]


def _subject(entry: Entry) -> str:
    more = [str(entry.detail[key]) for key in ("option", "level", "to") if key in entry.detail]
    if entry.detail.get("alone"):
        more.append("単独")
    return " ".join((entry.subject, *more))
