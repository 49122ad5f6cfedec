"""Checks and observations for the tests of the watch; nothing here imitates our own code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from bcp.kit.language import Text, same
from bcp.kit.workers import Workers
from bcp.plan.model import City
from bcp.plan.types import Zone
from bcp.watch.check import Check, Confirm, Env, Fact
from bcp.watch.values import Observation, Outcome, Pillar, Status
from tests.fakes import START, ManualClock

Script = Callable[[Env], Awaitable[Outcome]]


class Scripted(Check):
    """A check that does what the test says; `script` is looked up by id."""

    pillar: ClassVar[Pillar] = Pillar.AVAILABILITY
    title: ClassVar[Text] = same("scripted")
    facts: ClassVar[Mapping[str, Fact]] = {
        "answers": Fact("count", same("answers")),
        "not_after": Fact("timestamp_seconds", same("end of certificate")),
    }
    scripts: ClassVar[dict[str, Script]] = {}

    kind: Literal["scripted"] = "scripted"
    host: str | None = None

    @property
    def endpoint_host(self) -> str | None:
        return self.host

    async def run(self, env: Env) -> Outcome:
        return await self.scripts[self.id](env)


class Confidential(Scripted):
    """The same in the pillar of confidentiality."""

    pillar: ClassVar[Pillar] = Pillar.CONFIDENTIALITY
    kind: Literal["confidential"] = "confidential"  # type: ignore[assignment]


class Heavy(Scripted):
    """One with few seats."""

    weight: ClassVar[str] = "heavy"
    kind: Literal["heavy"] = "heavy"  # type: ignore[assignment]


def check(
    id: str = "juki/http",
    *,
    cls: type[Scripted] = Scripted,
    every: float = 30,
    timeout: float = 5,
    failures: int = 2,
    of: int | None = None,
    successes: int = 1,
    retry: float = 5,
    system: str | None = None,
    site: str | None = None,
    host: str | None = None,
) -> Scripted:
    return cls(
        id=id,
        every=timedelta(seconds=every),
        timeout=timedelta(seconds=timeout),
        confirm=Confirm(
            failures=failures, of=of, successes=successes, retry=timedelta(seconds=retry)
        ),
        system=system,
        site=site,
        host=host,
    )


SENTENCES = {status: Text(f"いま {status}", f"now {status}") for status in Status}


def seen(
    id: str = "juki/http",
    status: Status = Status.OK,
    at: datetime = START,
    **facts: int | float | str | bool,
) -> Observation:
    return Observation(id, "node1", at, 0.25, Outcome(status, SENTENCES[status], facts))


def env(clock: ManualClock, workers: Workers) -> Env:
    async def resolve(host: str, port: int) -> list[str]:
        raise OSError(f"no names in this test: {host}:{port}")

    return Env(clock=clock, workers=workers, resolve=resolve)


def city(**parts: object) -> City:
    return City.model_validate(
        {"organization": {"name": "試験市"}, "node": {"zone": Zone.LGWAN}, **parts}
    )


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait in real time for something real (a socket, a thread)."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - a thread or socket is what we wait for
            await asyncio.sleep(0.005)


class _Done(Exception):
    """Ends a task group from inside."""


@asynccontextmanager
async def running(*runs: Callable[[asyncio.TaskGroup], Awaitable[None]]) -> AsyncIterator[None]:
    """Long-lived parts in one task group, ended with the block; its errors come out as they are."""
    failure: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            for run in runs:
                group.create_task(_until_cancelled(run, group))
            try:
                yield
            except BaseException as error:
                failure = error
            raise _Done
    except* _Done:
        pass
    if failure is not None:
        raise failure


async def _until_cancelled(
    run: Callable[[asyncio.TaskGroup], Awaitable[None]], group: asyncio.TaskGroup
) -> None:
    await run(group)
