"""Why verification waits, and what stops when it must: a declared disaster needs the disks now.

A pause by a person is an entry (`backup.paused`) and outlives a restart; that of a disaster follows the
event. Either stops a proof that runs (its restored data is destroyed, restic's lock taken away) and is
no verdict on the copy. Backups, polls and restores for real go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from backups.tools import Tools
from bcp.journal.entry import Actor, NewEntry
from bcp.kit.language import text

PAUSED = "paused"


class Hold:
    """One for the room."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._event: str | None = None
        self._proofs: set[asyncio.Task[None]] = set()

    @property
    def why(self) -> str | None:
        """Why verification is held back; None: it is not."""
        if self._event is not None:
            return self._event
        return text("backups.paused_person").ja if self._tools.state.paused else None

    def follow(self, event: str | None) -> None:
        """A disaster was declared (why), or is over (None)."""
        self._event = event
        if event is not None:
            self._stop()

    async def by_person(self, paused: bool, reason: str, actor: Actor, op: str) -> None:
        """Pause or go on, on record. Raises `Unwritable`."""
        values = {"reason": reason} if reason else {}
        now = self._tools.clock.utc()
        new = NewEntry("backup.paused", "backup", {"paused": paused}, None, now, values)
        await self._tools.log.append(new, op=op, actor=actor)
        if paused:
            self._stop()

    def _stop(self) -> None:
        for task in self._proofs:
            task.cancel()

    async def prove(self, work: Coroutine[Any, Any, None]) -> bool:
        """Run a proof; False: it was stopped on the way, nothing is known."""
        wrong: list[Exception] = []

        async def guarded() -> None:
            try:
                await work
            except Exception as error:  # raised again below: not as a group of one
                wrong.append(error)

        async with asyncio.TaskGroup() as group:
            task = group.create_task(guarded())
            self._proofs.add(task)
            task.add_done_callback(self._proofs.discard)
        if wrong:
            raise wrong[0]
        return not task.cancelled()
