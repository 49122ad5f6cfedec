"""One run of a check: the deadline, the guard, the declared facts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from bcp.kit.clock import SystemClock
from bcp.kit.errors import NotPermitted
from bcp.kit.workers import Workers
from bcp.watch.check import Check, Env
from bcp.watch.runner import one_round, run_check
from bcp.watch.values import Observation, Outcome, Status, ok
from tests.bcp.watch import helpers
from tests.bcp.watch.helpers import Confidential, Script, Scripted, check
from tests.fakes import START, ManualClock

SECRET = "hunter2"


@pytest.fixture
def env() -> Iterator[Env]:
    workers = Workers()
    yield helpers.env(ManualClock(), workers)
    workers.close()


def scripted(script: Script, cls: type[Scripted] = Scripted, timeout: float = 5) -> Scripted:
    Scripted.scripts["it"] = script
    return check("it", cls=cls, timeout=timeout)


async def hang(_env: Env) -> Outcome:
    await asyncio.sleep(60)
    return ok("x", "x")


async def test_duration_is_measured_by_the_caller_on_the_monotonic_clock(env: Env) -> None:
    async def slow(env: Env) -> Outcome:
        clock = env.clock
        assert isinstance(clock, ManualClock)
        await clock.advance(1.5)
        clock.step_wall(-(START - START.replace(year=2020)))
        return ok("良い", "good", answers=3)

    seen = await run_check(scripted(slow), env, "node1", lateness=0.2)
    assert (seen.duration, seen.started, seen.lateness) == (1.5, START, 0.2)
    assert seen.outcome.facts == {"answers": 3}


async def test_no_answer_within_the_deadline_is_down_for_availability(env: Env) -> None:
    seen = await run_check(scripted(hang, timeout=0.02), env, "node1")
    assert seen.outcome.status is Status.FAILED
    assert "0.02 秒以内" in seen.outcome.sentence.ja


async def test_no_answer_within_the_deadline_is_unknown_for_confidentiality(env: Env) -> None:
    seen = await run_check(scripted(hang, Confidential, timeout=0.02), env, "node1")
    assert seen.outcome.status is Status.UNKNOWN


async def test_a_check_may_say_itself_what_its_deadline_means(env: Env) -> None:
    class Strict(Confidential):
        on_timeout = Status.FAILED

    seen = await run_check(scripted(hang, Strict, timeout=0.02), env, "node1")
    assert seen.outcome.status is Status.FAILED


async def test_a_raising_check_is_unknown_logged_with_places_and_without_its_words(
    env: Env,
) -> None:
    async def broken(_env: Env) -> Outcome:
        try:
            raise ValueError(f"password={SECRET}")
        except ValueError as error:
            raise RuntimeError(f"login with {SECRET} failed") from error

    with capture_logs() as logs:
        seen = await run_check(scripted(broken), env, "node1")
    assert seen.outcome.status is Status.UNKNOWN
    assert "RuntimeError" in seen.outcome.sentence.ja
    assert "検査プログラムの不具合" in seen.outcome.sentence.ja
    assert SECRET not in repr(seen) + repr(logs)
    (line,) = logs
    assert line["error"] == ["RuntimeError", "ValueError"]
    assert any("test_runner.py" in place for place in line["trace"])


async def test_a_timeout_of_the_checks_own_is_a_bug_not_a_verdict(env: Env) -> None:
    async def careless(_env: Env) -> Outcome:
        raise TimeoutError

    seen = await run_check(scripted(careless), env, "node1")
    assert seen.outcome.status is Status.UNKNOWN


async def test_what_is_not_permitted_is_unknown_and_says_so(env: Env) -> None:
    async def peek(_env: Env) -> Outcome:
        raise NotPermitted("no")

    seen = await run_check(scripted(peek), env, "node1")
    assert seen.outcome.status is Status.UNKNOWN
    assert "許可" in seen.outcome.sentence.ja


async def test_facts_nobody_declared_and_numbers_that_are_none_are_dropped(env: Env) -> None:
    async def chatty(_env: Env) -> Outcome:
        return ok("良い", "good", answers=float("nan"), user="tanaka", not_after=5)

    with capture_logs() as logs:
        seen = await run_check(scripted(chatty), env, "node1")
    assert seen.outcome.facts == {"not_after": 5}
    assert seen.outcome.status is Status.OK
    assert logs[0]["facts"] == ["answers", "user"]
    assert "tanaka" not in repr(logs)


async def test_the_callers_own_cancellation_passes_through(env: Env) -> None:
    task = asyncio.get_running_loop().create_task(run_check(scripted(hang), env, "node1"))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_round_hands_the_check_on_with_its_observation(env: Env) -> None:
    async def good(_env: Env) -> Outcome:
        return ok("良い", "good")

    got: list[tuple[Observation, Check]] = []

    def record(observation: Observation, check: Check) -> bool:
        got.append((observation, check))
        return True

    one = scripted(good)
    assert await one_round(env, "node1", record)(one, 0.5)
    assert got[0][1] is one
    assert got[0][0].lateness == 0.5


async def test_durations_are_real_with_the_real_clock() -> None:
    async def nap(_env: Env) -> Outcome:
        await asyncio.sleep(0.03)
        return ok("良い", "good")

    workers = Workers()
    real = replace(helpers.env(ManualClock(), workers), clock=SystemClock())
    seen = await run_check(scripted(nap), real, "node1")
    workers.close()
    assert 0.025 < seen.duration < 1.0
