"""`/status`: the public page. Approved text only, never a state of a probe, no account.

The approved texts lie as small files in `DATA/status/` (written when an `announcement.approved`
entry is durable): first line the title, the rest the text. No file: お知らせはありません.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.respond import Answer, Page, Pages
from bcp.service.pages.visit import Visit

_MAX_BYTES = 8192
_MAX_FILES = 8


@dataclass(frozen=True, slots=True)
class Notice:
    """One announcement."""

    title: str
    paragraphs: tuple[str, ...]
    at: datetime


def routes(pages: Pages) -> list[Route]:
    """The page."""
    return [pages.route("GET", "/status", Permission.PUBLIC, status)]


async def status(visit: Visit) -> Answer:
    """What the public-relations role approved, newest first."""
    notices = await visit.house.workers.thread(read, visit.house.status_folder, visit.lang)
    return Page("status.html", {"notices": notices}, live=False)


def read(folder: Path, lang: str) -> list[Notice]:
    """`NAME.txt`, or `NAME.en.txt` for English where there is one. An unreadable one is left out."""
    found = []
    try:
        files = sorted(folder.glob("*.txt"), reverse=True)
    except OSError:
        return []
    for file in files:
        if file.name.endswith(".en.txt"):
            continue
        english = file.with_name(file.stem + ".en.txt")
        chosen = english if lang == "en" and english.exists() else file
        try:
            raw = chosen.read_bytes()[:_MAX_BYTES].decode("utf-8", "replace")
            changed = datetime.fromtimestamp(chosen.stat().st_mtime, tz=UTC)
        except OSError:
            continue
        title, _, rest = raw.strip().partition("\n")
        paragraphs = tuple(p.strip() for p in rest.split("\n\n") if p.strip())
        found.append(Notice(title, paragraphs, changed))
    return sorted(found, key=lambda notice: notice.at, reverse=True)[:_MAX_FILES]
