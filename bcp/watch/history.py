"""Results of checks on disk: losable. What the pages need, nothing that proves anything.

One SQLite file, one writer thread. Writing never disturbs probing: `put` and `credit` only queue;
on a full disk the queue is bounded, the oldest results go first, and it says so. A damaged file is
renamed aside and a new one begun. synchronous=NORMAL with WAL: a power cut may cost the last
seconds, never the file. If we die here: what was queued (about a second) is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog

from bcp.kit.clock import Clock
from bcp.kit.language import Text, text
from bcp.kit.units import from_us, to_us
from bcp.kit.workers import Workers
from bcp.watch import history_sql as sql
from bcp.watch import spans
from bcp.watch.codec import decode_saved, encode, encode_saved
from bcp.watch.lookback import Lookback
from bcp.watch.values import Observation, Status
from bcp.watch.view import Saved, Span

log = structlog.get_logger(__name__)

KEEP, KEEP_BAD = 50, 200
"""Results kept per check; those that were not good are kept longer."""
_HOURS, _DAYS = 24 * 14, 800
"""How long time per state is kept by the hour, and by the day."""
_QUEUE = 20_000
_GATHER, _PAUSE = 0.5, 5.0
"""Seconds to wait for company before a commit, and after a failure."""


@dataclass(frozen=True, slots=True)
class LastBoard:
    """The board as it was last written; `seen` says how old that is."""

    seen: datetime | None
    checks: tuple[Saved, ...]


def read_board(path: Path) -> LastBoard:
    """The last board, also when no daemon runs. A missing or damaged file is an empty board."""
    try:
        with contextlib.closing(_reader(path)) as db:
            seen = db.execute(sql.LAST_SEEN).fetchone()
            rows = db.execute(sql.LAST_BOARD)
            checks = tuple(
                decode_saved(id, Status(status), from_us(since), Text(ja, en), body)
                for id, status, since, ja, en, body in rows
            )
        return LastBoard(from_us(seen[0]) if seen else None, checks)
    except (sqlite3.Error, ValueError, TypeError, OSError):
        return LastBoard(None, ())


@dataclass(frozen=True, slots=True)
class _Batch:
    results: list[tuple[Observation, Saved | None]]
    credits: dict[tuple[str, int, str], int]
    outages: dict[tuple[str, int], int]
    forget: set[str]


class History:
    """Open with `History(...)`, `start()`; `close()` blocks until what is queued is written."""

    def __init__(self, path: Path, clock: Clock, workers: Workers) -> None:
        self.path, self._clock = path, clock
        self.reader = Lookback(self._rows, clock, workers)
        """Asynchronous reading: recent results, bars, digests."""
        self._lock = threading.Condition()
        self._results: deque[tuple[Observation, Saved | None]] = deque()
        self._credits: dict[tuple[str, int, str], int] = {}
        self._outages: dict[tuple[str, int], int] = {}
        self._forget: set[str] = set()
        self._waiters: list[Callable[[], None]] = []
        self._closing = False
        self._counts: dict[tuple[str, int], int] = {}
        self._purged = 0
        self._db: sqlite3.Connection | None = None
        self._thread = threading.Thread(target=self._work, name="bcp-history", daemon=True)
        self.writable = self.readable = True
        self.dropped = 0
        """Results lost because the disk would not take them."""
        self.began_anew: Text | None = None
        """What to tell people when the file was damaged."""

    def start(self) -> None:
        """Start the writer; never raises, a bad disk only makes it not `writable`."""
        self._thread.start()

    def close(self) -> None:
        """Write what is queued and stop. Blocks; call it in a worker thread or at the very end."""
        with self._lock:
            self._closing = True
            self._lock.notify()
        if self._thread.is_alive():
            self._thread.join(timeout=30)

    # --- writing (from the event loop; never waits) -----------------------------------------

    def put(self, observation: Observation, state: Saved | None = None) -> None:
        """Queue one result, and the state of its check after it (the last board)."""
        with self._lock:
            if len(self._results) >= _QUEUE:
                self._results.popleft()
                self.dropped += 1
            self._results.append((observation, state))
            self._lock.notify()

    def credit(self, span: Span, sign: int = 1) -> None:
        """Count time in a state (-1: take it back). Merged in memory; a full disk loses none of it."""
        with self._lock:
            for hour, micros in spans.split(span):
                key = (span.subject, hour, span.status.value)
                self._credits[key] = self._credits.get(key, 0) + sign * micros
            self._lock.notify()

    def fail(self, subject: str, since: datetime, seconds: float) -> None:
        """Count time of the outage that began at `since`; planned stops are not among it."""
        with self._lock:
            key = (subject, to_us(since))
            self._outages[key] = self._outages.get(key, 0) + int(seconds * 1e6)
            self._lock.notify()

    def forget(self, checks: Sequence[str]) -> None:
        """Checks that left the plan leave the last board and the results; their hours stay."""
        with self._lock:
            self._forget.update(checks)
            self._lock.notify()

    async def flush(self) -> bool:
        """Wait until all queued before is written. False when the disk would not take it."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        with self._lock:
            self._waiters.append(partial(_tell, loop, done))
            self._lock.notify()
        await done.wait()
        return self.writable

    # --- the writer thread ------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            with self._lock:
                self._lock.wait_for(self._busy)
                if not self._closing:
                    self._lock.wait_for(self._hurry, _GATHER)
                batch = self._take()
                closing, waiters = self._closing, self._waiters
                self._waiters = []
            written = self._write(batch)
            for waiter in waiters:
                with contextlib.suppress(RuntimeError):  # its loop is gone
                    waiter()
            if closing:
                break
            if not written:
                with self._lock:
                    self._lock.wait_for(self._hurry, _PAUSE)
        if self._db is not None:
            self._db.close()

    def _busy(self) -> bool:
        return bool(
            self._hurry() or self._results or self._credits or self._outages or self._forget
        )

    def _hurry(self) -> bool:
        return self._closing or bool(self._waiters)

    def _take(self) -> _Batch:
        batch = _Batch(list(self._results), self._credits, self._outages, self._forget)
        self._results.clear()
        self._credits, self._outages, self._forget = {}, {}, set()
        return batch

    def _give_back(self, batch: _Batch) -> None:
        """Not written: to the front of the queue again, oldest results first to go."""
        with self._lock:
            room = max(0, _QUEUE - len(self._results))
            lost = max(0, len(batch.results) - room)
            self.dropped += lost
            self._results.extendleft(reversed(batch.results[lost:]))
            for key, micros in batch.credits.items():
                self._credits[key] = self._credits.get(key, 0) + micros
            for one, micros in batch.outages.items():
                self._outages[one] = self._outages.get(one, 0) + micros
            self._forget |= batch.forget

    def _write(self, batch: _Batch) -> bool:
        for attempt in (1, 2):
            try:
                if self._db is None:
                    self._db, self._counts = _open(self.path), {}
                with self._db:
                    self._insert(self._db, batch)
                self.writable = True
                return True
            except sqlite3.OperationalError as error:  # full, read-only, gone: a state, not an end
                self._shut(error)
                break
            except sqlite3.DatabaseError as error:  # damaged
                self._shut(error)
                if attempt == 2 or not self._set_aside():
                    break
        self._give_back(batch)
        return False

    def _shut(self, error: sqlite3.Error) -> None:
        if self.writable:
            log.error("history not writable", error=type(error).__name__, path=str(self.path))
        self.writable = False
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
        self._db = None

    def _set_aside(self) -> bool:
        """Rename the damaged file (kept for whoever wants to look) and start anew."""
        stamp = self._clock.utc().strftime("%Y%m%dT%H%M%S")
        aside = self.path.with_name(f"{self.path.name}.damaged-{stamp}")
        try:
            self.path.rename(aside)
            for tail in ("-wal", "-shm"):
                self.path.with_name(self.path.name + tail).unlink(missing_ok=True)
        except OSError as error:
            log.error("damaged history cannot be renamed", error=type(error).__name__)
            return False
        self.began_anew = text("watch.history_anew", aside=aside.name)
        log.error("history was damaged, began anew", aside=str(aside))
        return True

    def _insert(self, db: sqlite3.Connection, batch: _Batch) -> None:
        for observation, state in batch.results:
            body, bad = encode(observation), int(observation.outcome.status is not Status.OK)
            db.execute(sql.RECORD, (observation.check, bad, body))
            self._trim(db, observation.check, bad)
            if state is not None:
                words = (state.sentence.ja, state.sentence.en)
                last = encode_saved(state)
                kept = (state.check, state.status.value, to_us(state.since), *words, last)
                db.execute(sql.KEEP_STATE, kept)
        for (subject, hour, status), micros in batch.credits.items():
            day = spans.day_of(spans.hour_start(hour)).isoformat()
            for table, at in (("hours", hour), ("days", day)):
                db.execute(sql.ADD[table], (subject, at, status, micros))
        db.executemany(sql.OUTAGE, [(*key, micros) for key, micros in batch.outages.items()])
        for statement in sql.FORGET:
            db.executemany(statement, [(id,) for id in batch.forget])
        now = self._clock.utc()
        db.execute(sql.SEEN, (to_us(now),))
        self._purge(db, now)

    def _trim(self, db: sqlite3.Connection, check: str, bad: int) -> None:
        """Drop the oldest, now and then: one delete for many inserts."""
        key, keep = (check, bad), KEEP_BAD if bad else KEEP
        if key not in self._counts:
            self._counts[key] = db.execute(sql.COUNT, key).fetchone()[0] - 1
        self._counts[key] += 1
        if self._counts[key] >= keep + keep // 2:
            db.execute(sql.TRIM, (*key, *key, keep))
            self._counts[key] = keep

    def _purge(self, db: sqlite3.Connection, now: datetime) -> None:
        hour = spans.hour_of(now)
        if hour == self._purged:
            return
        oldest = spans.day_of(now - timedelta(days=_DAYS)).isoformat()
        db.execute(sql.PURGE_HOURS, (hour - _HOURS,))
        db.execute(sql.PURGE_DAYS, (oldest,))
        db.execute(sql.PURGE_OUTAGES, (to_us(now - timedelta(days=_DAYS)),))
        self._purged = hour

    def _rows(self, query: str, values: tuple[object, ...]) -> list[tuple[object, ...]]:
        if not self.path.exists():
            return []  # nothing was ever written: the first seconds of a new folder
        try:
            with contextlib.closing(_reader(self.path)) as db:
                rows = db.execute(query, values).fetchall()
            self.readable = True
            return rows
        except sqlite3.Error as error:  # a page without pictures is better than no page
            self.readable = False
            log.warning("history not readable", error=type(error).__name__)
            return []


def _tell(loop: asyncio.AbstractEventLoop, done: asyncio.Event) -> None:
    loop.call_soon_threadsafe(done.set)


def _reader(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=2)


def _open(path: Path) -> sqlite3.Connection:
    """For writing. Raises DatabaseError for a file that is not sound."""
    db = sqlite3.connect(path, timeout=5, check_same_thread=False)
    try:
        with contextlib.suppress(
            OSError
        ):  # a read-only disk: SQLite says so next, in its own words
            path.chmod(0o600)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        sound = db.execute("PRAGMA quick_check(1)").fetchone()
        if sound[0] != "ok":
            raise sqlite3.DatabaseError("quick_check failed")
        db.executescript(sql.SCHEMA)
    except BaseException:
        db.close()
        raise
    return db
