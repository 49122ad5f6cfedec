"""Signs of life that jobs send us: the last words of each, and when nobody here could hear.

One small file of JSON lines, replaced whole: signs that come together share one write. A sign is on disk
before its sender is told so. If we die before that, the sender sees a broken connection and sends it
again or does not; while we are not listening signs are lost, so those times are kept beside them and
nobody is called late for them.

A file that cannot be read is set aside: then nothing was ever heard. A disk that takes no writing
costs only the memory of the signs after the next start.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import structlog

from bcp.kit.clock import Clock
from bcp.kit.durable import write_atomic
from bcp.kit.errors import Unwritable
from bcp.kit.language import Text, text
from bcp.kit.units import from_us, to_us
from bcp.kit.workers import Workers

LOG = structlog.get_logger("heartbeats")
Word = Literal["start", "success", "fail"]
Gap = tuple[datetime, datetime]
_GAPS = 50
"""Times of deafness that are remembered; the oldest go first."""
_EVER = from_us(0)
_INSTANTS = ("begun", "started", "ended", "good_from", "good_at")


@dataclass(frozen=True, slots=True)
class Beat:
    """What one sender has said."""

    begun: datetime | None = None
    """The first start that no end has followed yet."""
    started: datetime | None = None
    """The latest such start."""
    ended: datetime | None = None
    """The last end, good or bad."""
    good: bool = False
    """What the last end was."""
    good_from: datetime | None = None
    """When the last good run began: its start, or its end where it told no start."""
    good_at: datetime | None = None
    """Its end."""
    took: float | None = None
    """Seconds from start to end of the last run that told both."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of one sender, and the times at which its words would have been lost."""

    beat: Beat | None
    deaf: tuple[Gap, ...] = ()


def after(beat: Beat, word: Word, at: datetime) -> Beat:
    """The state with one more word. Pure."""
    if word == "start":
        return replace(beat, begun=beat.begun or at, started=at)
    took = max(0.0, (at - beat.started).total_seconds()) if beat.started else None
    ended = replace(beat, begun=None, started=None, ended=at, good=word == "success", took=took)
    if word == "fail":
        return ended
    return replace(ended, good_from=beat.started or at, good_at=at)


@dataclass
class Heartbeats:
    """Owner of the file. `hear` from the event loop, one at a time or many at once."""

    path: Path
    clock: Clock
    workers: Workers
    began_anew: Text | None = None
    """What to tell people when the file was damaged."""
    _durable: dict[str, Beat] = field(default_factory=dict)
    _newest: dict[str, Beat] = field(default_factory=dict)
    _lines: dict[str, str] = field(default_factory=dict)
    _deaf: tuple[Gap, ...] = ()
    _deaf_since: datetime | None = _EVER
    _count: int = 0
    _written: int = 0
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def open(cls, path: Path, clock: Clock, workers: Workers, alive: datetime | None) -> Heartbeats:
        """Read the file; `alive`: when a daemon was last known to run here. Blocks."""
        found = cls(path, clock, workers)
        try:
            found._durable, found._deaf = _read(path.read_bytes())
            found._deaf_since = alive or _EVER
        except FileNotFoundError:
            pass
        except (
            OSError,
            ArithmeticError,
            LookupError,
            AttributeError,
            TypeError,
            ValueError,
        ) as error:
            aside = path.with_name(f"{path.name}.damaged-{to_us(clock.utc())}")
            LOG.error("heartbeats cannot be read", where=str(path), why=type(error).__name__)
            with contextlib.suppress(OSError):
                path.rename(aside)
            found.began_anew = text("watch.heartbeats_anew", aside=aside.name)
        found._newest = dict(found._durable)
        found._lines = {check: _line(check, beat) for check, beat in found._newest.items()}
        return found

    def listen(self) -> None:
        """From now on signs reach us."""
        if self._deaf_since is not None:
            self._deaf = (*self._deaf, (self._deaf_since, self.clock.utc()))[-_GAPS:]
            self._deaf_since = None

    def of(self, check: str) -> Heard:
        """What was heard of a sender."""
        deaf = self._deaf
        if self._deaf_since is not None:
            deaf = (*deaf, (self._deaf_since, self.clock.utc()))
        return Heard(self._durable.get(check), deaf)

    async def hear(self, check: str, word: Word) -> None:
        """Take one sign; on disk when this returns, or in memory only where the disk refuses."""
        beat = after(self._newest.get(check, Beat()), word, self.clock.utc())
        self._newest[check], self._lines[check] = beat, _line(check, beat)
        self._count += 1
        mine = self._count
        async with self._writing:
            if self._written >= mine:
                return
            beats, count = dict(self._newest), self._count
            try:
                await self.workers.thread(_write, self.path, self._deaf, list(self._lines.values()))
            except Unwritable as error:
                LOG.error("a sign of life is kept in memory only", why=str(error))
            self._durable, self._written = beats, count


def _write(path: Path, deaf: tuple[Gap, ...], lines: list[str]) -> None:
    gaps = [[to_us(begin), to_us(end)] for begin, end in deaf]
    head = json.dumps({"version": 1, "deaf_us": gaps})
    write_atomic(path, "\n".join([head, *lines, ""]).encode())


def _line(check: str, beat: Beat) -> str:
    """Made once per sign: the file of a thousand jobs is then joined, not built anew."""
    packed: dict[str, Any] = {"check": check, "good": beat.good, "took": beat.took}
    for name in _INSTANTS:
        value = getattr(beat, name)
        packed[name] = None if value is None else to_us(value)
    return json.dumps(packed)


def _read(data: bytes) -> tuple[dict[str, Beat], tuple[Gap, ...]]:
    head, *lines = [json.loads(line) for line in data.splitlines()]
    deaf = tuple((from_us(begin), from_us(end)) for begin, end in head["deaf_us"])
    beats = {}
    for packed in lines:
        check = str(packed.pop("check"))
        known = {name: packed[name] for name in _INSTANTS if packed[name] is not None}
        instants = {name: from_us(value) for name, value in known.items()}
        beats[check] = Beat(good=bool(packed["good"]), took=packed["took"], **instants)
    return beats, deaf
