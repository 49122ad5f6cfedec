"""A child that writes under load and notes every acknowledgement, until somebody kills it.

Not a test itself. Acknowledgements go to a file by one `write` each, after `transact` has returned:
what stands there was acknowledged.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from bcp.journal import Actor, Fold, Journal, NewEntry, View
from bcp.kit.clock import SystemClock
from tests.bcp.journal.helpers import FOLDS

OFFICER = Actor("u-1", "commander")
PRODUCERS = 12
LONGEST = 120.0
"""Seconds after which a child ends by itself, should nobody be left to kill it."""


def open_log(folder: Path) -> Journal:
    folds: dict[str, Fold[int]] = {"count": FOLDS["count"]}
    return Journal.open(folder, clock=SystemClock(), folds=folds, critical=("test.critical",))


async def write(folder: Path, acks: Path, run: str, again: list[str], number: int | None) -> None:
    """Send `again` (operations whose answer was never heard), then new ones for ever or `number`."""
    clock = SystemClock()
    fd = os.open(acks, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    async def send(journal: Journal, op: str, several: bool) -> None:
        def decide(view: View) -> list[NewEntry]:
            detail = {"count": view.state("count"), "size": view.size}
            new = NewEntry("test.note", op, detail, None, clock.utc())
            if not several:
                return [new]
            named = NewEntry("test.critical", op, {}, None, clock.utc(), {"name": f"山田 {op}"})
            return [new, named]

        answer = await journal.transact(decide, op=op, actor=OFFICER)
        seqs = ",".join(str(entry.seq) for entry in answer.entries)
        os.write(fd, f"{op} {seqs}\n".encode())

    async def produce(journal: Journal, producer: int) -> None:
        index = 0
        while number is None or index < number:
            index += 1
            await send(journal, f"{run}-{producer}-{index}", index % 3 == 0)

    journal = open_log(folder)
    async with journal, asyncio.TaskGroup() as group:
        signer = group.create_task(journal.keep_signing(0.02))
        await asyncio.gather(*(send(journal, op, several=False) for op in again))
        producers = 1 if number is not None else PRODUCERS
        await asyncio.gather(*(produce(journal, n) for n in range(producers)))
        signer.cancel()


def main(folder: str, acks: str, run: str, again: list[str], number: int | None = None) -> None:
    work = write(Path(folder), Path(acks), run, again, number)
    asyncio.run(asyncio.wait_for(work, LONGEST))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], "traced", [], int(sys.argv[3]))
