"""Making a log, and opening one only if it is what was acknowledged.

Layout of a log's folder, and of the head folder kept apart from it:

    FOLDER/log.sqlite3     entries (store)            HEAD/head        last acknowledged size and root
    FOLDER/values.sqlite3  salts and texts (values)   HEAD/checkpoint  last signed checkpoint
    FOLDER/key             signing key, 0600          HEAD/gap         only while not writable
    FOLDER/evidence/       evidence store
    FOLDER/lock            one owner

Opening checks, in this order: the id of log and head agree; the store is not smaller than the head
and has the head's root at the head's size; the same for the last signed checkpoint; the newest
entries are canonical and fit their hashes. Anything else is for `verify`, which reads all.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bcp.journal import store as store_module
from bcp.journal.entry import Actor, Entry, NewEntry, parse
from bcp.journal.errors import Damaged, Exists, JournalError, Missing, RolledBack
from bcp.journal.evidence import EvidenceStore
from bcp.journal.folding import Fold, Snapshot
from bcp.journal.gap import GapNote
from bcp.journal.head import Fault, HeadFile
from bcp.journal.keys import create_key, load_key
from bcp.journal.merkle import EMPTY_ROOT, range_at
from bcp.journal.projections import Projection
from bcp.journal.selection import Selection
from bcp.journal.signing import Signer
from bcp.journal.staging import Stager
from bcp.journal.store import Reader, Store, entries
from bcp.journal.values import Values
from bcp.kit.clock import Clock
from bcp.kit.durable import FolderLock, fsync_dir

KEY = "key"
HEAD = "head"
EVIDENCE = "evidence"
TAIL = 2048
"""So many of the newest entries are read strictly at every opening."""
ERASED = "log.erased"


@dataclass(frozen=True, slots=True)
class Identity:
    """What was fixed when the log was made."""

    log_id: str
    origin: str
    node: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Opened:
    """Everything a journal needs; `close` undoes it."""

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
    rebuilt: tuple[str, ...]


def default_head_dir(folder: Path) -> Path:
    """Beside the log's folder, so that a copy of the folder does not carry its own head."""
    return folder.with_name(folder.name + "-head")


def create(
    folder: Path,
    head_dir: Path,
    identity: Identity,
    clock: Clock,
    random_bytes: Callable[[int], bytes],
) -> None:
    """Make an empty log with key and head and write its first entry.

    Refuses if anything of a log is there. The head comes last: if we die before, `open` refuses and
    says that creation did not finish.
    """
    for path in (folder / store_module.FILE, folder / KEY, head_dir / HEAD):
        if path.exists():
            raise Exists(
                "ここにはもう記録があります / (part of) a log already stands here",
                where=str(path),
                expected="an empty place",
                got="a file",
                next_step="open it; or, if creating it was interrupted and it was never opened, "
                f"remove {folder} and {head_dir} and create it again",
            )
    for path in (folder, head_dir):
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        fsync_dir(path.parent)
    lock = FolderLock(folder)
    lock.take()
    try:
        key = create_key(folder / KEY, identity.origin, random_bytes)
        meta = {
            "log_id": identity.log_id,
            "origin": identity.origin,
            "node": identity.node,
            "epoch": str(identity.epoch),
            "vkey": str(key.verifier),
        }
        store_module.create(folder, meta)
        size, root = _write_first(folder, identity, str(key.verifier), clock, random_bytes)
        HeadFile.create(head_dir / HEAD, identity.log_id, size, root)
    finally:
        lock.release()


def _write_first(
    folder: Path,
    identity: Identity,
    vkey: str,
    clock: Clock,
    random_bytes: Callable[[int], bytes],
) -> tuple[int, bytes]:
    """The first entry binds origin, epoch and key to the log."""
    stager = Stager(
        identity.node, identity.epoch, {}, EvidenceStore(folder / EVIDENCE), random_bytes
    )
    now = clock.utc()
    detail = {"origin": identity.origin, "log": identity.log_id, "vkey": vkey}
    new = NewEntry("log.created", "log", detail, None, now)
    before = stager.initial()
    actor = Actor("system", "journal")
    staged = stager.entries([new], "log.created", actor, before, now, clock.reading())
    store = Store(folder, ())
    try:
        store.begin()
        store.add(staged.rows)
        store.commit(1)
    finally:
        store.close()
    tree = before.tree.extend(leaf for _, _, leaf in staged.rows)
    return tree.size, tree.root()


