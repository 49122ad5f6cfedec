"""Walks through a runbook as staff would: every ready step is done, one of them cannot be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from runbooks.book import Book
from runbooks.form import DecisionStep, Runbook
from runbooks.progress import Stand, Standing, standings
from runbooks.state import Did, Incident, StepRun, Verification

AT = datetime(2026, 11, 23, 1, 2, tzinfo=UTC)


def walk(
    book: Book, runbook: Runbook, answers: Mapping[str, str], fails: str | None = None
) -> Mapping[str, Standing]:
    """Where every step stands when nothing more can be done.

    `answers`: step -> option (else the default, else the first). `fails`: a step that cannot be
    done; when its `on_failure` step does not lead on by itself, it is done at the second try.
    """
    runs: dict[str, StepRun] = {}
    retried = False
    while True:
        found = standings(_event(runbook, runs), book)
        ready = [id for id, one in found.items() if one.stand is Stand.READY]
        if not ready:
            if fails is None or retried or found[fails].stand is not Stand.FAILED:
                return found
            retried = True
            runs[fails] = _done(runbook, fails, answers)
            continue
        step = ready[0]
        if step == fails and not retried and step not in runs:
            runs[step] = StepRun(step, runbook.id, did=Did.FAILED, finished_at=AT)
        else:
            runs[step] = _done(runbook, step, answers)


def _done(runbook: Runbook, id: str, answers: Mapping[str, str]) -> StepRun:
    run = StepRun(id, runbook.id, did=Did.DONE, verification=Verification.PASSED, finished_at=AT)
    step = runbook.step(id)
    if not isinstance(step, DecisionStep):
        return run
    default = next((option for option in step.options if option.default), step.options[0])
    return replace(run, option=answers.get(id, default.id))


def _event(runbook: Runbook, runs: Mapping[str, StepRun]) -> Incident:
    return Incident(
        id="walk",
        stage="walk",
        nature="disaster",
        level=3,
        onset=AT,
        declared_at=AT,
        declared_by="p1",
        capacity="principal",
        role=None,
        plan="",
        frozen="",
        hours="in_hours",
        seq=1,
        drill="tabletop",
        runbooks=(runbook.id,),
        runs={runbook.id: dict(runs)},
    )
