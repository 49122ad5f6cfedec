"""Pictures that were erased: recorded first, then done; the digest stays provable in the log.

What we died before doing is done at the next start. A picture that another event still keeps stays
in the store; the caption of the erased entry goes with the picture.
"""

from __future__ import annotations

from bcp.journal.entry import Actor
from bcp.journal.journal import Journal
from bcp.kit.workers import Workers
from runbooks.incidents import Incidents


async def finish(state: Incidents, journal: Journal, workers: Workers, actor: Actor) -> None:
    """Carry out every erasure that stands in the log. Raises Unwritable."""
    found = [one for event in state.items.values() for one in event.attachments]
    kept = {one.digest for one in found if one.erased_at is None}
    for one in found:
        if one.erased_at is None:
            continue
        if one.digest not in kept and await workers.thread(journal.evidence.has, one.digest):
            await workers.thread(journal.evidence.erase, one.digest)
        for entry in await journal.read(one.seq, limit=1):
            if await journal.reveal(entry):
                op = f"erase-photo:{one.seq}"
                await journal.erase(entry, [*entry.commitments], op=op, actor=actor)
