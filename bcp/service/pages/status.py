"""`/status`: the public page. Approved text only, never a state of a probe, no account.

It shows the files that `bcp.service.showing` makes from the log, and nothing else that may lie in
that folder. The time is that of the approval's entry, not of a file. What an announcement took the
place of stays under it (訂正 says what was wrong); what was withdrawn stays, struck, with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bcp.kit.language import Lang
from bcp.plan.model import Organization
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.render import Words, render
from bcp.service.pages.respond import Answer, Page, Pages
from bcp.service.pages.visit import Visit
from bcp.service.showing import Shown, published


@dataclass(frozen=True, slots=True)
class Notice:
    """One announcement in the visitor's language."""

    title: str
    paragraphs: tuple[str, ...]
    easy: tuple[str, ...]
    at: datetime
    next_update: datetime | None
    english: bool
    correction: str
    withdrawal: str
    withdrawn_at: datetime | None
    earlier: tuple[Notice, ...]
    title_en: str = ""
    paragraphs_en: tuple[str, ...] = ()


def routes(pages: Pages) -> list[Route]:
    """The page."""
    return [pages.route("GET", "/status", Permission.PUBLIC, status)]


async def status(visit: Visit) -> Answer:
    """What was approved, newest first."""
    found = await visit.house.workers.thread(published, visit.house.status_folder)
    return Page("status.html", arranged(found, visit.lang), live=False)


def arranged(found: tuple[Shown, ...], lang: Lang) -> dict[str, tuple[Notice, ...]]:
    """What stands, each with what it took the place of; and what was withdrawn."""
    known = {one.id: one for one in found}
    return {
        "notices": tuple(notice(o, lang, known) for o in found if o.state == "standing"),
        "withdrawn": tuple(notice(o, lang, known) for o in found if o.state == "withdrawn"),
    }


def notice(one: Shown, lang: Lang, known: dict[str, Shown]) -> Notice:
    """English where it was asked for and written."""
    english = lang == "en" and bool(one.title_en)
    chain: list[Notice] = []
    before = known.get(one.replaces or "")
    while before is not None and len(chain) < len(known):
        chain.append(notice(before, lang, {}))
        before = known.get(before.replaces or "")
    return Notice(
        one.title_en if english else one.title,
        paragraphs(one.body_en if english else one.body),
        () if english else paragraphs(one.easy),
        one.approved_at,
        one.next_update,
        english,
        one.correction,
        one.withdrawal,
        one.withdrawn_at,
        tuple(chain),
        one.title_en,
        paragraphs(one.body_en),
    )


def mirror_page(found: tuple[Shown, ...], organization: Organization) -> bytes:
    """The page for a second place: whole in itself, every language on it; equal input, equal bytes."""
    latest = max((one.approved_at for one in found), default=None)
    words = Words("ja", latest or _LONG_AGO)
    values = {**arranged(found, "ja"), "organization": organization.name, "latest": latest}
    return render("mirror.html", words, values)


_LONG_AGO = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


def paragraphs(body: str) -> tuple[str, ...]:
    """Cut at blank lines."""
    return tuple(p.strip() for p in body.replace("\r\n", "\n").split("\n\n") if p.strip())
