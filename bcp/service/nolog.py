"""Stands where the integrity log would, when it could not be opened: 記録できていません.

Reading gives nothing, writing is refused with the reason of the opening, watching goes on. A log
that is damaged, rolled back or missing is never replaced by a new empty one: that is for a person to
decide. One that only the disk refused is opened as soon as the disk allows (`service.returning`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

from bcp.journal.checkpoint import Checkpoint
from bcp.journal.entry import Actor, Entry
from bcp.journal.evidence import EvidenceStore
from bcp.journal.folding import Committed, Fold, WritableState
from bcp.journal.journal import Journal
from bcp.journal.opening import Identity
from bcp.journal.writer import Decide
from bcp.kit.clock import Clock
from bcp.kit.errors import BcpError, Unwritable


class NoLog(Journal):
    """A `Journal` whose every write is refused and whose folds are empty."""

    def __init__(
        self, reason: BcpError, clock: Clock, folds: Mapping[str, Fold[Any]], node: str
    ) -> None:
        self._reason, self._clock, self._folds, self._node = reason, clock, folds, node
        self._state = WritableState(False, clock.utc(), type(reason).__name__, reason.what)

    @property
    def curable(self) -> bool:
        """Only the disk stood in the way: full, read-only, not there yet."""
        return isinstance(self._reason, Unwritable)

    def refuse(self) -> NoReturn:
        """The answer to everything that needs the log: `Unwritable`, with the opening's reason."""
        raise Unwritable(
            f"記録できていません / the integrity log could not be opened: {self._reason.what}",
            where=self._reason.where,
            next_step=self._reason.next_step,
        )

    async def transact(self, decide: Decide, *, op: str, actor: Actor) -> Committed:
        """Refused, with the reason of the opening."""
        self.refuse()

    async def close(self) -> None:
        """Nothing is open."""

    async def probe(self) -> WritableState:
        """Only a restart opens the log."""
        return self._state

    @property
    def identity(self) -> Identity:
        """Nobody's log."""
        return Identity("", "", self._node, 0)

    @property
    def size(self) -> int:
        """Nothing can be read."""
        return 0

    @property
    def writable(self) -> WritableState:
        """Why there is no log."""
        return self._state

    @property
    def evidence(self) -> EvidenceStore:
        """Without a log nothing may be kept as evidence."""
        self.refuse()

    def state(self, name: str) -> Any:
        """The empty state."""
        return self._folds[name].initial

    async def read(self, since: int = 0, **_selection: Any) -> tuple[Entry, ...]:
        """Nothing can be read."""
        return ()

    async def find_op(self, op: str) -> tuple[Entry, ...]:
        """Nothing can be read."""
        return ()

    async def reveal(self, entry: Entry) -> dict[str, str]:
        """Nothing can be read."""
        return {}

    async def reveal_all(self, entries: Sequence[Entry]) -> dict[int, dict[str, str]]:
        """Nothing can be read."""
        return {}

    async def search(self, words: str) -> list[int]:
        """Nothing can be read."""
        return []

    def listen(self, listener: Any) -> Any:
        """Nothing will ever be heard."""
        return lambda: None

    @property
    def signed(self) -> tuple[None, bytes, None]:
        """Nothing was signed."""
        return None, b"", None

    async def keep_signing(
        self, busy_seconds: float = 1.0, heartbeat: timedelta = timedelta(hours=1)
    ) -> None:
        """There is nothing to sign; ends at once."""

    async def verify(self, run: Any = None) -> Any:
        """Cannot be told."""
        self.refuse()

    async def erase(
        self, entry: Entry, names: Sequence[str], *, op: str, actor: Actor
    ) -> Committed:
        """Refused."""
        self.refuse()

    async def checkpoint(self) -> bytes:
        """Refused."""
        self.refuse()

    async def export(self, dest: Path) -> Checkpoint:
        """Refused."""
        self.refuse()

    async def prove(self, seq: int) -> str:
        """Refused."""
        self.refuse()

    async def query(
        self, projection: str, name: str, parameters: Mapping[str, Any] | Sequence[Any] = ()
    ) -> list[Any]:
        """Nothing can be read."""
        return []

    @property
    def root(self) -> bytes:
        """Of nothing."""
        return b""

    @property
    def vkey(self) -> str:
        """Nobody's key."""
        return ""
