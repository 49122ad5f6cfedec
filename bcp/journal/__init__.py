"""The integrity log: what people and the service decided, in bytes that stay for ever.

Promise: whoever heard "ok" will find the entry again, after a power cut too, once and unchanged; if
not, the log says so instead of telling a shorter story. Everything that was decided is a fold of
these entries; there is no other truth and no resume code.

In here live: entries and their one canonical form, the RFC 6962 tree, signed checkpoints, tiles,
proofs, the stores below, the single writer thread, export, and a verifier that shares no code with
the writer. Not in here: what a kind of entry *means* (folds and projections are handed in by
`service`), personal data inside an entry (only salted commitments), printing, any clock but the one
passed in.

The order of writes is the design (`writer`). Before anybody hears "ok":

1. evidence that an entry names: temp file, fsync, rename, fsync of the folder (by the caller, before);
2. `decide` runs on the state including the current batch; rows are staged in one transaction;
3. salts and texts of commitments: written, fsynced;
4. COMMIT: entries, leaf hashes, projections (fsync of SQLite's write-ahead log);
5. head file: size and root, written, fsynced, in another folder;
6. states are published, listeners told, callers answered. Later, on a timer: a signed checkpoint
   (checked against the last one signed, written atomically, then shown).

Killed between any two: after 1 or 3 something belongs to no entry (3 is swept at opening); after 4
the entries are kept though nobody was told (the same operation id finds them); after 5 as well.

| store | holds | may be lost? | trusted? |
|---|---|---|---|
| `log.sqlite3` | entries, leaf hashes, subtree roots, projections | no (an export restores it up to its size) | only as far as head, checkpoints and `verify` reach |
| `values.sqlite3` | salts and texts of commitments; personal | yes: texts are gone, proofs hold | no: every text is checked against its commitment |
| `evidence/` | files by SHA-256 | no; the log still proves what they were | no: every read is hashed |
| `key` | Ed25519 signing key, 0600 | no new checkpoints without it | secret: who has it can sign a fork |
| `HEAD/head` | last acknowledged size and root | no: a rolled-back store could not be told from a good one | yes, that is its point; keep it on another disk |
| `HEAD/checkpoint` | last signed checkpoint | a fork is then seen only by those who kept an older one | its signature is checked |
| `HEAD/gap` | that the log was not writable, while it is so | yes: the gap entry would be missing | no |
| an export | everything but values and evidence | yes | no: `verify` proves it, given a vkey from elsewhere |

Sources: RFC 6962 and 9162 (tree, proofs), C2SP tlog-tiles, tlog-checkpoint, signed-note,
tlog-cosignature, tlog-proof; the order of writes follows what Sunlight does.
"""

from bcp.journal.canonical import Json
from bcp.journal.entry import Actor, Entry, NewEntry
from bcp.journal.errors import (
    BadEntry,
    BadNote,
    BadProof,
    Closed,
    Damaged,
    Exists,
    JournalError,
    Missing,
    NotCanonical,
    RolledBack,
)
from bcp.journal.evidence import EvidenceStore
from bcp.journal.folding import Committed, Fold, View, WritableState
from bcp.journal.journal import Journal
from bcp.journal.making import adopt_head
from bcp.journal.projections import Projection
from bcp.journal.selfcheck import Verified
from bcp.kit.errors import Unwritable

__all__ = [
    "Actor",
    "BadEntry",
    "BadNote",
    "BadProof",
    "Closed",
    "Committed",
    "Damaged",
    "Entry",
    "EvidenceStore",
    "Exists",
    "Fold",
    "Journal",
    "JournalError",
    "Json",
    "Missing",
    "NewEntry",
    "NotCanonical",
    "Projection",
    "RolledBack",
    "Unwritable",
    "Verified",
    "View",
    "WritableState",
    "adopt_head",
]
