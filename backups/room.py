"""The face of this wing: what the daemon, the pages and the commands ask of backups."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path

from backups import guided, leftover, ordered, speed, stating
from backups.acting import Acts
from backups.custody import CopyState
from backups.due import POLL
from backups.files.keeper import FilesKeeper
from backups.job import Done
from backups.keeper import NAP, Keeper
from backups.model import AnySet, BackupSet, proven_sets
from backups.planned import Key
from backups.record import Action, Custody, Evidence, Intent
from backups.restic.arguments import snapshot_id
from backups.restic.parsing import Progress, Snapshot
from backups.restic.restic import Answer
from backups.standing import Memory, Rung, rung, rungs
from backups.statements import Attestation, Escrow
from backups.tools import SYSTEM, Log, Tools
from backups.upkeep import Upkeep
from bcp.journal.entry import Actor
from bcp.kit.clock import Clock
from bcp.kit.errors import Refused, UsageError
from bcp.kit.language import text
from bcp.kit.workers import Workers


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
        self._keeper = Keeper(sets, self.tools, restic, seats)
        self.acts = Acts(self._keeper)
        """What a person does to a repository: forget, prune, tag, key, copy, clear."""
        self.upkeep = Upkeep(self._keeper, self.acts)
        """Names, agreement, canary, locks, and retention by the plan."""
        self.files = FilesKeeper(self._keeper)
        """Copies that other products make."""
        self._restoring: dict[Key, guided.Under] = {}
        self.orders = ordered.Orders(self._carry_out)
        """Restores that pages asked for."""

    @property
    def sets(self) -> tuple[AnySet, ...]:
        """The sets of the plan in force."""
        return self._keeper.plan.sets

    def keys(self) -> tuple[Key, ...]:
        """Every (set, repository) of the plan that is measured."""
        return self._keeper.plan.keys(None)

    # --- for the daemon ---------------------------------------------------------------------------

    async def run(self) -> None:
        """Do what is due, for ever. Clears what a killed process left first."""
        await leftover.clear(self.tools)
        async with asyncio.TaskGroup() as group:
            while True:
                await guided.close_left_open(self.tools, self._restoring)
                self._keeper.tend(group)
                self.upkeep.tend(group)
                self.files.tend(group)
                self.orders.tend(group)
                await self._keeper.nap(NAP)

    def replace(self, sets: Iterable[AnySet]) -> None:
        """Take over a plan. Work in hand ends by the definition it began with."""
        self._keeper.replace(sets)

    def pause(self, why: str = "") -> None:
        """Hold back verifications (a disaster needs the disks); polls and backups go on."""
        self._keeper.hold.follow(why)

    def resume(self) -> None:
        """Go on verifying."""
        self._keeper.hold.follow(None)

    @property
    def paused(self) -> str | None:
        """Why verification is held back; None: it is not."""
        return self._keeper.hold.why

    async def hold(self, paused: bool, reason: str, *, actor: Actor, op: str) -> None:
        """A person pauses verification, or lets it go on; on record, outlives a restart."""
        await self._keeper.hold.by_person(paused, reason, actor, op)

    # --- for commands and pages -------------------------------------------------------------------

    async def init(self, set_id: str, repository: str, *, actor: Actor, op: str) -> Answer[str]:
        """Create a repository: announced first, only ever by a person's command."""
        copy = await self._keeper.copy((set_id, repository))
        intent = Intent(*copy.key, Action.INIT, secrets.token_hex(8), self.tools.clock.utc())
        await self.tools.write(intent, op=op, actor=actor)
        return await copy.restic.init()

    async def backup(
        self, set_id: str, repository: str | None = None, *, actor: Actor = SYSTEM, op: str = ""
    ) -> tuple[Done, ...]:
        """Back up a set into one or all of its repositories, one after another."""
        keys = self._keeper.plan.chosen(set_id, repository)
        return tuple(
            [await self._keeper.back_up(k, actor, f"{op}/{k[1]}" if op else None) for k in keys]
        )

    async def verify(self, set_id: str, repository: str, level: int) -> Rung:
        """Climb one rung now (1 to 4) and say where the copy stands."""
        if level not in (1, 2, 3, 4):
            raise UsageError("段は 1 から 4 / a rung is 1 to 4", got=str(level))
        key = self._keeper.plan.chosen(set_id, repository)[0]
        if level == POLL and key in self.files.keys():  # noqa: SIM118 - a keeper
            await self.files.poll(key)
        else:
            await (self._keeper.poll(key) if level == POLL else self._keeper.prove(key, level))
        return self.rung(*key, level)

    async def restore(
        self,
        set_id: str,
        repository: str | None,
        snapshot: str,
        target: Path,
        *,
        confirm: str = "",
        actor: Actor = SYSTEM,
        op: str = "",
    ) -> Evidence:
        """Restore a pinned snapshot on record and compare it with its manifest (`guided`).

        `confirm`: the target typed again, to write over what is there. Raises `Refused` otherwise
        (restic would skip or mix files), `UsageError` for a snapshot that is not on record.
        """
        copy = await self._keeper.copy(self._keeper.plan.chosen(set_id, repository)[0])
        custody = self._on_record(copy.state, snapshot)
        earlier = () if copy.key in self._restoring else copy.state.restores
        order = await self.tools.workers.thread(
            guided.may_write, guided.Order(custody, target), earlier, confirm
        )
        async with self._keeper.heavy(copy):
            under = guided.begin(custody, self.tools.clock)
            self._restoring[copy.key] = under
            try:
                return await guided.restore(copy, order, under, actor, op)
            finally:
                self._restoring.pop(copy.key, None)

    def order(self, set_id: str, repository: str, snapshot: str, *, actor: Actor, op: str) -> None:
        """Restore a snapshot on record into a new folder of `restore_to`, without waiting for it.

        Raises `Refused` where the plan names no such folder or the copy has an order already,
        `UsageError` for a snapshot that is not on record.
        """
        key = (set_id, repository)
        one = self._keeper.plan.known(key)[0]
        base = one.restore_to if isinstance(one, BackupSet) else None
        if base is None:
            raise Refused(text("backups.order_unplanned").ja, got=set_id)
        custody = self._on_record(self.tools.state.copy(*key), snapshot)
        self.orders.put(ordered.Order(key, custody, Path(base), actor, op))

    async def _carry_out(self, order: ordered.Order) -> None:
        restores = self.tools.state.copy(*order.key).restores
        last = restores[-1] if restores else None
        thread = self.tools.workers.thread
        target = await thread(ordered.free_folder, order.base, order.custody, last)
        snapshot = order.custody.snapshot
        await self.restore(*order.key, snapshot, target, actor=order.actor, op=order.op)

    @staticmethod
    def _on_record(state: CopyState, snapshot: str) -> Custody:
        found = state.of(snapshot_id(snapshot))
        if found is None:
            raise UsageError(
                "記録にない控えです / not a snapshot on record",
                got=snapshot,
                next_step="ict-bcp backup list",
            )
        return found

    @property
    def restoring(self) -> Mapping[Key, guided.Under]:
        """Restores for real that run now."""
        return self._restoring

    def estimate(self, system: str) -> speed.Estimate | None:
        """How long restoring everything of a system would take; None: not known."""
        sets = [one for one in proven_sets(self.sets) if one.system == system]
        return speed.of_system(
            [self.tools.state.copy(one.id, copy.id) for copy in one.repositories] for one in sets
        )

    async def list(self, set_id: str, repository: str) -> Answer[tuple[Snapshot, ...]]:
        """The snapshots the repository shows now."""
        return await (
            await self._keeper.copy(self._keeper.plan.chosen(set_id, repository)[0])
        ).restic.snapshots()

    def custody(self, set_id: str, repository: str) -> CopyState:
        """What is on record."""
        return self.tools.state.copy(*self._keeper.plan.chosen(set_id, repository)[0])

    async def accept(
        self, set_id: str, repository: str, snapshots: tuple[str, ...], *, actor: Actor, op: str
    ) -> None:
        """A person accepts the repository as it is: named snapshots (strange or gone), its objects,
        keys and, when it was re-created, its identity. From now on."""
        key = self._keeper.plan.chosen(set_id, repository)[0]
        run, now = secrets.token_hex(8), self.tools.clock.utc()
        intent = Intent(*key, Action.ACCEPT, run, now, tuple(map(snapshot_id, snapshots)))
        await self.tools.write(intent, op=op, actor=actor)

    async def attest(self, said: Attestation, report: bytes, *, actor: Actor, op: str) -> None:
        """Take over a provider's report (申告). Raises `UsageError`."""
        await stating.attest(self.tools, said, report, actor=actor, op=op)

    async def accept_restored(
        self, set_id: str, repository: str, note: str, *, actor: Actor, op: str
    ) -> Evidence:
        """Level 5: the owner accepts what the last restore test brought back. Raises `Refused`."""
        restored = self.rung(set_id, repository, 4)
        return await stating.accept(self.tools, restored, note, actor=actor, op=op)

    async def try_sealed(
        self,
        set_id: str,
        repository: str,
        password: Path,
        materials: Path | None,
        *,
        actor: Actor,
        op: str,
    ) -> Escrow:
        """封印物の確認. Raises `UsageError`."""
        copy = await self._keeper.copy(self._keeper.plan.chosen(set_id, repository)[0])
        return await stating.try_sealed(copy, password, materials, actor=actor, op=op)

    async def sign_sealed(
        self,
        set_id: str,
        repository: str,
        *,
        roles: frozenset[str] = frozenset(),
        actor: Actor,
        op: str,
    ) -> Escrow:
        """A signature under the last trial, in one of `roles` of the plan. Raises `Refused`."""
        copy = await self._keeper.copy(self._keeper.plan.chosen(set_id, repository)[0])
        return await stating.sign(copy, roles=roles, actor=actor, op=op)

    def attestation(self, set_id: str) -> Attestation | None:
        """The report in force of an attested set; None: none was taken over yet."""
        return self.tools.state.attested.get(set_id)

    def rung(self, set_id: str, repository: str, level: int) -> Rung:
        """One rung of one copy, as it stands now. Sync and quick."""
        one, copy = self._keeper.plan.known((set_id, repository))
        key, now = (set_id, repository), self.tools.clock.utc()
        return rung(one, copy, self.tools.state.copy(*key), self.memory(*key), level, now)

    def rungs(self, set_id: str, repository: str) -> tuple[Rung, ...]:
        """The ladder of one copy. Sync and quick."""
        one, copy = self._keeper.plan.known((set_id, repository))
        key, now = (set_id, repository), self.tools.clock.utc()
        return rungs(one, copy, self.tools.state.copy(*key), self.memory(*key), now)

    def memory(self, set_id: str, repository: str) -> Memory:
        """What this process has seen of a copy."""
        return self._keeper.of((set_id, repository)).memory

    def progress(self, set_id: str, repository: str) -> Progress | None:
        """How far the work in hand is; None: nothing is in hand, or it does not say."""
        return self._keeper.of((set_id, repository)).progress

    def left(self, set_id: str, repository: str) -> timedelta | None:
        """Time left of the work in hand at its speed so far; None: nobody can tell."""
        live = self._keeper.of((set_id, repository))
        far = live.progress
        if far is None or not 0.01 <= far.ratio <= 1:
            return None
        spent = self.tools.clock.monotonic() - live.began
        return timedelta(seconds=round(spent * (1 - far.ratio) / far.ratio))
