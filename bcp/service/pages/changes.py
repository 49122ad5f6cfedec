"""`/disaster/changes`: what was loosened in the emergency, until when, who stands for it. No script."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bcp.kit.errors import UsageError
from bcp.kit.language import text
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.operations.changing import state_of
from bcp.service.pages.event import actor, carry_out, desk_of, event_of, typed_time
from bcp.service.pages.respond import Absent, Answer, Go, Page, Pages
from bcp.service.pages.visit import Visit
from runbooks import commands as c
from runbooks.changes import KINDS, Change


@dataclass(frozen=True, slots=True)
class Row:
    """One change with its words."""

    change: Change
    state: str
    what: str
    how: str
    left: timedelta | None
    mine: bool
    """Declared by the visitor: approving needs a reason."""
    signer: bool
    """The visitor may countersign."""


def routes(pages: Pages) -> list[Route]:
    """Real and drill: the same handlers."""
    found = []
    for base in ("/disaster", "/drills/{drill}"):
        found += [
            pages.route("GET", base + "/changes", Permission.READ_FINDINGS, show),
            pages.route("POST", base + "/changes", Permission.STEP, record),
            pages.route("POST", base + "/changes/sign", Permission.COMMAND, sign),
        ]
    return found


async def show(visit: Visit) -> Answer:
    """The list, open ones first, and the form for a new one."""
    incident, desk = event_of(visit), desk_of(visit)
    if incident is None:
        raise Absent
    entries = {
        entry.seq: entry
        for entry in await desk.journal.read(
            kind=("incident.change_opened", "incident.change_reverted"),
            incident=incident.id,
            limit=5000,
        )
    }
    texts = await desk.texts(entries.values())
    me = actor(visit).id
    rows = [
        Row(
            change,
            state_of(change, visit.now),
            texts.get(change.seq, {}).get("what", ""),
            texts.get(change.closed_seq or -1, {}).get("note", ""),
            change.expires_at - visit.now if change.expires_at else None,
            change.by == me,
            change.approved and not change.signed and me not in (change.by, change.approved_by),
        )
        for change in incident.changes.values()
    ]
    order = {"expired": 0, "unapproved": 1, "open": 2}
    values = {
        "incident": incident,
        "open": sorted((r for r in rows if r.state != "closed"), key=lambda r: order[r.state]),
        "closed": [r for r in rows if r.state == "closed"],
        "kinds": KINDS,
        "systems": [s for s in visit.house.city.systems if incident.in_scope(s.id)],
        "names": visit.called,
    }
    return Page("changes.html", values, live=False)


async def record(visit: Visit) -> Answer:
    """What staff says: made, taken back."""
    on, id, said = visit.field("incident"), visit.field("subject"), visit.field("reason")
    command: c.Command
    match visit.field("do"):
        case "open":
            command = c.OpenChange(
                incident=on,
                id=id,
                cia=visit.field("cia"),  # type: ignore[arg-type]  # refused by the decision
                what=said,
                expires_at=typed_time(visit, "until"),
                kind=visit.field("kind") or "other",  # type: ignore[arg-type]
                system=visit.field("system") or None,
                check=visit.field("check") or None,
            )
        case "revert":
            how = visit.field("how")
            if how not in ("seen", "measured", "attested"):
                raise UsageError("how", got=how)
            command = c.RevertChange(
                incident=on,
                id=id,
                note=said,
                how=how,  # type: ignore[arg-type]
            )
        case other:
            raise UsageError(text("pages.bad_act").pick(visit.lang), got=other)
    await carry_out(visit, command)
    return Go(f"{visit.base}/changes")


async def sign(visit: Visit) -> Answer:
    """What the command says: approved, countersigned, longer."""
    on, id, said = visit.field("incident"), visit.field("subject"), visit.field("reason")
    command: c.Command
    match visit.field("do"):
        case "approve":
            command = c.ApproveChange(incident=on, id=id, alone=said)
        case "countersign":
            command = c.CountersignChange(incident=on, id=id, note=said)
        case "extend":
            until = typed_time(visit, "until")
            if until is None:
                raise UsageError(text("pages.bad_time").pick(visit.lang))
            command = c.ExtendChange(incident=on, id=id, expires_at=until, reason=said)
        case other:
            raise UsageError(text("pages.bad_act").pick(visit.lang), got=other)
    await carry_out(visit, command)
    return Go(f"{visit.base}/changes")
