"""The daemon: one loop, one TaskGroup, signals, reload. What breaks outside a guard ends it.

systemd starts it again then; the state is the fold of the log, so nothing has to be resumed.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Mapping
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
from bcp.service import accepting, app, chores, memory, returning, showing, systemd
from bcp.service.accepting import lint_faults
from bcp.service.actions import BUILT_IN
from bcp.service.automation import Act, Hand
from bcp.service.figures import Disasters
from bcp.service.house import House
from bcp.service.operations import OPERATIONS
from bcp.service.plan import Plan, load
from bcp.service.reload import Portable, Reloaded, assemble, needs_restart, read_portable
from bcp.service.suggesting import Suggester
from bcp.service.web import Extras, Web
from bcp.watch.remembered import Remembered

LOG = structlog.get_logger("daemon")
_STUCK_SECONDS = 30.0


class _Stop(Exception):
    """Ends the TaskGroup on a signal."""


class _Anew(Exception):
    """Ends it to build the house anew: the log can be opened now."""


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
    actions: Mapping[str, Act] = field(default_factory=lambda: BUILT_IN)
    """Built-in acts that the plan's allow-list may name (`automation: action:`)."""
    clock: Clock = field(default_factory=SystemClock)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    _hup: asyncio.Event = field(default_factory=asyncio.Event)
    _reloading: asyncio.Lock = field(default_factory=asyncio.Lock)
    _started_with: Plan | None = None
    _memory: memory.Keeper = field(default_factory=memory.Keeper)

    async def run(self) -> None:
        """Until a signal or `stopping`. Raises what keeps it from starting."""
        workers = Workers()
        try:
            plan, again = await workers.thread(load, self.plan_dir, self._today()), True
            while again:
                house = app.open_house(plan, self.data, clock=self.clock, workers=workers)
                async with house as built:
                    again = await self._serve(built)
                    plan = built.plan
        finally:
            workers.close()

    def _today(self) -> date:
        return self.clock.utc().astimezone(JST).date()

    async def _serve(self, house: House) -> bool:
        """Until a signal; True: build the house anew."""
        again = False
        self._started_with = house.plan
        web = Web(house, OPERATIONS, partial(self.reload, house), self.extras(house))
        self._signals()
        await accepting.accept(house)
        if self.before is not None:
            await self.before(house)
        disasters = Disasters(house)
        house.exposition.register(disasters.families)
        access = house.plan.access
        try:
            self.url = await web.start(access.listen, self.port or access.port)
            house.heartbeats.listen()
            async with asyncio.TaskGroup() as group:
                self._loops(house, group)
                group.create_task(disasters.run())
                self._memory.settle()
                systemd.notify("READY=1")
                if not self.ready.is_set():
                    self.ready.set()
                    self.say(self.url)
                await self.stopping.wait()
                raise _Stop
        except* _Anew:
            again = not self.stopping.is_set()
        except* _Stop:
            LOG.info("stopping")
        finally:
            systemd.notify("RELOADING=1" if again else "STOPPING=1")
            await house.recorder.credit_checks()
            await web.stop()
        return again

    def _loops(self, house: House, group: asyncio.TaskGroup) -> None:
        """Every task that lives as long as the daemon."""
        group.create_task(house.scheduler.run(group), name="scheduler")
        group.create_task(house.recorder.run(group), name="recorder")
        memory = Remembered(
            house.places.judged,
            house.workers,
            self.clock,
            lambda: {**house.judge.memo(), "said": house.recorder.said()},
        )
        group.create_task(memory.run(), name="remembered")
        group.create_task(house.notifier.run(group), name="notifier")
        group.create_task(house.pager.run(), name="pager")
        group.create_task(house.journal.keep_signing(), name="signing")
        group.create_task(house.room.run(), name="backups")
        group.create_task(house.lag.run(), name="lag")
        group.create_task(self._desks(house), name="desks")
        group.create_task(Hand(house, self.actions).run(group), name="automation")
        group.create_task(Suggester(house).run(), name="suggestions")
        group.create_task(chores.verify_daily(house), name="verify")
        group.create_task(chores.turn_of_the_day(house), name="day")
        keeping = showing.keep(
            house.journal, house.status_folder, house.workers, self.clock, house.copy_public
        )
        group.create_task(keeping, name="announcements")
        group.create_task(chores.paper_age(house), name="paper")
        group.create_task(chores.interim_ends(house), name="interim")
        group.create_task(house.codes.settle(), name="codes")
        group.create_task(self._watchdog(house), name="watchdog")
        group.create_task(self._reload_on_signal(house), name="reload")
        group.create_task(self._lint(house), name="lint")
        group.create_task(self._log_comes_back(house), name="log")
        group.create_task(self._memory.watch_over(self.clock), name="memory")

    async def _log_comes_back(self, house: House) -> None:
        if await returning.log_can_be_opened(house):
            raise _Anew

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
        why = text("backups.paused_disaster").ja
        if declared and house.room.paused != why:
            house.room.pause(why)
        elif not declared and house.room.paused == why:
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

    async def reload(self, house: House) -> Reloaded:
        """Take over the plan anew, one at a time. A bad one changes nothing and is raised."""
        async with self._reloading:
            systemd.notify("RELOADING=1")
            try:
                with self._memory.building():
                    plan = await self._read(house)
                    await self._fit(house, plan)
                    await app.adopt(house, plan)
                await accepting.accept(house)
            except BcpError as error:
                house.reloads.successful, house.reloads.message = False, str(error)
                LOG.error("plan not taken over, the old one stays in force", why=str(error))
                raise
            finally:
                systemd.notify("READY=1")
        assert self._started_with is not None
        done = Reloaded(plan.digest, needs_restart(self._started_with, plan))
        house.reloads.message = ", ".join(done.needs_restart)
        LOG.info("plan taken over", digest=done.digest, needs_restart=done.needs_restart)
        await self._lint(house)
        return done

    async def _read(self, house: House) -> Plan:
        today = self._today().isoformat()
        try:
            found = await house.workers.process(read_portable, str(self.plan_dir), today)
            if isinstance(found, Portable):
                return await assemble(found, self.clock)
        except BcpError:
            raise
        except Exception as error:  # our bug, or the worker was killed: no reason to stop watching
            LOG.exception("reading the plan broke")
            raise BcpError(
                "計画を読めませんでした(内部の誤り) / the plan could not be read: internal error",
                where=str(self.plan_dir),
                got=type(error).__name__,
            ) from error
        raise PlanInvalid(list(found), str(self.plan_dir))

    async def _fit(self, house: House, plan: Plan) -> None:
        """A new plan whose runbooks are at fault (E rules) is not approved: raises PlanInvalid.

        Only a reload may say no: a service that does not start in a disaster is worse than a runbook
        at fault, so at the start the faults are said on a page and in the log entry instead.
        """
        faults = await house.workers.thread(lint_faults, plan, placed=True)
        if faults:
            raise PlanInvalid(faults, str(self.plan_dir))

    async def _lint(self, house: House) -> None:
        """Say in our own messages what is wrong with the runbooks in force; a page shows it too."""
        faults = await house.workers.thread(lint_faults, house.plan)
        for fault in faults[:20]:
            LOG.warning("runbook at fault", fault=str(fault), of=len(faults))
