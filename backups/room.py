"""The shell of this wing: holds the sets, does the work when it is due, answers pages and commands.

One backup or heavy verification at a time per repository, few in all (`seats`); polls go on beside them.
If we die here: the record is in the log, what was announced is adopted or closed by the next poll, and
the scratch folder is emptied at start.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import structlog

from backups import job, ledger, levels
from backups.custody import CopyState
from backups.due import HEAVY, POLL, next_work
from backups.job import Done
from backups.model import AnySet, BackupSet, Repository, restic_sets
from backups.record import Action, Disagreement, Evidence, Intent, Result
from backups.restic import restic as program
from backups.restic.arguments import Target, snapshot_id
from backups.restic.parsing import Progress, Snapshot
from backups.restic.restic import Answer, Restic, ResticMissing
from backups.restic.version import Version
from backups.standing import Memory, Rung, read_window, rung, rungs
from backups.tools import SYSTEM, Copy, Log, Tools, empty, make_private
from bcp.journal.entry import Actor
from bcp.kit.clock import Clock
from bcp.kit.errors import BcpError, Refused, UsageError
from bcp.kit.language import text
from bcp.kit.workers import Workers

log = structlog.get_logger(__name__)

_NAP = 1.0
"""Seconds between looks at what is due: a new plan or the end of a pause is felt so soon."""

_REPEAT = timedelta(hours=1)
"""An unchanged result of rung 1 is written again so often."""

Key = tuple[str, str]


@dataclass(slots=True)
class _Live:
    """What the room keeps of one copy while it runs."""

    memory: Memory = field(default_factory=Memory)
    progress: Progress | None = None
    written: Evidence | None = None
    """The last evidence of rung 1 that went into the log."""


class BackupRoom:
    """Backups and their proofs. `run` is one task of the daemon's TaskGroup."""

    def __init__(
        self,
        sets: Iterable[AnySet],
        *,
        log: Log,
        workers: Workers,
        clock: Clock,
        folder: Path,
        scratch: Path,
        restic: str | None = None,
        seats: int = 1,
    ) -> None:
        self.tools = Tools(log, workers, clock, folder, scratch)
        self.sets: tuple[AnySet, ...] = tuple(sets)
        self._program = restic
        self._versions: dict[str, Version] = {}
        self._live: dict[Key, _Live] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._seats = asyncio.Semaphore(seats)
        self._backing_up: set[str] = set()
        self._tended: set[tuple[Key, int]] = set()
        self._paused: str | None = None

    # --- for the daemon ---------------------------------------------------------------------------

    async def run(self) -> None:
        """Do what is due, for ever. Empties the scratch folder first."""
        await self.tools.workers.thread(empty, self.tools.scratch)
        async with asyncio.TaskGroup() as group:
            while True:
                for key in self.keys():
                    for kind, climbed in enumerate(((POLL,), HEAVY)):
                        if (key, kind) not in self._tended:
                            self._tended.add((key, kind))
                            group.create_task(self._tend(key, kind, climbed))
                await self._nap(_NAP)

    def replace(self, sets: Iterable[AnySet]) -> None:
        """Take over a plan. Work in hand ends by the definition it began with."""
        self.sets = tuple(sets)
        self._versions.clear()  # a newly installed restic is seen

    def pause(self, why: str = "") -> None:
        """Hold back verifications (a disaster needs the disks); polls and backups go on."""
        self._paused = why

    def resume(self) -> None:
        """Go on verifying."""
        self._paused = None

    @property
    def paused(self) -> str | None:
        """Why verification is held back; None: it is not."""
        return self._paused

    # --- for commands and pages -------------------------------------------------------------------

    async def init(self, set_id: str, repository: str, *, actor: Actor, op: str) -> Answer[str]:
        """Create a repository: announced first, only ever by a person's command."""
        copy = await self._copy((set_id, repository))
        intent = Intent(*copy.key, Action.INIT, secrets.token_hex(8), self.tools.clock.utc())
        await self.tools.write(intent, op=op, actor=actor)
        return await copy.restic.init()

    async def backup(
        self, set_id: str, repository: str | None = None, *, actor: Actor = SYSTEM, op: str = ""
    ) -> tuple[Done, ...]:
        """Back up a set into one or all of its repositories, one after another."""
        keys = self._keys(set_id, repository)
        return tuple([await self._back_up(k, actor, f"{op}/{k[1]}" if op else None) for k in keys])

    async def verify(self, set_id: str, repository: str, level: int) -> Rung:
        """Climb one rung now (1 to 4) and say where the copy stands."""
        if level not in (1, 2, 3, 4):
            raise UsageError("段は 1 から 4 / a rung is 1 to 4", got=str(level))
        key = self._keys(set_id, repository)[0]
        await (self._poll(key) if level == POLL else self._prove(key, level))
        return self.rung(*key, level)

    async def restore(self, set_id: str, repository: str, snapshot: str, target: Path) -> Evidence:
        """Restore a pinned snapshot on record into an empty folder and compare it with its manifest.

        Raises `Refused` for a folder that is not empty (restic would skip or mix files), `UsageError`
        for a snapshot that is not on record.
        """
        copy = await self._copy(self._keys(set_id, repository)[0])
        custody = copy.state.of(snapshot_id(snapshot))
        if custody is None:
            raise UsageError(
                "記録にない控えです / not a snapshot on record",
                got=snapshot,
                next_step="ict-bcp backup list",
            )
        await self.tools.workers.thread(_must_be_empty, target)
        found = self.tools.folder / f"restored-{secrets.token_hex(4)}.sha256"
        wanted = self.tools.log.evidence.path(custody.manifest)
        async with self._heavy(copy):
            if problem := await self.tools.workers.thread(
                levels.cannot_test, copy, custody, target
            ):
                raise Refused(text(f"backups.unknown_{problem}", place=str(target)).ja)
            try:
                return await levels.restore_into(copy, custody, wanted, target, found)
            finally:
                await self.tools.workers.thread(found.unlink, missing_ok=True)

    async def list(self, set_id: str, repository: str) -> Answer[tuple[Snapshot, ...]]:
        """The snapshots the repository shows now."""
        return await (await self._copy(self._keys(set_id, repository)[0])).restic.snapshots()

    def custody(self, set_id: str, repository: str) -> CopyState:
        """What is on record."""
        return self.tools.state.copy(*self._keys(set_id, repository)[0])

    async def accept(
        self, set_id: str, repository: str, snapshots: tuple[str, ...], *, actor: Actor, op: str
    ) -> None:
        """A person accepts the repository as it is: named snapshots (strange or gone), its objects,
        keys and, when it was re-created, its identity. From now on."""
        key = self._keys(set_id, repository)[0]
        run, now = secrets.token_hex(8), self.tools.clock.utc()
        intent = Intent(*key, Action.ACCEPT, run, now, tuple(map(snapshot_id, snapshots)))
        await self.tools.write(intent, op=op, actor=actor)

    def rung(self, set_id: str, repository: str, level: int) -> Rung:
        """One rung of one copy, as it stands now. Sync and quick."""
        one, copy = self._find((set_id, repository))
        key, now = (set_id, repository), self.tools.clock.utc()
        return rung(one, copy, self.tools.state.copy(*key), self.memory(*key), level, now)

    def rungs(self, set_id: str, repository: str) -> tuple[Rung, ...]:
        """The ladder of one copy. Sync and quick."""
        one, copy = self._find((set_id, repository))
        key, now = (set_id, repository), self.tools.clock.utc()
        return rungs(one, copy, self.tools.state.copy(*key), self.memory(*key), now)

    def memory(self, set_id: str, repository: str) -> Memory:
        """What this process has seen of a copy."""
        return self._of((set_id, repository)).memory

    def progress(self, set_id: str, repository: str) -> Progress | None:
        """How far the work in hand is; None: nothing is in hand, or it does not say."""
        return self._of((set_id, repository)).progress

    def keys(self) -> tuple[Key, ...]:
        """Every (set, repository) of the plan."""
        return tuple((s.id, copy.id) for s in restic_sets(self.sets) for copy in s.repositories)

    # --- the work ---------------------------------------------------------------------------------

    async def _tend(self, key: Key, kind: int, climbed: tuple[int, ...]) -> None:
        """Do one copy's work while the plan names it."""
        try:
            while key in self.keys():
                now = self.tools.clock.utc()
                one, copy = self._find(key)
                state, memory = self.tools.state.copy(*key), self.memory(*key)
                held = self._paused is not None
                wanted = [level for level in climbed if level < 2 or not held]
                work = next_work(one, copy, state, memory, now, wanted)
                if work is None or work.at > now:
                    await self._nap(_NAP)
                else:
                    await self._do(key, work.level)
        finally:
            self._tended.discard((key, kind))

    async def _do(self, key: Key, level: int) -> None:
        try:
            if level == POLL:
                await self._poll(key)
            elif level == 0:
                await self._back_up(key, SYSTEM, None)
            else:
                await self._prove(key, level)
        except BcpError as error:  # the log says no, restic is not there: known, shown, tried again
            log.warning("backup work not done", copy="/".join(key), level=level, why=error.what)
            word = "restic_missing" if isinstance(error, ResticMissing) else "not_recorded"
            self._failed(key, level, word)
        except Exception:  # our bug: the loop of the others goes on
            log.exception("backup work broke", copy="/".join(key), level=level)
            self._failed(key, level, "broke")

    async def _back_up(self, key: Key, actor: Actor, op: str | None) -> Done:
        copy = await self._copy(key)
        async with self._heavy(copy, "0"):
            self._backing_up.add(copy.name)
            try:
                done = await job.run_backup(copy, actor=actor, op=op)
            finally:
                self._backing_up.discard(copy.name)
        self._remember(key, done.evidence)
        await self._poll(key)
        return done

    async def _poll(self, key: Key) -> None:
        copy = await self._copy(key)
        live = self._of(key)
        # Taken before the look: a backup that starts meanwhile is not among them.
        idle = copy.name not in self._backing_up
        left_open = frozenset(copy.state.open_backups) if idle else frozenset()
        poll = await levels.exists(copy, left_open)
        self._remember(key, poll.evidence)
        if poll.present is not None:
            live.memory = replace(live.memory, present=poll.present)
        if poll.listing is not None:
            await self._measure(copy, live, poll)
        await self._report(copy, live, poll)

    async def _measure(self, copy: Copy, live: _Live, poll: levels.Poll) -> None:
        listing, now = poll.listing, self.tools.clock.utc()
        assert listing is not None
        kept = await self.tools.workers.thread(ledger.load, levels.ledger_path(copy))
        seen = ledger.coverage(kept, listing, now, read_window(copy.set))
        live.memory = replace(live.memory, coverage=seen)

    async def _report(self, copy: Copy, live: _Live, poll: levels.Poll) -> None:
        """Write what is new: another result, another snapshot, other anomalies; else hourly."""
        state, new = copy.state, poll.evidence
        if poll.found is not None:
            kinds = tuple(dict.fromkeys(one.kind.value for one in poll.found))
            if kinds != state.anomalies:
                subjects = tuple(one.subject for one in poll.found)
                op = f"anomaly/{secrets.token_hex(8)}"
                await self.tools.write(Disagreement(*copy.key, new.at, kinds, subjects), op=op)
        old = live.written or state.evidence.get(1)
        same = old is not None and _essence(old) == _essence(new) and new.at - old.at < _REPEAT
        if not same and not (old is None and new.reason == "never"):
            await self._write(new)
            live.written = new

    async def _prove(self, key: Key, level: int) -> None:
        copy = await self._copy(key)
        before = self.memory(*key).tried.get(level)
        async with self._heavy(copy, str(level)):
            there = await copy.restic.snapshots()
            present = frozenset(one.id for one in there.value or ())
            newest = levels.newest_present(copy.state, present)
            if level == 2:
                evidence = await levels.structure(copy, newest)
            elif level == 3:
                evidence = await levels.data(copy, newest)
            elif newest is not None:
                evidence = await levels.restored(copy, newest)
            else:
                evidence = levels.nothing_to_restore(copy, there.judgement)
        self._remember(key, evidence)
        if not evidence.inconclusive or before is None or _essence(before) != _essence(evidence):
            await self._write(evidence)
        if level == 3:
            await self._poll(key)

    async def _write(self, evidence: Evidence) -> None:
        op = f"evidence/{secrets.token_hex(8)}"
        await self.tools.write(evidence, op=op)

    def _remember(self, key: Key, evidence: Evidence) -> None:
        live = self._of(key)
        memory, level = live.memory, evidence.level
        failures = 0 if evidence.good else memory.failures.get(level, 0) + 1
        live.memory = replace(
            memory,
            tried={**memory.tried, level: evidence},
            failures={**memory.failures, level: failures},
        )

    def _failed(self, key: Key, level: int, reason: str) -> None:
        now = self.tools.clock.utc()
        self._remember(key, Evidence(*key, level, Result.INCONCLUSIVE, now, reason))

    @asynccontextmanager
    async def _heavy(self, copy: Copy, what: str = "restore") -> AsyncIterator[None]:
        """The repository's turn, then a seat: whoever waits for a repository holds no seat."""
        lock = self._locks.setdefault(copy.repository.location, asyncio.Lock())
        live = self._of(copy.key)
        async with lock, self._seats:
            live.memory = replace(live.memory, busy=what)
            try:
                yield
            finally:
                live.memory = replace(live.memory, busy="")
                live.progress = None

    # --- finding things ---------------------------------------------------------------------------

    def _of(self, key: Key) -> _Live:
        return self._live.setdefault(key, _Live())

    def _keys(self, set_id: str, repository: str | None) -> tuple[Key, ...]:
        found = tuple(
            key for key in self.keys() if key[0] == set_id and repository in (None, key[1])
        )
        if not found:
            known = ", ".join("/".join(key) for key in self.keys()) or "-"
            raise UsageError(
                "計画にないバックアップです / no such backup in the plan",
                expected=known,
                got=f"{set_id}/{repository or '*'}",
            )
        return found

    def _find(self, key: Key) -> tuple[BackupSet, Repository]:
        for one in restic_sets(self.sets):
            copy = one.repository(key[1])
            if one.id == key[0] and copy is not None:
                return one, copy
        raise UsageError("計画にないバックアップです / no such backup", got="/".join(key))

    async def _copy(self, key: Key) -> Copy:
        one, repository = self._find(key)
        path = program.find_program(repository.restic or self._program)
        if path not in self._versions:
            self._versions[path] = await program.detect(path)
        folder = await self.tools.workers.thread(make_private, self.tools.folder)
        target = Target(
            path,
            repository.location,
            Path(repository.password_file),
            folder / "cache",
            folder / "tmp",
        )
        live = self._of(key)

        def on_progress(seen: Progress) -> None:
            live.progress = seen

        return Copy(one, repository, Restic(target, self._versions[path]), self.tools, on_progress)

    async def _nap(self, seconds: float) -> None:
        await self.tools.clock.sleep_until(self.tools.clock.monotonic() + seconds)


def _essence(evidence: Evidence) -> tuple[object, ...]:
    """What makes two results the same news."""
    return evidence.result, evidence.reason, evidence.snapshot


def _must_be_empty(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Refused(
            "空のフォルダにだけ復元します / restoring only into an empty folder",
            where=str(target),
            expected="an empty or new folder",
            next_step="別のフォルダを指定する / name another folder",
        )
    make_private(target)
