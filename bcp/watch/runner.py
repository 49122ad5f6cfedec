"""One run of one check: one deadline, set and measured by the caller; nothing it does ends the loop.

The world failing comes back as an Outcome. A check that raises is a bug of ours: logged with its
trace (`guard`), outcome unknown.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import structlog

from bcp.kit.errors import NotPermitted
from bcp.kit.language import text
from bcp.watch.check import Check, Env
from bcp.watch.guard import tell
from bcp.watch.values import Observation, Outcome, Status

log = structlog.get_logger(__name__)

RunOne = Callable[[Check, float], Coroutine[Any, Any, bool]]
"""Run a check that starts so many seconds late; True = the answer is not confirmed, look again."""


async def run_check(check: Check, env: Env, vantage: str, lateness: float = 0.0) -> Observation:
    """Run once within `check.timeout`. Never raises, except for the caller's own cancellation."""
    started, begin = env.clock.utc(), env.clock.monotonic()
    limit = check.timeout.total_seconds()
    try:
        async with asyncio.timeout(limit) as deadline:
            outcome = _declared(check, await check.run(env))
    except NotPermitted:
        outcome = Outcome(Status.UNKNOWN, text("watch.not_permitted"))
    except Exception as error:
        late = isinstance(error, TimeoutError) and deadline.expired()
        outcome = _too_late(check, limit) if late else _broke(check, error)
    duration = max(0.0, env.clock.monotonic() - begin)
    return Observation(check.id, vantage, started, duration, outcome, lateness)


def one_round(env: Env, vantage: str, record: Callable[[Observation, Check], bool]) -> RunOne:
    """What the scheduler calls: run a check, hand the observation on, say whether to look again.

    The check goes with its observation, so that an answer about an old target that arrives after a
    reload is not counted for the new one.
    """

    async def run_one(check: Check, lateness: float) -> bool:
        return record(await run_check(check, env, vantage, lateness), check)

    return run_one


def _too_late(check: Check, limit: float) -> Outcome:
    status = type(check).timeout_status()
    key = "watch.timeout_unknown" if status is Status.UNKNOWN else "watch.timeout"
    return Outcome(status, text(key, seconds=f"{limit:g}"))


def _broke(check: Check, error: Exception) -> Outcome:
    tell(error, "check", check=check.id, kind=check.kind)
    return Outcome(Status.UNKNOWN, text("watch.broke", error=type(error).__name__))


def _declared(check: Check, outcome: Outcome) -> Outcome:
    """Only facts the class declares and a number can hold; others are dropped and logged."""
    if not isinstance(outcome, Outcome):
        raise TypeError("a check returned something else than an Outcome")
    wrong = [
        name
        for name, value in outcome.facts.items()
        if name not in check.facts or (isinstance(value, float) and not math.isfinite(value))
    ]
    if not wrong:
        return outcome
    log.error("facts not declared or not finite", check=check.id, kind=check.kind, facts=wrong)
    return replace(
        outcome, facts={name: v for name, v in outcome.facts.items() if name not in wrong}
    )
