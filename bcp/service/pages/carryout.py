"""持ち出しファイル: every runbook in one HTML file that needs nothing else, readable without script.

No contacts unless asked for; then it is a registered copy (personal data) and says so. The digest is
of the runbooks alone: the same book gives the same one, whenever the file is made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime, time

from aiohttp import web
from markupsafe import Markup

from bcp.kit.language import text
from bcp.kit.units import JST, wareki
from bcp.plan.model import City
from bcp.service import copying
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.event import actor, operation
from bcp.service.pages.outbox_words import script_words
from bcp.service.pages.render import STATIC, Words, render
from bcp.service.pages.respond import Absent, Answer, Pages
from bcp.service.pages.visit import Visit
from bcp.service.press import printing
from runbooks.book import Book
from runbooks.form import Runbook
from runbooks.paper.forms import contacts as contact_sheet
from runbooks.paper.sheet import Sheet, typed_code
from runbooks.paper.sheets import Press, runbook

_ORDER = ("initial", "alternate", "recover", "return")


def routes(pages: Pages) -> list[Route]:
    """A download: opened from the disk, no rule of the server binds its script."""
    return [
        pages.route("GET", "/carryout", Permission.READ, download),
        pages.route("POST", "/carryout/contacts", Permission.READ_PERSONAL, download_contacts),
    ]


async def download(visit: Visit) -> Answer:
    """Without contacts."""
    return await _download(visit, contacts=False)


async def download_contacts(visit: Visit) -> Answer:
    """With contacts: entered in the register before it is handed out (personal data, R-14)."""
    house = visit.house
    asked = copying.Asked(("9", "runbooks"), visit.field("site"), visit.field("holder"))
    await copying.issue(
        house.journal,
        house.workers,
        printing(house),
        asked,
        visit.now,
        actor=actor(visit),
        op=operation(visit),
    )
    return await _download(visit, contacts=True)


async def _download(visit: Visit, *, contacts: bool) -> Answer:
    house = visit.house
    if not len(house.book):
        raise Absent
    today = visit.now.astimezone(JST).date()
    body = await house.workers.thread(
        carry_out_file, house.city, house.book, tuple(house.book), today, contacts=contacts
    )
    name = f"ict-bcp-{today.isoformat()}{'-contacts' if contacts else ''}.html"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    response = web.Response(body=body, content_type="text/html", charset="utf-8", headers=headers)
    response.enable_compression()
    return response


def carry_out_file(
    city: City, book: Book, books: Iterable[Runbook], today: date, *, contacts: bool = False
) -> bytes:
    """The file's bytes. Pure but for the templates and the style sheet it takes in."""
    press = Press(city, book, today)
    chosen = sorted(books, key=lambda one: _ORDER.index(one.purpose))
    digest = carry_digest(book, chosen)
    by_purpose: list[tuple[str, list[Sheet]]] = []
    for purpose in _ORDER:
        some = [runbook(press, one) for one in chosen if one.purpose == purpose]
        if some:
            by_purpose.append((text(f"pages.purpose_{purpose}").ja, some))
    if contacts:
        sheet = contact_sheet(press)
        by_purpose.insert(0, (sheet.title, [sheet]))
    values = {
        "organization": city.organization.name,
        "edition": city.organization.edition,
        "classification": city.organization.classification,
        "day": wareki(today),
        "digest": digest,
        "code": typed_code(digest),
        "contacts": contacts,
        "groups": by_purpose,
        "sheets": [sheet for _name, some in by_purpose for sheet in some],
        "css": _inline("style.css"),
        "script": _inline("outbox.js"),
        "script_words": script_words("ja"),
    }
    noon = datetime.combine(today, time(3), UTC)
    return render("carryout.html", Words("ja", noon), values)


def _inline(name: str) -> Markup:
    return Markup((STATIC / name).read_text(encoding="utf-8"))  # noqa: S704  # a file of ours


def carry_digest(book: Book, books: Iterable[Runbook]) -> str:
    """SHA-256 over the runbooks it holds, in the order of their ids."""
    said = "".join(f"{one}:{book.digests[one]}\n" for one in sorted(one.id for one in books))
    return hashlib.sha256(said.encode()).hexdigest()
