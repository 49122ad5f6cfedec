"""What the pages need of the house. The composition root hands in something of this shape."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Protocol

from backups.model import Backups
from backups.room import BackupRoom
from bcp.journal.journal import Journal
from bcp.kit.clock import Clock
from bcp.kit.workers import Workers
from bcp.plan.model import City
from bcp.service.access.accounts import Accounts
from bcp.service.access.breakglass import Codes
from bcp.service.house import Progress, Reloads
from bcp.service.sections import Announcements
from bcp.service.showing import MirrorState
from bcp.watch.board import Board
from bcp.watch.check import Check
from bcp.watch.history import History
from bcp.watch.notify import Notifier
from bcp.watch.recorder import Recorder
from bcp.watch.sites import SiteEvent
from bcp.watch.values import Observation
from runbooks.book import Book
from runbooks.desk import Desk
from runbooks.drills import Drills
from runbooks.state import Incident


class House(Protocol):
    """One frozen value per accepted plan; a reload swaps it by one reference."""

    @property
    def clock(self) -> Clock:
        """The only clock."""
        ...

    @property
    def workers(self) -> Workers:
        """Threads and processes."""
        ...

    @property
    def city(self) -> City:
        """The accepted plan."""
        ...

    @property
    def board(self) -> Board:
        """The state of every check."""
        ...

    @property
    def history(self) -> History:
        """Results of checks."""
        ...

    @property
    def journal(self) -> Journal:
        """The real log."""
        ...

    @property
    def book(self) -> Book:
        """The runbooks of the plan."""
        ...

    @property
    def desks(self) -> Mapping[str, Desk]:
        """Desk per stage: `real` and the id of each drill."""
        ...

    @property
    def drills(self) -> Drills:
        """The open drills."""
        ...

    @property
    def site_events(self) -> Mapping[str, SiteEvent]:
        """Places that stand still as a whole."""
        ...

    async def look(self, check: Check) -> Observation:
        """Run a check once now."""
        ...

    @property
    def accounts(self) -> Accounts:
        """Names behind pseudonyms."""
        ...

    @property
    def codes(self) -> Codes:
        """緊急用封印コード."""
        ...

    @property
    def backups(self) -> Backups:
        """The section `backups:` of the plan."""
        ...

    @property
    def room(self) -> BackupRoom:
        """What is proven of every copy."""
        ...

    @property
    def recorder(self) -> Recorder:
        """What changed and is not in the log yet."""
        ...

    @property
    def notifier(self) -> Notifier:
        """How each notification route fares."""
        ...

    @property
    def reloads(self) -> Reloads:
        """The last try to take over a plan."""
        ...

    @property
    def stale_copies(self) -> int:
        """Printed copies that must be printed again, as last counted."""
        ...

    @property
    def troubles(self) -> list[str]:
        """Parts that could not be used at the start, in a sentence each."""
        ...

    @property
    def verified(self) -> bool | None:
        """What the last full verification of the log said; None before the first."""
        ...

    @property
    def verified_at(self) -> datetime | None:
        """When that was."""
        ...

    @property
    def progress(self) -> Mapping[tuple[str, str, str], Progress]:
        """Automated acts that run now: (stage, event, run id) -> how far."""
        ...

    @property
    def photo_bytes(self) -> int:
        """The largest photo that is kept."""
        ...

    def note_verified(self, ok: bool) -> None:
        """The whole log was read again."""
        ...

    @property
    def announcements(self) -> Announcements:
        """Templates and second places of the plan."""
        ...

    @property
    def mirror_states(self) -> Mapping[str, MirrorState]:
        """How each second place of the public page fares."""
        ...

    async def show_public(self) -> bool:
        """Make the public page and its copies agree with the log."""
        ...

    @property
    def status_folder(self) -> Path:
        """Where the approved public texts lie."""
        ...


def incident_of(house: House, stage: str) -> Incident | None:
    """The event that runs in a stage; None when none does."""
    desk = house.desks.get(stage)
    return desk.current() if desk is not None else None
