"""復元の注文: a restore that a page asked for, done by the daemon while the page goes on.

An account on the network may not name folders of this host: it goes to a new folder inside
`restore_to` of the plan. An order lives in memory until it begins (then `guided` records it): a daemon
that dies before that has begun nothing, and the page after it shows nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from backups.planned import Key
from backups.record import Custody, Restore, Result
from bcp.journal.entry import Actor
from bcp.kit.durable import unwritable
from bcp.kit.errors import BcpError, Refused
from bcp.kit.language import text
from bcp.kit.units import JST
from bcp.watch.guard import tell

_MOST = 20
"""Folders of one snapshot side by side."""


@dataclass(frozen=True, slots=True)
class Order:
    """Who wants which snapshot."""

    key: Key
    custody: Custody
    base: Path
    actor: Actor
    op: str


class Orders:
    """Owner of what was ordered and is not done. `begin` carries one out."""

    def __init__(self, begin: Callable[[Order], Awaitable[object]]) -> None:
        self._begin = begin
        self._waiting: dict[Key, Order] = {}
        self._begun: set[Key] = set()
        self._refused: dict[Key, BcpError] = {}

    def put(self, order: Order) -> None:
        """Take an order. Raises `Refused` while the copy has one; the same one again is no fault."""
        known = self._waiting.get(order.key)
        if known is not None and known.op == order.op:
            return
        if known is not None:
            raise Refused(text("backups.order_waits").ja, got="/".join(order.key))
        self._refused.pop(order.key, None)
        self._waiting[order.key] = order

    def waiting(self, key: Key) -> Order | None:
        """What was ordered of a copy and is not done."""
        return self._waiting.get(key)

    def refused(self, key: Key) -> BcpError | None:
        """Why the last order of a copy could not be carried out."""
        return self._refused.get(key)

    def tend(self, group: asyncio.TaskGroup) -> None:
        """Start what waits."""
        for key, order in self._waiting.items():
            if key not in self._begun:
                self._begun.add(key)
                group.create_task(self._do(order), name=f"restore {'/'.join(key)}")

    async def _do(self, order: Order) -> None:
        try:
            await self._begin(order)
        except BcpError as error:
            self._refused[order.key] = error
        except OSError as error:  # the place cannot be looked at or written to
            self._refused[order.key] = unwritable(order.base, error)
        except Exception as error:  # a bug of ours must not end the daemon: it would at each press
            tell(error, "restore", copy="/".join(order.key))
            self._refused[order.key] = Refused(text("backups.unknown_broke").ja)
        finally:
            self._waiting.pop(order.key, None)
            self._begun.discard(order.key)


def folders(base: Path, custody: Custody) -> list[Path]:
    """The folders a snapshot may be restored into, in the order they are tried."""
    when = custody.time.astimezone(JST)
    name = f"{custody.set}-{custody.repository}-{when:%Y%m%d-%H%M%S}-{custody.snapshot[:8]}"
    return [base / (name if n == 1 else f"{name}-{n}") for n in range(1, _MOST + 1)]


def place(target: Path) -> str:
    """Which folder is meant, without its name."""
    return hashlib.sha256(str(target).encode("utf-8", "surrogateescape")).hexdigest()


def free_folder(base: Path, custody: Custody, last: Restore | None) -> Path:
    """The first unused folder; the one that our own unfinished restore left goes first.

    Raises `Refused`. Blocking.
    """
    if not base.is_dir():  # a share that is not mounted would fill the system's own disk
        raise Refused(text("backups.order_no_base").ja, where=str(base))
    tried = folders(base, custody)
    if last is not None and last.result is not Result.GOOD:
        for target in tried:
            if place(target) == last.place:
                return target
    for target in tried:
        if not target.exists():
            return target
    raise Refused(text("backups.order_full").ja, where=str(base), got=str(_MOST))


def where(base: Path, known: tuple[Custody, ...], last: Restore) -> Path | None:
    """The folder of a restore on record; None: it did not go into `base`."""
    of = next((one for one in known if one.snapshot == last.snapshot), None)
    tried = folders(base, of) if of is not None else []
    return next((target for target in tried if place(target) == last.place), None)
