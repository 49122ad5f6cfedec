"""`/disaster/handover`: 引継書, offered by the giver, confirmed by the receiver; then the command passes.

Both see the same sheet: that of the offer is kept, and the confirmation names it. Alone only where the
other cannot confirm, with a reason. Until it is confirmed every page says 未確認.
"""

from __future__ import annotations

from bcp.kit.errors import UsageError
from bcp.kit.language import text
from bcp.kit.units import whole
from bcp.service.access.roles import Permission, granted
from bcp.service.access.routes import Route
from bcp.service.commanding import draft_handover, keep_sheet, kept_sheet
from bcp.service.pages.event import carry_out, desk_of, event_of
from bcp.service.pages.respond import Absent, Answer, Go, Page, Pages
from bcp.service.pages.visit import Visit
from runbooks import commands as c
from runbooks.state import Incident


def routes(pages: Pages) -> list[Route]:
    """Real and drill: the same handlers. Who may do what is decided with the event's own state."""
    return [
        route
        for base in ("/disaster", "/drills/{drill}")
        for route in (
            pages.route("GET", base + "/handover", Permission.STEP, show),
            pages.route("POST", base + "/handover", Permission.STEP, act),
        )
    ]


def _event(visit: Visit) -> Incident:
    incident = event_of(visit)
    if incident is None:
        raise Absent
    return incident


async def show(visit: Visit) -> Answer:
    """The sheet, and what this person can do about it."""
    incident, desk = _event(visit), desk_of(visit)
    offer, asked = incident.offer, visit.query.get("sheet", "")
    if asked:
        told = await kept_sheet(desk, incident, asked)
    elif offer is not None and offer.sheet:
        told = await kept_sheet(desk, incident, offer.sheet)
    else:
        told = await draft_handover(desk, incident, visit.house.board, visit.house.clock)
    assert visit.identity is not None
    me = visit.identity.id
    values = {
        "incident": incident,
        "told": told.named(visit.called),
        "kept": bool(asked or (offer and offer.sheet)),
        "digest": asked or (offer.sheet if offer else ""),
        "offer": offer,
        "mine": me == (incident.commander or incident.declared_by),
        "for_me": offer is not None and offer.to == me,
        "alone": visit.may(Permission.COMMAND) or me == incident.commander,
        "people": _people(visit, incident),
        "past": list(reversed(incident.hand_overs)),
        "commander": visit.called(incident.commander or incident.declared_by),
        "names": visit.called,
    }
    return Page("handover.html", values, live=False)


def _people(visit: Visit, incident: Incident) -> list[tuple[str, str, bool]]:
    """Who may receive the command: those with the commander's role first."""
    found = [
        (one.login, one.name, Permission.COMMAND in granted(one.roles))
        for one in visit.house.accounts.everybody()
        if not one.disabled
        and one.id != incident.commander
        and Permission.STEP in granted(one.roles)
    ]
    return sorted(found, key=lambda one: (not one[2], one[0]))


async def act(visit: Visit) -> Answer:
    """Offer, confirm, withdraw, or alone."""
    incident, desk = _event(visit), desk_of(visit)
    on, reason = incident.id, visit.field("reason")
    match visit.field("do"):
        case "offer":
            to = _receiver(visit)
            command: c.Command = c.OfferHandOver(
                incident=on, to=to, summary=reason, sheet=await _keep(visit, incident)
            )
        case "confirm":
            command = c.ConfirmHandOver(incident=on, offer=whole(visit.field("offer")))
        case "withdraw":
            command = c.WithdrawHandOver(incident=on, reason=reason)
        case "alone":
            to = _receiver(visit)
            command = c.HandOverAlone(
                incident=on, to=to, reason=reason, sheet=await _keep(visit, incident)
            )
        case _:
            raise UsageError(text("pages.bad_act").pick(visit.lang), got=visit.field("do"))
    await carry_out(visit, command)
    still = desk.incident(on)
    done = visit.field("do") in ("confirm", "alone") and still is not None
    return Go(visit.base if done else f"{visit.base}/handover?incident={on}")


async def _keep(visit: Visit, incident: Incident) -> str:
    desk = desk_of(visit)
    told = await draft_handover(desk, incident, visit.house.board, visit.house.clock)
    return await keep_sheet(desk, told)


def _receiver(visit: Visit) -> str:
    login = visit.field("to").lower()
    known = {one.login: one.id for one in visit.house.accounts.everybody() if not one.disabled}
    if login not in known:
        raise UsageError(text("pages.no_such_person").pick(visit.lang), got=login)
    return known[login]
