"""What can go wrong in the integrity log, each as one class of the project's error root.

What callers meet: their own refusal (whatever `decide` raised: nothing was written, the log is
well); `bcp.kit.errors.Unwritable` (nothing can be acknowledged now: try again with the same
operation id); `Damaged` and `RolledBack` (what is on disk is not what was acknowledged).
"""

from __future__ import annotations

from bcp.kit.errors import BcpError


class JournalError(BcpError):
    """Root of this room's errors."""

    exit_code = 3


class NotCanonical(JournalError):
    """A value or bytes that have no canonical form."""

    exit_code = 1


class BadEntry(JournalError):
    """A new entry breaks a rule of the format (name, size, time, evidence not stored)."""

    exit_code = 2


class BadProof(JournalError):
    """A Merkle proof does not lead to the expected root (RFC 6962)."""

    exit_code = 1


class BadNote(JournalError):
    """A signed note, a key or a checkpoint is malformed or not signed by a known key."""

    exit_code = 1


class BadTile(JournalError):
    """A tile, bundle or tile path does not have the form of C2SP tlog-tiles."""

    exit_code = 1


class Damaged(JournalError):
    """The store contradicts itself or what was acknowledged."""

    exit_code = 1


class RolledBack(Damaged):
    """The store is older than the head file or than the last signed checkpoint."""


class Closed(JournalError):
    """The journal was closed."""

    exit_code = 3


class Missing(JournalError):
    """No log, key, head or evidence where one was expected."""

    exit_code = 3


class Exists(JournalError):
    """`create` where something already stands."""

    exit_code = 2
