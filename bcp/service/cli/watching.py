"""While a long work on backups goes on: how far it is and what is left, on a terminal only."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

from bcp.kit.errors import BcpError
from bcp.service.cli import out

EVERY = 2.0
"""Seconds between two looks."""

Look = Callable[[], Awaitable[tuple[str, ...]]]
"""The lines of `backup.progress`, from the daemon or from the house opened here."""


@contextlib.asynccontextmanager
async def watched(look: Look, words: str) -> AsyncIterator[None]:
    """Show the progress of `words` (`backup.run` …) until the block ends."""
    if not words.startswith("backup.") or not sys.stderr.isatty():
        yield
        return

    async def show() -> None:
        said: tuple[str, ...] = ()
        while True:
            await asyncio.sleep(EVERY)
            with contextlib.suppress(BcpError):
                lines = await look()
                for line in lines if lines != said else ():
                    out.progress(line)
                said = lines

    task = asyncio.create_task(show())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
