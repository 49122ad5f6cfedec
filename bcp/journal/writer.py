"""The log's single writer thread: group commit, in the order of writes that is the design.

For each batch (everything that waits, at most 1,000 commands or 10 ms of deciding):

1. each command's `decide` sees the state including the batch so far; its entries, projections and
   folds are staged in one SQLite transaction;
2. salts and texts of commitments: written and fsynced (`values`);
3. COMMIT (fsync of the write-ahead log);
4. head file: written and fsynced;
5. the new states are published by swapping one reference, callers are answered.

If we die after 2, the texts belong to nothing and are swept. After 3, the entries are kept,
unacknowledged; the same operation id finds them. After 4, they are acknowledged to nobody yet.
A failure of the disk in 1 to 4 answers the whole batch with `Unwritable`, makes the log unwritable,
and leaves the published states as they were. A failure of one caller's decision rejects that caller.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import ParamSpec, TypeVar

from bcp.journal.batch import Batch, Job, Listener
from bcp.journal.batch import Decide as Decide
from bcp.journal.entry import Actor, Entry, NewEntry
from bcp.journal.errors import Closed, Damaged
from bcp.journal.folding import Committed, View, WritableState
from bcp.journal.gap import Gap
from bcp.journal.opening import Opened
from bcp.journal.trouble import not_now, reason_of, unexpected
from bcp.kit.clock import Clock
from bcp.kit.errors import Unwritable

P = ParamSpec("P")
T = TypeVar("T")
MAX_BATCH = 1000
DELIVER = 100
MAX_BATCH_SECONDS = 0.010
RETRY_SECONDS = 1.0


async def in_thread(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking work of this room (reads, signing, verifying) off the event loop."""
    return await asyncio.to_thread(work, *args, **kwargs)


