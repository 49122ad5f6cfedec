"""The integrity log as the rest of the house sees it. Nothing here blocks the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bcp.journal import making
from bcp.journal.batch import Decide, Job, Listener
from bcp.journal.checkpoint import Checkpoint
from bcp.journal.entry import Actor, Entry, NewEntry, check_op
from bcp.journal.erasing import digests, erasure
from bcp.journal.evidence import EvidenceStore
from bcp.journal.export import write_export
from bcp.journal.folding import Committed, Fold, WritableState, matches
from bcp.journal.head import Fault, no_fault
from bcp.journal.making import Identity, default_head_dir
from bcp.journal.merkle import inclusion_proof
from bcp.journal.opening import Opened, open_log
from bcp.journal.projections import Projection, named_query
from bcp.journal.proof import TlogProof
from bcp.journal.selection import Selection
from bcp.journal.selfcheck import Verified, verify_folder
from bcp.journal.writer import Writer, in_thread
from bcp.kit.clock import Clock
from bcp.kit.errors import Unwritable

Run = Callable[..., Awaitable[Any]]
"""Runs blocking work elsewhere: `run(function, *arguments)`."""

BUSY_SECONDS = 1.0
HEARTBEAT = timedelta(hours=1)
_SYSTEM = Actor("system", "journal")


class Journal:
    """An open log. `open` and `close` block and belong to start and stop; all else is async.

    `folds` give in-memory states (`state`), `projections` give tables (`query`). Entries of `critical`
    kinds (a kind ending in `.`: all that begin so) are signed at once.
    """

    def __init__(self, opened: Opened, clock: Clock, critical: Sequence[str]) -> None:
        self._opened = opened
        self._clock = clock
        self._critical = tuple(critical)
        self._sign_now = asyncio.Event()
        self._writer = Writer(opened, clock)
        self._writer.listeners.append(self._hear)
        self._writer.start()

    # --- life -----------------------------------------------------------------------------------

    @classmethod
    def create(
        cls,
        folder: Path,
        *,
        origin: str,
        node: str,
        clock: Clock,
        head_dir: Path | None = None,
        epoch: int = 1,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """Make an empty log with its key and head. Refuses (Exists) if one is there."""
        identity = Identity(random_bytes(16).hex(), origin, node, epoch)
        making.create(folder, head_dir or default_head_dir(folder), identity, clock, random_bytes)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        clock: Clock,
        head_dir: Path | None = None,
        folds: Mapping[str, Fold[Any]] | None = None,
        projections: Sequence[Projection] = (),
        critical: Sequence[str] = (),
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
        fault: Fault = no_fault,
    ) -> Self:
        """Open an existing log that holds at least what was acknowledged.

        Raises Missing, RolledBack, Damaged (do not go on writing; watching may go on) or Busy
        (another process has it). A missing log is never made. On a full or read-only disk it opens,
        not `writable`, and goes on by itself when the disk allows; Unwritable is raised only where
        it cannot even be read.
        """
        opened = open_log(
            folder,
            head_dir or default_head_dir(folder),
            folds or {},
            projections,
            random_bytes,
            fault,
        )
        return cls(opened, clock, critical)

    async def close(self) -> None:
        """Carry out what waits, then close every file. May be called twice."""
        await in_thread(self._writer.close)
        await in_thread(self._opened.close)
        self._sign_now.set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    # --- writing --------------------------------------------------------------------------------

    async def transact(self, decide: Decide, *, op: str, actor: Actor) -> Committed:
        """Run `decide` on the state including the current batch; return once its entries are durable.

        `op` is the caller's operation id: seen again, the entries of the first time come back
        (`replayed`) and `decide` is not run. What `decide` raises is raised here, and nothing is
        written. Raises Unwritable when the log cannot be written: then send it again with the same
        `op`. `decide` runs in the writer thread, must be pure and quick. A cancelled caller leaves
        the write to be carried through. A decision that yields nothing is not recorded.
        """
        check_op(op)
        return await self._submit(decide, op, actor)

    async def append(self, *new: NewEntry, op: str, actor: Actor) -> Committed:
        """`transact` for entries that need no decision."""
        return await self.transact(lambda _view: new, op=op, actor=actor)

    async def erase(
        self, entry: Entry, names: Sequence[str], *, op: str, actor: Actor
    ) -> Committed:
        """Erase values of an entry for good. Recorded first, then done; proofs go on to hold."""
        new = erasure(entry, names, self._clock.utc())
        committed = await self.append(new, op=op, actor=actor)
        erased = [digest for done in committed.entries for digest in digests(done)]
        await in_thread(self._opened.values.erase, erased)
        return committed

    async def probe(self) -> WritableState:
        """Try whether an unwritable log can be written again (at most once a second)."""
        if not self.writable.ok:
            with contextlib.suppress(Unwritable):  # the answer is in the state
                await self._submit(None, "probe", _SYSTEM)
        return self.writable

    async def _submit(self, decide: Decide | None, op: str, actor: Actor) -> Committed:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Committed] = loop.create_future()
        future.add_done_callback(_retrieve)
        self._writer.submit(Job(op, actor, decide, loop, future))
        return await asyncio.shield(future)

    # --- reading --------------------------------------------------------------------------------

    @property
    def identity(self) -> Identity:
        """Origin, node, epoch and id of the log."""
        return self._opened.identity

    @property
    def size(self) -> int:
        """Number of acknowledged entries (the first, `log.created`, is written by `create`)."""
        return self._writer.published.tree.size

    @property
    def root(self) -> bytes:
        """Root of the tree of `size` entries."""
        return self._writer.published.tree.root()

    @property
    def writable(self) -> WritableState:
        """Whether the log can be written, since when, and why not."""
        return self._writer.writable

    @property
    def evidence(self) -> EvidenceStore:
        """The evidence store (its methods block: call them in a worker thread)."""
        return self._opened.evidence

    def state(self, name: str) -> Any:
        """The folded state `name` after the last acknowledged entry."""
        return self._writer.published.state(name)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener(entries)` on the loop after each commit (a hint); returns the undo."""
        self._writer.listeners.append(listener)
        return lambda: self._writer.listeners.remove(listener)

    async def read(
        self,
        since: int = 0,
        *,
        kind: str | Sequence[str] | None = None,
        incident: str | None = None,
        subject: str | None = None,
        limit: int = 1000,
        reverse: bool = False,
        before: int | None = None,
    ) -> tuple[Entry, ...]:
        """Acknowledged entries `since <= seq < before`, oldest first unless `reverse`.

        A kind ending in `.` stands for all kinds that begin so. Raises Damaged, naming the entry,
        if one no longer fits its hash.
        """
        kinds = (kind,) if isinstance(kind, str) else kind
        end = self.size if before is None else min(before, self.size)
        selection = Selection(since, end, kinds, incident, subject, limit, reverse)
        return tuple(await in_thread(self._opened.reader.find, selection))

    async def find_op(self, op: str) -> tuple[Entry, ...]:
        """The entries of one operation; empty if it was not recorded."""
        found = await in_thread(self._opened.reader.by_op, op)
        return tuple(entry for entry in found if entry.seq < self.size)

    async def query(
        self, projection: str, name: str, parameters: Mapping[str, Any] | Sequence[Any] = ()
    ) -> list[Any]:
        """A named query of a projection, in a worker thread."""
        sql = named_query(self._opened.store.projections, projection, name)
        return await in_thread(self._opened.reader.query, sql, parameters)

    async def reveal(self, entry: Entry) -> dict[str, str]:
        """Name -> text of the values still kept; an erased one is absent."""
        return (await self.reveal_all((entry,)))[entry.seq] if entry.commitments else {}

    async def reveal_all(self, entries: Sequence[Entry]) -> dict[int, dict[str, str]]:
        """The same for many, in one look at the store; hand in a few hundred at a time."""
        return await in_thread(self._opened.values.reveal, entries)

    async def search(self, words: str) -> list[int]:
        """Entries with a kept text that holds these words, the newest first."""
        return await in_thread(self._opened.values.search, words)

    # --- proving --------------------------------------------------------------------------------

    @property
    def vkey(self) -> str:
        """The public key that verifies this log's checkpoints; give it to others on paper."""
        return self._opened.signer.vkey

    @property
    def signed(self) -> tuple[Checkpoint | None, bytes, datetime | None]:
        """The last signed checkpoint, its note, and when it was signed or confirmed."""
        signer = self._opened.signer
        return signer.last, signer.note, signer.signed_at

    async def checkpoint(self) -> bytes:
        """Sign the present tree; gives the signed note. Raises RolledBack rather than sign a fork."""
        opened = self._opened
        tree = self._writer.published.tree
        await in_thread(opened.signer.sign, tree, opened.reader.node, self._clock.utc)
        return opened.signer.note

    async def keep_signing(
        self, busy_seconds: float = BUSY_SECONDS, heartbeat: timedelta = HEARTBEAT
    ) -> None:
        """Sign for ever: within a second when entries came, hourly when idle, at once when critical.

        Also tries an unwritable log again. One task of the daemon's TaskGroup. A disk that says no
        is tried again; a fork (RolledBack) ends the task, loudly.
        """
        while True:
            await self._sign_or_wait(busy_seconds)
            if not (await self.probe()).ok:
                continue
            last, _note, at = self.signed
            due = at is None or self._clock.utc() - at >= heartbeat
            if due or last is None or last.size < self.size:
                with contextlib.suppress(Unwritable):  # the head folder's disk: tried again
                    await self.checkpoint()

    async def prove(self, seq: int) -> str:
        """A tlog-proof file for one entry: its inclusion in a signed checkpoint."""
        last, note, _at = self.signed
        if last is None or last.size <= seq:
            note = await self.checkpoint()
            last, note, _at = self.signed
        assert last is not None
        reader = self._opened.reader
        hashes = await in_thread(inclusion_proof, seq, last.size, reader.node)
        return TlogProof(seq, tuple(hashes), note.decode()).text()

    async def verify(self, run: Run = in_thread) -> Verified:
        """Read everything again: bytes, hashes, order, values, checkpoint.

        `run` carries it out elsewhere: a worker thread, or (`Workers.process`) a process of its own,
        which a long log wants, for a thread shares the interpreter with the event loop.
        """
        opened = self._opened
        folder, tree = opened.store.path.parent, self._writer.published.tree
        found: Verified = await run(verify_folder, folder, tree, opened.signer.last)
        return found

    async def export(self, dest: Path) -> Checkpoint:
        """Write the log to a new folder as C2SP tlog-tiles. Raises Exists, Unwritable."""
        await self.checkpoint()
        last, note, _at = self.signed
        assert last is not None
        keys = [(self.identity.epoch, 0, self.vkey)]
        await in_thread(write_export, dest, self._opened.store.path.parent, last, note, keys)
        return last

    async def _sign_or_wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._sign_now.wait()
        self._sign_now.clear()

    def _hear(self, entries: tuple[Entry, ...]) -> None:
        if any(matches(self._critical, entry.kind) for entry in entries):
            self._sign_now.set()


def _retrieve(future: asyncio.Future[Committed]) -> None:
    """Look at the outcome, so that a caller who left does not make the loop complain."""
    if not future.cancelled():
        future.exception()
