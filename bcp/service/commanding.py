"""状況報告 and 引継書 carried out: drawn from the desk, kept as evidence, then told by an entry.

The order of writes: the paper's bytes are durable in the evidence store before the entry names their
digest. Sent twice (same operation id) the first one's paper comes back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from bcp.journal.chronology import people
from bcp.journal.entry import Actor
from bcp.kit.clock import Clock
from bcp.kit.errors import Refused
from bcp.kit.language import text
from bcp.watch.slices import Slices
from bcp.watch.values import Status
from bcp.watch.view import CheckView
from runbooks import commands as c
from runbooks.context import refuse
from runbooks.desk import Desk
from runbooks.handing import Issued
from runbooks.handoversheet import Muted, Shift, handover_sheet
from runbooks.notices.template import percents
from runbooks.sitrep import situation_report
from runbooks.state import Incident
from runbooks.told import Told, read

_SINCE = 5000
"""Entries since the last report that are looked at, the newest first."""
_TRIES = 3
_MACHINES = ("system", "node")


class Lamps(Protocol):
    """What of the board is asked: every view."""

    def walk(self, now: datetime | None = None) -> Iterable[CheckView]:
        """One after the other."""
        ...


async def draft_situation(desk: Desk, incident: Incident, due: datetime | None) -> Told:
    """The report as it would be issued now; `due` = the next update promised."""
    seen = await desk.situation(incident)
    last = incident.situations[-1].seq if incident.situations else incident.seq
    size = desk.journal.size
    entries = await desk.journal.read(
        last + 1, incident=incident.id, limit=_SINCE, reverse=True, before=size
    )
    number = len(incident.situations) + 1
    return await desk.workers.thread(situation_report, seen, number, entries, size, due)


async def issue_situation(
    desk: Desk, incident: Incident, actor: Actor, op: str, *, remark: str, due: datetime | None
) -> tuple[int, Told]:
    """Issue it: kept, then told. Gives its number. Raises Refused, Unwritable."""
    if percents(remark):
        raise refuse("report_percent", allowed="runbooks.report_percent_allowed")
    for left in reversed(range(_TRIES)):
        before = await desk.journal.find_op(op)
        if before:
            number = int(before[0].detail["number"])
            return number, await _kept(desk, str(before[0].detail["digest"]))
        now = desk.incident(incident.id) or incident
        told = await draft_situation(desk, now, due)
        data = await desk.workers.thread(told.data)
        digest = await desk.workers.thread(desk.journal.evidence.put_bytes, data)
        command = c.IssueSituation(
            incident=incident.id, number=told.number, digest=digest, remark=remark
        )
        try:
            await desk.do(command, actor, op)
        except Refused:  # another one was issued meanwhile: draw it again with the next number
            again = desk.incident(incident.id)
            if not left or again is None or len(again.situations) < told.number:
                raise
            continue
        return told.number, told
    raise AssertionError("unreachable")


async def issued_situation(desk: Desk, incident: Incident, number: int) -> tuple[Issued, Told, str]:
    """An earlier one: its entry, the same bytes again, the commander's own words (or empty).

    Raises Refused for a number never issued, Missing or Damaged for bytes that are gone.
    """
    issued = next((one for one in incident.situations if one.number == number), None)
    if issued is None:
        raise refuse("no_report_number", number=number)
    found = await desk.journal.read(issued.seq, before=issued.seq + 1, limit=1)
    remark = (await desk.journal.reveal(found[0])).get("remark", "") if found else ""
    return issued, await _kept(desk, issued.digest), remark


async def draft_handover(desk: Desk, incident: Incident, board: Lamps, clock: Clock) -> Told:
    """The sheet as of now."""
    seen = await desk.situation(incident)
    muted = await muted_alerts(board, clock)
    spans = await people(desk.journal, incident.id)
    shifts = [
        Shift(one.actor, one.first, one.last, one.acts)
        for one in spans
        if one.actor not in _MACHINES
    ]
    head = (desk.journal.size, desk.journal.root.hex())
    return await desk.workers.thread(handover_sheet, seen, muted, shifts, head)


async def keep_sheet(desk: Desk, told: Told) -> str:
    """Durable in the evidence store; its digest."""
    data = await desk.workers.thread(told.data)
    return await desk.workers.thread(desk.journal.evidence.put_bytes, data)


async def kept_sheet(desk: Desk, incident: Incident, digest: str) -> Told:
    """A sheet this event names. Raises Refused for any other digest: evidence is not browsed."""
    known = {one.sheet for one in incident.hand_overs}
    known |= {incident.offer.sheet} if incident.offer else set()
    if not digest or digest not in known:
        raise refuse("no_sheet")
    return await _kept(desk, digest)


async def muted_alerts(board: Lamps, clock: Clock) -> list[Muted]:
    """Checks that are not good and whose alert is held back."""
    found, slices = [], Slices(clock)
    for view in board.walk(clock.utc()):
        if view.muted and view.status is not Status.OK:
            why = "・".join(text(f"event.mute_{one.value}").ja for one in sorted(view.muted))
            found.append(Muted(view.id, why))
        if slices.due():
            await asyncio.sleep(0)
    return found


async def _kept(desk: Desk, digest: str) -> Told:
    data = await desk.workers.thread(desk.journal.evidence.get, digest)
    return await desk.workers.thread(read, data)
