"""What was told to people outside, sealed codes that were opened, suggestions that were not taken. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from runbooks.damageitems import IDS, UNSEEN, VALUES
from runbooks.framestate import Suggestion
from runbooks.notices.state import Notice, Notices, fold
from runbooks.report.material import Material

_LOOK_BACK = timedelta(days=1)
"""Suggestions of the day before the onset belong to the story of an event."""


@dataclass(frozen=True, slots=True)
class CodeRow:
    """緊急用封印コード that was opened."""

    id: str
    at: datetime
    by: str
    replaced_at: datetime | None


@dataclass(frozen=True, slots=True)
class SuggestionRow:
    """A suggestion of these days and what was answered."""

    suggestion: Suggestion
    words: str
    """Why it was dismissed."""


@dataclass(frozen=True, slots=True)
class DamageRow:
    """One site on the damage sheet."""

    site: str
    name: str
    counts: tuple[tuple[str, int], ...]
    """Value -> how many items; what nobody looked at is 未確認."""
    bad: tuple[str, ...]
    """Items (ids) seen partly or not usable."""
    first: datetime | None
    last: datetime | None
    overridden_by: str
    """Who let the power come on without the answers."""


def notices(material: Material) -> tuple[Notice, ...]:
    """Announcements of the event, the promised and the actual update with each."""
    state = Notices()
    for entry in material.own:
        state = fold(state, entry)
    return tuple(state.items.values())


def broken(notice: Notice, end: datetime) -> timedelta | None:
    """How long after its promise the update came; None: in time, or nothing was promised."""
    if notice.next_update is None:
        return None
    over = (notice.kept_at or end) - notice.next_update
    return over if over > timedelta() else None


def code_rows(material: Material) -> tuple[CodeRow, ...]:
    """Those the event owed, those opened before its declaration too."""
    return tuple(
        CodeRow(item.id, item.since, item.by, item.closed_at)
        for item in material.incident.codes.values()
    )


def suggestion_rows(material: Material) -> tuple[SuggestionRow, ...]:
    """From a day before the onset to the end of the event, and the one it came of."""
    incident = material.incident
    begin, end = incident.onset - _LOOK_BACK, material.end
    why = {
        entry.subject: material.words(entry)
        for entry in material.near
        if entry.kind.endswith(".suggestion_dismissed")
    }
    return tuple(
        SuggestionRow(one, why.get(one.id, ""))
        for one in sorted(material.events.suggestions.values(), key=lambda one: (one.at, one.id))
        if begin <= one.at <= end or one.id == incident.suggestion
    )


def damage_rows(material: Material, names: dict[str, str]) -> tuple[DamageRow, ...]:
    """Sites somebody wrote about."""
    rows = []
    for site, seen in sorted(material.incident.damage.items()):
        values = [seen.items[id].value if id in seen.items else UNSEEN for id in IDS]
        looks = [one.at for items in seen.history.values() for one in items]
        rows.append(
            DamageRow(
                site,
                names.get(site, site),
                tuple((value, values.count(value)) for value in VALUES),
                tuple(id for id in IDS if id in seen.items and seen.items[id].value in VALUES[1:3]),
                min(looks, default=None),
                max(looks, default=None),
                seen.overridden_by or "",
            )
        )
    return tuple(rows)
