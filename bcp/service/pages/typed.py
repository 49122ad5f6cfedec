"""What somebody typed into a form that could not be carried out: it comes back, nothing is lost.

The page that explains shows the words again, in a form that sends the same act once more (with its
operation id: sent twice, it happens once). Passwords never come back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bcp.service.access.guard import CSRF_FIELD
from bcp.service.pages.visit import Visit

_SECRET = ("/account", "/login", "/break-glass")
_WORDS = (
    "reason", "note", "alone", "approved_by", "at", "until", "onset", "snapshot",
    "together", "answer", "retype", "how", "expect", "safety", "caption",
    "title", "body", "easy", "title_en", "body_en", "next_update",
)  # fmt: skip
"""Fields that people write; every other one is a choice and travels along unseen."""
_LONG = ("reason", "note", "how", "body", "easy", "body_en")


@dataclass(frozen=True, slots=True)
class Word:
    """One field somebody wrote."""

    name: str
    value: str
    long: bool
    lacking: bool = False
    """What was refused for want of it: offered, and marked."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A form to send again."""

    to: str
    back: str
    """The page the form stood on."""
    words: tuple[Word, ...]
    others: tuple[tuple[str, str], ...]
    files: tuple[str, ...] = ()
    """Files to choose again: a browser never gives one back."""


def typed(visit: Visit, lacks: tuple[str, ...] = ()) -> Typed | None:
    """What stood on the form, and what it lacks; None when nothing was sent, or it was a secret."""
    if not visit.form or visit.path in _SECRET:
        return None
    files = tuple(name for name, value in visit.form.items() if not isinstance(value, str))
    given = {
        name: visit.field(name) for name in visit.form if name != CSRF_FIELD and name not in files
    }
    known = "note" if "note" in given or "reason" not in given else "reason"
    wanted = {known if name == "note" else name for name in lacks}
    words = tuple(
        Word(name, given.get(name, ""), name in _LONG, name in wanted)
        for name in _WORDS
        if given.get(name) or name in wanted
    )
    others = tuple((name, value) for name, value in given.items() if name not in _WORDS)
    return Typed(visit.path, _page_of(visit), words, others, files)


def _page_of(visit: Visit) -> str:
    """The nearest page at or above an address that only takes forms."""
    pages = [re.compile(re.sub(r"\{[^}]*\}", "[^/]+", path)) for path in visit.offered]
    place = visit.path
    while place and not any(page.fullmatch(place) for page in pages):
        place = place.rpartition("/")[0]
    return place or "/"
