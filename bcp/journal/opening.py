"""Opening a log only if it is what was acknowledged.

Checked, in this order: the id of log and head agree; the store is not smaller than the head
and has the head's root at the head's size; the same for the last signed checkpoint; the newest
entries are canonical and fit their hashes. Anything else is for `verify`, which reads all.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bcp.journal import erasing
from bcp.journal import store as store_module
from bcp.journal.entry import Entry, parse
from bcp.journal.errors import Damaged, Missing, RolledBack
from bcp.journal.evidence import EvidenceStore
from bcp.journal.folding import Fold, Snapshot
from bcp.journal.gap import GapNote
from bcp.journal.head import Fault, HeadFile
from bcp.journal.keys import load_key
from bcp.journal.making import EVIDENCE, HEAD, KEY, identity_of
from bcp.journal.making import Identity as Identity
from bcp.journal.merkle import EMPTY_ROOT, range_at
from bcp.journal.projections import Projection
from bcp.journal.selection import Selection
from bcp.journal.signing import Signer
from bcp.journal.staging import Stager
from bcp.journal.store import Reader, Store, each, entries
from bcp.journal.values import Values
from bcp.kit.durable import FolderLock
from bcp.kit.errors import Unwritable

TAIL = 2048
"""So many of the newest entries are read strictly at every opening."""


@dataclass(slots=True)
class Opened:
    """Everything a journal needs. Owned by the writer thread once it runs."""

    identity: Identity
    lock: FolderLock
    store: Store
    reader: Reader
    values: Values
    head: HeadFile
    evidence: EvidenceStore
    stager: Stager
    signer: Signer
    snapshot: Snapshot
    gap_note: GapNote
    refusal: Unwritable | None = None
    """Why it can only be read for now: the disk is full or read-only."""
    locked: bool = True

    def reconnect(self) -> int:
        """Fresh connections for writing after a failure; gives the store's size."""
        if not self.locked:
            self.lock.take()
            self.locked = True
        with self.reader.reopened(), self.store.reopened():
            pass
        return self.store.size()

    def tidy(self, size: int) -> None:
        """Bring the values and projections in line with the log. Raises Unwritable.

        Sweeps texts of entries that never came to be, makes projections fit, and finishes erasures
        that were recorded but not done.
        """
        self.values.open()
        self.values.sweep(size)
        self.store.prepare(lambda: everything(self.store, size))
        since = 0
        while found := self.store.find(Selection(since, size, [erasing.KIND])):
            self.values.erase(d for entry in found for d in erasing.digests(entry))
            since = found[-1].seq + 1

    def close(self) -> None:
        """Give everything back; the writer thread must have ended.

        The store last: only a connection that may write can empty the write-ahead log.
        """
        for part in (self.head, self.values, self.reader, self.store):
            part.close()
        self.lock.release()


def open_log(
    folder: Path,
    head_dir: Path,
    folds: Mapping[str, Fold[Any]],
    projections: Sequence[Projection],
    random_bytes: Callable[[int], bytes],
    fault: Fault,
) -> Opened:
    """Open and check. A full or read-only disk gives a log that can be read (`refusal` says why).

    Raises Missing, RolledBack, Damaged or Busy, and changes nothing then; Unwritable only where
    the log cannot even be read without writing (it was not closed cleanly, then the disk filled).
    """
    if not (folder / store_module.FILE).is_file():
        _missing(folder)
    refusal: Unwritable | None = None
    with contextlib.ExitStack() as undo:
        lock = FolderLock(folder)
        try:
            lock.take()
        except Unwritable as error:
            refusal = error
        undo.callback(lock.release)
        store = Store(folder, projections, fault)
        undo.callback(store.close)
        identity = identity_of(store)
        head = HeadFile.open(head_dir / HEAD, fault)
        undo.callback(head.close)
        size = store.size()
        check_head(head, identity, store, size)
        key = load_key(folder / KEY, identity.origin)
        signer = Signer(head_dir, key, fault)
        check_key(signer.vkey, store)
        signer.load(size, store.node)
        check_tail(store, size)
        reader = Reader(folder)
        undo.callback(reader.close)
        values = Values(folder, fault)
        undo.callback(values.close)
        evidence = EvidenceStore(folder / EVIDENCE, fault)
        evidence.sweep()
        stager = Stager(identity.node, identity.epoch, folds, evidence, random_bytes)
        opened = Opened(
            identity,
            lock,
            store,
            reader,
            values,
            head,
            evidence,
            stager,
            signer,
            stager.load(store, size),
            GapNote(head_dir),
            refusal,
            locked=refusal is None,
        )
        try:
            if refusal is None:
                opened.tidy(size)
                if size > head.head.size:
                    head.write(size, opened.snapshot.tree.root())
        except Unwritable as error:
            opened.refusal = error
        if opened.refusal is not None:
            opened.snapshot = stager.load(store, head.head.size)
            with contextlib.suppress(Unwritable):
                values.open(writable=False)
        undo.pop_all()
    return opened


def check_head(head: HeadFile, identity: Identity, reader: Reader, size: int) -> None:
    """Raise RolledBack or Damaged unless the store contains what was acknowledged."""
    told = head.head
    if told.log_id != identity.log_id:
        raise Damaged(
            "head ファイルが別の記録のものです / the head file belongs to another log",
            where=str(head.path),
            expected=f"log {identity.log_id}",
            got=f"log {told.log_id}",
            next_step="put folder and head folder of the same log together",
        )
    if size < told.size:
        raise RolledBack(
            "記録が最後に確認した時点より短い。古い控えが戻された可能性があります / "
            "the log is shorter than what was acknowledged: an old copy may have been put back",
            where=str(reader.path),
            expected=f"at least {told.size} entries",
            got=f"{size} entries",
            next_step=_NEXT,
        )
    root = range_at(told.size, reader.node).root() if told.size else EMPTY_ROOT
    if root != told.root:
        raise RolledBack(
            "記録が最後に確認した内容と食い違います / the log contradicts what was acknowledged",
            where=f"{reader.path}: first {told.size} entries",
            expected=f"root {told.root.hex()}",
            got=f"root {root.hex()}",
            next_step=_NEXT,
        )


def check_key(vkey: str, reader: Reader) -> None:
    """Raise Damaged unless the key file is the one that the log was made with."""
    made_with = reader.meta().get("vkey")
    if vkey != made_with:
        raise Damaged(
            "署名鍵がこの記録のものではありません / the signing key is not the one of this log",
            where=KEY,
            expected=str(made_with),
            got=vkey,
            next_step="restore the key file of this log from its sealed copy",
        )


def check_tail(reader: Reader, size: int) -> None:
    """Read the newest entries against their hashes, the last one strictly. Raises Damaged."""
    rows = reader.rows(max(0, size - TAIL), size)
    entries(rows)
    for _seq, data, _leaf in rows[-1:]:
        parse(data)


def everything(reader: Reader, size: int, step: int = 4096) -> Iterator[Entry]:
    """All entries below `size`."""
    for since in range(0, size, step):
        yield from each(reader.rows(since, min(since + step, size)))


def _missing(folder: Path) -> None:
    raise Missing(
        "記録がありません / there is no log here",
        where=str(folder),
        expected=f"a log made by `create` ({store_module.FILE})",
        got="none",
        next_step="check --data and the mount; restore the folder from its copy. A missing log is "
        "never made anew by itself",
    )


_NEXT = (
    "このフォルダで続けない。最新の控えを戻すか、写しと照合する / do not go on with this folder: "
    "restore the newest copy (shared copy, backup, export); keep this one as evidence"
)
