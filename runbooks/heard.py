"""What was not typed by the one who did it: heard by phone or radio, or copied from paper.

The entry keeps both: `occurred_at` and `recorded_at`, who did it and who typed it (the actor), how
it came here, how exact the time is, and from which sheet. Names go in as commitments only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bcp.journal.canonical import Json
from bcp.journal.entry import NewEntry

Mode = Literal["phone", "paper"]


@dataclass(frozen=True, slots=True)
class Heard:
    """How a statement came here."""

    mode: Mode
    did: str | None = None
    """Person or role of the plan (id) who did it; None where only a name was said."""
    name: str = ""
    """As it was said or written: an erasable text."""
    wrote: str = ""
    """Who wrote the paper, where that is somebody else."""
    about: bool = False
    """The time is an estimate (頃)."""
    sheet: str | None = None
    """Typed code of the paper."""


def marked(entries: Sequence[NewEntry], heard: Heard | None) -> tuple[NewEntry, ...]:
    """The entries with what is known of how they came here."""
    if heard is None:
        return tuple(entries)
    detail: dict[str, Json] = {"mode": heard.mode, "about": heard.about}
    if heard.did is not None:
        detail["did"] = heard.did
    if heard.sheet is not None:
        detail["sheet"] = heard.sheet
    said = {"doer": heard.name.strip(), "writer": heard.wrote.strip()}
    texts = {name: text for name, text in said.items() if text}
    return tuple(
        replace(one, detail={**one.detail, **detail}, values={**one.values, **texts})
        for one in entries
    )
