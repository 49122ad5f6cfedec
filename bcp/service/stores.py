"""Where state lives in the data folder, and how a log is made once or opened.

Creating is marked: `DATA/creating-NAME` is durable before the first byte of a new log and removed
after its head. If we die in between, nothing was ever acknowledged, and the next start clears the
half-made folders and makes them anew. Without the mark a missing log is refused, never re-made.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backups.custody import FOLD as BACKUPS
from bcp.journal.chronology import CHRONOLOGY
from bcp.journal.folding import Fold
from bcp.journal.journal import Journal
from bcp.kit.clock import Clock
from bcp.kit.durable import write_atomic
from bcp.plan.accepted import FOLD as ACCEPTED
from bcp.watch.acks import FOLD as ACKS
from bcp.watch.interim import FOLD as INTERIM
from bcp.watch.site_log import FOLD as SITES
from bcp.watch.statements import FOLD as STATEMENTS
from runbooks.copies import FOLD as VERIFIED
from runbooks.copies import FOLD_NAME as VERIFIED_NAME
from runbooks.incident import FOLD as INCIDENTS
from runbooks.notices.state import FOLD as ANNOUNCEMENTS
from runbooks.paper.copies import FOLD as COPIES

FOLDS: Mapping[str, Fold[Any]] = {
    "plan": ACCEPTED,
    "statements": STATEMENTS,
    "acks": ACKS,
    "sites": SITES,
    "interim": INTERIM,
    "backups": BACKUPS,
    "incidents": INCIDENTS,
    "copies": COPIES,
    VERIFIED_NAME: VERIFIED,
    "announcements": ANNOUNCEMENTS,
}
"""Every state that is a fold of the log."""

CRITICAL = ("incident.", "backup.custody", "plan.accepted", "log.")
"""Kinds whose entries are signed at once."""


@dataclass(frozen=True, slots=True)
class Places:
    """The data folder's map."""

    data: Path

    @property
    def real(self) -> Path:
        """The integrity log of everything real."""
        return self.data / "real"

    @property
    def head(self) -> Path:
        """Its head, kept apart."""
        return self.data / "head" / "real"

    @property
    def drills(self) -> Path:
        """One folder per drill."""
        return self.data / "drill"

    @property
    def history(self) -> Path:
        """Losable results of checks."""
        return self.data / "history.sqlite"

    @property
    def heartbeats(self) -> Path:
        """The last words of jobs that call us."""
        return self.data / "heartbeats.jsonl"

    @property
    def logins(self) -> Path:
        """Log-ins that were refused: never repeated."""
        return self.data / "logins.json"

    @property
    def judged(self) -> Path:
        """Who flaps and which outages run: losable."""
        return self.data / "judged.json"

    @property
    def access(self) -> Path:
        """Accounts and sessions."""
        return self.data / "access.sqlite"

    @property
    def scratch(self) -> Path:
        """Restore tests; emptied at every start."""
        return self.data / "scratch"

    @property
    def status(self) -> Path:
        """The public status page."""
        return self.data / "status"

    @property
    def creating(self) -> Path:
        """Mark of a log that is being made."""
        return self.data / "creating-real"


def open_or_create(places: Places, *, origin: str, node: str, clock: Clock) -> Journal:
    """The real log: made on the very first start, opened ever after.

    Raises what `Journal.open` raises; the caller goes on watching without a log then.
    """
    if places.creating.exists():
        for folder in (places.real, places.head):
            shutil.rmtree(folder, ignore_errors=True)
    if not (places.real.exists() or places.head.exists()):
        places.head.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(places.creating, b"the log is being made\n")
        Journal.create(places.real, origin=origin, node=node, clock=clock, head_dir=places.head)
        places.creating.unlink()
    return Journal.open(
        places.real,
        clock=clock,
        head_dir=places.head,
        folds=FOLDS,
        projections=(CHRONOLOGY,),
        critical=CRITICAL,
    )