class Writer:
    """Owns the store's write connection, the value store's writes and the head file.

    Only the writer thread changes its fields; `published` and `writable` are read by anybody.
    """

    def __init__(self, opened: Opened, clock: Clock) -> None:
        self._opened, self._clock = opened, clock
        self._store, self._stager = opened.store, opened.stager
        self._gap: Gap | None = opened.gap_note.read()
        self._committed = opened.snapshot
        self._last_try = float("-inf")
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._broken = opened.refusal is not None
        self._thread = threading.Thread(target=self._run, name="bcp-journal", daemon=True)
        self.listeners: list[Listener] = []
        self.published = opened.snapshot
        self.writable = WritableState(True, clock.utc())
        if opened.refusal is not None:
            self._stop_writing(opened.refusal)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Queue a caller. Raises Closed after `close`."""
        with self._closing:
            if self._closed:
                raise Closed(
                    "the journal is closed",
                    where="journal",
                    expected="an open journal",
                    got="closed",
                    next_step="open it again",
                )
            self._queue.put(job)

    def close(self) -> None:
        """Carry out what waits, then stop. Blocks until the thread has ended."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join()

    # --- the thread -------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while (job := self._queue.get()) is not None:
                self._batch(job)
        finally:  # should this thread ever break, nobody may wait behind it
            self._closed = True

    def _waiting(self, first: Job) -> Iterator[Job]:
        """The jobs of this batch: all that wait, until it is large or old enough."""
        started = self._clock.monotonic()
        yield first
        for _ in range(MAX_BATCH - 1):
            if self._clock.monotonic() - started > MAX_BATCH_SECONDS:
                return
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                return
            if job is None:
                self._queue.put(None)
                return
            yield job

    def _batch(self, first: Job) -> None:
        batch = Batch(self._committed, self._clock.utc(), self._clock.reading())
        try:
            self._may_try()
            if self._broken:
                self._repair()
                batch.snapshot = self._committed
            self._store.begin()
            if self._gap is not None:
                self._stage_gap(batch, self._gap)
            for job in self._waiting(first):
                batch.jobs.append(job)
                self._stage(job, batch)
            self._make_durable(batch)
        except Exception as error:  # whatever it is, nobody may be left waiting for an answer
            if first not in batch.jobs:
                batch.jobs.append(first)
            self._fail(batch, error)
        else:
            self._publish(batch)

    def _stage(self, job: Job, batch: Batch) -> None:
        """Decide one job and stage its entries; its own failure is its answer."""
        if job.decide is None:
            return
        try:
            job.found = batch.by_op.get(job.op) or tuple(self._store.by_op(job.op))
            if job.found:
                job.replayed = True
                return
            new = job.decide(View(batch.snapshot, batch.now))
            self._add(batch, new, job.op, job.actor)
            job.found = batch.by_op.get(job.op, ())
        except (Unwritable, Damaged):
            raise
        except Exception as error:  # a refusal or a bug of this caller: the batch goes on
            job.error = error

    def _add(self, batch: Batch, new: Sequence[NewEntry], op: str, actor: Actor) -> None:
        """Number, encode, fold and insert; the batch is touched only when all of it went well."""
        since = batch.snapshot.tree.size
        staged = self._stager.entries(new, op, actor, since, batch.now, batch.reading)
        rows = staged.rows
        if not rows:
            return
        nodes: list[tuple[int, int, bytes]] = []
        tree = batch.snapshot.tree.extend(
            (leaf for _, _, leaf in rows),
            lambda level, index, value: nodes.append((level, index, value)),
        )
        made = tuple(entry for entry, _, _ in rows)
        snapshot = batch.snapshot.applied(self._stager.folds, made, tree)
        self._store.add(rows)
        batch.snapshot = snapshot
        batch.by_op[op] = made
        batch.entries += made
        batch.values += staged.values
        batch.nodes += [node for node in nodes if node[0] % 8 == 0]

    def _make_durable(self, batch: Batch) -> None:
        if not batch.entries:
            self._store.rollback()
            return
        self._store.add_nodes(batch.nodes)
        self._opened.values.put(batch.values)
        self._store.commit(batch.snapshot.tree.size)
        self._committed = batch.snapshot
        self._opened.head.write(batch.snapshot.tree.size, batch.snapshot.tree.root())

    def _publish(self, batch: Batch) -> None:
        self.published = self._committed
        if self._gap is not None and batch.entries:
            self._gap = None
            self._opened.gap_note.clear()
        if not self.writable.ok:
            self.writable = WritableState(True, self._clock.utc())
        size = self.published.tree.size
        for job in batch.jobs:
            job.found = job.found if job.error is None else ()
        self._answer(batch.jobs, size, tuple(batch.entries))

    # --- when the disk says no ----------------------------------------------------------------

    def _may_try(self) -> None:
        """While unwritable, try at most once a second; in between say no at once."""
        if self.writable.ok:
            return
        now = self._clock.monotonic()
        if now - self._last_try < RETRY_SECONDS:
            raise not_now(self.writable)
        self._last_try = now

    def _repair(self) -> None:
        """Fresh connections; take over what a doubtful commit left behind; drop orphaned texts."""
        size = self._opened.reconnect()
        known = self._committed.tree
        if size < known.size or self._stager.root_at(self._store, known.size) != known.root():
            raise Unwritable(
                "記録のファイルが入れ替わっています / the store is not the one that was written",
                where=str(self._store.path),
                expected=f"{known.size} entries with root {known.root().hex()}",
                got=f"{size} entries",
                next_step="restore the newest copy of the folder and restart the daemon",
            )
        self._committed = self._stager.catch_up(self._store, self._committed, size)
        self._opened.tidy(size)
        self._broken = False

    def _stage_gap(self, batch: Batch, gap: Gap) -> None:
        op = f"log.gap:{batch.snapshot.tree.size}"
        self._add(batch, [gap.entry(batch.now)], op, Actor("system", "journal"))

    def _fail(self, batch: Batch, error: Exception) -> None:
        self._store.rollback()
        if not isinstance(error, Unwritable):
            error = unexpected(error, str(self._store.path))
        acknowledged = self.published.tree.size
        refused = 0
        for job in batch.jobs:
            if not (job.replayed and job.found[-1].seq < acknowledged):
                job.error = error
                refused += job.decide is not None
        gap = self._stop_writing(error)
        self._gap = gap.more(refused)
        self._opened.gap_note.write(self._gap)
        self._broken = True
        self._answer(batch.jobs, acknowledged, ())

    def _stop_writing(self, error: Exception) -> Gap:
        """The state "not writable", from the first failure on; gives the gap it belongs to."""
        if self.writable.ok:
            self.writable = WritableState(False, self._clock.utc(), reason_of(error), str(error))
            self._last_try = self._clock.monotonic()
        self._gap = self._gap or Gap(self.writable.since, reason_of(error), 0)
        return self._gap

    # --- answers --------------------------------------------------------------------------------

    def _answer(self, jobs: Sequence[Job], size: int, entries: tuple[Entry, ...]) -> None:
        """Wake each caller's loop once."""
        by_loop: dict[int, list[Job]] = {}
        for job in jobs:
            by_loop.setdefault(id(job.loop), []).append(job)
        for position, group in enumerate(by_loop.values()):
            told = entries if position == 0 else ()
            with contextlib.suppress(RuntimeError):  # that loop is closed: nobody waits there
                group[0].loop.call_soon_threadsafe(self._deliver, group, size, told)

    def _deliver(self, jobs: Sequence[Job], size: int, entries: tuple[Entry, ...]) -> None:
        if len(jobs) > DELIVER:  # in slices, so that the loop turns in between
            jobs[0].loop.call_soon(self._deliver, jobs[DELIVER:], size, entries)
            jobs, entries = jobs[:DELIVER], ()
        for job in jobs:
            if job.future.done():
                continue
            if job.error is not None:
                job.future.set_exception(job.error)
            else:
                job.future.set_result(Committed(job.found, job.replayed, size))
        if entries:
            for listener in list(self.listeners):
                listener(entries)
