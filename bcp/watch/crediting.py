"""Time in a state, for the bars and the reports: credited as it passes. What nobody judged stays blind."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bcp.kit.clock import Clock
from bcp.watch.backdating import Backdating
from bcp.watch.board import Board
from bcp.watch.history import History
from bcp.watch.judge import Judge
from bcp.watch.slices import Slices
from bcp.watch.values import Status
from bcp.watch.view import Span

_CREDIT = 10.0
_LONG_RUN = 300.0
"""Checks that run less often than this are credited by the tick, so that a crash costs little."""


class Crediting:
    """Of the recorder: from board and judge to the history."""

    def __init__(self, board: Board, judge: Judge, clock: Clock, history: History | None) -> None:
        self._board, self._judge, self._clock, self._history = board, judge, clock, history
        self._backdating = Backdating()
        self._credited = self._credited_long = clock.monotonic()

    async def tick(self) -> None:
        """What passed since the last tick, every ten seconds."""
        now = self._clock.monotonic()
        if self._history is None or now - self._credited < _CREDIT:
            return
        passed, self._credited = now - self._credited, now
        if passed < 2 * _CREDIT:
            utc = self._clock.utc()
            counted, outages = dict[str, Status](), dict(self._judge.outages())
            for span in self._judge.spans(utc, passed):
                self._history.credit(span)
                counted[span.subject] = span.status
            for subject, since in outages.items():
                self._history.fail(subject, since, passed)
            start = utc - timedelta(seconds=passed)
            for move in self._backdating.moves(counted, outages, start):
                self._history.credit(Span(move.subject, Status.FAILED, move.start, move.end))
                self._history.credit(Span(move.subject, move.was, move.start, move.end), -1)
                self._history.fail(
                    move.subject, move.begun, (move.end - move.start).total_seconds()
                )
        else:  # nobody judged meanwhile: blind time
            self._backdating.blind()
        if now - self._credited_long >= _LONG_RUN:
            self._credited_long = now
            await self.checks(at_least=_LONG_RUN)

    async def checks(self, at_least: float = 0.0) -> None:
        """Credit running spans now: of checks that run seldom; of all of them before an end."""
        slices = Slices(self._clock)
        for view in self._board.walk():
            if slices.due():
                await asyncio.sleep(0)
            if self._history is None or view.check.every.total_seconds() < at_least:
                continue
            span = self._board.take_span(view.id, self._clock.utc())
            if span is not None:
                self._history.credit(span)
