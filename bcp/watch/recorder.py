"""The funnel: Observation -> board, history, and on a change the integrity log and an announcement.

`record` is sync and never waits. A change goes on a bounded queue; `run` writes it to the log and
owes it to people. Order: log first, then announce; but a machine's change is announced even when
the log cannot be written, and says so. What could not be logged is kept per check (first old state,
last new state, how often) and entered as one catch-up entry when the log can be written again.

If we die here: the board comes back from the history; changes queued and not yet logged are found
again by the next runs of the checks, with a later `since`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from bcp.journal.entry import Actor, NewEntry
from bcp.kit.clock import Clock
from bcp.kit.errors import BcpError
from bcp.watch import announcing
from bcp.watch.announcing import Announcement
from bcp.watch.board import Board
from bcp.watch.check import Check
from bcp.watch.crediting import Crediting
from bcp.watch.history import History
from bcp.watch.judge import Judge
from bcp.watch.resuming import resumed
from bcp.watch.slices import Slices
from bcp.watch.telling import Teller
from bcp.watch.unlogged import Unlogged, entry_of
from bcp.watch.values import Observation, Status, Transition
from bcp.watch.view import Saved

log = structlog.get_logger(__name__)

ACTOR = Actor("system", "watch")
_QUEUE = 20_000
_LOG_PATIENCE = 5.0
"""Seconds before a change is announced without waiting any longer for the log."""
_RETRY_LOG, _TICK = 10.0, 1.0
_WAIT_PARENT, _WAIT_SELF, _WAIT_SITE = 30.0, 60.0, 10.0
"""Longest delay of an announcement while a parent, this node itself, or its whole place is under
suspicion."""


class LogSink(Protocol):
    """The part of `bcp.journal.Journal` the recorder needs."""

    async def append(self, *new: NewEntry, op: str, actor: Actor) -> object:
        """Durable when it returns; raises `BcpError` when it cannot be written."""
        ...


@dataclass(frozen=True, slots=True)
class _Owed:
    transition: Transition
    logged: bool
    born: float


class Recorder:
    """One per daemon. `announce` must not block (see `notify.Notifier.announce`)."""

    def __init__(
        self,
        board: Board,
        judge: Judge,
        clock: Clock,
        *,
        history: History | None = None,
        sink: LogSink | None = None,
        announce: Callable[[Announcement], None] = lambda _announcement: None,
    ) -> None:
        self._board, self._judge, self._clock = board, judge, clock
        self._history, self._sink, self._announce = history, sink, announce
        self._queue: deque[Transition] = deque()
        self._came = asyncio.Event()
        self._unlogged: dict[str, Unlogged] = {}
        self._owed: dict[str, _Owed] = {}
        self._said: dict[str, Status] = {}
        self._kept: Mapping[str, Status] | None = {}
        self._unseen: set[str] = set()
        """Restored, but too old to count: what is owed of them shows with their next look."""
        self._log_again = 0.0
        self._crediting = Crediting(board, judge, clock, history)
        self.teller = Teller(judge, announce, self._append, self._log_rests)
        self.overrun = 0
        """Changes dropped from the queue (never seen in practice; counted so that we would)."""

    @property
    def unlogged(self) -> int:
        """Changes the integrity log has not seen yet; 0 while all is well."""
        return sum(missing.count for missing in self._unlogged.values())

    # --- from the scheduler -----------------------------------------------------------------

    def take(self, observation: Observation, check: Check) -> bool:
        """What `runner.one_round` calls; True = not confirmed, look again soon.

        An answer about a definition that a reload has replaced meanwhile is dropped.
        """
        if not self._board.is_about(check):
            return False
        self.record(self._judge.own_line.judged(observation, check))
        return self._board.pending(observation.check)

    def record(self, observation: Observation) -> Transition | None:
        """Count an observation everywhere. Returns the change of state, if it made one."""
        span = self._board.take_span(observation.check, observation.started)
        transition = self._board.apply(observation)
        if self._history is not None and observation.check in self._board:
            if span is not None:
                self._history.credit(span)
            self._history.put(observation, self._saved(observation))
        if observation.check in self._unseen:
            self._unseen.discard(observation.check)
            if transition is None and observation.check in self._board:
                self._resume(observation.check)
        if transition is not None:
            self._judge.flapping.note(transition)
            if len(self._queue) >= _QUEUE:
                self._queue.popleft()
                self.overrun += 1
            self._queue.append(transition)
            self._came.set()
            log.info(
                "check changed", check=transition.check, old=transition.old, new=transition.new
            )
        return transition

    def _saved(self, observation: Observation) -> Saved | None:
        view = self._board.view(observation.check)
        since = view.since or observation.started
        if view.stale or view.blocked:
            return None
        row = self._board.since_ok(view.id)
        counter = self._board.counter(view.id)
        return Saved(view.id, view.status, since, view.sentence, observation, row, counter)

    def assume_said(self, kept: Mapping[str, Status] | None = None) -> None:
        """After `Board.restore`: what was said before the restart, as kept or as far as one can guess."""
        self._kept, views = kept, self._board.views()
        self._unseen = {view.id for view in views if view.last is not None and view.stale}
        self._said, owed = resumed(views, kept, self._clock.utc())
        for change in owed:
            self._owe(change)

    def _resume(self, check: str) -> None:
        """A state from before the restart was seen again, without a change: is it still to be told?"""
        said, owed = resumed([self._board.view(check)], self._kept, self._clock.utc())
        self._said |= said
        for change in owed:
            self._owe(change)

    def said(self) -> dict[str, str]:
        """What people last heard of each check that was not good: for the next start."""
        return {id: status.value for id, status in self._said.items() if status is not Status.OK}

    def _owe(self, change: Transition) -> None:
        self._owed.setdefault(change.check, _Owed(change, True, self._clock.monotonic()))

    def _owe_what_was_muted(self) -> None:
        """A failure held back before the restart was never told: it is owed until its mute ends."""
        now = self._clock.utc()
        for id in list(self._said) if self._kept is None else ():
            if id in self._board and (view := self._board.view(id)).muted:
                del self._said[id]
                since = view.since or now
                self._owe(Transition(id, Status.OK, view.status, since, now, view.sentence))

    # --- its own tasks ----------------------------------------------------------------------

    async def run(self, group: asyncio.TaskGroup) -> None:
        """Write and announce until cancelled."""
        group.create_task(self._keep_log())
        due = self._clock.monotonic()
        await self._judge.refresh()
        self._owe_what_was_muted()
        while True:
            await self._judge.refresh()
            await self.teller.tell()
            slices = Slices(self._clock)
            for one in announcing.bundled(await self._ready(slices)):
                self._announce(one)
                if slices.due():
                    await asyncio.sleep(0)
            await self._crediting.tick()
            if self._unlogged and not self._log_rests():
                self._came.set()
            due = max(due + _TICK, self._clock.monotonic())
            await self._clock.sleep_until(due)

    async def _keep_log(self) -> None:
        """The one task that writes to the log, so that no change is entered twice."""
        while True:
            await self._came.wait()
            self._came.clear()
            while self._queue:
                await self._enter(self._queue.popleft())
            for check, missing in list(self._unlogged.items()):
                if self._log_rests() or not await self._write(check, missing):
                    break

    def _log_rests(self) -> bool:
        return self._clock.monotonic() < self._log_again

    async def _enter(self, transition: Transition) -> None:
        missing = self._unlogged.get(transition.check)
        if missing is None:
            missing = Unlogged(transition, transition)
        else:
            missing = replace(missing, last=transition, count=missing.count + 1)
        self._unlogged[transition.check] = missing
        before = self._owed.get(transition.check)
        born = before.born if before else self._clock.monotonic()
        logged = not self._log_rests() and await self._write(transition.check, missing)
        self._owed[transition.check] = _Owed(transition, logged, born)

    async def _write(self, check: str, missing: Unlogged) -> bool:
        """One entry. False puts the log aside for a while; nothing waits for it meanwhile."""
        if not await self._append(*entry_of(missing)):
            return False
        if self._unlogged.get(check) is missing:
            del self._unlogged[check]
        return True

    async def _append(self, entry: NewEntry, op: str) -> bool:
        if self._sink is None:
            return False
        try:
            async with asyncio.timeout(_LOG_PATIENCE):
                await self._sink.append(entry, op=op, actor=ACTOR)
        except (BcpError, OSError) as error:  # TimeoutError is an OSError
            if self._log_again == 0.0:
                log.error("change not logged", what=entry.subject, error=type(error).__name__)
            self._log_again = self._clock.monotonic() + _RETRY_LOG
            return False
        self._log_again = 0.0
        return True

    # --- announcing -------------------------------------------------------------------------

    async def _ready(self, slices: Slices) -> list[Announcement]:
        """What may be said now, in slices: thousands may change at one moment."""
        found = list[Announcement]()
        for check in list(self._owed):
            message = self._take_owed(check)
            if message is not None:
                found.append(message)
            if slices.due():
                await asyncio.sleep(0)
        return found

    def _take_owed(self, check: str) -> Announcement | None:
        """The message of one change that is due; None: nothing to say, or not yet."""
        owed = self._owed.get(check)
        if owed is None:
            return None
        if check not in self._board:
            del self._owed[check]
            return None
        new, said = owed.transition.new, self._said.get(check)
        verdict = announcing.decide(
            said,
            new,
            muted=bool(self._board.view(check).muted),
            wait=self._wait(check, self._clock.monotonic() - owed.born),
        )
        if verdict == "hold":
            return None
        del self._owed[check]
        if verdict == "drop":
            return None
        self._said[check] = new
        return self._message(check, owed, said if said and new is Status.OK else new)

    def _message(self, check: str, owed: _Owed, loud: Status) -> Announcement:
        system = self._judge.system_of(check)
        message = announcing.of_transition(
            owed.transition,
            system.id if system else None,
            self._judge.severity(check, loud),
            logged=owed.logged or check not in self._unlogged,
        )
        suspicion = self._board.self_suspect
        if suspicion is None or message.resolved:
            return message
        return replace(message, notes=(suspicion.sentence,))

    def _wait(self, check: str, age: float) -> bool:
        if self._board.self_suspect is not None and age < _WAIT_SELF:
            return True
        if age < _WAIT_SITE and self._judge.gathers(check):
            return True
        return age < _WAIT_PARENT and self._judge.waits_for_parent(check)

    async def credit_checks(self, at_least: float = 0.0) -> None:
        """See `Crediting.checks`."""
        await self._crediting.checks(at_least)
