"""The faults one can practise, and the book that remembers which are active.

Every fault says what it is, what to look at and after how long. Injecting twice is the same as
once; healing puts back exactly what was. What is active is written to `faults.json` *before*
anything is damaged, so after a kill the next start shows (and again makes) the same damage.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from bcp.kit.clock import Clock
from bcp.kit.durable import write_atomic
from bcp.kit.errors import BcpError, Refused, UsageError
from bcp.kit.language import Text, text
from bcp.kit.units import from_us, to_us
from bcp.kit.workers import Workers
from bcp.plan.loader import unknown
from bcp.service.demo.damage import Damage, FlipByte, Memory, OpenMode, TakeAway
from bcp.service.demo.folders import Folders
from bcp.service.demo.town import NOTHING, Effect, Town

Pillar = Literal["availability", "integrity", "confidentiality"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that can be broken. Texts: `demo.fault.ID.title`, `.look` of the catalogue."""

    id: str
    pillar: Pillar
    effect: Effect = NOTHING
    damage: Damage | None = None
    alone_with: str | None = None
    """Faults with the same word exclude each other: two damages of one repository at once could
    not be undone in any order."""

    @property
    def title(self) -> Text:
        """What is broken."""
        return text(f"demo.fault.{self.id}.title")

    @property
    def look(self) -> Text:
        """What one will see, where, after how many seconds."""
        return text(f"demo.fault.{self.id}.look")


def _stops(*ids: str) -> Effect:
    return Effect(stops=frozenset(ids))


def _cuts(*ids: str) -> Effect:
    return Effect(cuts=frozenset(ids))


FAULTS: tuple[Fault, ...] = (
    Fault("stop-juki", "availability", _stops("juki")),
    Fault("stop-print", "availability", _stops("insatsu")),
    Fault("stop-dns", "availability", _stops("dns")),
    Fault("wrong-dns", "availability", Effect(lies=True)),
    Fault("cut-branch", "availability", _cuts("line", "insatsu")),
    Fault("cut-head-office", "availability", _cuts("lan", "juki", "zei", "dns")),
    Fault("expire-certificate", "availability", Effect(expires=True)),
    Fault("flip-byte", "integrity", damage=FlipByte(), alone_with="repository"),
    Fault(
        "delete-snapshot",
        "integrity",
        damage=TakeAway("delete-snapshot", rollback=False),
        alone_with="repository",
    ),
    Fault(
        "roll-back",
        "integrity",
        damage=TakeAway("roll-back", rollback=True),
        alone_with="repository",
    ),
    Fault("open-key", "confidentiality", damage=OpenMode("sealing_key", 0o644)),
    Fault("open-dump", "confidentiality", damage=OpenMode("dump", 0o666)),
    Fault("weak-tls", "confidentiality", Effect(weakens=True)),
)


@dataclass(frozen=True, slots=True)
class FaultState:
    """A fault and whether it is active, for page and command line."""

    fault: Fault
    since: datetime | None

    @property
    def active(self) -> bool:
        """Broken now."""
        return self.since is not None


def fault(id: str) -> Fault:
    """The fault with this id. Raises `UsageError` with a guess."""
    found = next((one for one in FAULTS if one.id == id), None)
    if found is None:
        raise UsageError(
            unknown(id, [one.id for one in FAULTS]),
            next_step="ict-bcp demo faults",
        )
    return found


class FaultBook:
    """Injects, heals and remembers. One at a time."""

    def __init__(self, folders: Folders, town: Town, clock: Clock, workers: Workers) -> None:
        self._folders, self._town, self._clock, self._workers = folders, town, clock, workers
        self._lock = asyncio.Lock()
        self._active: dict[str, dict[str, Any]] = {}

    async def restore(self) -> None:
        """Read what was active and make it so again; starts the services. For the start."""
        async with self._lock:
            self._active = await self._workers.thread(_read, self._folders)
            for id, entry in self._active.items():
                if (damage := fault(id).damage) is not None:
                    await self._workers.thread(damage.act, self._folders, entry["memory"])
            await self._settle()

    def states(self) -> tuple[FaultState, ...]:
        """Every fault, in the order of the page."""
        return tuple(FaultState(one, self._since(one.id)) for one in FAULTS)

    def _since(self, id: str) -> datetime | None:
        entry = self._active.get(id)
        return from_us(int(entry["since_us"])) if entry else None

    async def inject(self, id: str) -> FaultState:
        """Break it; harmless when it is broken. Raises `UsageError`, `Refused`, `Unwritable`."""
        wanted = fault(id)
        async with self._lock:
            if id not in self._active:
                self._refuse_company(wanted)
                memory: Memory = {}
                if wanted.damage is not None:
                    memory = await self._workers.thread(wanted.damage.choose, self._folders)
                entry = {"since_us": to_us(self._clock.utc()), "memory": memory}
                await self._write({**self._active, id: entry})
            if wanted.damage is not None:
                memory = self._active[id]["memory"]
                await self._workers.thread(wanted.damage.act, self._folders, memory)
            await self._settle()
        return FaultState(wanted, self._since(id))

    async def heal(self, id: str) -> FaultState:
        """Undo it; harmless when it is whole. Raises `UsageError`, `Unwritable`."""
        wanted = fault(id)
        async with self._lock:
            entry = self._active.get(id)
            if entry is not None:
                if wanted.damage is not None:
                    await self._workers.thread(wanted.damage.undo, self._folders, entry["memory"])
                await self._write({k: v for k, v in self._active.items() if k != id})
            await self._settle()
        return FaultState(wanted, None)

    async def heal_all(self) -> None:
        """Everything whole again, the newest fault first."""
        for id in reversed(list(self._active)):
            await self.heal(id)

    def _refuse_company(self, wanted: Fault) -> None:
        for id in self._active:
            if wanted.alone_with is not None and fault(id).alone_with == wanted.alone_with:
                raise Refused(
                    f"先に「{fault(id).title.ja}」を直してください / heal '{id}' first",
                    where=wanted.id,
                    next_step=f"ict-bcp demo heal {id}",
                )

    async def _settle(self) -> None:
        await self._town.settle(tuple(fault(id).effect for id in self._active))

    async def _write(self, active: dict[str, dict[str, Any]]) -> None:
        data = json.dumps(active, ensure_ascii=False, indent=1, sort_keys=False).encode()
        await self._workers.thread(write_atomic, self._folders.faults, data)
        self._active = active


def _read(folders: Folders) -> dict[str, dict[str, Any]]:
    """The active faults; ones this version does not know are left out (nothing to undo them)."""
    try:
        stored: Mapping[str, dict[str, Any]] = json.loads(folders.faults.read_bytes())
        known = {one.id for one in FAULTS}
        return {id: entry for id, entry in stored.items() if id in known and entry["since_us"]}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BcpError(
            f"練習の故障の記録が読めません / cannot read the active faults: {error}",
            where=str(folders.faults),
            next_step="DATA/practice を消すと練習市を作り直す / delete DATA/practice to start over",
        ) from error
