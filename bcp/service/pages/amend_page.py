"""`/disaster/amend` (差し込み) and `/disaster/crew` (役割の担当): what only the command changes."""

from __future__ import annotations

from bcp.kit.errors import UsageError
from bcp.kit.language import text
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.holders import name_of
from bcp.service.pages.event import carry_out, desk_of, event_of, number, typed_time
from bcp.service.pages.respond import Absent, Answer, Go, Page, Pages
from bcp.service.pages.step_forms import somebody
from bcp.service.pages.visit import Visit
from runbooks import commands as c
from runbooks.amended import TYPES
from runbooks.progress import Stand

_OPEN = (Stand.BLOCKED, Stand.READY, Stand.NOT_APPLICABLE)


def routes(pages: Pages) -> list[Route]:
    """Real and drill: the same handlers."""
    return [
        route
        for base in ("/disaster", "/drills/{drill}")
        for route in (
            pages.route("GET", base + "/amend", Permission.COMMAND, amend_page),
            pages.route("POST", base + "/amend", Permission.COMMAND, amend),
            pages.route("GET", base + "/crew", Permission.READ, crew_page),
            pages.route("POST", base + "/crew", Permission.COMMAND, fill),
        )
    ]


async def amend_page(visit: Visit) -> Answer:
    """What may be changed around one step, and everything changed so far."""
    incident = event_of(visit)
    if incident is None or not incident.active:
        raise Absent
    seen = await desk_of(visit).situation(incident)
    asked = visit.query.get("step", "")
    found = seen.steps.get(asked) or next(iter(seen.steps.values()), None)
    if found is None:
        raise Absent
    same = [one for one in seen.steps.values() if one.runbook.id == found.runbook.id]
    values = {
        "incident": incident,
        "f": found,
        "same": same,
        "untouched": [one for one in same if one.stand in _OPEN],
        "changeable": found.stand in _OPEN,
        "books": [book for book in seen.book if book.id != found.runbook.id],
        "gone": found.runbook.id in incident.abandoned,
        "types": TYPES,
        "roles": seen.city.roles,
        "unproven": found.run.verification in ("pending", "failed"),
        "amendments": list(reversed(incident.amendments)),
        "free": _free(set(seen.steps), found.step.id),
        "names": lambda id: name_of(visit.house.city, id, visit.called(id)),
    }
    return Page("amend.html", values, live=False)


def _free(known: set[str], near: str) -> str:
    """An id nobody has: `JUKI-X1`."""
    stem = near.rpartition("-")[0] or near
    return next(id for n in range(1, 1000) if (id := f"{stem}-X{n}") not in known)


async def amend(visit: Visit) -> Answer:
    """Carry it out."""
    await carry_out(visit, _change(visit))
    step = visit.field("step")
    return Go(f"{visit.base}/steps/{step}" if step else visit.base)


def _change(visit: Visit) -> c.Command:
    on, at = visit.field("incident"), typed_time(visit)
    step, reason, runbook = visit.field("step"), visit.field("reason"), visit.field("runbook")
    after, before = visit.field("after") or None, visit.field("before") or None
    match visit.field("do"):
        case "add":
            return c.AddStep(
                incident=on,
                occurred_at=at,
                runbook=runbook,
                step=step,
                title=visit.field("title"),
                reason=reason,
                type=visit.field("type"),
                role=visit.field("role") or None,
                how=visit.field("how"),
                expect=visit.field("expect"),
                safety=visit.field("safety"),
                after=after,
                before=before,
                people=number(visit, "people") or 1,
            )
        case "replace":
            return c.ReplaceStep(
                incident=on,
                occurred_at=at,
                step=step,
                title=visit.field("title"),
                reason=reason,
                role=visit.field("role") or None,
                how=visit.field("how"),
                expect=visit.field("expect"),
                safety=visit.field("safety"),
            )
        case "move":
            return c.MoveStep(
                incident=on, occurred_at=at, step=step, reason=reason, after=after, before=before
            )
        case "splice":
            return c.SpliceRunbook(
                incident=on,
                occurred_at=at,
                runbook=runbook,
                into=visit.field("into"),
                step=step,
                reason=reason,
                after=after,
                before=before,
            )
        case "cancel":
            return c.CancelStep(incident=on, occurred_at=at, step=step, reason=reason)
        case "waive":
            return c.WaiveProof(
                incident=on, occurred_at=at, step=step, reason=reason, alone=visit.field("alone")
            )
        case "abandon":
            instead = visit.field("into") or None
            return c.AbandonRunbook(
                incident=on, occurred_at=at, runbook=runbook, reason=reason, instead=instead
            )
        case "resume":
            return c.ResumeRunbook(incident=on, occurred_at=at, runbook=runbook, reason=reason)
        case _:
            raise UsageError(text("pages.bad_act").pick(visit.lang), got=visit.field("do"))


async def crew_page(visit: Visit) -> Answer:
    """Who fills which role now, and who was called."""
    incident = event_of(visit)
    if incident is None:
        raise Absent
    city = visit.house.city
    rows = [
        (role, [duty for duty in incident.duties if duty.role == role.id and duty.holds(visit.now)])
        for role in city.roles
    ]
    values = {
        "incident": incident,
        "rows": rows,
        "coming": [duty for duty in incident.duties if duty.since > visit.now],
        "calls": list(reversed(incident.contacts))[:20],
        "names": lambda id: name_of(city, id, visit.called(id)),
    }
    return Page("crew.html", values, live=False)


async def fill(visit: Visit) -> Answer:
    """Put somebody on a role, or take him off."""
    on, at = visit.field("incident"), typed_time(visit)
    role = visit.field("role")
    if visit.field("do") == "leave":
        command: c.Command = c.LeaveRole(
            incident=on, occurred_at=at, role=role, person=visit.field("to")
        )
    else:
        person = somebody(visit, "approved_by")
        if person is None:
            raise UsageError(text("pages.no_such_person").pick(visit.lang))
        command = c.FillRole(
            incident=on,
            occurred_at=at,
            role=role,
            person=person,
            since=typed_time(visit, "since"),
            until=typed_time(visit, "until"),
            note=visit.field("reason"),
        )
    await carry_out(visit, command)
    return Go(f"{visit.base}/crew")
