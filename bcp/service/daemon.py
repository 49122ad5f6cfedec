"""The daemon: one loop, one TaskGroup, signals, reload. What breaks outside a guard ends it.

systemd starts it again then; the state is the fold of the log, so nothing has to be resumed.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path

import structlog

from bcp.journal.errors import JournalError
from bcp.kit.clock import Clock, SystemClock
from bcp.kit.errors import BcpError, Unwritable
from bcp.kit.language import text
from bcp.kit.units import JST
from bcp.kit.workers import Workers
from bcp.plan.marks import PlanInvalid
from bcp.service import app, chores, systemd
from bcp.service.figures import Disasters
from bcp.service.house import House
from bcp.service.operations import OPERATIONS
from bcp.service.plan import Plan, load
from bcp.service.reload import Portable, assemble, read_portable
from bcp.service.web import Extras, Web

LOG = structlog.get_logger("daemon")
_STUCK_SECONDS = 30.0


class _Stop(Exception):
    """Ends the TaskGroup on a signal."""


def _nothing(_line: str) -> None:
    """Nobody listens."""


@dataclass
class Daemon:
    """One running service over one plan folder and one data folder."""

    plan_dir: Path
    data: Path
    port: int | None = None
    say: Callable[[str], None] = _nothing
    """One line for people when something is ready."""
    extras: Callable[[House], Extras] = lambda _house: Extras()
    before: Callable[[House], Awaitable[None]] | None = None
    """Runs when the house stands and before it is ready (the practice city's accounts)."""
    clock: Clock = field(default_factory=SystemClock)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    _hup: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Until a signal or `stopping`. Raises what keeps it from starting."""
        workers = Workers()
        try:
            plan = await workers.thread(load, self.plan_dir, self._today())
            async with app.open_house(plan, self.data, clock=self.clock, workers=workers) as house:
                await self._serve(house)
        finally:
            workers.close()

    def _today(self) -> date:
        return self.clock.utc().astimezone(JST).date()

    async def _serve(self, house: House) -> None:
        web = Web(house, OPERATIONS, partial(self.reload, house), self.extras(house))
        self._signals()
        await app.accept(house)
        if self.before is not None:
            await self.before(house)
        disasters = Disasters(house)
        house.exposition.register(disasters.families)
        access = house.plan.access
        try:
            self.url = await web.start(access.listen, self.port or access.port)
            async with asyncio.TaskGroup() as group:
                self._loops(house, group)
                group.create_task(disasters.run())
                gc.collect()
                gc.freeze()  # what was built stays: later collections need not walk it
                systemd.notify("READY=1")
                self.ready.set()
                self.say(self.url)
                await self.stopping.wait()
                raise _Stop
        except* _Stop:
            LOG.info("stopping")
        finally:
            systemd.notify("STOPPING=1")
            await house.recorder.credit_checks()
            await web.stop()

    def _loops(self, house: House, group: asyncio.TaskGroup) -> None:
        """Every task that lives as long as the daemon."""
        group.create_task(house.scheduler.run(group), name="scheduler")
        group.create_task(house.recorder.run(group), name="recorder")
        group.create_task(house.notifier.run(group), name="notifier")
        group.create_task(house.journal.keep_signing(), name="signing")
        group.create_task(house.room.run(), name="backups")
        group.create_task(house.lag.run(), name="lag")
        group.create_task(self._desks(house), name="desks")
        group.create_task(chores.verify_daily(house), name="verify")
        group.create_task(chores.turn_of_the_day(house), name="day")
        group.create_task(self._watchdog(house), name="watchdog")
        group.create_task(self._reload_on_signal(house), name="reload")

    async def _desks(self, house: House) -> None:
        """Turn what the board proves into entries, for the real desk and every drill."""
        while True:
            self._yield_to_disaster(house)
            for desk in house.desks.values():
                with contextlib.suppress(Unwritable, JournalError):  # evidence waits on the board
                    await desk.look()
            await self.clock.sleep_until(self.clock.monotonic() + 1.0)

    def _yield_to_disaster(self, house: House) -> None:
        """Verification of backups needs the disks a declared disaster needs (R-53): it waits."""
        declared = house.desk.current() is not None
        if declared and house.room.paused is None:
            house.room.pause(text("backups.paused_disaster").ja)
        elif not declared and house.room.paused is not None:
            house.room.resume()

    async def _watchdog(self, house: House) -> None:
        """Fed by the wheel's progress, not by a timer of its own: a stuck wheel is a dead daemon."""
        pause = systemd.watchdog_seconds() or 10.0
        while True:
            if self.clock.monotonic() - house.scheduler.progress() < _STUCK_SECONDS:
                systemd.notify("WATCHDOG=1")
            await self.clock.sleep_until(self.clock.monotonic() + pause)

    # --- signals and reload ---------------------------------------------------------------------

    def _signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._hup.set)

    async def _reload_on_signal(self, house: House) -> None:
        while True:
            await self._hup.wait()
            self._hup.clear()
            with contextlib.suppress(BcpError):  # logged, shown, and the old plan stays
                await self.reload(house)

    async def reload(self, house: House) -> str:
        """Take over the plan anew; gives its digest. A bad one changes nothing and is raised."""
        systemd.notify("RELOADING=1")
        try:
            plan = await self._read(house)
            await app.adopt(house, plan)
            await app.accept(house)
        except BcpError as error:
            house.reloads.successful, house.reloads.message = False, str(error)
            LOG.error("plan not taken over, the old one stays in force", why=str(error))
            raise
        finally:
            systemd.notify("READY=1")
        house.reloads.message = ""
        LOG.info("plan taken over", digest=plan.digest)
        return plan.digest

    async def _read(self, house: House) -> Plan:
        today = self._today().isoformat()
        found = await house.workers.process(read_portable, str(self.plan_dir), today)
        if not isinstance(found, Portable):
            raise PlanInvalid(list(found), str(self.plan_dir))
        return await assemble(found, self.clock)
