"""One task: what the rules of the plan make of the board becomes a suggestion. It never declares."""

from __future__ import annotations

import asyncio
import contextlib

from bcp.journal.entry import Actor
from bcp.journal.errors import JournalError
from bcp.kit.errors import Refused, Unwritable
from bcp.service.house import House
from runbooks.suggest import Lamp, considered, lamp, members

EVERY_SECONDS = 5.0
SUGGESTER = Actor("system", "suggest")
_SLICE = 100


class Suggester:
    """Looks at the checks the rules name; which those are is worked out once per plan."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._members: dict[str, tuple[str, ...]] = {}
        self._plan = ""

    async def run(self) -> None:
        """For ever. A log that cannot be written is tried again: the evidence stays on the board."""
        clock = self._house.clock
        while True:
            with contextlib.suppress(Unwritable, JournalError):
                await self.look()
            await clock.sleep_until(clock.monotonic() + EVERY_SECONDS)

    async def look(self) -> int:
        """One look; gives the number of entries written. The rules are those of the plan in force."""
        house = self._house
        rules = house.city.disaster.suggest
        if self._plan != house.plan.digest:
            checks = house.plan.checks
            found = {rule.id: members(rule, house.city, checks) for rule in rules}
            self._members, self._plan = found, house.plan.digest
        now, seen = house.clock.utc(), dict[str, tuple[Lamp, ...]]()
        for id, ids in self._members.items():
            lamps: list[Lamp] = []
            for start in range(0, len(ids), _SLICE):
                part = (one for one in ids[start : start + _SLICE] if one in house.board)
                lamps += [lamp(house.board.view(one, now)) for one in part]
                await asyncio.sleep(0)
            seen[id] = tuple(lamps)
        suspect = house.board.self_suspect is not None
        state, written = house.desk.state, 0
        for command, op in considered(state, house.city, seen, now, suspect=suspect):
            with contextlib.suppress(Refused):
                written += len((await house.desk.do(command, SUGGESTER, op)).entries)
        return written
