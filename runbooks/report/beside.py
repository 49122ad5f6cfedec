"""What was told to people outside, sealed codes that were opened, suggestions that were not taken. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bcp.journal.entry import Entry
from bcp.kit.units import from_us
from runbooks.damageitems import IDS, UNSEEN, VALUES
from runbooks.framestate import Suggestion
from runbooks.report.material import ANNOUNCED, Material

_LOOK_BACK = timedelta(days=1)
"""Suggestions of the day before the onset belong to the story of an event."""


@dataclass(frozen=True, slots=True)
class AnnouncementRow:
    """One announcement and the update it promised."""

    id: str
    at: datetime
    audience: str
    how: str
    by: str
    promised: datetime | None
    followed_at: datetime | None
    """The update (or withdrawal) that kept the promise."""
    withdrawn: bool

    def late_by(self, end: datetime) -> timedelta | None:
        """How long after the promise the update came; None: in time, or nothing promised."""
        if self.promised is None:
            return None
        over = (self.followed_at or end) - self.promised
        return over if over > timedelta() else None


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


def announcement_rows(material: Material) -> tuple[AnnouncementRow, ...]:
    """In the order in which they were approved."""
    found: dict[str, AnnouncementRow] = {}
    for entry in material.own:
        word = entry.kind.removeprefix(ANNOUNCED)
        if entry.kind == word:
            continue
        old = found.get(str(entry.detail.get("replaces") or entry.subject))
        if word == "approved":
            if old is not None and old.followed_at is None:
                found[old.id] = _followed(old, entry, withdrawn=False)
            found[entry.subject] = _announced(entry)
        elif word == "withdrawn" and old is not None:
            found[old.id] = _followed(old, entry, withdrawn=True)
    return tuple(found.values())


def _announced(entry: Entry) -> AnnouncementRow:
    detail = entry.detail
    promised = detail.get("next_update_us")
    return AnnouncementRow(
        entry.subject,
        entry.recorded_at,
        str(detail.get("audience", "residents")),
        str(detail.get("how", "update" if detail.get("replaces") else "new")),
        entry.actor.id,
        from_us(promised) if isinstance(promised, int) else None,
        None,
        False,
    )


def _followed(old: AnnouncementRow, entry: Entry, *, withdrawn: bool) -> AnnouncementRow:
    return AnnouncementRow(
        old.id,
        old.at,
        old.audience,
        old.how,
        old.by,
        old.promised,
        old.followed_at or entry.recorded_at,
        withdrawn,
    )


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
