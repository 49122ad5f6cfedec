"""Outboxes replayed twice and in any order over a real journal: the same state, each act once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from bcp.journal.entry import Actor
from bcp.journal.folding import View
from bcp.journal.journal import Journal
from runbooks import commands as c
from runbooks.context import Context
from runbooks.incident import FOLD, FOLD_NAME, decide
from runbooks.state import Did
from tests.fakes import ManualClock
from tests.runbooks.world import T0, H, a_book, a_city

BOX = (
    ("b-1", c.FinishStep(incident="R20261123-1", step="AD-01", occurred_at=T0)),
    ("b-2", c.FinishStep(incident="R20261123-1", step="JUKI-01", occurred_at=T0)),
    ("b-3", c.StartAlternate(incident="R20261123-1", service="certificates")),
    ("b-4", c.AddNote(incident="R20261123-1", text="水が引いた")),
)
"""What two telephones kept while they had no network; none depends on another."""


async def replay(folder: Path, order: list[int]) -> object:
    """What a page would show after the boxes arrived in this order."""
    clock = ManualClock(T0 + H)
    Journal.create(
        folder / "log", origin="test.invalid/x", node="n", clock=clock, head_dir=folder / "head"
    )
    journal = Journal.open(
        folder / "log", clock=clock, head_dir=folder / "head", folds={FOLD_NAME: FOLD}
    )
    actor = Actor("u-1", "commander")
    context = Context(actor, "real", a_city(), a_book())

    async def do(command: c.Command, op: str) -> None:
        def carry(view: View) -> tuple[object, ...]:
            return decide(view.state(FOLD_NAME), command, view.now, context)

        await journal.transact(carry, op=op, actor=actor)  # type: ignore[arg-type]

    await do(c.Declare(level=3, onset=T0, reason="停電", role="mayor"), "declare")
    for place in order:
        op, command = BOX[place]
        await do(command, op)
    incident = journal.state(FOLD_NAME).latest
    await journal.close()
    runs = {
        (run.runbook, run.id): (run.did, run.attempt, run.finished_at)
        for of in incident.runs.values()
        for run in of.values()
    }
    assert runs[("ad-recover", "AD-01")][0] is Did.DONE
    return runs, tuple(incident.alternates), incident.notes, incident.version


@settings(max_examples=8, deadline=None)
@given(order=st.permutations(range(len(BOX))), again=st.permutations(range(len(BOX))))
def test_boxes_sent_twice_in_any_order_give_the_same_state(
    order: list[int], again: list[int]
) -> None:
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        mixed = asyncio.run(replay(Path(one), [*order, *again]))
        plain = asyncio.run(replay(Path(other), list(range(len(BOX)))))
    assert mixed == plain
