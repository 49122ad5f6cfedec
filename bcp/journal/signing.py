"""Signs checkpoints, and never one that contradicts the last one signed.

The last signed checkpoint is kept beside the head file, apart from the store. Before a new one is
signed, the tree must contain the old one: the root at the old size is recomputed and a consistency
proof is made and verified. Written (atomically, fsynced) before it is shown to anybody: a
checkpoint that somebody saw is always the one we compare with. May not be lost; if it is, a fork
can only be noticed by those who kept an older one (paper, witness, export).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from bcp.journal.checkpoint import Checkpoint, open_checkpoint
from bcp.journal.errors import BadProof, RolledBack
from bcp.journal.head import Fault, no_fault
from bcp.journal.merkle import CompactRange, Nodes, consistency_proof, range_at, verify_consistency
from bcp.journal.note import SignerKey
from bcp.kit.durable import unwritable, write_atomic

FILE = "checkpoint"


class Signer:
    """Holds the key. `sign` blocks for some milliseconds: call it in a worker thread."""

    def __init__(self, folder: Path, key: SignerKey, fault: Fault = no_fault) -> None:
        self._path = folder / FILE
        self._key = key
        self._fault = fault
        self._lock = threading.Lock()
        self.vkey = str(key.verifier)
        self.last: Checkpoint | None = None
        self.note = b""
        """The last signed checkpoint, as others fetch it; empty if none was signed."""
        self.signed_at: datetime | None = None
        """When it was last signed or confirmed, by our own clock, since the log was opened."""

    def load(self, size: int, nodes: Nodes) -> None:
        """Read the last signed checkpoint and compare it with the tree. Raises RolledBack, BadNote."""
        if not self._path.exists():
            return
        data = self._path.read_bytes()
        last, _note = open_checkpoint(data, [self._key.verifier], self._key.name)
        if last.size > size:
            raise RolledBack(
                "記録が署名済みチェックポイントより短い / the log is shorter than what was signed",
                where=str(self._path),
                expected=f"at least {last.size} entries",
                got=f"{size} entries",
                next_step="restore the newest copy of the folder; do not go on with this one",
            )
        self._check(last, size, range_at(size, nodes).root(), nodes)
        self.last, self.note = last, data

    def sign(self, tree: CompactRange, nodes: Nodes, now: Callable[[], datetime]) -> Checkpoint:
        """Sign this tree, or confirm that it is already signed. Raises RolledBack, Unwritable."""
        with self._lock:
            new = Checkpoint(self._key.name, tree.size, tree.root())
            if self.last is not None:
                if self.last.size > new.size:
                    return self.last
                self._check(self.last, new.size, new.root, nodes)
            if self.last != new:
                note = new.sign(self._key)
                self._keep(note)
                self.last, self.note = new, note
            self.signed_at = now()
            return new

    def _keep(self, note: bytes) -> None:
        try:
            self._fault("checkpoint:before")
            write_atomic(self._path, note, 0o644)
            self._fault("checkpoint:after")
        except OSError as error:
            raise unwritable(self._path, error) from error

    def _check(self, old: Checkpoint, size: int, root: bytes, nodes: Nodes) -> None:
        try:
            proof = consistency_proof(old.size, size, nodes)
            verify_consistency(old.size, size, old.root, root, proof)
        except BadProof as error:
            raise RolledBack(
                "記録が署名済みチェックポイントと食い違います / "
                "the log contradicts its last signed checkpoint",
                where=f"{self._path}: size {old.size}",
                expected=f"root {old.root.hex()}",
                got=error.got,
                next_step="keep both as evidence; restore the folder from its copy",
            ) from error
