"""Long work on the event loop in slices of a few milliseconds.

Two ways to hold the loop, two remedies. A task with much to do gives way by itself (`Slices`).
Hundreds of tasks that all become ready at one moment (a line is cut, a large plan is new) are each
short, and together they are not: `Turn` lets so much of them into one turn of the loop, the others
into the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Generator
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from bcp.kit.clock import Clock

T = TypeVar("T")


class Turn:
    """How much of one turn of the loop many tasks together may use; the first step is always let in.

    `await turn.paced(work)` runs `work`, each of whose steps waits for room in a turn.
    """

    def __init__(self, clock: Clock, budget: float = 0.001) -> None:
        self._clock, self._budget = clock, budget
        self._begin: float | None = None
        """When the first step of this turn began; None before it."""

    def full(self) -> bool:
        """Whether the present turn has no room left; the first question of a turn opens it."""
        now = self._clock.monotonic()
        if self._begin is None:
            self._begin = now
            asyncio.get_running_loop().call_soon(self._over)
        return now - self._begin >= self._budget

    def _over(self) -> None:
        self._begin = None

    def paced(self, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """`work`, step by step where there is room."""
        return _Paced(self, work)


_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, Turn] = WeakKeyDictionary()
"""The turn of each loop that all its `Slices` share."""


class Slices:
    """`if slices.due(): await asyncio.sleep(0)`: the loop is never held longer than the budget.

    Whoever works so at the same time shares the budget: ten tasks with a millisecond each are ten
    milliseconds. One step is always done, so nobody waits for another's end.
    """

    def __init__(self, clock: Clock) -> None:
        loop = asyncio.get_running_loop()
        turn = _shared.get(loop)
        self._turn = _shared.setdefault(loop, Turn(clock)) if turn is None else turn

    def due(self) -> bool:
        """True when this turn of the loop has no room left: the caller gives way."""
        return self._turn.full()


async def let_go(slices: Slices, *held: dict[Any, Any] | list[Any]) -> None:
    """Empty them in slices: ten thousand things freed at once hold the loop as making them did.

    For what nothing else reads any more; the last of `held` is what the rest hangs on.
    """
    for many in held:
        take = many.popitem if isinstance(many, dict) else many.pop
        while many:
            take()
            if slices.due():
                await asyncio.sleep(0)


class _Paced(Awaitable[T]):
    __slots__ = ("_turn", "_work")

    def __init__(self, turn: Turn, work: Coroutine[Any, Any, T]) -> None:
        self._turn, self._work = turn, work

    def __await__(self) -> Generator[Any, Any, T]:
        """What the task drives: hands on what `work` waits for, and what came of it."""
        work = self._work
        error: BaseException | None = None
        while True:
            while error is None and self._turn.full():
                try:
                    yield
                except BaseException as thrown:  # cancelled while it waited for room
                    error = thrown
            try:
                waited = work.send(None) if error is None else work.throw(error)
            except StopIteration as done:
                result: T = done.value
                return result
            finally:
                error = None  # its trace names this frame: no circle
            try:
                yield waited
            except BaseException as thrown:
                error = thrown
            finally:
                del waited  # the same: a future keeps the error it was given
