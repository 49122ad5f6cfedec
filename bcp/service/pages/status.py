"""`/status`: the public page. Approved text only, never a state of a probe, no account.

It shows the files that `bcp.service.announcing` makes from the log, and nothing else that may lie
in that folder. The time is that of the approval's entry, not of a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.announcing import Announcement, published
from bcp.service.pages.respond import Answer, Page, Pages
from bcp.service.pages.visit import Visit


@dataclass(frozen=True, slots=True)
class Notice:
    """One announcement in the visitor's language."""

    title: str
    paragraphs: tuple[str, ...]
    easy: tuple[str, ...]
    at: datetime
    next_update: datetime | None
    english: bool


def routes(pages: Pages) -> list[Route]:
    """The page."""
    return [pages.route("GET", "/status", Permission.PUBLIC, status)]


async def status(visit: Visit) -> Answer:
    """What was approved, newest first."""
    found = await visit.house.workers.thread(published, visit.house.status_folder)
    notices = [notice(one, visit.lang) for one in found]
    return Page("status.html", {"notices": notices}, live=False)


def notice(one: Announcement, lang: str) -> Notice:
    """English where it was asked for and written."""
    english = lang == "en" and bool(one.title_en)
    return Notice(
        one.title_en if english else one.title,
        paragraphs(one.body_en if english else one.body),
        () if english else paragraphs(one.easy),
        one.approved_at,
        one.next_update,
        english,
    )


def paragraphs(body: str) -> tuple[str, ...]:
    """Cut at blank lines."""
    return tuple(p.strip() for p in body.replace("\r\n", "\n").split("\n\n") if p.strip())
