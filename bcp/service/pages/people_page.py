"""`/people`: who is here without an account of his own: sealed codes used, visiting helpers.

States only, never a code. Ending a session at once is for the commander and the administrator.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bcp.kit.errors import Refused, UsageError
from bcp.kit.language import text
from bcp.kit.units import from_us, whole
from bcp.service.access.limits import Limit
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.event import actor
from bcp.service.pages.respond import Answer, Go, Page, Pages
from bcp.service.pages.visit import Visit


@dataclass(frozen=True, slots=True)
class Guest:
    """One account that ends by itself."""

    login: str
    name: str
    limit: Limit
    until: datetime
    here: bool


def routes(pages: Pages) -> list[Route]:
    """The list, and ending a session."""
    return [
        pages.route("GET", "/people", Permission.READ_LOG, people),
        pages.route("POST", "/people", Permission.COMMAND, end),
    ]


async def people(visit: Visit) -> Answer:
    """Codes by site, guests with what they are lent."""
    house, codes = visit.house, visit.house.codes.all()
    sites = {one.site: house.city.site(one.site) for one in codes}
    envelopes = [
        (site.name if site else id, [one for one in codes if one.site == id])
        for id, site in sites.items()
    ]
    guests = [
        Guest(a.login, a.name, limit, from_us(limit.until_us), house.accounts.is_open(a.id))
        for a in house.accounts.everybody()
        if (limit := house.accounts.limits().get(a.id)) is not None
    ]
    names = {one.account: visit.called(one.account) for one in codes if one.account}
    values = {
        "envelopes": envelopes,
        "guests": guests,
        "names": names,
        "instant": from_us,
        "unissued": [s for s in house.city.sites if s.kind != "cloud" and s.id not in sites],
    }
    return Page("people.html", values)


async def end(visit: Visit) -> Answer:
    """This code or this helper opens nothing any more."""
    number, login = whole(visit.field("number")), visit.field("login")
    by = actor(visit).id
    if number is not None:
        await visit.house.codes.revoke((number,), by=by)
        return Go("/people")
    known = {account.login: account.id for account in visit.house.accounts.everybody()}
    if login not in known:
        raise UsageError(text("pages.no_such_person").pick(visit.lang), got=login)
    if known[login] not in visit.house.accounts.limits():  # others: the administrator's business
        raise Refused(text("people.not_a_guest").pick(visit.lang), got=login)
    await visit.house.accounts.disable(login, by=by)
    return Go("/people")
