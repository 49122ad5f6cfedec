"""What a person (or the plan) does to a repository: forget, prune, tag, key, copy, clear. The shell.

Each waits for the repository's turn, is announced in the log first and ends with a look at the repository.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from backups import forget
from backups.acts import Act
from backups.custody import Demand
from backups.forget import DryRun, Removal
from backups.keeper import Keeper
from backups.planned import Key
from backups.record import Action, Intent, Result
from backups.restic.arguments import snapshot_id
from backups.retention import objections
from backups.tools import SYSTEM, Copy
from bcp.journal.entry import Actor
from bcp.kit.errors import Refused, UsageError

_NOTHING = Demand(-1, "", None, None, None, {})


class Acts:
    """The acts on the copies a keeper keeps."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper, self._tools = keeper, keeper.tools

    async def plan_removal(self, key: Key, snapshots: tuple[str, ...] = ()) -> DryRun:
        """The dry run: what would go, what stays and why, and every objection."""
        ids = tuple(map(snapshot_id, snapshots))
        await self._keeper.poll(key)
        return await forget.dry_run(await self._keeper.copy(key), ids)

    async def remove(
        self, key: Key, snapshots: tuple[str, ...] = (), actor: Actor = SYSTEM, op: str = ""
    ) -> Removal:
        """Forget what the policy proposes, or the snapshots named; then prune if the plan says so, also
        after an earlier forget whose prune was cut off."""
        await self._keeper.poll(key)
        copy = await self._keeper.copy(key)
        async with self._keeper.heavy(copy, "retention"), self._keeper.changing(copy):
            dry = await forget.dry_run(copy, tuple(map(snapshot_id, snapshots)))
            if dry.objections or not (
                dry.proposal.remove or forget.owes_prune(copy.set, copy.state)
            ):
                return Removal(dry)
            acts: list[Act] = []
            if dry.proposal.remove:
                acts.append(await forget.forget(copy, dry, actor=actor, op=op))
            if all(act.result is Result.GOOD for act in acts) and copy.set.retention.prune:
                acts.append(await forget.prune(copy, actor=actor, op="" if acts else op))
        await self._keeper.poll(key)
        return Removal(dry, tuple(acts))

    async def prune(self, key: Key, actor: Actor, op: str) -> Act:
        """Free space now. Raises `Refused` while anything is strange or proven bad."""
        await self._keeper.poll(key)
        copy = await self._keeper.copy(key)
        times = (await copy.restic.snapshots()).value or ()
        now, policy = self._tools.clock.utc(), copy.set.retention
        found = objections((), policy, copy.state, [s.time for s in times], None, now)
        if found:
            raise Refused(
                "今は空き容量を回収できません / not now",
                where="/".join(key),
                got=", ".join(found),
                next_step="ict-bcp backup forget (予行が理由を示す / the dry run says why)",
            )
        return await self._changed(copy, lambda: forget.prune(copy, actor=actor, op=op))

    async def tag(
        self,
        key: Key,
        snapshots: tuple[str, ...],
        add: tuple[str, ...],
        remove: tuple[str, ...],
        actor: Actor,
        op: str,
    ) -> Act:
        """Other tags for snapshots on record."""
        copy = await self._keeper.copy(key)
        known = {one.snapshot for one in copy.state.kept}
        ids = tuple(map(snapshot_id, snapshots))
        if not ids or set(ids) - known or not (add or remove):
            raise UsageError(
                "記録にある控えと、付けるか外す札が要ります / snapshots on record and a tag",
                got=", ".join(set(ids) - known) or "-",
                next_step="ict-bcp backup custody",
            )
        if any(name.startswith(("run:", "set:", "ict-bcp")) for name in (*add, *remove)):
            raise UsageError("この札は本製品が使います / this tag is the program's own")
        return await self._changed(
            copy, lambda: forget.tag(copy, ids, add, remove, actor=actor, op=op)
        )

    async def key(self, key: Key, what: str, file: Path | None, actor: Actor, op: str) -> Act:
        """Add or remove a key, or change the password of the one in use."""
        copy = await self._keeper.copy(key)
        if what.startswith("remove:"):
            known = (copy.state.demand or _NOTHING).keys
            if (name := what.removeprefix("remove:")) not in known:
                raise UsageError(
                    "消す鍵を記録にある64桁で指定する / name a key on record by its 64 digits",
                    where="--key",
                    expected=", ".join(sorted(known)) or "-",
                    got=name or "-",
                )
        elif file is None or not await self._tools.workers.thread(file.is_file):
            raise UsageError("新しい合言葉のファイルが要ります / name a file", got=str(file))
        return await self._changed(copy, lambda: forget.key(copy, what, file, actor=actor, op=op))

    async def bring(self, key: Key, source: str, actor: Actor, op: str) -> Act:
        """Copy what another repository of the set has into this one."""
        copy, other = await self._keeper.copy(key), await self._keeper.copy((key[0], source))
        if source == key[1]:
            raise UsageError("同じリポジトリです / the same repository", got=source)
        return await self._changed(copy, lambda: forget.bring(copy, other, actor=actor, op=op))

    async def clear(self, key: Key, actor: Actor, op: str) -> None:
        """A person has looked at an unusual change: forget and prune need not wait any more."""
        held = self._tools.state.copy(*key).held
        if held is None:
            raise UsageError("止まっていません / nothing is held", got="/".join(key))
        intent = Intent(*key, Action.CLEAR, held.run, self._tools.clock.utc(), what=str(held.score))
        await self._tools.write(intent, op=op, actor=actor)

    async def _changed(self, copy: Copy, act: Callable[[], Awaitable[Act]]) -> Act:
        async with self._keeper.heavy(copy, "retention"), self._keeper.changing(copy):
            done = await act()
        await self._keeper.poll(copy.key)
        return done
