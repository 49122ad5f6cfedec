"""One group commit's worth of waiting callers and staged rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bcp.journal.entry import Actor, Entry, NewEntry
from bcp.journal.folding import Committed, Snapshot, View
from bcp.journal.values import Value
from bcp.kit.clock import ClockReading

Decide = Callable[[View], Sequence[NewEntry]]
"""Looks at the state and yields entries, or raises its refusal. Pure and quick."""

Listener = Callable[[tuple[Entry, ...]], None]
"""Hears, on the event loop, what was just acknowledged."""


@dataclass(slots=True)
class Job:
    """One caller who waits. `decide` None only asks whether the log can be written again."""

    op: str
    actor: Actor
    decide: Decide | None
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Committed]
    found: tuple[Entry, ...] = ()
    replayed: bool = False
    error: Exception | None = None


@dataclass(slots=True)
class Batch:
    """What is staged and not yet durable. All of a batch is recorded at one instant."""

    snapshot: Snapshot
    now: datetime
    reading: ClockReading
    jobs: list[Job] = field(default_factory=list)
    by_op: dict[str, tuple[Entry, ...]] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)
    nodes: list[tuple[int, int, bytes]] = field(default_factory=list)
