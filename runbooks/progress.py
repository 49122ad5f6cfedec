"""Which steps are blocked, ready, not applicable: derived from the run and the frozen book. Pure.

A need is settled when its step is done (and proven, where its `gate` says verified), skipped,
cancelled, not applicable, or failed while the waiting step also needs its `on_failure` step and that
one is done.
A need in a runbook that is not part of the event does not block: it was not hit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from runbooks.book import Book
from runbooks.form import DecisionStep, Runbook, Step, WaitStep
from runbooks.state import Did, Incident, Phase, StepRun, Verification

PROVEN = frozenset({Verification.PASSED, Verification.ATTESTED, Verification.WAIVED})


class Stand(StrEnum):
    """What a page shows of a step."""

    BLOCKED = "blocked"
    READY = "ready"
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    NOT_APPLICABLE = "not_applicable"
    CANCELLED = "cancelled"


OPEN = frozenset({Stand.BLOCKED, Stand.READY, Stand.RUNNING, Stand.WAITING, Stand.FAILED})
"""Still to be dealt with."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One step as it stands."""

    runbook: Runbook
    step: Step
    run: StepRun
    stand: Stand
    waits_on: tuple[str, ...] = ()
    """Open steps it waits for (blocked only)."""
    review_needed: bool = False
    """Something it was built on was undone after it began."""

    @property
    def role(self) -> str:
        """Role id, role name or `vendor:SYSTEM` that does it."""
        return self.runbook.role_of(self.step)

    def overdue(self, now: datetime) -> bool:
        """Longer than p90 (or than promised, while waiting): time for the deputy, never a failure."""
        if self.stand is Stand.WAITING:
            return self.run.expected_at is not None and now > self.run.expected_at
        if self.stand is Stand.RUNNING and isinstance(self.step, WaitStep) and self.step.expected:
            began = self.run.started_at
            return began is not None and now - began > self.step.expected
        estimate = self.step.duration
        if self.stand is not Stand.RUNNING or estimate is None or self.run.started_at is None:
            return False
        return now - self.run.started_at > (estimate.p90 or estimate.p50)


_DID = {
    Did.RUNNING: Stand.RUNNING,
    Did.WAITING: Stand.WAITING,
    Did.DONE: Stand.DONE,
    Did.FAILED: Stand.FAILED,
    Did.SKIPPED: Stand.SKIPPED,
    Did.CANCELLED: Stand.CANCELLED,
}


def standings(incident: Incident, book: Book) -> Mapping[str, Standing]:
    """Every step of the event's runbooks, by step id, in the order of the book."""
    walk = _Walk(incident, book)
    found: dict[str, Standing] = {}
    for id in incident.runbooks:
        runbook = book.get(id)
        for step in runbook.steps if runbook else ():
            found[step.id] = walk.standing(step.id)
    return found


def standing(incident: Incident, book: Book, step: str) -> Standing | None:
    """One step; None when no runbook of the event has it."""
    place = book.step(step)
    if place is None or place[0].id not in incident.runbooks:
        return None
    if book.cyclic:  # where the circle is cut open hangs on where one begins: as the page does
        return standings(incident, book).get(step)
    return _Walk(incident, book).standing(step)


class _Walk:
    """One derivation; remembers what it has worked out."""

    def __init__(self, incident: Incident, book: Book) -> None:
        self._incident, self._book = incident, book
        self._scope = frozenset(incident.runbooks)
        self._known: dict[str, Standing] = {}
        self._busy: set[str] = set()

    def standing(self, id: str) -> Standing:
        known = self._known.get(id)
        if known is None:
            place = self._book.step(id)
            assert place is not None
            self._busy.add(id)
            known = self._known[id] = self._derive(*place)
            self._busy.discard(id)
        return known

    def _derive(self, runbook: Runbook, step: Step) -> Standing:
        run = self._incident.run(runbook.id, step.id)
        graph = self._book.graphs[runbook.id]
        needs = [need for need in graph.needs[step.id] if self._part(need)]
        if run.did is not Did.OPEN:
            led = [source for source, _what in graph.starters.get(step.id, ())]
            review = any(self._undone_since(need, run) for need in [*needs, *led])
            return Standing(runbook, step, run, _DID[run.did], (), review)
        gone = runbook.id in self._incident.abandoned
        if gone or self._incident.phase is Phase.CANCELLED:
            return Standing(runbook, step, run, Stand.CANCELLED)
        open_needs = [need for need in needs if not self._settled(need, needs)]
        started, waiting = self._started(graph.starters.get(step.id, ()))
        never = not started and not waiting
        if never or (needs and all(self._is(need, Stand.NOT_APPLICABLE) for need in needs)):
            stand = Stand.NOT_APPLICABLE
        elif open_needs or not started:
            stand = Stand.BLOCKED
        else:
            stand = Stand.READY
        waits_on = tuple(dict.fromkeys([*open_needs, *([] if started else waiting)]))
        return Standing(runbook, step, run, stand, waits_on if stand is Stand.BLOCKED else ())

    def _part(self, id: str) -> bool:
        place = self._book.step(id)
        return place is not None and place[0].id in self._scope and id not in self._busy

    def _is(self, id: str, stand: Stand) -> bool:
        return id not in self._busy and self.standing(id).stand is stand

    def _settled(self, id: str, among: list[str]) -> bool:
        found = self.standing(id)
        if found.stand is Stand.DONE:
            return found.step.gate == "done" or found.run.verification in PROVEN
        if found.stand is Stand.FAILED:
            other = found.step.on_failure
            return other is not None and other in among and self._is(other, Stand.DONE)
        return found.stand in (Stand.SKIPPED, Stand.NOT_APPLICABLE, Stand.CANCELLED)

    def _started(self, starters: tuple[tuple[str, str], ...]) -> tuple[bool, list[str]]:
        """Whether a step off the straight way was called for; else which steps still decide it."""
        if not starters:
            return True, []
        waiting = []
        for source, what in starters:
            if source in self._busy:
                continue
            found = self.standing(source)
            if _fires(found, what):
                return True, []
            if found.stand in OPEN and found.stand is not Stand.FAILED:
                waiting.append(source)
        return False, waiting

    def _undone_since(self, need: str, run: StepRun) -> bool:
        place = self._book.step(need)
        assert place is not None
        undone = self._incident.run(place[0].id, need).reopened_at
        began = run.started_at or run.finished_at
        if undone is None or began is None or began >= undone:
            return False
        return run.reviewed_at is None or run.reviewed_at < undone


def _fires(source: Standing, what: str) -> bool:
    if what == "!":
        return source.stand is Stand.FAILED
    if what == "+":
        return source.stand in (Stand.DONE, Stand.SKIPPED)
    if source.stand is Stand.SKIPPED and isinstance(source.step, DecisionStep):
        default = next((option for option in source.step.options if option.default), None)
        return default is None or default.id == what  # nobody decided: no arm may be a trap
    return source.stand is Stand.DONE and source.run.option == what
