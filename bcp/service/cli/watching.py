"""While a long work on backups goes on: how far it is and what is left, on a terminal only."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bcp.kit.errors import BcpError
from bcp.service.cli import out

EVERY = 2.0
"""Seconds between two looks."""

T = TypeVar("T")
Look = Callable[[], Awaitable[tuple[str, ...]]]
"""The lines of `backup.progress`, from the daemon or from the house opened here."""


async def watched(look: Look, words: str, work: Awaitable[T]) -> T:
    """The result of `work` (`backup.run` …), with its progress shown until it is there."""
    if not words.startswith("backup.") or not sys.stderr.isatty():
        return await work
    failed: BcpError | None = None
    async with asyncio.TaskGroup() as group:
        shown = group.create_task(_show(look))
        try:
            answer = await work
        except BcpError as error:  # as itself, not in a group
            failed = error
        finally:
            shown.cancel()
    if failed is not None:
        raise failed
    return answer


async def _show(look: Look) -> None:
    said: tuple[str, ...] = ()
    while True:
        await asyncio.sleep(EVERY)
        lines: tuple[str, ...] = ()
        with contextlib.suppress(BcpError):
            lines = await look()
        for line in lines if lines != said else ():
            out.progress(line)
        said = lines
