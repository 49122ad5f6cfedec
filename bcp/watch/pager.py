"""Who else is told when nobody takes a failure on: routes with `after`, and again by `repeat` (R-95).

Between the recorder and the routes: what is announced goes straight on, and a failing check is kept in
mind until it is good again or somebody takes it on. Told first in the log, then by the route; a log that
cannot be written holds no call back. If we die here: what stands on the board is kept in mind again at
the next start, and the log says which routes were told.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

from bcp.journal.entry import Actor, NewEntry
from bcp.kit.clock import Clock
from bcp.kit.errors import BcpError
from bcp.kit.language import text
from bcp.watch import announcing
from bcp.watch.acks import Acks, escalated
from bcp.watch.announcing import Announcement
from bcp.watch.board import Board
from bcp.watch.judge import Judge
from bcp.watch.notify import Notifier, Route
from bcp.watch.slices import Slices
from bcp.watch.values import Status, Transition

ACTOR = Actor("system", "watch")
_LOOK, _LOG_PATIENCE = 10.0, 5.0


class Sink(Protocol):
    """The part of the log the pager needs."""

    async def append(self, *new: NewEntry, op: str, actor: Actor) -> object:
        """Durable when it returns; raises `BcpError` when it cannot be written."""
        ...


@dataclass(slots=True)
class _Alarm:
    """A failing check that was told to the first routes."""

    message: Announcement
    born: float
    told: dict[str, float] = field(default_factory=dict)
    """Route -> when it was last told, monotonic."""


class Pager:
    """One per daemon. `announce` never blocks, never raises."""

    def __init__(
        self,
        notifier: Notifier,
        board: Board,
        judge: Judge,
        clock: Clock,
        acks: Callable[[], Acks],
        sink: Sink | None = None,
    ) -> None:
        self._notifier, self._board, self._judge = notifier, board, judge
        self._clock, self._acks, self._sink = clock, acks, sink
        self._alarms: dict[str, _Alarm] = {}
        self._storms = 0

    def announce(self, message: Announcement) -> None:
        """Tell it, and keep in mind what may have to be told further."""
        self._notifier.announce(message)
        if message.kind != "check":
            return
        if message.check is None:  # a storm in one message: taken on by taking on any check
            self._storms += 0 if message.resolved else 1
            key = f"*{self._storms}"
            if message.resolved:
                self._alarms = {k: one for k, one in self._alarms.items() if not k.startswith("*")}
                return
        elif message.resolved:
            known = self._alarms.pop(message.check, None)
            for route in self._routes():
                if known is not None and route.route.id in known.told and route.route.after:
                    route.put(message)
            return
        else:
            key = message.check
        self._alarms[key] = _Alarm(message, self._clock.monotonic())

    def _routes(self) -> Iterator[Route]:
        yield from self._notifier.routes

    async def run(self) -> None:
        """Look every ten seconds until cancelled."""
        await self._adopt()
        while True:
            await self._clock.sleep_until(self._clock.monotonic() + _LOOK)
            await self.look()

    async def _adopt(self) -> None:
        """What was failing before the start was told then; further routes are still owed."""
        now, slices, known = self._clock.utc(), Slices(self._clock), self._acks()
        for view in self._board.walk(now):
            if slices.due():
                await asyncio.sleep(0)
            if view.last is None or view.stale or view.muted or view.status is Status.OK:
                continue
            since = view.since or now
            change = Transition(view.id, Status.OK, view.status, since, now, view.sentence)
            system = self._judge.system_of(view.id)
            severity = self._judge.severity(view.id, view.status)
            message = announcing.of_transition(
                change, system.id if system else None, severity, logged=True
            )
            alarm = _Alarm(message, self._clock.monotonic() - (now - since).total_seconds())
            if view.id in known:
                alarm.told = dict.fromkeys(known[view.id].routes, self._clock.monotonic())
            self._alarms.setdefault(view.id, alarm)

    async def look(self) -> None:
        """Tell further what nobody took on. Public for tests."""
        now, acks = self._clock.monotonic(), self._acks()
        last = max((one.at for one in acks.values() if one.at), default=None)
        for key, alarm in list(self._alarms.items()):
            ack = acks.get(key)
            storm = key.startswith("*")
            taken = ack is not None and ack.by is not None
            if storm:
                taken = last is not None and last >= alarm.message.at
            elif key not in self._board or self._board.view(key).status is Status.OK:
                self._alarms.pop(key, None)
                continue
            if taken or (not storm and self._board.view(key).muted):
                continue
            for route in self._routes():
                await self._tell(key, alarm, route, now)

    async def _tell(self, key: str, alarm: _Alarm, route: Route, now: float) -> None:
        rules, message = route.route, alarm.message
        if not rules.fits(message):
            return
        after = rules.after.total_seconds() if rules.after else 0.0
        last = alarm.told.get(rules.id, None if rules.after else alarm.born)
        if last is None:
            due = alarm.born + after
        elif rules.repeat is not None:
            due = last + rules.repeat.total_seconds()
        else:
            return
        if now < due:
            return
        first = last is None
        alarm.told[rules.id] = now
        if first and not key.startswith("*"):
            await self._log(key, rules.id)
        minutes = int((now - alarm.born) // 60)
        said = text("watch.nobody_took_on", minutes=minutes)
        route.put(replace(message, notes=(*message.notes, said)))

    async def _log(self, check: str, route: str) -> None:
        if self._sink is None:
            return
        at = self._clock.utc()
        op = f"escalate-{check}-{route}-{at.timestamp():.0f}"
        with contextlib.suppress(BcpError, OSError):  # TimeoutError is an OSError
            async with asyncio.timeout(_LOG_PATIENCE):
                await self._sink.append(escalated(check, route, at), op=op, actor=ACTOR)
