"""The running parts, in one value: what operations, pages and metrics reach for.

Each part owns its own state; the house only holds them. A reload swaps `plan` by one reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from backups.model import Backups
from backups.room import BackupRoom
from bcp.journal.journal import Journal
from bcp.kit.clock import Clock
from bcp.kit.language import Text
from bcp.kit.workers import Workers
from bcp.plan.model import City
from bcp.service.access.accounts import Accounts
from bcp.service.access.breakglass import Codes
from bcp.service.nolog import NoLog
from bcp.service.plan import Plan
from bcp.service.sections import Announcements
from bcp.service.showing import Mirrors, MirrorState, Shown, public, show
from bcp.service.stores import Places
from bcp.watch.board import Board
from bcp.watch.check import Check, Env
from bcp.watch.exposition import Exposition
from bcp.watch.heartbeats import Heartbeats
from bcp.watch.history import History
from bcp.watch.judge import Judge
from bcp.watch.lag import LoopLag
from bcp.watch.notify import Notifier
from bcp.watch.pager import Pager
from bcp.watch.recorder import Recorder
from bcp.watch.runner import run_check
from bcp.watch.schedule import Scheduler
from bcp.watch.sites import SiteEvent
from bcp.watch.values import Observation
from runbooks.book import Book
from runbooks.desk import Desk
from runbooks.drills import Drills

_STUCK_SECONDS = 30.0
"""A wheel that has not turned for so long is not ready (it turns at least every 5 s)."""


@dataclass(slots=True)
class Reloads:
    """The last try to take over a plan, for metrics and the page."""

    successful: bool = True
    at: datetime | None = None
    """Of the last successful one."""
    message: str = ""


@dataclass(slots=True)
class Progress:
    """An automated act on its way. `began`: by the monotonic clock."""

    began: float
    lines: int = 0


@dataclass(slots=True)
class House:
    """Made by `app.build`; lives as long as the process."""

    places: Places
    clock: Clock
    workers: Workers
    plan: Plan
    journal: Journal
    board: Board
    history: History
    env: Env
    recorder: Recorder
    scheduler: Scheduler
    notifier: Notifier
    pager: Pager
    exposition: Exposition
    lag: LoopLag
    accounts: Accounts
    codes: Codes
    room: BackupRoom
    desk: Desk
    drills: Drills
    judge: Judge
    mirrors: Mirrors
    heartbeats: Heartbeats
    reloads: Reloads = field(default_factory=Reloads)
    blocked: Mapping[str, Text] = field(default_factory=dict)
    """Checks that do not run now, and why: no permission, or paused."""
    progress: dict[tuple[str, str, str], Progress] = field(default_factory=dict)
    """Automated acts that run now: (stage, event, run id) -> how far."""
    stale_copies: int = 0
    """Printed copies that must be printed again, as last counted."""
    troubles: list[str] = field(default_factory=list)
    """Parts that could not be used at the start, in a sentence each: watching goes on without them."""
    verified: bool | None = None
    """What the last full verification of the log said; None before the first."""
    verified_at: datetime | None = None

    @property
    def city(self) -> City:
        """The city of the plan in force."""
        return self.plan.city

    @property
    def book(self) -> Book:
        """The runbooks of the plan in force."""
        return self.plan.book

    @property
    def site_events(self) -> Mapping[str, SiteEvent]:
        """Places that stand still as a whole."""
        return self.judge.sites.events

    @property
    def backups(self) -> Backups:
        """The section `backups:` of the plan in force."""
        return self.plan.backups

    @property
    def photo_bytes(self) -> int:
        """The largest photo that is kept (`access: photo_mb`)."""
        return self.plan.access.photo_bytes

    @property
    def announcements(self) -> Announcements:
        """Templates and second places of the plan in force."""
        return self.plan.announcements

    @property
    def mirror_states(self) -> Mapping[str, MirrorState]:
        """How each second place fares."""
        return self.mirrors.states(self.announcements.mirrors)

    async def show_public(self) -> bool:
        """Make the public page and its copies agree with the log; False when the disk said no."""
        done = await show(self.journal, self.status_folder, self.workers)
        await self.copy_public(await public(self.journal))
        return done

    async def copy_public(self, shown: tuple[Shown, ...]) -> None:
        """Write the second places; a failure is in their state."""
        await self.mirrors.write(self.announcements.mirrors, shown, self.city.organization)

    @property
    def desks(self) -> Mapping[str, Desk]:
        """The desk of each stage: `real` and every open drill."""
        return {"real": self.desk, **self.drills.all()}

    @property
    def status_folder(self) -> Path:
        """Approved public texts."""
        return self.places.status

    def paper(self) -> dict[str, datetime]:
        """Services that go on by paper now (紙で対応中), since when."""
        return {
            service: alternate.since
            for incident in self.desk.active()
            for service, alternate in incident.alternates.items()
            if alternate.until is None
        }

    def note_verified(self, ok: bool) -> None:
        """The whole log was read again: what came of it, and when."""
        self.verified, self.verified_at = ok, self.clock.utc()

    def require_log(self) -> None:
        """Raises `Unwritable` where no log could be opened: empty folds must not speak for it.

        "No disaster is declared" would be a lie then; nobody knows.
        """
        if isinstance(self.journal, NoLog):
            self.journal.refuse()

    async def look(self, check: Check) -> Observation:
        """Run a check once now; the result goes the common road (board, history, log, alert)."""
        seen = await run_check(check, self.env, self.city.node.id)
        self.recorder.take(seen, check)
        return seen

    def not_ready(self) -> list[str]:
        """What keeps this node from its work; empty when it is ready. Knows of no other site."""
        missing = []
        if not self.journal.writable.ok:
            missing.append("記録できていません / the integrity log cannot be written")
        if self.clock.monotonic() - self.scheduler.progress() > _STUCK_SECONDS:
            missing.append("検査の予定が進んでいません / the scheduler does not turn")
        return missing
