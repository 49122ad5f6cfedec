"""Does the work of the copies when it is due: backups, polls, proofs; keeps what was seen of each.

One backup or heavy verification at a time per repository, few in all (`seats`); polls go on beside them.
If we die here: the record is in the log, what was announced is adopted or closed by the next poll.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random, SystemRandom

import structlog

from backups import job, ledger, levels, restoring, targets, unusual
from backups.due import HEAVY, POLL, next_work
from backups.hold import PAUSED, Hold
from backups.job import Done
from backups.model import AnySet, BackupSet
from backups.objects import Listing
from backups.planned import Key, Planned
from backups.record import Disagreement, Evidence, Result
from backups.restic import restic as program
from backups.restic.parsing import Progress
from backups.restic.restic import Restic, ResticMissing
from backups.restic.verdict import Judgement, Verdict
from backups.restic.version import Version
from backups.sight import see_objects
from backups.standing import Memory, read_window
from backups.tools import SYSTEM, Copy, Tools, make_private
from bcp.journal.entry import Actor
from bcp.kit.errors import BcpError
from bcp.watch.guard import guarded

log = structlog.get_logger(__name__)

NAP = 1.0
"""Seconds between looks at what is due: a new plan or the end of a pause is felt so soon."""

_REPEAT = timedelta(hours=1)
"""An unchanged result of rung 1 is written again so often."""


@dataclass(slots=True)
class Live:
    """What the room keeps of one copy while it runs."""

    memory: Memory = field(default_factory=Memory)
    progress: Progress | None = None
    began: float = 0.0
    """When the work in hand began, on the monotonic clock."""
    written: Evidence | None = None
    """The last evidence of rung 1 that went into the log."""


class Keeper:
    """The copies of a plan and the work on them."""

    def __init__(
        self, sets: Iterable[AnySet], tools: Tools, restic: str | None = None, seats: int = 1
    ) -> None:
        self.plan = Planned(tuple(sets))
        self.tools = tools
        self.hold = Hold(tools)
        self.chance: Random = SystemRandom()
        """Draws the snapshots and files of restore tests."""
        self._program = restic
        self._tie = shutil.which("setpriv", path="/usr/bin:/bin")
        self._versions: dict[str, Version] = {}
        self._live: dict[Key, Live] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._seats = asyncio.Semaphore(seats)
        self._changing: set[str] = set()
        self._tended: set[tuple[Key, int]] = set()

    def replace(self, sets: Iterable[AnySet]) -> None:
        """Take over a plan. Work in hand ends by the definition it began with."""
        self.plan = Planned(tuple(sets))
        self._versions.clear()  # a newly installed restic is seen

    def tend(self, group: asyncio.TaskGroup) -> None:
        """Start what tends the copies that nobody tends yet: one task for polls, one for the rest."""
        for key in self.plan.keys(BackupSet):
            for kind, climbed in enumerate(((POLL,), HEAVY)):
                if (key, kind) not in self._tended:
                    self._tended.add((key, kind))
                    group.create_task(
                        self._tend(key, kind, climbed), name=f"backups {'/'.join(key)}"
                    )

    # --- the work ---------------------------------------------------------------------------------

    async def _tend(self, key: Key, kind: int, climbed: tuple[int, ...]) -> None:
        """Do one copy's work while the plan names it."""
        try:
            while key in self.plan.keys(BackupSet):
                now = self.tools.clock.utc()
                one, copy = self.plan.find(key)
                state, memory = self.tools.state.copy(*key), self.of(key).memory
                held = self.hold.why is not None
                wanted = [level for level in climbed if level < 2 or not held]
                work = next_work(one, copy, state, memory, now, wanted)
                if work is None or work.at > now:
                    await self.nap(NAP)
                else:
                    await self._do(key, work.level)
        finally:
            self._tended.discard((key, kind))

    async def _do(self, key: Key, level: int) -> None:
        work = self._work(key, level)
        if await guarded(work, "backup work", copy="/".join(key), level=level) is None:
            self.failed(key, level, "broke")

    async def _work(self, key: Key, level: int) -> bool:
        """True once it was tried, however it ended."""
        try:
            if level == POLL:
                await self.poll(key)
            elif level == 0:
                await self.back_up(key, SYSTEM, None)
            elif not await self.hold.prove(self.prove(key, level)):
                await (await self.copy(key)).restic.unlock_stale()  # that of the restic we stopped
                self.failed(key, level, PAUSED)
        except BcpError as error:  # the log says no, restic is not there: known, shown, tried again
            log.warning("backup work not done", copy="/".join(key), level=level, why=error.what)
            word = "restic_missing" if isinstance(error, ResticMissing) else "not_recorded"
            self.failed(key, level, word)
        return True

    async def back_up(self, key: Key, actor: Actor, op: str | None) -> Done:
        """One backup now, then a look at the repository. Raises `Unwritable`, `ResticMissing`."""
        copy = await self.copy(key)
        if op is not None and (before := await job.done_before(copy, op)) is not None:
            return before
        async with self.heavy(copy, "0"), self.changing(copy):
            done = await job.run_backup(copy, actor=actor, op=op)
        self.remember(key, done.evidence)
        await unusual.look(copy, done)
        await self.poll(key)
        return done

    @asynccontextmanager
    async def changing(self, copy: Copy) -> AsyncIterator[None]:
        """While this lasts, what is announced and not ended is ours, not a dead process's."""
        self._changing.add(copy.name)
        try:
            yield
        finally:
            self._changing.discard(copy.name)

    async def poll(self, key: Key) -> None:
        """Compare the repository with its record now; adopts what a crash left open."""
        copy = await self.copy(key)
        # Taken before the look: a backup that starts meanwhile is not among them.
        idle = copy.name not in self._changing
        left_open = (
            frozenset((*copy.state.unfinished, *copy.state.open_acts)) if idle else frozenset()
        )
        poll = await levels.exists(copy, left_open)
        await self._measure(copy, poll.listing)
        await self.report(key, poll)

    async def _measure(self, copy: Copy, listing: Listing | None) -> None:
        """What share of the data was read, by the per-pack ledger."""
        if listing is None:
            return
        live, now = self.of(copy.key), self.tools.clock.utc()
        kept = await self.tools.workers.thread(ledger.load, levels.ledger_path(copy))
        seen = ledger.coverage(kept, listing, now, read_window(copy.set))
        live.memory = replace(live.memory, coverage=seen)

    async def report(self, key: Key, poll: levels.Poll) -> None:
        """Keep what was seen; write what is new: another result, snapshot or anomaly, else hourly."""
        live, state, new = self.of(key), self.tools.state.copy(*key), poll.evidence
        self.remember(key, new)
        if poll.present is not None:
            live.memory = replace(live.memory, present=poll.present)
        if poll.found is not None:
            kinds = tuple(dict.fromkeys(one.kind.value for one in poll.found))
            if kinds != state.anomalies:
                subjects = tuple(one.subject for one in poll.found)
                op = f"anomaly/{secrets.token_hex(8)}"
                await self.tools.write(Disagreement(*key, new.at, kinds, subjects), op=op)
        old = live.written or state.evidence.get(1)
        same = old is not None and _essence(old) == _essence(new) and new.at - old.at < _REPEAT
        if not same and not (old is None and new.reason == "never"):
            await self._write(new)
            live.written = new

    async def prove(self, key: Key, level: int) -> None:
        """Climb rung 2, 3 or 4 now and record what was found."""
        copy = await self.copy(key)
        before = self.of(key).memory.tried.get(level)
        others: list[Evidence] = []
        async with self.heavy(copy, str(level)):
            present, judged = self.of(key).memory.present, Judgement(Verdict.GOOD, "")
            if level == 4 or present is None:
                there = await copy.restic.snapshots()
                present, judged = frozenset(o.id for o in there.value or ()), there.judgement
            newest = levels.newest_present(copy.state, present)
            if level == 2:
                evidence = await levels.structure(copy, newest)
            elif level == 3:
                evidence = await levels.data(copy, newest)
                await self._measure(copy, await see_objects(copy))
            else:
                *others, evidence = await restoring.tested(copy, present, self.chance) or (
                    restoring.nothing_to_restore(copy, judged),
                )
        self.remember(key, evidence)
        if not evidence.inconclusive or before is None or _essence(before) != _essence(evidence):
            await self._write(*others, evidence)

    async def _write(self, *evidence: Evidence) -> None:
        op = f"evidence/{secrets.token_hex(8)}"
        await self.tools.write(*evidence, op=op)

    def remember(self, key: Key, evidence: Evidence) -> None:
        """The newest attempt of a level, until the process ends."""
        live = self.of(key)
        memory, level = live.memory, evidence.level
        failures = 0 if evidence.good else memory.failures.get(level, 0) + 1
        live.memory = replace(
            memory,
            tried={**memory.tried, level: evidence},
            failures={**memory.failures, level: failures},
        )

    def failed(self, key: Key, level: int, reason: str) -> None:
        """It could not be tried."""
        now = self.tools.clock.utc()
        self.remember(key, Evidence(*key, level, Result.INCONCLUSIVE, now, reason))

    @asynccontextmanager
    async def heavy(self, copy: Copy, what: str = "restore") -> AsyncIterator[None]:
        """The turn of a copy's repository."""
        async with self.seat(copy.key, copy.repository.location, what):
            yield

    @asynccontextmanager
    async def seat(self, key: Key, location: str, what: str) -> AsyncIterator[None]:
        """The place's turn, then a seat: whoever waits for a repository holds no seat."""
        lock = self._locks.setdefault(location, asyncio.Lock())
        live = self.of(key)
        async with lock, self._seats:
            live.memory = replace(live.memory, busy=what)
            live.began = self.tools.clock.monotonic()
            try:
                yield
            finally:
                live.memory = replace(live.memory, busy="")
                live.progress = None

    # --- finding things ---------------------------------------------------------------------------

    def of(self, key: Key) -> Live:
        """What is kept of a copy while this process runs."""
        return self._live.setdefault(key, Live())

    async def copy(self, key: Key) -> Copy:
        """The copy with the program that opens it. Raises `ResticMissing`."""
        one, repository = self.plan.find(key)
        path = program.find_program(repository.restic or self._program)
        if path not in self._versions:
            self._versions[path] = await program.detect(path)
        folder = await self.tools.workers.thread(make_private, self.tools.folder)
        target = targets.of(one, repository, path, folder, self._tie)
        live, version, clock = self.of(key), self._versions[path], self.tools.clock
        restic, other = Restic(target, version, clock=clock), targets.retaining(target, repository)
        retainer = Restic(other, version, clock=clock) if other is not None else None

        def on_progress(seen: Progress) -> None:
            live.progress = seen

        return Copy(one, repository, restic, self.tools, on_progress, retainer)

    async def nap(self, seconds: float) -> None:
        """Sleep by the clock handed in."""
        await self.tools.clock.sleep_until(self.tools.clock.monotonic() + seconds)


def _essence(evidence: Evidence) -> tuple[object, ...]:
    """What makes two results the same news."""
    return evidence.result, evidence.reason, evidence.snapshot
