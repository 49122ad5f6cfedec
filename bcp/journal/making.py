"""Making a log: folder, key, store, first entry, head; and making a lost head anew.

Layout of a log's folder, and of the head folder kept apart from it:

    FOLDER/log.sqlite3     entries (store)            HEAD/head        last acknowledged size and root
    FOLDER/values.sqlite3  salts and texts (values)   HEAD/checkpoint  last signed checkpoint
    FOLDER/key             signing key, 0600          HEAD/gap         only while not writable
    FOLDER/evidence/       evidence store
    FOLDER/lock            one owner
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bcp.journal import store as store_module
from bcp.journal.entry import Actor, NewEntry
from bcp.journal.errors import Damaged, Exists, JournalError
from bcp.journal.evidence import EvidenceStore
from bcp.journal.head import HeadFile
from bcp.journal.keys import create_key
from bcp.journal.merkle import CompactRange, range_at
from bcp.journal.note import check_name
from bcp.journal.staging import Stager
from bcp.journal.store import Reader, Store
from bcp.kit.clock import Clock
from bcp.kit.durable import FolderLock, fsync_dir, unwritable

KEY = "key"
HEAD = "head"
EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True)
class Identity:
    """What was fixed when the log was made."""

    log_id: str
    origin: str
    node: str
    epoch: int


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
    check_name(identity.origin)
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
        _make_folder(path)
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
    actor = Actor("system", "journal")
    staged = stager.entries([new], "log.created", actor, 0, now, clock.reading())
    store = Store(folder, ())
    try:
        store.begin()
        store.add(staged.rows)
        store.commit(1)
    finally:
        store.close()
    tree = CompactRange().extend(leaf for _, _, leaf in staged.rows)
    return tree.size, tree.root()


def adopt_head(folder: Path, head_dir: Path) -> int:
    """Accept the store as it stands and make its head anew; gives its size.

    For one case only: the head folder was lost or damaged, and a person compared the log with a
    checkpoint kept elsewhere. Refuses while a good head file stands there, even one that disagrees.
    """
    path = head_dir / HEAD
    if _good(path):
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
            identity, size = identity_of(reader), reader.size()
            root = range_at(size, reader.node).root()
        finally:
            reader.close()
        _make_folder(head_dir)
        if path.exists():
            path.replace(path.with_name("head.damaged"))
        HeadFile.create(path, identity.log_id, size, root)
    finally:
        lock.release()
    return size


def _make_folder(path: Path) -> None:
    """Make a folder and those above it; their names are durable afterwards."""
    missing = [part for part in (path, *path.parents) if not part.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        for part in missing or [path]:
            fsync_dir(part.parent)
    except OSError as error:
        raise unwritable(path, error) from error


def _good(path: Path) -> bool:
    try:
        HeadFile.open(path)
    except JournalError:
        return False
    return True


def identity_of(reader: Reader) -> Identity:
    """Which log this store is; Damaged if it does not say."""
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
