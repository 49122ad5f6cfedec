"""Work on copies that is no rung: names check, retention, agreement, canary, locks. When it is due, or asked.

Retention by itself follows the plan and every objection of the guard; nothing is ever removed because
it could not be proven. Side checks are light (names reads at the plan's rate) and go on beside polls.
"""

from __future__ import annotations

import asyncio
import secrets
from datetime import datetime, timedelta

import structlog

from backups import agree, canary, objectcheck
from backups.acting import Acts
from backups.acts import SideCheck, What
from backups.forget import owes_prune
from backups.keeper import Keeper
from backups.model import BackupSet
from backups.objects import ListingGone
from backups.planned import Key
from backups.record import Action, Result
from backups.restic import locks
from backups.restic.parsing import Progress
from backups.restic.verdict import Judgement
from backups.sight import required_objects
from bcp.kit.errors import BcpError, UsageError
from bcp.watch.guard import guarded

log = structlog.get_logger(__name__)

_NAP = 5.0
"""Seconds between looks at what is due."""

_AGREE_EVERY = timedelta(hours=1)
_LOCKS_EVERY = timedelta(hours=1)
_RETRY = timedelta(hours=1)


class Upkeep:
    """The shell; what was tried when is kept while the process runs, what was found is in the log."""

    def __init__(self, keeper: Keeper, acts: Acts) -> None:
        self._keeper, self._tools, self._acts = keeper, keeper.tools, acts
        self._tended: set[Key] = set()
        self.tried: dict[tuple[Key, str], datetime] = {}
        self.locks: dict[Key, tuple[locks.Seen, ...]] = {}
        """Seen by the last look of the doctor."""
        self.names: dict[Key, Progress] = {}
        """How far a names check in hand is."""

    # --- by itself --------------------------------------------------------------------------------

    def tend(self, group: asyncio.TaskGroup) -> None:
        """Start one task for each copy that has none."""
        for key in self._keys():
            if key not in self._tended:
                self._tended.add(key)
                group.create_task(self._tend(key), name=f"upkeep {'/'.join(key)}")

    async def _tend(self, key: Key) -> None:
        try:
            while key in self._keys():
                what = self.due(key)
                if what is not None:
                    work = self._tried(key, what)
                    await guarded(work, "upkeep", copy="/".join(key), what=what)
                await self._keeper.nap(_NAP)
        finally:
            self._tended.discard(key)

    def _keys(self) -> tuple[Key, ...]:
        return self._keeper.plan.keys(BackupSet)

    async def _tried(self, key: Key, what: str) -> None:
        try:
            await self.do(key, what)
        except BcpError as error:  # the log says no, restic is not there: tried again later
            log.warning("upkeep not done", copy="/".join(key), what=what, why=error.what)

    def due(self, key: Key) -> str | None:
        """What is to be done with a copy now; None: nothing."""
        one, copy = self._keeper.plan.find(key)
        state, now = self._tools.state.copy(*key), self._tools.clock.utc()
        known = bool(state.custody)
        if copy.offline or not (known or state.intents):
            return None
        first = state.evidence.get(1)
        settled = first is not None and not state.open_acts
        policy, done = one.retention, state.retained.get(Action.FORGET)
        last_kept = done.at if done else state.custody[0].time if known else now
        rows: tuple[tuple[str, bool, timedelta | None, datetime | None], ...] = (
            ("locks", True, _LOCKS_EVERY, None),
            ("agree", len(one.repositories) > 1, _AGREE_EVERY, _at(state.checks.get(What.AGREE))),
            ("names", copy.folder is not None, one.names_every, _at(state.checks.get(What.NAMES))),
            ("canary", copy.immutable, one.canary_every, _at(state.checks.get(What.CANARY))),
            ("retention", settled, policy.every, None if owes_prune(one, state) else last_kept),
        )
        for what, possible, every, last in rows:
            if not possible or every is None or not (known or what == "locks"):
                continue  # the first backup may have been killed and left its lock
            if self._keeper.hold.why is not None and what in ("names", "canary", "retention"):
                continue
            tried = self.tried.get((key, what))
            if tried is not None and now - tried < min(every, _RETRY):
                continue
            if what == "locks" or last is None or now - last >= every or last > now:
                return what
        return None

    async def do(self, key: Key, what: str) -> None:
        """One of them. Raises `Unwritable`, `ResticMissing`."""
        self.tried[key, what] = self._tools.clock.utc()
        match what:
            case "locks":
                await self.doctor(key)
            case "agree":
                await self.agree(key)
            case "names":
                await self.check_names(key)
            case "canary":
                await self.canary(key)
            case _:
                await self._acts.remove(key)

    # --- side checks ------------------------------------------------------------------------------

    async def check_names(self, key: Key) -> SideCheck:
        """Hold every object against its name and the record; go on where a killed check was."""
        copy = await self._keeper.copy(key)
        folder = copy.repository.folder
        if folder is None:
            raise UsageError(
                "このホストのフォルダにあるリポジトリだけ照合できます / only for a folder of this host",
                got=copy.repository.location,
                next_step="ict-bcp backup names FOLDER (保管先の機械で / on the storage host)",
            )
        demand = copy.state.demand
        wanted = await required_objects(copy) if demand is not None else {}
        record = objectcheck.Record(dict(wanted) or None, demand.config if demand else None)
        limit = copy.set.limits.names
        path = self._tools.folder / "names" / key[0] / f"{key[1]}.jsonl"

        def on_bytes(done: int, total: int) -> None:
            self.names[key] = Progress(done / total if total else 1.0, done, total)

        try:
            report = await objectcheck.check(
                folder,
                workers=self._tools.workers,
                clock=self._tools.clock,
                record=record,
                state=path,
                limit=limit * 1024 if limit else None,
                on_bytes=on_bytes,
            )
        except ListingGone as error:
            return await self._told(
                key, What.NAMES, Result.INCONCLUSIVE, "unreachable", said=error.what
            )
        finally:
            self.names.pop(key, None)
        return await self._told(key, What.NAMES, *_names(report), report=report)

    async def agree(self, key: Key) -> SideCheck:
        """Does this copy hold what the others of its set have on record, and how far is it behind?"""
        one, _repository = self._keeper.plan.find(key)
        copy = await self._keeper.copy(key)
        shown = await copy.restic.snapshots()
        if shown.value is None:
            why = shown.judgement.verdict.value
            return await self._told(key, What.AGREE, Result.INCONCLUSIVE, why)
        others = {r.id: self._tools.state.copy(one.id, r.id) for r in one.repositories}
        found = agree.compare(key[1], others, shown.value)
        result = Result.GOOD if found.good else Result.BAD
        return await self._told(
            key, What.AGREE, result, found.reason, found.facts, said="\n".join(found.names)
        )

    async def canary(self, key: Key) -> SideCheck:
        """Put a canary beside the repository, try to overwrite and delete it: is that refused?"""
        copy = await self._keeper.copy(key)
        tried = await canary.probe(copy.repository, self._tools)
        results = {"refused": Result.GOOD, "allowed": Result.BAD}
        result = results.get(tried.outcome, Result.INCONCLUSIVE)
        return await self._told(
            key, What.CANARY, result, tried.reason, tried.facts, said=tried.said
        )

    async def doctor(self, key: Key) -> tuple[Judgement, tuple[locks.Seen, ...], tuple[str, ...]]:
        """The locks of a copy; those of dead processes of this host are removed: (…, …, removed)."""
        copy = await self._keeper.copy(key)
        now = self._tools.clock.utc()
        judged, seen = await locks.look(copy.restic, now)
        removed: tuple[str, ...] = ()
        if any(one.stale for one in seen):
            removed = await locks.heal(copy.restic, now)
        if judged.good:
            self.locks[key] = tuple(one for one in seen if one.lock.id not in removed)
        bad = any(one.suspicious for one in seen)
        before = copy.state.checks.get(What.LOCKS)
        if bad or removed or (before is not None and not before.good and judged.good):
            facts = {
                "locks": len(seen),
                "removed": len(removed),
                "foreign": sum(o.suspicious for o in seen),
            }
            result = Result.BAD if bad else Result.GOOD
            await self._told(key, What.LOCKS, result, "foreign_lock" if bad else "", facts)
        return judged, seen, removed

    async def _told(
        self,
        key: Key,
        what: What,
        result: Result,
        reason: str = "",
        facts: dict[str, int] | None = None,
        said: str = "",
        report: objectcheck.Report | None = None,
    ) -> SideCheck:
        findings = None
        if report is not None:
            facts = _facts(report)
            if report.faults:
                lines = "".join(f"{one.kind} {one.name}\n" for one in report.faults)
                put = self._tools.log.evidence.put_bytes
                findings = await self._tools.workers.thread(put, lines.encode())
                said = "\n".join(lines.splitlines()[:40])
        now = self._tools.clock.utc()
        check = SideCheck(*key, what, result, now, reason, facts or {}, findings, said[:4000])
        before = self._tools.state.copy(*key).checks.get(what)
        same = before is not None and (before.result, before.reason) == (result, reason)
        if not (same and before is not None and now - before.at < _AGREE_EVERY):
            await self._tools.write(check, op=f"check/{secrets.token_hex(8)}")
        return check


def _at(check: SideCheck | None) -> datetime | None:
    return check.at if check is not None else None


def _names(report: objectcheck.Report) -> tuple[Result, str]:
    if report.faults:
        order = ("changed", "missing", "unreadable", "config", "junk")
        return Result.BAD, next(kind for kind in order if kind in report.counts)
    return (Result.INCONCLUSIVE, "denied") if report.denied else (Result.GOOD, "")


def _facts(report: objectcheck.Report) -> dict[str, int]:
    return {
        "objects": report.checked,
        "size": report.size,
        "resumed": report.resumed,
        "denied": report.denied,
        "leftover": report.leftover,
        "seconds_ms": round(report.seconds * 1000),
        **report.counts,
    }
