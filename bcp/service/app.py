"""Composition: builds the house from a plan and a data folder, in the order that failing asks for.

Lock first (a second daemon must not touch anything), then the log, then everything that reads it. A
log that cannot be opened is a state, not an exit: `NoLog` takes its place and watching goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import structlog

from backups.care import care_checks
from backups.figures import families as backup_figures
from backups.ladder import derived_checks
from backups.room import BackupRoom
from backups.systems import families as system_figures
from backups.systems import rpo_checks
from bcp.journal.entry import Actor, NewEntry
from bcp.journal.journal import Journal
from bcp.kit.clock import Clock, SystemClock
from bcp.kit.durable import FolderLock
from bcp.kit.errors import BcpError, Unwritable
from bcp.kit.workers import Workers
from bcp.service import escalating, figures, interim, parts, secret_files, standing_down, stopped
from bcp.service.access.accounts import Accounts
from bcp.service.access.breakglass import Codes
from bcp.service.holders import holders
from bcp.service.house import House
from bcp.service.nolog import NoLog
from bcp.service.pages.status import mirror_page
from bcp.service.plan import Plan
from bcp.service.showing import Mirrors
from bcp.service.stores import FOLDS, Places, open_or_create
from bcp.watch import families, remembered
from bcp.watch.board import Board
from bcp.watch.check import Check, Env, HostAccess
from bcp.watch.exposition import Exposition
from bcp.watch.heartbeats import Heartbeats
from bcp.watch.history import History, read_board
from bcp.watch.judge import Judge
from bcp.watch.lag import LoopLag
from bcp.watch.logins import Logins
from bcp.watch.pager import Pager
from bcp.watch.recorder import Recorder
from bcp.watch.resuming import parsed
from bcp.watch.runner import one_round
from bcp.watch.schedule import Scheduler
from bcp.watch.slices import Slices
from bcp.watch.view import known_of
from probes.engine.resolve import SystemResolver
from runbooks.desk import Desk
from runbooks.drills import Drills

LOG = structlog.get_logger("service")
SYSTEM = Actor("system", "service")


@contextlib.asynccontextmanager
async def open_house(
    plan: Plan, data: Path, *, clock: Clock | None = None, workers: Workers | None = None
) -> AsyncIterator[House]:
    """Everything but the loops and servers: enough for one command without a daemon.

    Raises `Busy` when another process has the folder, `UsageError` when it cannot be used at all. A
    folder in use before that is read-only now is no reason to stop watching.
    """
    clock, own = clock or SystemClock(), workers is None
    workers = workers or Workers()
    lock = FolderLock(data)
    troubles: list[str] = []
    async with contextlib.AsyncExitStack() as undo:
        if own:
            undo.callback(workers.close)
        try:
            await workers.thread(lock.take)
        except Unwritable as error:
            troubles.append(parts.one_line(await workers.thread(parts.bearable, error, data)))
        undo.callback(lock.release)
        places = Places(await workers.thread(data.resolve))
        yield await _build(plan, places, clock, workers, undo, troubles)


def open_log(plan: Plan, places: Places, clock: Clock) -> Journal:
    """The real log, made on the very first start. Blocks; raises what `Journal.open` raises."""
    node = plan.city.node.id
    origin = plan.log.origin or f"{node}.invalid/ict-bcp/integrity"
    return open_or_create(places, origin=origin, node=node, clock=clock)


async def _log(plan: Plan, places: Places, clock: Clock, workers: Workers) -> Journal:
    try:
        return await workers.thread(open_log, plan, places, clock)
    except BcpError as error:
        LOG.error("integrity log not opened: watching goes on without it", why=str(error))
        return NoLog(error, clock, FOLDS, plan.city.node.id)


async def _build(
    plan: Plan,
    places: Places,
    clock: Clock,
    workers: Workers,
    undo: contextlib.AsyncExitStack,
    troubles: list[str],
) -> House:
    journal = await _log(plan, places, clock, workers)
    undo.push_async_callback(journal.close)
    last = await workers.thread(read_board, places.history)
    heartbeats = await workers.thread(Heartbeats.open, places.heartbeats, clock, workers, last.seen)
    if heartbeats.began_anew is not None:
        troubles.append(str(heartbeats.began_anew))
    history = History(places.history, clock, workers)
    history.start()
    undo.push_async_callback(workers.thread, history.close)
    board = Board(clock)
    decided = None if isinstance(journal, NoLog) else journal.state("sites")
    judge = Judge(board, clock, plan.city, decided)
    memo = await workers.thread(remembered.read, places.judged)
    judge.restore(memo)
    troubles += await workers.thread(secret_files.exposed, plan)
    notifier = parts.notifier(plan, clock, workers, troubles)
    pager = Pager(notifier, board, judge, clock, lambda: journal.state("acks"), journal)
    recorder = Recorder(board, judge, clock, history=history, sink=journal, announce=pager.announce)
    notifier.on_delivery(lambda message: recorder.teller.delivered(message, clock.utc()))
    env = Env(
        clock=clock,
        workers=workers,
        resolve=SystemResolver(),
        host=HostAccess(tuple(Path(root) for root in plan.city.node.host_roots)),
        ca_file=parts.ca_file(plan),
        statement=lambda check: journal.state("statements").get(check),
        heard=heartbeats.of,
        known=lambda check: known_of(board.view(check)) if check in board else None,
        logins=await workers.thread(Logins.open, places.logins, workers),
    )
    scheduler = Scheduler(
        clock, one_round(env, plan.city.node.id, recorder.take), on_missed=board.missed
    )
    room = BackupRoom(
        plan.backups,
        log=journal,
        workers=workers,
        clock=clock,
        folder=places.data / "backups",
        scratch=places.scratch,
    )
    desk = Desk(journal, plan.city, plan.book, board, clock, workers, plan=plan.digest)
    drills = Drills(places.data, desk, board, clock, workers)
    desk.drills = drills
    undo.push_async_callback(drills.close)
    closing = undo.enter_context(contextlib.ExitStack())
    store = await workers.thread(parts.access_store, places.access, troubles, closing)
    record = partial(_record, journal, clock)
    life = plan.access.session
    accounts = await Accounts.open(store, workers, clock, record=record, life=life)
    codes = await Codes.open(
        store,
        accounts,
        workers,
        clock,
        log=partial(_enter, journal),
        alarm=partial(parts.code_used, notifier, journal, clock),
    )
    codes.life = plan.access.code_session
    exposition, lag = Exposition(board, clock, workers), LoopLag(clock)
    house = House(
        places=places,
        clock=clock,
        workers=workers,
        plan=plan,
        journal=journal,
        board=board,
        history=history,
        env=env,
        recorder=recorder,
        scheduler=scheduler,
        notifier=notifier,
        pager=pager,
        exposition=exposition,
        lag=lag,
        accounts=accounts,
        codes=codes,
        room=room,
        desk=desk,
        drills=drills,
        judge=judge,
        mirrors=Mirrors(clock, workers, mirror_page),
        heartbeats=heartbeats,
        troubles=troubles,
    )
    desk.holders = lambda: holders(house.city, accounts)
    journal.listen(partial(escalating.tell, notifier, lambda: house.city, False))
    drills.listen(partial(escalating.tell, notifier, lambda: house.city, True))
    for producer in (
        families.judged(lambda: judge),
        families.watching(scheduler, recorder, history),
        partial(figures.daemon, house),
        partial(figures.systems, house),
        partial(figures.log, house),
        partial(figures.audit, house),
        partial(figures.announcements, house),
        lag.families,
        notifier.families,
        partial(backup_figures, room),
        partial(system_figures, lambda: house.city, room),
    ):
        exposition.register(producer)
    await adopt(house, plan)
    board.restore(last.checks)
    recorder.assume_said(parsed(memo.get("said")))
    standing_down.register(house)
    stopped.register(house)
    await drills.start()
    return house


async def _record(
    journal: Journal, clock: Clock, kind: str, subject: str, detail: object, values: object
) -> None:
    """What the doors offer to the log."""
    new = NewEntry(kind, subject, detail, None, clock.utc(), values)  # type: ignore[arg-type]
    op = f"{kind}:{subject}:{clock.reading().monotonic_us}:{clock.utc().timestamp()}"
    await journal.append(new, op=op, actor=SYSTEM)


async def _enter(journal: Journal, new: NewEntry, op: str) -> None:
    """One fact of the sealed codes; while an event runs, part of its chronology."""
    running = journal.state("incidents").active
    if running is not None:
        new = replace(new, incident=running.id)
    await journal.append(new, op=op, actor=SYSTEM)


def every_check(house: House, plan: Plan) -> tuple[Check, ...]:
    """Written checks, those derived from backup sets, and temporary ones."""
    sets, room = plan.backups, house.room
    derived = (*derived_checks(sets, room), *care_checks(sets, room))
    beside = interim.temporary(house, house.clock.utc())
    return (*plan.checks, *derived, *rpo_checks(plan.city, sets, room), *beside)


async def put_in_order(house: House, plan: Plan) -> None:
    """Swap everything that reads the plan."""
    house.room.replace(plan.backups)
    checks = every_check(house, plan)
    gone, slices = set(house.board.ids()), Slices(house.clock)
    for check in checks:
        gone.discard(check.id)
        if slices.due():
            await asyncio.sleep(0)
    house.history.forget(sorted(gone))
    await house.board.define(checks)
    blocked = {**interim.paused(house, house.clock.utc()), **plan.blocked}
    for id in {*house.blocked, *blocked}:
        house.board.block(id, blocked.get(id))
    house.blocked = blocked
    await house.scheduler.replace(check for check in checks if check.id not in blocked)
    house.judge.city = plan.city
    house.desk.adopt(plan.city, plan.book, plan.digest)
    house.drills.each(lambda desk: desk.adopt(plan.city, plan.book, plan.digest))
    house.plan = plan


async def adopt(house: House, plan: Plan) -> None:
    """A plan was read well: put it in order. The daemon then lets the log say so (`keeping`)."""
    await put_in_order(house, plan)
    house.reloads.successful, house.reloads.at = True, house.clock.utc()
