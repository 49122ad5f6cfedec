"""Entering the plan in force into the log, and reading an accepted plan back.

Evidence first, then the entry that names it. If we die in between, the document belongs to no entry
and the plan is accepted at the next start.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import date

from bcp.journal.entry import Actor
from bcp.journal.errors import Missing
from bcp.journal.journal import Journal
from bcp.kit.errors import Unwritable
from bcp.plan import accepted
from bcp.plan.marks import Fault
from bcp.service.house import House
from bcp.service.plan import Plan, load_kept

_SYSTEM = Actor("system", "service")


async def accept(house: House, actor: Actor = _SYSTEM) -> None:
    """Keep the plan whole and enter it, unless it is the one in force, people included."""
    plan, journal = house.plan, house.journal
    held: accepted.Accepted = journal.state("plan")
    if held.digest == plan.digest and await _values(journal, held.seqs) == dict(plan.personal):
        return
    counts = {"systems": len(plan.city.systems), "checks": len(plan.checks)}
    faults = len(await house.workers.thread(lint_faults, plan))
    counts |= {"faults": faults} if faults else {}  # E rules: approved with these
    with contextlib.suppress(Unwritable):  # said on every page; entered at the next start
        evidence = journal.evidence
        kept = await house.workers.thread(evidence.put_bytes, plan.kept)
        now = house.clock.utc()
        new = accepted.accept(plan.digest, kept, counts, now, plan.personal)
        await journal.append(*new, op=f"plan:{plan.digest[:32]}:{journal.size}", actor=actor)


def lint_faults(plan: Plan, *, placed: bool = False) -> list[Fault]:
    """What the E rules say of a plan's runbooks; blocking."""
    from bcp.service.linting import lint_plan  # nobody waits for it to be ready

    return lint_plan(plan, placed=placed)


async def read_back(house: House, digest: str, today: date) -> Plan:
    """An accepted plan by its digest, as it was last accepted. Raises Missing, Damaged, BcpError."""
    found = await house.journal.read(kind=accepted.KIND, reverse=True)
    entry = next((one for one in found if one.detail.get("digest") == digest), None)
    if entry is None:
        raise Missing(
            "この計画は受け入れられていません / no such plan was accepted",
            where="integrity log",
            expected="a digest of a plan.accepted entry",
            got=digest[:64],
            next_step="ict-bcp log show --kind plan.accepted",
        )
    seqs = [one.seq for one in await house.journal.find_op(entry.op)]
    kept = await house.workers.thread(house.journal.evidence.get, entry.evidence[0])
    values = await _values(house.journal, seqs)
    return await house.workers.thread(load_kept, kept, values, today)


async def _values(journal: Journal, seqs: Iterable[int]) -> dict[str, str]:
    """The people's values that are still kept."""
    found: dict[str, str] = {}
    for seq in seqs:
        for entry in await journal.read(seq, limit=1):
            found |= await journal.reveal(entry)
    return found
