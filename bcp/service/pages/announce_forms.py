"""One announcement in the forms that reach people without a screen: read aloud, telephoned, printed."""

from __future__ import annotations

from aiohttp import web

from bcp.journal.journal import Journal
from bcp.service.announced import Announcement, noticed, with_words
from bcp.service.pages.event import desk_of
from bcp.service.pages.respond import Absent, Answer, Page
from bcp.service.pages.visit import Visit
from runbooks.notices import forms
from runbooks.paper.pdf import print_set
from runbooks.paper.sheet import Sheet


def place_of(visit: Visit) -> str:
    """Where the announcements of this stage are."""
    return f"{visit.base}/announcements" if visit.drill else "/announcements"


def journal_of(visit: Visit) -> Journal:
    """Of this stage; without a desk the real one."""
    return desk_of(visit).journal if visit.drill else visit.house.journal


async def forms_page(visit: Visit) -> Answer:
    """To read aloud, to telephone, to print."""
    one = await _one(visit)
    said, name = one.said(visit.drill), visit.house.city.organization.name
    values = {
        "one": one,
        "scripts": [("radio", forms.radio(said, name)), ("phone", forms.phone(said, name))],
        "place": place_of(visit),
    }
    return Page("announce_forms.html", values, live=False)


async def poster_page(visit: Visit) -> Answer:
    """The poster to print from the browser."""
    sheet = _poster(visit, await _one(visit))
    pdf = f"{place_of(visit)}/{visit.parts['id']}/poster/pdf"
    return Page("sheet.html", {"sheets": (sheet,), "pdf": pdf, "incident": None, "parts": ()})


async def poster_pdf(visit: Visit) -> Answer:
    """The poster as PDF."""
    body = await print_set((_poster(visit, await _one(visit)),), visit.house.workers)
    return web.Response(body=body, content_type="application/pdf")


def _poster(visit: Visit, one: Announcement) -> Sheet:
    organization, day = visit.house.city.organization, forms.today(visit.now)
    return forms.poster(one.said(visit.drill), organization, one.approved_at, day)


async def _one(visit: Visit) -> Announcement:
    journal = journal_of(visit)
    notice = noticed(journal).items.get(visit.parts["id"])
    found = await with_words(journal, notice) if notice is not None else None
    if found is None:
        raise Absent
    return found
