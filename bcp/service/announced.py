"""What was announced, read back with its words: state from the fold, texts from the log's values.

A text whose values were erased is nowhere. Deciding is `bcp.service.announcing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bcp.journal.journal import Journal
from bcp.kit.language import text
from runbooks.notices.forms import Said
from runbooks.notices.state import FOLD_NAME, Notice, Notices

TEXTS = ("title", "body", "easy", "title_en", "body_en", "radio")


@dataclass(frozen=True, slots=True)
class Announcement:
    """One announcement with its words."""

    notice: Notice
    title: str
    body: str
    easy: str = ""
    title_en: str = ""
    body_en: str = ""
    radio: str = ""
    correction: str = ""
    withdrawal: str = ""
    """Why it was withdrawn."""

    @property
    def id(self) -> str:
        """Of the announcement."""
        return self.notice.id

    @property
    def approved_at(self) -> datetime:
        """Time of the entry."""
        return self.notice.at

    @property
    def next_update(self) -> datetime | None:
        """The next one promised."""
        return self.notice.next_update

    def said(self, drill: str | None = None) -> Said:
        """For its other forms."""
        return Said(
            self.id,
            self.title,
            self.body,
            self.easy,
            self.title_en,
            self.body_en,
            self.radio,
            self.next_update,
            drill,
            self.approved_at,
        )


def noticed(journal: Journal) -> Notices:
    """What stands, without words; sync and cheap."""
    found: Notices = journal.state(FOLD_NAME)
    return found


def approvals(journal: Journal, beforehand: Journal) -> Mapping[str, str]:
    """Template -> digest of the words approved last; a drill speaks the city's approved words too."""
    return {**noticed(beforehand).templates, **noticed(journal).templates}


async def with_words(journal: Journal, notice: Notice) -> Announcement | None:
    """An announcement with its words; None when they were erased."""
    entries = await journal.read(notice.seq, subject=notice.id, limit=1)
    values = await journal.reveal(entries[0]) if entries else {}
    if not (values.get("title") and values.get("body")):
        return None
    why = ""
    if notice.withdrawn_seq is not None:
        gone = await journal.read(notice.withdrawn_seq, subject=notice.id, limit=1)
        why = (await journal.reveal(gone[0])).get("reason", "") if gone else ""
    words = {name: values.get(name, "") for name in (*TEXTS, "correction")}
    return Announcement(notice, withdrawal=why, **words)


async def current(journal: Journal) -> tuple[Announcement, ...]:
    """What stands, of every audience, newest first; an erased text is not shown any more."""
    found = [await with_words(journal, one) for one in noticed(journal).standing]
    return tuple(one for one in found if one is not None)


async def drafts(journal: Journal) -> tuple[Announcement, ...]:
    """Written and not approved yet."""
    found = [await with_words(journal, one) for one in noticed(journal).drafts.values()]
    return tuple(one for one in found if one is not None)


def both(key: str) -> str:
    """A sentence of the catalogue in both languages."""
    said = text(f"announce.{key}")
    return f"{said.ja} / {said.en}"
