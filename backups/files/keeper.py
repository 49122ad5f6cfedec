"""The shell of copies made by other products: looks at them, enters new generations, reads them again.

Nothing is written to a copy. If we die while a generation is read, nothing of it is on record and the
next look reads it anew.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from backups import levels, manifest
from backups.acts import SideCheck, What
from backups.anomaly import Found
from backups.files import judging, proving, seeing
from backups.files.model import FilesCopy, FilesSet
from backups.files.seeing import Generation
from backups.hold import PAUSED
from backups.manifest import Manifest
from backups.planned import Key
from backups.record import Custody, Evidence, Result
from backups.tools import make_private, milliseconds, pace
from bcp.journal.entry import Actor
from bcp.kit.errors import BcpError, Refused, UsageError
from bcp.kit.language import text
from bcp.watch.guard import guarded

if TYPE_CHECKING:  # the keeper of all copies hands itself in
    from backups.keeper import Keeper

_NAP = 5.0


class FilesKeeper:
    """Copies of the sets of kind `files`."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper, self._tools = keeper, keeper.tools
        self._tended: set[Key] = set()

    def tend(self, group: asyncio.TaskGroup) -> None:
        """Start one task for each copy that has none."""
        for key in self.keys():
            if key not in self._tended:
                self._tended.add(key)
                group.create_task(self._tend(key), name=f"files {'/'.join(key)}")

    async def _tend(self, key: Key) -> None:
        try:
            while key in self.keys():
                if self._due(key, 1):
                    await guarded(self._told(key, "poll"), "look at files", copy="/".join(key))
                elif self._due_reading(key):
                    await guarded(self._told(key, "read"), "read files", copy="/".join(key))
                await self._keeper.nap(_NAP)
        finally:
            self._tended.discard(key)

    async def _told(self, key: Key, what: str) -> bool:
        try:
            await (self.poll(key) if what == "poll" else self.read_again(key))
        except (BcpError, OSError):  # the log says no, the disk is full: known, tried again
            self._keeper.failed(key, 1, "not_recorded")
        return True

    def keys(self) -> tuple[Key, ...]:
        """Its copies in the plan."""
        return self._keeper.plan.keys(FilesSet)

    def _due(self, key: Key, level: int) -> bool:
        one, _copy = self.find(key)
        tried, now = self._keeper.of(key).memory.tried.get(level), self._tools.clock.utc()
        return tried is None or tried.at > now or now - tried.at >= one.verify.poll

    def _due_reading(self, key: Key) -> bool:
        one, _copy = self.find(key)
        memory, state = self._keeper.of(key).memory, self._tools.state.copy(*key)
        if one.names_every is None or not state.custody or self._keeper.hold.why is not None:
            return False
        if not memory.present:  # out of reach now: nothing can be read
            return False
        last, now = state.checks.get(What.NAMES), self._tools.clock.utc()
        return last is None or last.at > now or now - last.at >= one.names_every

    def find(self, key: Key) -> tuple[FilesSet, FilesCopy]:
        """The definitions of a copy. Raises `UsageError`."""
        one, copy = self._keeper.plan.known(key)
        if not isinstance(one, FilesSet) or not isinstance(copy, FilesCopy):
            raise UsageError(text("backups.files_only").ja, got="/".join(key))
        return one, copy

    # --- looking ------------------------------------------------------------------------------------

    async def poll(self, key: Key) -> None:
        """Look, enter what is new, compare with the record. Raises `Unwritable`."""
        one, copy = self.find(key)
        tools = self._tools
        seen = await tools.workers.thread(seeing.generations, copy)
        if seen is None:
            reason = "offline" if copy.offline else "unreachable"
            evidence = Evidence(*key, 1, Result.INCONCLUSIVE, tools.clock.utc(), reason)
            await self._keeper.report(key, levels.Poll(evidence))
            return
        held = self._keeper.hold.why is not None
        fresh = judging.to_enter(tools.state.copy(*key), seen, copy, tools.clock.utc())
        for generation in () if held else fresh:
            await self._enter(key, generation)
        now, state = tools.clock.utc(), tools.state.copy(*key)
        found = judging.compare(state, seen, copy, now)
        present = frozenset(g.id for g in seen)
        newest = levels.newest_present(state, present)
        facts = {"snapshots": len(seen), "recorded": len(state.custody)}
        facts |= {one.kind.value: one.count for one in found}
        result, reason = _judged(found, newest, seen, one.rpo, now, held=held)
        snapshot, time = (newest.snapshot, newest.time) if newest else (None, None)
        evidence = Evidence(*key, 1, result, now, reason, snapshot, time, facts)
        await self._keeper.report(key, levels.Poll(evidence, found, present))

    async def _enter(self, key: Key, generation: Generation) -> None:
        """Read a new generation and the source as it is now; then it is on record."""
        one, _copy = self.find(key)
        tools, started = self._tools, self._tools.clock.monotonic()
        run = secrets.token_hex(8)
        async with self._keeper.seat(key, generation.path.as_posix(), "names"):
            taken = await self._manifest(key, generation.path)
            source = await self._source(key, one)
        put = tools.log.evidence.put_file
        root = await tools.workers.thread(put, taken.path)
        before = await tools.workers.thread(put, source.path) if source is not None else None
        custody = Custody(
            *key,
            repository_id="",
            snapshot=generation.id,
            tree=root,
            time=generation.made or generation.newest,
            manifest=root,
            files=taken.files,
            size=taken.size,
            run=run,
            restic="",
            complete=not taken.unreadable,
            seconds_ms=milliseconds(tools.clock, started),
            source=before,
        )
        await tools.write(custody, op=f"files/{run}")

    async def _manifest(self, key: Key, path: Path) -> Manifest:
        folder = await self._tools.workers.thread(make_private, self._tools.folder / "files")
        out, base = folder / f"{key[0]}.{key[1]}.manifest", path.parent
        slowly = pace(self.find(key)[0].limit_read, self._tools.clock)
        return await manifest.write(self._tools.workers, [path], out, base=base, pace=slowly)

    async def _source(self, key: Key, one: FilesSet) -> Manifest | None:
        """The originals now; None where this host cannot read them."""
        roots = [Path(source) for source in one.sources]
        there = await self._tools.workers.thread(lambda: all(map(os.path.lexists, roots)))
        if not roots or not there:
            return None
        out = self._tools.folder / "files" / f"{key[0]}.{key[1]}.source"
        slowly = pace(one.limit_read, self._tools.clock)
        return await manifest.write(
            self._tools.workers, roots, out, patterns=_patterns(one), pace=slowly
        )

    # --- reading again ------------------------------------------------------------------------------

    async def read_again(self, key: Key) -> SideCheck | None:
        """The newest generation and one by lot against their digests. Raises `Unwritable`."""
        _one, copy = self.find(key)
        tools = self._tools
        seen = await tools.workers.thread(seeing.generations, copy) or ()
        known = judging.recorded(tools.state.copy(*key))
        there = [one for one in seen if one.id in known]
        if not there:
            return None
        older = there[:-1]
        chosen = [there[-1], *([self._keeper.chance.choice(older)] if older else [])]
        changed = unreadable = 0
        for generation in chosen:
            if self._keeper.hold.why is not None:
                return None
            async with self._keeper.seat(key, generation.path.as_posix(), "names"):
                taken = await self._manifest(key, generation.path)
            unreadable += bool(taken.unreadable)
            changed += not taken.unreadable and taken.root != known[generation.id].manifest
        reason = "changed" if changed else "unreadable" if unreadable else ""
        facts = {"generations": len(chosen), "of": len(there), "changed": changed}
        facts["unreadable"] = unreadable
        result = Result.BAD if reason else Result.GOOD
        check = SideCheck(*key, What.NAMES, result, tools.clock.utc(), reason, facts)
        await tools.write(check, op=f"names/{secrets.token_hex(8)}")
        return check

    # --- proving by the product's own restore ---------------------------------------------------------

    async def prove(self, key: Key, said: proving.Restored, *, actor: Actor, op: str) -> Evidence:
        """Compare what the product restored with the source; rungs 2 to 4 at once.

        Raises `Refused` where nothing can be compared, `UsageError` for a folder or generation that
        is not there.
        """
        one, _copy = self.find(key)
        tools = self._tools
        custody, before = self._of(key, said.generation)
        base = await tools.workers.thread(proving.base_of, one, said.folder)
        if custody.source is None:
            raise Refused(
                text("backups.files_no_source").ja,
                got=", ".join(one.sources) or "sources: -",
                next_step="計画の sources: に元のフォルダを書く / name the originals in sources:",
            )
        roots = [base] if len(one.sources) == 1 else [base / s.strip("/") for s in one.sources]
        out = tools.folder / "files" / f"{key[0]}.{key[1]}.restored"
        async with self._keeper.seat(key, str(said.folder), "4"):
            taken = await manifest.write(
                tools.workers, roots, out, base=base, patterns=_patterns(one)
            )
            verdict = await tools.workers.thread(
                proving.compare, tools.log.evidence.get, one, custody, before, taken, said
            )
        every = proving.proofs(key, custody, before, verdict, said, tools.clock.utc())
        await tools.write(*every, op=op, actor=actor)
        for proof in every:
            self._keeper.remember(key, proof)
        return every[0]

    def _of(self, key: Key, generation: str) -> tuple[Custody, Custody | None]:
        """The record of a generation and the one before it."""
        entered = [one for one in self._tools.state.copy(*key).custody if one.complete]
        fits = [one for one in entered if one.snapshot.startswith(generation)]
        if not fits or (len({one.snapshot for one in fits}) > 1 and generation):
            known = ", ".join(dict.fromkeys(one.snapshot[:12] for one in entered[-10:]))
            raise UsageError(text("backups.files_which").ja, expected=known or "-", got=generation)
        chosen = max(fits, key=lambda one: (one.time, one.seq))
        earlier = [one for one in entered if one.seq < chosen.seq and one.source is not None]
        return chosen, earlier[-1] if earlier else None


def _judged(
    found: tuple[Found, ...],
    newest: Custody | None,
    seen: tuple[Generation, ...],
    rpo: timedelta | None,
    now: datetime,
    *,
    held: bool,
) -> tuple[Result, str]:
    if found:
        return Result.BAD, found[0].kind.value
    if newest is None:
        if held and seen:
            return Result.INCONCLUSIVE, PAUSED
        undated = bool(seen) and all(one.made is None for one in seen)
        return Result.INCONCLUSIVE, "undated" if undated else "settling" if seen else "never"
    if rpo is not None and now - newest.time > rpo:
        return Result.BAD, "stale"
    return Result.GOOD, ""


def _patterns(one: FilesSet) -> tuple[bytes, ...]:
    return tuple(pattern.encode() for pattern in one.exclude)
