"""`/disaster/frame`: what an event covers and what people say of it, apart from the board.

業務確認, 目視, 見込み, 自主停止, 一部解除, 範囲, and in a cyber event the holds. What staff may say and
what only the command may decide are two doors with two permissions.
"""

from __future__ import annotations

from typing import Any, cast

from bcp.kit.errors import UsageError
from bcp.kit.language import text
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.event import carry_out, desk_of, event_of, heard_of, typed_time
from bcp.service.pages.respond import Absent, Answer, Go, Page, Pages
from bcp.service.pages.visit import Visit
from runbooks import commands as c
from runbooks.holding import holds
from runbooks.systemstate import SystemState

_ROWS = 24


def routes(pages: Pages) -> list[Route]:
    """Real and drill: the same handlers."""
    found = []
    for base in ("/disaster", "/drills/{drill}"):
        found += [
            pages.route("GET", base + "/frame", Permission.READ, frame),
            pages.route("POST", base + "/frame/work", Permission.STEP, work),
            pages.route("POST", base + "/frame/command", Permission.COMMAND, command),
        ]
    return found


async def frame(visit: Visit) -> Answer:
    """The event's frame as it stands."""
    incident = event_of(visit)
    if incident is None:
        raise Absent
    desk = desk_of(visit)
    seen = await desk.situation(incident)
    told = [one for one in seen.states.items() if one[1] is not SystemState.UNKNOWN]
    services = [s for s in seen.city.services if incident.service_in_scope(s.id)]
    values = {
        "s": seen,
        "incident": incident,
        "states": told[:_ROWS],
        "untold": len(told) - len(told[:_ROWS]),
        "unseen": [id for id, now in seen.states.items() if now is SystemState.UNKNOWN],
        "others": [one for one in desk.active() if one.id != incident.id],
        "parts": [("system", s.id, s.name) for s in seen.city.systems if incident.in_scope(s.id)]
        + [("service", s.id, s.name) for s in services],
        "sites": seen.city.sites,
        "named": {s.id: s.name for s in seen.city.systems}
        | {s.id: s.name for s in seen.city.services},
        "holds": holds(incident),
        "names": visit.called,
    }
    return Page("frame.html", values, live=False)


async def work(visit: Visit) -> Answer:
    """What staff says."""
    await carry_out(visit, _work(visit))
    return Go(f"{visit.base}/frame?incident={visit.field('incident')}")


async def command(visit: Visit) -> Answer:
    """What the command decides."""
    await carry_out(visit, _command(visit))
    return Go(f"{visit.base}/frame?incident={visit.field('incident')}")


def _part(visit: Visit) -> tuple[Any, str]:
    """`system:juki` of a list of parts. Raises UsageError."""
    kind, _colon, id = visit.field("part").partition(":")
    if kind not in ("system", "service", "site"):
        raise UsageError(text("pages.bad_act").pick(visit.lang), got=visit.field("part"))
    return cast(Any, kind), id


def _work(visit: Visit) -> c.Command:
    on, at, note = visit.field("incident"), typed_time(visit), visit.field("reason")
    works, heard = visit.field("works") != "no", heard_of(visit)
    match visit.field("do"):
        case "confirm":
            kind, id = _part(visit)
            return c.Confirm(
                incident=on,
                occurred_at=at,
                heard=heard,
                kind=kind,
                id=id,
                works=works,
                note=note,
            )
        case "look":
            _kind, id = _part(visit)
            level = visit.field("level")
            return c.ObserveLevel(
                incident=on,
                occurred_at=at,
                heard=heard,
                system=id,
                level=level,
                works=works,
                note=note,
            )
        case "estimate":
            kind, id = _part(visit)
            source = visit.field("source")
            if source not in ("vendor", "provider", "staff"):
                raise UsageError(text("pages.bad_act").pick(visit.lang), got=source)
            return c.GiveEstimate(
                incident=on,
                occurred_at=at,
                kind=kind,
                id=id,
                eta=typed_time(visit, "eta"),
                source=cast(Any, source),
                note=note,
            )
        case "stop_voluntary" | "stop_planned" as how:
            _kind, id = _part(visit)
            return c.StopSystem(
                incident=on,
                occurred_at=at,
                system=id,
                kind=cast(Any, how.removeprefix("stop_")),
                reason=note,
                until=typed_time(visit, "until"),
            )
        case "restart":
            return c.EndStop(incident=on, occurred_at=at, system=_part(visit)[1])
        case "settle_containment" | "settle_evidence" as what:
            settled = cast(Any, what.removeprefix("settle_"))
            return c.Settle(incident=on, occurred_at=at, what=settled, reason=note)
        case "intrusion":
            when = typed_time(visit, "intrusion")
            if when is None:
                raise UsageError(text("pages.bad_time").pick(visit.lang))
            return c.DateIntrusion(incident=on, occurred_at=at, intrusion_at=when, reason=note)
        case _:
            raise UsageError(text("pages.bad_act").pick(visit.lang), got=visit.field("do"))


def _command(visit: Visit) -> c.Command:
    on, at, reason = visit.field("incident"), typed_time(visit), visit.field("reason")
    match visit.field("do"):
        case "part":
            kind, id = _part(visit)
            waived = visit.field("waive") == "1"
            return c.EndPart(
                incident=on, occurred_at=at, kind=kind, id=id, waived=waived, reason=reason
            )
        case "resume":
            kind, id = _part(visit)
            return c.ResumePart(incident=on, occurred_at=at, kind=kind, id=id, reason=reason)
        case "scope":
            systems, services, sites = (
                tuple(visit.field(name).replace(",", " ").split())
                for name in ("systems", "services", "sites")
            )
            return c.ChangeScope(
                incident=on,
                occurred_at=at,
                systems=systems,
                services=services,
                sites=sites,
                reason=reason,
            )
        case "override":
            what = visit.field("what")
            if what not in ("containment", "evidence", "snapshot"):
                raise UsageError(text("pages.bad_act").pick(visit.lang), got=what)
            return c.Settle(
                incident=on, occurred_at=at, what=cast(Any, what), reason=reason, override=True
            )
        case _:
            raise UsageError(text("pages.bad_act").pick(visit.lang), got=visit.field("do"))
