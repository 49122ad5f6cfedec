"""Walks through a runbook as staff would: every ready step is done, one of them cannot be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bcp.kit.errors import Refused
from bcp.plan.model import City
from runbooks import commands as c
from runbooks.book import Book
from runbooks.damageitems import BEFORE_POWER
from runbooks.finishdecide import challenge_of
from runbooks.form import DecisionStep, Runbook
from runbooks.progress import Stand, Standing, standings
from runbooks.state import Did, Incident, StepRun, Verification
from tests.runbooks.world import Play

AT = datetime(2026, 11, 23, 1, 2, tzinfo=UTC)


def walk(
    book: Book, runbook: Runbook, answers: Mapping[str, str], *fails: str
) -> Mapping[str, Standing]:
    """Where every step stands when nothing more can be done.

    `answers`: step -> option (else the default, else the first). `fails`: steps that cannot be
    done; when their `on_failure` step does not lead on by itself, they are done at the second try,
    the last one first.
    """
    runs: dict[str, StepRun] = {}
    untried, again = set(fails), list(fails)
    while True:
        found = standings(_event(runbook, runs), book)
        ready = [id for id, one in found.items() if one.stand is Stand.READY]
        for id in ready:
            if id in untried:
                untried.discard(id)
                runs[id] = StepRun(id, runbook.id, did=Did.FAILED, finished_at=AT)
            else:
                runs[id] = _done(runbook, id, answers)
        if ready:
            continue
        while again and found[again[-1]].stand is not Stand.FAILED:
            again.pop()
        if not again:
            return found
        id = again.pop()
        runs[id] = _done(runbook, id, answers)


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


def play(book: Book, city: City, runbook: Runbook, turn: int) -> Mapping[str, Stand]:
    """The same with the real machine: commands decided and folded, each proof given by its probe
    or by another person. `turn`: which answer every decision takes (counted round).
    """
    game = Play()
    game.city, game.book = city, book
    event = game.declare(runbooks=(runbook.id,), role="honbucho").id
    while True:
        found = standings(game.incident, book)
        mine = {id: one for id, one in found.items() if one.runbook.id == runbook.id}
        ready = [one for one in mine.values() if one.stand is Stand.READY]
        if not ready:
            return {id: one.stand for id, one in mine.items()}
        for one in ready:
            game.wait(minutes=1)
            _do(game, event, one, turn)


def _do(game: Play, event: str, one: Standing, turn: int) -> None:
    step = one.step
    if isinstance(step, DecisionStep):
        option = step.options[turn % len(step.options)].id
        told = {
            "incident": event,
            "step": step.id,
            "option": option,
            "rationale": "訓練の見本",
            "approved_by": "p02",
        }
        game.do(c.TakeDecision(**told))  # type: ignore[arg-type]
        return
    if step.powers_on:  # held until the questions of its site are answered
        with pytest.raises(Refused, match="電源"):
            game.do(c.StartStep(incident=event, step=step.id))
        for item in BEFORE_POWER:
            game.do(c.AnswerPower(incident=event, site="honcho", item=item, safe=True))
    game.do(c.StartStep(incident=event, step=step.id))
    asked = challenge_of(step)
    answer = (asked.answer or "") if asked is not None else ""
    game.do(c.FinishStep(incident=event, step=step.id, together="p02", answer=answer))
    if step.probe is not None:
        seen = {"passed": True, "check": step.probe.id, "since": game.now}
        game.do(c.VerifyStep(incident=event, step=step.id, **seen))  # type: ignore[arg-type]
    elif step.verify_by is not None or step.gate == "verified":
        game.do(c.AttestStep(incident=event, step=step.id, note="見た"), by="u-2")
