"""The machine's hand over a real house: children, deadlines, results in the log, honest ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from bcp.journal.entry import Actor
from bcp.kit.clock import SystemClock
from bcp.service.app import open_house
from bcp.service.automation import Hand, Result, redacted
from bcp.service.house import House, Progress
from bcp.service.plan import load
from runbooks import commands as c
from runbooks.worked import RunState
from tests.bcp.service.small_city import BOOK, PLAN

ME, OTHER = Actor("u-1", "commander"), Actor("u-2", "staff")
LIST = """
automation:
  - {id: speak, title: 話す, command: [/bin/sh, -c, "echo ready; echo password: hunter2; exit 3"],
     timeout: 20s, reversible: true}
  - {id: sleep, title: 眠る, command: [/bin/sleep, "60"], timeout: 1s, reversible: true}
  - {id: own, title: 組み込み, action: greet, timeout: 5s, reversible: true}
  - {id: absent, title: ない, command: [/nowhere/at/all], timeout: 5s, reversible: true}
"""
STEPS = "".join(
    f"  - {{id: K-{name}, type: command, title: 行う, run: {name}, needs: []}}\n"
    for name in ("speak", "sleep", "own", "absent")
)


async def greet(_house: House, _parameters: Mapping[str, str], progress: Progress) -> Result:
    progress.lines = 1
    return Result(True, "token=abcdef")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    plan = tmp_path / "plan"
    plan.mkdir()
    (plan / "plan.yaml").write_text(PLAN.format(root=tmp_path) + LIST, "utf-8")
    (plan / "book.yaml").write_text(BOOK + STEPS, "utf-8")
    (tmp_path / "source").mkdir()
    (tmp_path / "password").write_text("x" * 20)
    today = SystemClock().utc().date()
    async with open_house(load(plan, today), tmp_path / "data") as opened:
        now = opened.clock.utc()
        await opened.desk.do(
            c.Declare(level=3, onset=now, reason="試験", capacity="deputy"), ME, "declare"
        )
        yield opened


@contextlib.asynccontextmanager
async def working(house: House) -> AsyncIterator[None]:
    async def life() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(Hand(house, {"greet": greet}).run(group))

    task = asyncio.create_task(life())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def ask(house: House, step: str, *, confirm: bool = True) -> str:
    incident = house.desk.current()
    assert incident is not None
    await house.desk.do(c.RequestRun(incident=incident.id, step=step), ME, f"ask{step}")
    run: str = list(house.desk.current().automations)[-1]  # type: ignore[union-attr]
    if confirm:
        await house.desk.do(c.ConfirmRun(incident=incident.id, run=run), OTHER, f"yes{run}")
    return run


def state(house: House, run: str) -> RunState:
    return house.desk.current().automations[run].state  # type: ignore[union-attr]


async def until(house: House, run: str, *ends: RunState) -> None:
    async with asyncio.timeout(30):
        while state(house, run) not in ends:  # noqa: ASYNC110 - the log is asked, as people do
            await asyncio.sleep(0.05)


async def test_what_was_confirmed_runs_and_its_end_is_in_the_log_without_secrets(
    house: House,
) -> None:
    async with working(house):
        run = await ask(house, "K-speak")
        await until(house, run, RunState.FAILED)
        made = await ask(house, "K-own")
        await until(house, made, RunState.OK)
        gone = await ask(house, "K-absent")
        await until(house, gone, RunState.FAILED)
        slow = await ask(house, "K-sleep")
        await until(house, slow, RunState.TIMED_OUT)
    ends = await house.journal.read(kind="incident.run_ended")
    assert [entry.detail["exit"] for entry in ends[:3]] == [3, None, None]
    output = (await house.journal.reveal(ends[0]))["output"]
    assert "ready" in output
    assert "hunter2" not in output
    assert "abcdef" not in (await house.journal.reveal(ends[1]))["output"]
    assert house.progress == {}


async def test_a_stop_in_the_middle_leaves_an_unknown_result_and_runs_nothing_again(
    house: House,
) -> None:
    incident = house.desk.current()
    assert incident is not None
    begun = await ask(house, "K-speak")
    await house.desk.do(c.BeginRun(incident=incident.id, run=begun), ME, "begin")
    waiting = await ask(house, "K-own")
    asked = await ask(house, "K-absent", confirm=False)
    async with working(house):  # a new life over the same log
        await until(house, begun, RunState.UNKNOWN)
        await until(house, waiting, RunState.NOT_STARTED)
        await asyncio.sleep(0.7)
    assert state(house, asked) is RunState.REQUESTED
    assert len(await house.journal.read(kind="incident.run_started")) == 1


def test_output_is_shown_without_what_looks_like_a_secret() -> None:
    said = redacted("PASSWORD=abc\nhttps://a:b@host/x\nBearer qwertyuiop\n番号 123456789012 です")
    for secret in ("abc", "a:b", "qwertyuiop", "123456789012"):
        assert secret not in said
