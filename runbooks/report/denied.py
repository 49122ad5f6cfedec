"""Contradictions both ways, with their times, from the log alone. Pure.

A tick that its probe denied; a check that was green while nobody had ticked (longer than five
minutes: a tick needs a moment); a person's word against what the checks recorded, both ways.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from bcp.journal.entry import Entry
from runbooks.book import Book
from runbooks.contradiction import Way
from runbooks.folding import PREFIX
from runbooks.progress import Stand
from runbooks.report.material import LATE, Material
from runbooks.report.steps import StepRow
from runbooks.state import Incident, Spell

_NOBODY = frozenset({Stand.NOT_APPLICABLE.value, Stand.CANCELLED.value, Stand.SKIPPED.value})


@dataclass(frozen=True, slots=True)
class ContradictionRow:
    """One of the ways, and when it ended (None = never)."""

    way: Way
    subject: str
    """Step, or `system level`."""
    check: str
    since: datetime
    until: datetime | None


def contradiction_rows(
    material: Material, book: Book, steps: tuple[StepRow, ...]
) -> tuple[ContradictionRow, ...]:
    """In the order in which they began."""
    incident = material.incident
    found = [
        *_ticked(material.own),
        *_green(incident, book, steps, material.end),
        *_words(incident),
    ]
    return tuple(sorted(found, key=lambda row: (row.since, row.subject, row.way)))


def _ticked(own: tuple[Entry, ...]) -> Iterator[ContradictionRow]:
    """`step_verified` said no; a later yes, another proof or an undo ends it."""
    running: dict[str, Entry] = {}
    ending = ("step_verified", "step_reopened", "step_attested", "step_waived")
    for entry in own:
        word = entry.kind.removeprefix(PREFIX)
        denied = word == "step_verified" and not entry.detail["passed"]
        if denied:
            running.setdefault(entry.subject, entry)
        elif word in ending and entry.subject in running:
            began = running.pop(entry.subject)
            yield _row(began, entry.occurred_at)
    for began in running.values():
        yield _row(began, None)


def _row(began: Entry, until: datetime | None) -> ContradictionRow:
    check = str(began.detail["check"])
    return ContradictionRow("ticked_red", began.subject, check, began.occurred_at, until)


def _green(
    incident: Incident, book: Book, steps: tuple[StepRow, ...], end: datetime
) -> Iterator[ContradictionRow]:
    by_check: dict[str, list[Spell]] = {}
    for rungs in incident.levels.values():
        for items in rungs.values():
            for spell in items:
                for check in spell.checks:
                    by_check.setdefault(check, []).append(spell)
    for row in steps:
        place = book.step(row.step)
        probe = place[1].probe if place is not None else None
        if probe is None or row.stand in _NOBODY or probe.id not in by_check:
            continue
        spells = [spell for spell in by_check[probe.id] if spell.since > incident.onset]
        first = min(spells, key=lambda spell: (spell.since, spell.seq), default=None)
        if first is None:
            continue
        times = [t for t in (row.finished_at, first.until) if t is not None]
        until = min(times, default=None)
        if (until or end) - first.since > LATE:
            yield ContradictionRow("green_unticked", row.step, probe.id, first.since, until)


def _words(incident: Incident) -> Iterator[ContradictionRow]:
    for key, said in incident.words.items():
        kind, system, level = (*key.split(":"), "")[:3]
        if kind != "system":
            continue
        spells = incident.levels.get(system, {}).get(level, ())
        for place, word in enumerate(said):
            after = said[place + 1].at if place + 1 < len(said) else None
            if word.works and word.contradicted_at is not None:
                since = word.contradicted_at
                green = [spell.since for spell in spells if spell.since > since]
                times = [t for t in (*green, after) if t is not None]
                check = spells[-1].checks[0] if spells and spells[-1].checks else ""
                until = min(times, default=None)
                yield ContradictionRow("said_red", f"{system} {level}", check, since, until)
            elif not word.works:
                for spell in spells:
                    began = max(spell.since, word.at)
                    times = [t for t in (spell.until, after) if t is not None]
                    until = min(times, default=None)
                    if until is None or until > began:
                        check = spell.checks[0] if spell.checks else ""
                        yield ContradictionRow(
                            "said_green", f"{system} {level}", check, began, until
                        )
