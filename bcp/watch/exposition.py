"""`/metrics`: cached lines, rendered in slices. Prometheus text format 0.0.4.

Checks stand in pages of 32. A page keeps the lines of each family as bytes and is rendered again
only when one of its checks was touched, or when the earliest of its answers turns stale: that
moment is kept with the page, so a dead scheduler turns its own lines off. Rendering everything
costs about a tenth of `generate_latest` and never holds the loop longer than a slice.
"""

from __future__ import annotations

import asyncio
import gzip
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bcp.kit.clock import Clock
from bcp.kit.workers import Workers
from bcp.watch.board import Board
from bcp.watch.lines import FAMILIES, CheckLines, escape, number
from bcp.watch.slices import Slices, let_go

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PAGE = 32


@dataclass(frozen=True, slots=True)
class Sample:
    """One line of a family: labels (from the plan only) and a value."""

    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Family:
    """One metric with its help text (English, one line) and samples."""

    name: str
    type: Literal["gauge", "counter"]
    help: str
    samples: tuple[Sample, ...]

    def text(self) -> bytes:
        """HELP, TYPE and the samples."""
        lines = [header(self.name, self.type, self.help)]
        for sample in self.samples:
            labels = ",".join(f'{key}="{escape(value)}"' for key, value in sample.labels.items())
            name = f"{self.name}{{{labels}}}" if labels else self.name
            lines.append(f"{name} {number(sample.value)}\n")
        return "".join(lines).encode()


Producer = Callable[[datetime], Iterable[Family]]
"""What another room adds; called at each scrape on the loop, so it must be quick (1 ms)."""


def header(name: str, type: str, help: str) -> str:
    """The two comment lines of a family."""
    said = help.replace("\\", "\\\\").replace("\n", "\\n")
    return f"# HELP {name} {said}\n# TYPE {name} {type}\n"


_HEADERS = tuple(header(*family).encode() for family in FAMILIES)


class _Page:
    __slots__ = ("dirty", "lines", "parts", "until")

    def __init__(self, lines: list[CheckLines]) -> None:
        self.lines = lines
        self.parts: tuple[bytes, ...] = ()
        self.dirty = True
        self.until = -math.inf
        """Monotonic time at which a line of it turns stale."""

    def render(self, board: Board, mono: float) -> None:
        self.dirty, until = False, math.inf
        columns: list[list[str]] = [[] for _family in FAMILIES]
        for lines in self.lines:
            reading = board.reading(lines.id, mono)
            if reading is not None:
                until = min(until, reading.expires)
                lines.add_to(columns, reading)
        self.parts = tuple("".join(column).encode() for column in columns)
        self.until = until


class Exposition:
    """Renders the board and what other rooms add. One per daemon, on the event loop."""

    def __init__(self, board: Board, clock: Clock, workers: Workers) -> None:
        self._board, self._clock, self._workers = board, clock, workers
        self._producers: list[Producer] = []
        self._pages: list[_Page] = []
        self._page_of: dict[str, _Page] = {}
        self._layout = -1
        self._lock = asyncio.Lock()
        board.watch(self._touched)

    def register(self, producer: Producer) -> None:
        """Add the series of another room. Each family may come from one producer only."""
        self._producers.append(producer)

    async def render(self) -> bytes:
        """The whole body. Two scrapes at once wait for each other and share the cache."""
        async with self._lock:
            slices = Slices(self._clock)
            await self._refresh(slices)
            chunks: list[bytes] = []
            for index, head in enumerate(_HEADERS):
                parts = [page.parts[index] for page in self._pages]
                if any(parts):
                    chunks += (head, *parts)
                if slices.due():
                    await asyncio.sleep(0)
            now = self._clock.utc()
            for producer in self._producers:
                for family in producer(now):
                    if family.samples:
                        chunks.append(family.text())
                    if slices.due():
                        await asyncio.sleep(0)
            return await self._workers.thread(b"".join, chunks)  # megabytes

    async def gzipped(self) -> bytes:
        """The same, compressed in a worker thread (level 1: 5 x smaller at a fifth of the time)."""
        return await self._workers.thread(gzip.compress, await self.render(), 1)

    async def _refresh(self, slices: Slices) -> None:
        if self._layout != self._board.layout:
            await self._lay_out(slices)
        for page in self._pages:
            mono = self._clock.monotonic()
            if page.dirty or page.until <= mono:
                page.render(self._board, mono)
                if slices.due():
                    await asyncio.sleep(0)

    async def _lay_out(self, slices: Slices) -> None:
        self._layout = self._board.layout
        pages: list[_Page] = []
        page_of: dict[str, _Page] = {}
        for view in self._board.walk():
            if not pages or len(pages[-1].lines) >= _PAGE:
                pages.append(_Page([]))
            pages[-1].lines.append(CheckLines(view.check))
            page_of[view.id] = pages[-1]
            if slices.due():
                await asyncio.sleep(0)
        old, self._pages, self._page_of = self._pages, pages, page_of
        await let_go(slices, old)

    def _touched(self, id: str) -> None:
        page = self._page_of.get(id)
        if page is not None:
            page.dirty = True
        elif not id:
            for page in self._pages:
                page.dirty = True
