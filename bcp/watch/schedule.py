"""When each check runs: one wheel on a 10 ms grid, absolute due times, seats.

Due times are `phase + k x every` on the monotonic clock, the phase a hash of the check's id: they
never drift, spread by themselves and are the same after a restart. A due time that passes while
the check cannot start is *missed* and counted as blind time, never caught up in a burst.

The wheel is a heap of distinct ticks, each with a bucket of slots: one wake-up serves everything
due in the same 10 ms. A slot moved elsewhere leaves its old place behind as an empty hint (`tick`
no longer matches), which is cheaper than searching for it.

If we die here, nothing is lost: all state but the plan is counters.
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from bcp.kit.clock import Clock
from bcp.watch.check import Check
from bcp.watch.runner import RunOne
from bcp.watch.slices import Slices, Turn

GRID = 0.01
"""Seconds per tick; also the precision promised."""

_LONGEST_NAP = 5.0
"""The wheel turns at least so often, so that its progress can feed the watchdog."""

_STARTS_PER_SECOND = 500
"""How fast the very first runs of a large plan are let in."""


def phase(id: str, ticks: int) -> int:
    """Where in its interval a check runs: the same on every start of every node."""
    digest = hashlib.blake2b(id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % max(1, ticks)


@dataclass(frozen=True, slots=True)
class Seats:
    """How many checks may run at once; whoever finds none waits, and its lateness shows it."""

    light: int = 200
    heavy: int = 2
    per_site: int = 64

    def of(self, weight: str) -> int:
        """Seats for a weight; an unknown weight is treated as heavy."""
        return self.light if weight == "light" else self.heavy


@dataclass(slots=True, eq=False)
class _Slot:
    check: Check
    every: int
    """Ticks."""
    due: int
    """The next regular due time, in ticks."""
    tick: int = -1
    """Where it stands on the wheel: `due`, or earlier for a fast re-probe; -1 = nowhere."""
    busy: bool = False
    """Waiting for a seat or running."""
    extra: bool = False
    """The run in hand is not a regular one, so a due time passing meanwhile is covered by it."""
    alive: bool = True
    before: _Slot | None = None
    """An earlier definition of the same check whose run is let finish first."""


@dataclass(slots=True)
class _Queue:
    """Runs that wait for a seat of one (weight, site), first come first served."""

    waiting: deque[tuple[float, _Slot]] = field(default_factory=deque)


class Scheduler:
    """Runs checks when they are due. Everything by the clock handed in.

    `run_one` does one run and says whether to look again soon (`confirm.retry`); it must not
    raise: what it raises ends the caller's TaskGroup. `on_missed(id, count, seconds)` hears of
    blind time.
    """

    def __init__(
        self,
        clock: Clock,
        run_one: RunOne,
        *,
        on_missed: Callable[[str, int, float], None] = lambda _id, _count, _seconds: None,
        seats: Seats | None = None,
        first_within: float = 5.0,
    ) -> None:
        self._clock, self._run_one, self._on_missed = clock, run_one, on_missed
        self._seats, self._first_within = seats or Seats(), first_within
        self._slots: dict[str, _Slot] = {}
        self._ticks: list[int] = []
        self._buckets: dict[int, list[_Slot]] = {}
        self._queues: dict[tuple[str, str | None], _Queue] = {}
        self._used_weight: dict[str, int] = {}
        self._used_site: dict[str | None, int] = {}
        self._group: asyncio.TaskGroup | None = None
        self._nap: asyncio.Task[None] | None = None
        self._napping_until = 0
        self._progress = clock.monotonic()
        self._turns = Turn(clock)
        self._paused = False
        self.running = 0
        """Checks running now."""

    # --- for the outside --------------------------------------------------------------------

    async def replace(self, checks: Iterable[Check]) -> None:
        """Take over a plan: unchanged checks keep their times, new ones run within seconds.

        Built in slices, swapped at once. A check no longer named that is running is let finish.
        """
        checks, slices = list(checks), Slices(self._clock)
        within = max(self._first_within, len(checks) / _STARTS_PER_SECOND)
        slots: dict[str, _Slot] = {}
        fresh: list[_Slot] = []
        for check in checks:
            old = self._slots.get(check.id)
            if old is not None and (old.check is check or old.check == check):
                slots[check.id] = old
            else:
                slot = self._new_slot(check, within)
                slot.before = old if old is None or old.busy else old.before
                slots[check.id] = slot
                fresh.append(slot)
            if slices.due():
                await asyncio.sleep(0)
        for id, slot in self._slots.items():
            if slots.get(id) is not slot:
                slot.alive = False
        self._slots = slots
        for slot in fresh:
            self._place(slot, slot.tick)
            if slices.due():
                self._wake()
                await asyncio.sleep(0)
        self._wake()

    def run_now(self, id: str) -> bool:
        """Run a check at once (a seat permitting). False when it is running, or not in the plan."""
        slot = self._slots.get(id)
        if slot is None or slot.busy or self._group is None:
            return False
        self._ask(slot, self._clock.monotonic(), extra=True)
        return True

    @property
    def paused(self) -> bool:
        """While true nothing starts; due times that pass are missed and blind."""
        return self._paused

    @paused.setter
    def paused(self, value: bool) -> None:
        self._paused = value
        self._next_waiting()

    def progress(self) -> float:
        """Monotonic time of the wheel's last turn; at most 5 s old while the scheduler lives."""
        return self._progress

    @property
    def waiting(self) -> int:
        """Checks that are due and have no seat."""
        return sum(len(queue.waiting) for queue in self._queues.values())

    async def run(self, group: asyncio.TaskGroup) -> None:
        """Turn the wheel until cancelled; runs of checks are tasks of `group`."""
        self._group = group
        while True:
            now = self._clock.monotonic()
            self._progress = now
            await self._turn(int(now / GRID + 1e-6))
            limit = int((now + _LONGEST_NAP) / GRID)
            self._napping_until = min(self._ticks[0], limit) if self._ticks else limit
            self._nap = group.create_task(self._clock.sleep_until(self._napping_until * GRID))
            try:
                await asyncio.wait((self._nap,))
            finally:
                self._nap.cancel()

    # --- the wheel --------------------------------------------------------------------------

    def _new_slot(self, check: Check, within: float) -> _Slot:
        every = max(1, round(check.every.total_seconds() / GRID))
        own = phase(check.id, every)
        now = int(self._clock.monotonic() / GRID) + 1
        first = now + phase(check.id, min(every, int(within / GRID)))
        if every <= within / GRID:  # the regular grid is early enough
            first = now + (own - now) % every
            return _Slot(check, every, first, first)
        patience = first + round(check.timeout.total_seconds() / GRID)
        return _Slot(check, every, patience + (own - patience) % every, first)

    def _place(self, slot: _Slot, tick: int) -> None:
        slot.tick = tick
        bucket = self._buckets.get(tick)
        if bucket is None:
            self._buckets[tick] = [slot]
            heapq.heappush(self._ticks, tick)
        else:
            bucket.append(slot)

    def _wake(self) -> None:
        """Something was placed before the end of the present nap."""
        if self._nap is not None and self._ticks and self._ticks[0] < self._napping_until:
            self._nap.cancel()

    async def _turn(self, now: int) -> None:
        """In slices: after the machine slept, thousands are due at once."""
        slices = Slices(self._clock)
        while self._ticks and self._ticks[0] <= now:
            tick = heapq.heappop(self._ticks)
            for slot in self._buckets.pop(tick):
                if slot.alive and slot.tick == tick:
                    self._reached(slot, tick, now)
                if slices.due():
                    await asyncio.sleep(0)

    def _reached(self, slot: _Slot, tick: int, now: int) -> None:
        regular = tick == slot.due
        if regular:
            passed = (now - tick) // slot.every
            slot.due = tick + (passed + 1) * slot.every
            covered = slot.busy and slot.extra
            late = passed + (1 if self._paused or (slot.busy and not covered) else 0)
            if late:
                self._on_missed(slot.check.id, late, late * slot.every * GRID)
            tick += passed * slot.every  # only the newest of them is run
        self._place(slot, slot.due)
        if slot.before is not None and not slot.before.busy:
            slot.before = None
        if not (slot.busy or self._paused or slot.before):
            self._ask(slot, tick * GRID, extra=not regular)

    # --- seats ------------------------------------------------------------------------------

    def _ask(self, slot: _Slot, due: float, *, extra: bool) -> None:
        slot.busy, slot.extra = True, extra
        check = slot.check
        if self._free(check.weight, check.site):
            self._start(slot, due)
        else:
            key = (check.weight, check.site)
            self._queues.setdefault(key, _Queue()).waiting.append((due, slot))

    def _free(self, weight: str, site: str | None) -> bool:
        return (
            self._used_weight.get(weight, 0) < self._seats.of(weight)
            and self._used_site.get(site, 0) < self._seats.per_site
        )

    def _start(self, slot: _Slot, due: float) -> None:
        assert self._group is not None
        check = slot.check
        self.running += 1
        self._used_weight[check.weight] = self._used_weight.get(check.weight, 0) + 1
        self._used_site[check.site] = self._used_site.get(check.site, 0) + 1
        lateness = max(0.0, self._clock.monotonic() - due)
        self._group.create_task(self._run(slot, check, lateness))

    async def _run(self, slot: _Slot, check: Check, lateness: float) -> None:
        again = False
        try:
            again = await self._turns.paced(self._run_one(check, lateness))
        finally:
            self.running -= 1
            self._used_weight[check.weight] -= 1
            self._used_site[check.site] -= 1
            slot.busy = slot.extra = False
        if not slot.alive:
            self._let_heir_run(slot)
        elif again:
            self._soon(slot)
        self._next_waiting()

    def _let_heir_run(self, slot: _Slot) -> None:
        """The check was defined anew while this run went on: the new definition's turn."""
        heir = self._slots.get(slot.check.id)
        if heir is not None and heir.before is slot:
            heir.before = None
            self._place(heir, int(self._clock.monotonic() / GRID) + 1)
            self._wake()

    def _soon(self, slot: _Slot) -> None:
        """Look again after `confirm.retry`, unless the regular time comes first."""
        retry = slot.check.confirm.retry.total_seconds()
        tick = int((self._clock.monotonic() + retry) / GRID) + 1
        if tick < slot.due:
            self._place(slot, tick)
            self._wake()

    def _next_waiting(self) -> None:
        """Seats became free: start who has waited longest and fits."""
        while True:
            fitting = [
                queue
                for (weight, site), queue in self._queues.items()
                if queue.waiting and self._free(weight, site)
            ]
            if not fitting or self._paused:
                return
            due, slot = min(fitting, key=lambda queue: queue.waiting[0][0]).waiting.popleft()
            if slot.alive:
                self._start(slot, due)
            else:
                slot.busy = False
                self._let_heir_run(slot)
