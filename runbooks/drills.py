"""訓練: the same code over journals of their own, `DATA/drill/ID`, with their own key and origin.

A drill never touches the real log but twice: its beginning is not written there at all, its end is,
as the last checkpoint (size, root) of its own log: nobody can improve a drill afterwards. A real
declaration stops every running drill at once.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from pathlib import Path

from bcp.journal.batch import Listener
from bcp.journal.chronology import CHRONOLOGY
from bcp.journal.entry import Actor, NewEntry
from bcp.journal.errors import Exists
from bcp.journal.folding import Committed
from bcp.journal.journal import Journal
from bcp.kit.clock import Clock
from bcp.kit.errors import BcpError, Refused, UsageError
from bcp.kit.workers import Workers
from runbooks import commands as c
from runbooks.desk import Desk
from runbooks.drilled import ENDED, results
from runbooks.incident import FOLD, FOLD_NAME
from runbooks.neighbours import Evidence
from runbooks.notices.state import FOLD as NOTICES
from runbooks.notices.state import FOLD_NAME as NOTICES_NAME

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
STOPPER = Actor("system", "drill")


class Drills:
    """The open drills of a data folder."""

    def __init__(
        self, data: Path, real: Desk, board: Evidence, clock: Clock, workers: Workers
    ) -> None:
        self._data, self._real, self._board = data, real, board
        self._clock, self._workers = clock, workers
        self._desks: dict[str, Desk] = {}
        self.broken: dict[str, BcpError] = {}
        """Drills that could not be opened; the daemon goes on without them."""
        self._listeners: list[Listener] = []

    async def start(self) -> None:
        """Open every drill that is there and not over."""
        folder = self._data / "drill"
        names = await self._workers.thread(_folders, folder)
        ended = {entry.subject for entry in await self._real.journal.read(kind=ENDED)}
        for id in names:
            if id in ended:
                continue
            try:
                await self._open(id)
            except BcpError as error:
                self.broken[id] = error
        real_event = self._real.current()
        if real_event is not None:  # we died between the declaration and stopping the drills
            await self.preempt(real_event.id)

    def listen(self, listener: Listener) -> None:
        """Call `listener(entries)` after each commit of every drill, open now or later."""
        self._listeners.append(listener)
        for desk in self._desks.values():
            desk.journal.listen(listener)

    async def create(self, id: str) -> Desk:
        """A new drill with its own journal. Raises UsageError, Exists, Unwritable, Refused."""
        if not _ID.fullmatch(id):
            raise UsageError(
                "訓練の名前は英小文字・数字・- で 32 文字まで / "
                "a drill's name: lower-case letters, digits and -, at most 32",
                got=id,
            )
        if self._real.current() is not None:
            raise Refused(
                "実対応の発動中は訓練を始められません / no drill while a real event is declared"
            )
        identity = self._real.journal.identity

        def make() -> None:
            self._folder(id).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            Journal.create(
                self._folder(id),
                origin=f"{identity.origin}/drill/{id}",
                node=identity.node,
                clock=self._clock,
                head_dir=self._head(id),
            )

        await self._workers.thread(make)
        return await self._open(id)

    def get(self, id: str) -> Desk | None:
        """The desk of an open drill."""
        return self._desks.get(id)

    def all(self) -> dict[str, Desk]:
        """Every open drill by id."""
        return dict(self._desks)

    async def preempt(self, real: str) -> None:
        """実災害発動 — 訓練中止: every running drill is stopped."""
        for desk in self._desks.values():
            for incident in desk.active():
                with contextlib.suppress(BcpError):  # a drill must never hold up the real thing
                    command = c.Preempt(incident=incident.id, real=real)
                    await desk.do(command, STOPPER, f"preempt:{incident.id}:{real}")

    async def end(self, id: str, actor: Actor, op: str) -> Committed:
        """Close a drill whose event is over; its size and root enter the real log.

        Written first, closed after: if we die between, the same call does the rest.
        """
        desk = self._desks.get(id)
        if desk is None:
            raise UsageError(f"訓練 {id} は開いていません / no open drill {id}")
        if desk.current() is not None:
            raise Refused(
                "訓練がまだ続いています。解除または取消をしてください / "
                "the drill still runs: stand it down or cancel it"
            )
        await desk.journal.checkpoint()
        size, root = desk.journal.size, desk.journal.root.hex()
        latest = desk.state.latest
        measured = results(latest, await desk.frozen(latest)) if latest is not None else {}
        ended = NewEntry(
            ENDED,
            id,
            {
                "size": size,
                "root": root,
                "origin": desk.journal.identity.origin,
                "event": latest.id if latest is not None else None,
                "report": latest.report if latest is not None else None,
                "kind": latest.drill if latest is not None else None,
                "results": measured,
            },
            None,
            self._clock.utc(),
        )
        committed = await self._real.journal.append(ended, op=op, actor=actor)
        await desk.journal.close()
        del self._desks[id]
        return committed

    async def close(self) -> None:
        """Close every journal; the drills themselves go on at the next start."""
        for desk in self._desks.values():
            await desk.journal.close()
        self._desks.clear()

    def each(self, do: Callable[[Desk], None]) -> None:
        """For all open drills: a newly accepted plan, for example."""
        for desk in self._desks.values():
            do(desk)

    async def _open(self, id: str) -> Desk:
        if id in self._desks:
            raise Exists("この訓練は開いています / this drill is open", where=id)

        def work() -> Journal:
            return Journal.open(
                self._folder(id),
                clock=self._clock,
                head_dir=self._head(id),
                folds={FOLD_NAME: FOLD, NOTICES_NAME: NOTICES},
                projections=(CHRONOLOGY,),
            )

        real = self._real
        journal = await self._workers.thread(work)
        desk = Desk(
            journal, real.city, real.book, self._board, self._clock, self._workers, id, real.plan
        )
        desk.real = real
        desk.holders = lambda: real.holders()
        for listener in self._listeners:
            journal.listen(listener)
        desk.gate_sources = real.gate_sources
        self._desks[id] = desk
        return desk

    def _folder(self, id: str) -> Path:
        return self._data / "drill" / id

    def _head(self, id: str) -> Path:
        return self._data / "head" / f"drill-{id}"


def _folders(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(item.name for item in folder.iterdir() if _ID.fullmatch(item.name))
