"""What becomes known of places, of flapping checks and of our own line: on record, then told once.

An entry that the log does not take is kept and written as soon as it does. What was delivered is entered
after it; which decision that was travels with the message (`Announcement.key`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

from bcp.journal.entry import NewEntry
from bcp.watch.announcing import Announcement
from bcp.watch.judge import Judge

_LATE, _UNDERWAY = 1000, 200


class Teller:
    """`append` gives False where the log cannot be written now; `rests`: do not even try."""

    def __init__(
        self,
        judge: Judge,
        announce: Callable[[Announcement], None],
        append: Callable[[NewEntry, str], Awaitable[bool]],
        rests: Callable[[], bool],
    ) -> None:
        self._judge, self._announce = judge, announce
        self._append, self._rests = append, rests
        self._late: deque[tuple[NewEntry, str]] = deque(maxlen=_LATE)
        self._underway: dict[str, NewEntry] = {}
        """What is to be entered once the message with this key was delivered."""

    async def tell(self) -> None:
        """Everything that became known since the last call."""
        while self._late and await self._enter(*self._late[0]):
            self._late.popleft()
        judge = self._judge
        for news in (*judge.own_line.take(), *judge.sites.take(), *judge.flapping.take()):
            logged = news.logged or await self._enter(news.entry, news.op)
            if not logged:
                self._late.append((news.entry, news.op))
            if news.told is not None:
                self._underway[news.op] = news.told
                while len(self._underway) > _UNDERWAY:
                    del self._underway[next(iter(self._underway))]
            self._announce(replace(news.message, logged=logged, key=news.op))

    def delivered(self, message: Announcement, at: datetime) -> None:
        """A route has delivered a message: the first one that does counts."""
        entry = self._underway.pop(message.key, None)
        if entry is not None:
            self._late.append((replace(entry, occurred_at=at), f"{message.key}-told"))

    async def _enter(self, entry: NewEntry, op: str) -> bool:
        return not self._rests() and await self._append(entry, op)
