"""The board: owner of the current state of every check. Sync, in memory, no I/O.

One writer (the recorder, on the event loop), many readers. Staleness is decided here at the moment
of reading, by the monotonic clock: a dead scheduler can never show green, and a stepped wall clock
neither ages nor refreshes anything.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from bcp.kit.clock import Clock
from bcp.kit.language import Text
from bcp.watch.board_state import State, same_target, stale_sentence
from bcp.watch.check import Check
from bcp.watch.confirm import Counter, advance
from bcp.watch.slices import Slices, let_go
from bcp.watch.values import Mute, Observation, Status, Transition, still_open
from bcp.watch.view import (
    WORKS,
    CheckView,
    Reading,
    Saved,
    Span,
    Suspicion,
    stale_after,
)

_UNKNOWN = Status.UNKNOWN


class Board:
    """Current state per check.

    `version` grows with everything that may change a page or a metric line. `subscribe` is called
    with the id when something people see changed (SSE), `watch` on every touch (metric cache).
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._states: dict[str, State] = {}
        self._subscribers: list[Callable[[str], None]] = []
        self._watchers: list[Callable[[str], None]] = []
        self.version = 0
        self.layout = 0
        """Grows when the set of checks or a definition changes."""
        self.self_suspect: Suspicion | None = None
        """Most places fail at once: `rollup.is_it_me`, set by the recorder."""

    # --- what there is to check -------------------------------------------------------------

    async def define(self, checks: Iterable[Check]) -> None:
        """Take over a plan's checks, in slices, swapped at once; unchanged ones keep their state.

        A check that now looks at something else starts anew: an old verdict must not speak for a
        new target. Checks no longer named disappear with their state.
        """
        states: dict[str, State] = {}
        renewed: list[tuple[State, Check]] = []
        slices = Slices(self._clock)
        for check in checks:
            state = self._states.get(check.id)
            if state is None:
                state = State(check)
            elif state.check is not check:
                renewed.append((state, check))
            states[check.id] = state
            if slices.due():
                await asyncio.sleep(0)
        for state, check in renewed:
            if state.check != check and not same_target(state.check, check):
                state.look_at(check)
            state.check, state.limit = check, stale_after(check).total_seconds()
            if slices.due():
                await asyncio.sleep(0)
        old, self._states = self._states, states
        self.layout += 1
        self._touch("", seen=True)
        await let_go(slices, renewed, old)

    def ids(self) -> list[str]:
        """Every check defined, in the order of the plan."""
        return list(self._states)

    def is_about(self, check: Check) -> bool:
        """Whether an answer of this definition speaks for what the plan now calls by its id."""
        state = self._states.get(check.id)
        return state is not None and (state.check is check or same_target(state.check, check))

    def __contains__(self, id: object) -> bool:
        return id in self._states

    # --- what happened ----------------------------------------------------------------------

    def apply(self, observation: Observation) -> Transition | None:
        """Count an observation. A check no longer in the plan is passed over in silence."""
        state = self._states.get(observation.check)
        if state is None:
            return None
        now = self._clock.monotonic()
        lapsed = state.last is not None and now - state.heard > state.limit
        state.runs[observation.outcome.status] += 1
        state.counter, transition = advance(
            state.counter, observation, state.check.confirm, self._clock.utc()
        )
        state.last, state.heard = observation, now
        state.findings = still_open(state.findings, observation.outcome)
        if not state.counter.pending:
            state.sentence = observation.outcome.sentence
        if observation.outcome.status not in WORKS:
            state.works_since = None
        elif state.works_since is None or lapsed:
            state.works_since = observation.started
        self._touch(observation.check, seen=transition is not None or lapsed)
        return transition

    def missed(self, id: str, count: int, seconds: float) -> None:
        """Due times passed without a start: blind time."""
        if state := self._states.get(id):
            state.missed += count
            state.blind += seconds
            self._touch(id)

    def restore(self, saved: Iterable[Saved]) -> None:
        """Take over the last known states after a restart; their age counts from their own time."""
        now, mono = self._clock.utc(), self._clock.monotonic()
        for known in saved:
            state = self._states.get(known.check)
            if state is None or state.last is not None:
                continue
            state.counter = known.counter or Counter(
                known.status, known.since, last=known.last.outcome.status
            )
            state.last, state.sentence = known.last, known.sentence
            state.findings = known.last.outcome.findings
            state.works_since = known.works_since
            state.heard = mono - max(0.0, (now - known.last.started).total_seconds())
            state.credited = now  # nobody watched while the daemon was down
            self._touch(known.check, seen=True)

    def mute(self, id: str, mute: Mute, reason: Text) -> None:
        """Hold back the alert of a check; probing, state and recovery go on."""
        state = self._states.get(id)
        if state is not None and state.muted.get(mute) != reason:
            state.muted[mute] = reason
            self._touch(id, seen=True)

    def unmute(self, id: str, mute: Mute) -> None:
        """Let it be announced again."""
        state = self._states.get(id)
        if state is not None and state.muted.pop(mute, None) is not None:
            self._touch(id, seen=True)

    def block(self, id: str, reason: Text | None) -> None:
        """Say why a check does not run (shown as unknown with this sentence); None lets it go."""
        state = self._states.get(id)
        if state is not None and state.blocked != reason:
            state.blocked = reason
            self._touch(id, seen=True)

    # --- what readers get -------------------------------------------------------------------

    def view(self, id: str, now: datetime | None = None) -> CheckView:
        """One check at `now` (default: the clock's). Raises KeyError for an unknown id."""
        return self._view(self._states[id], *self._instant(now))

    def views(self, now: datetime | None = None) -> list[CheckView]:
        """Every check at one instant, in the order of the plan. For many thousands use `walk`."""
        return list(self.walk(now))

    def walk(self, now: datetime | None = None) -> Iterator[CheckView]:
        """Like `views`, one by one, so that a reader can give way between them."""
        instant, mono = self._instant(now)
        for state in list(self._states.values()):
            yield self._view(state, instant, mono)

    def reading(self, id: str, mono: float) -> Reading | None:
        """What the metrics say of a check at `mono` (monotonic); None for an unknown id."""
        state = self._states.get(id)
        if state is None:
            return None
        status, expires = state.counter.status, math.inf
        if state.last is not None and state.blocked is None:
            expires = state.heard + state.limit
            if expires <= mono:
                status, expires = None, math.inf
        if status is None or state.blocked is not None:
            status = _UNKNOWN
        return Reading(
            status, state.muted, state.last, state.runs, state.missed, state.blind, expires
        )

    def pending(self, id: str) -> bool:
        """The last answer is not confirmed yet: look again soon."""
        state = self._states.get(id)
        return state is not None and state.counter.pending

    def counter(self, id: str) -> Counter | None:
        """What is counted and not confirmed yet; None for an unknown id."""
        state = self._states.get(id)
        return state.counter if state is not None else None

    def since_ok(self, id: str, now: datetime | None = None) -> datetime | None:
        """Since when *every* answer was good or degraded without a gap; None when it is not so."""
        state = self._states.get(id)
        if state is None or self._view(state, *self._instant(now)).status not in WORKS:
            return None
        return state.works_since

    def take_span(self, id: str, until: datetime) -> Span | None:
        """The stretch not yet credited to the history, up to `until`; moves the mark.

        It ends where the last answer expires: what follows was not observed.
        """
        span = self.open_span(id, until)
        if state := self._states.get(id):
            state.credited = until
        return span

    def open_span(self, id: str, until: datetime) -> Span | None:
        """The same, for a reader: nothing is moved."""
        state = self._states.get(id)
        if state is None or state.last is None or state.counter.status is None:
            return None
        start = state.credited or state.last.started
        end = min(until, self._stale_at(state))
        if state.blocked is not None or end <= start:
            return None
        return Span(id, state.counter.status, start, end)

    def subscribe(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Call back with the id when people would see a change ("" = all); returns the way out."""
        return _join(self._subscribers, callback)

    def watch(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Call back on every touch of a check, seen or not ("" = all); returns the way out."""
        return _join(self._watchers, callback)

    # --- inside -----------------------------------------------------------------------------

    def _instant(self, now: datetime | None) -> tuple[datetime, float]:
        """`now` on both clocks."""
        utc, mono = self._clock.utc(), self._clock.monotonic()
        return (utc, mono) if now is None else (now, mono + (now - utc).total_seconds())

    def _stale_at(self, state: State) -> datetime:
        left = state.heard + state.limit - self._clock.monotonic()
        return self._clock.utc() + timedelta(seconds=left)

    def _view(self, state: State, now: datetime, mono: float) -> CheckView:
        status, since = state.counter.status or Status.UNKNOWN, state.counter.since
        sentence, left = state.sentence, state.heard + state.limit - mono
        stale = state.last is not None and left <= 0
        stale_at = None if state.last is None else now + timedelta(seconds=left)
        if state.blocked is not None:
            status, since, sentence, stale = Status.UNKNOWN, None, state.blocked, False
        elif stale:
            sentence = stale_sentence(mono - state.heard, status)
            status, since = Status.UNKNOWN, stale_at
        return CheckView(
            id=state.check.id,
            check=state.check,
            status=status,
            since=since,
            sentence=sentence,
            last=state.last,
            findings=state.findings,
            muted=frozenset(state.muted),
            why_muted=dict(state.muted),
            stale=stale,
            stale_at=stale_at,
            blocked=state.blocked is not None,
            pending=state.last is not None and state.counter.pending,
        )

    def _touch(self, id: str, seen: bool = False) -> None:
        self.version += 1
        for callback in self._watchers:
            callback(id)
        if seen:
            for callback in self._subscribers:
                callback(id)


def _join(
    listeners: list[Callable[[str], None]], callback: Callable[[str], None]
) -> Callable[[], None]:
    listeners.append(callback)

    def leave() -> None:
        if callback in listeners:
            listeners.remove(callback)

    return leave