def open_log(
    folder: Path,
    head_dir: Path,
    folds: Mapping[str, Fold[Any]],
    projections: Sequence[Projection],
    random_bytes: Callable[[int], bytes],
    fault: Fault,
) -> Opened:
    """Open and check. Raises Missing, RolledBack, Damaged, Busy or Unwritable; changes nothing then."""
    if not (folder / store_module.FILE).is_file():
        _missing(folder)
    with contextlib.ExitStack() as undo:
        lock = FolderLock(folder)
        lock.take()
        undo.callback(lock.release)
        store = Store(folder, projections, fault)
        undo.callback(store.close)
        identity = _identity(store)
        head = HeadFile.open(head_dir / HEAD, fault)
        undo.callback(head.close)
        size = store.size()
        check_head(head, identity, store, size)
        key = load_key(folder / KEY, identity.origin)
        signer = Signer(head_dir, key, fault)
        signer.load(size, store.node)
        check_tail(store, size)
        reader = Reader(folder)
        undo.callback(reader.close)
        values = Values(folder, fault)
        undo.callback(values.close)
        values.open()
        values.sweep(size)
        evidence = EvidenceStore(folder / EVIDENCE, fault)
        stager = Stager(identity.node, identity.epoch, folds, evidence, random_bytes)
        snapshot = stager.load(store, size)
        rebuilt = store.prepare(lambda: (entry for chunk in chunks(store, size) for entry in chunk))
        _finish_erasures(store, values, size)
        if size > head.head.size:
            head.write(size, snapshot.tree.root())
        undo.pop_all()
    return Opened(
        identity,
        lock,
        store,
        reader,
        values,
        head,
        evidence,
        stager,
        signer,
        snapshot,
        GapNote(head_dir),
        tuple(rebuilt),
    )


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


def check_tail(reader: Reader, size: int) -> None:
    """Read the newest entries against their hashes, the last one strictly. Raises Damaged."""
    rows = reader.rows(max(0, size - TAIL), size)
    entries(rows)
    for _seq, data, _leaf in rows[-1:]:
        parse(data)


def chunks(reader: Reader, size: int, step: int = 4096) -> Iterator[list[Entry]]:
    """All entries below `size`, in lists."""
    for since in range(0, size, step):
        yield entries(reader.rows(since, min(since + step, size)))


def adopt_head(folder: Path, head_dir: Path) -> int:
    """Accept the store as it stands and make its head anew; gives its size.

    For one case only: the head folder was lost or damaged, and a person compared the log with a
    checkpoint kept elsewhere. Refuses while a good head file stands there, even one that disagrees.
    """
    path = head_dir / HEAD
    with contextlib.suppress(JournalError):
        HeadFile.open(path)
        raise Exists(
            "the head file is good",
            where=str(path),
            expected="none, or a damaged one",
            got="a good one",
            next_step="if the log is shorter than it says, restore the log; the head is right",
        )
    lock = FolderLock(folder)
    lock.take()
    try:
        reader = Reader(folder)
        try:
            identity, size = _identity(reader), reader.size()
            root = range_at(size, reader.node).root()
        finally:
            reader.close()
        head_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.exists():
            path.replace(path.with_name("head.damaged"))
        HeadFile.create(path, identity.log_id, size, root)
    finally:
        lock.release()
    return size


def _identity(reader: Reader) -> Identity:
    meta = reader.meta()
    try:
        return Identity(meta["log_id"], meta["origin"], meta["node"], int(meta["epoch"]))
    except (KeyError, ValueError) as error:
        raise Damaged(
            "the store does not say which log it is",
            where=str(reader.path),
            expected="log_id, origin, node, epoch",
            got=repr(error)[:80],
            next_step="restore the folder from its copy",
        ) from error


def _finish_erasures(store: Store, values: Values, size: int) -> None:
    """An erasure is recorded first; if we died before it was done, do it now."""
    since = 0
    while found := store.find(Selection(since, size, [ERASED])):
        values.erase(digest for entry in found for digest in entry.detail.get("digests", ()))
        since = found[-1].seq + 1


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
