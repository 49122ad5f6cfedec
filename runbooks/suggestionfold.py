"""What entries about a suggestion change. Pure; the texts stay in the log's value store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bcp.journal.entry import Entry
from bcp.kit.units import from_us
from runbooks.framestate import Suggestion

SUGGESTION_KINDS = frozenset(
    {
        "suggested",
        "suggestion_grown",
        "suggestion_later",
        "suggestion_dismissed",
        "suggestion_cleared",
    }
)
"""Their subject is the suggestion; they belong to no event."""

Suggestions = Mapping[str, Suggestion]


def fold_suggestion(known: Suggestions, word: str, entry: Entry) -> Suggestions:
    """The suggestions after one more entry."""
    if word == "suggested":
        return {**known, entry.subject: _made(entry)}
    one = known.get(entry.subject)
    if one is None:
        return known
    if word == "suggestion_grown":
        more = _evidence(entry)
        felt = entry.detail.get("intensity", one.intensity)
        level = entry.detail.get("level", one.level)
        changes: dict[str, Any] = {"evidence": more, "state": "open", "until": None}
        changes |= {"intensity": felt, "level": level}
    elif word == "suggestion_later":
        changes = {"state": "later", "until": from_us(entry.detail["until_us"])}
    else:
        changes = {
            "state": word.removeprefix("suggestion_"),
            "closed_at": entry.occurred_at,
            "closed_by": entry.actor.id,
        }
    return {**known, one.id: replace(one, **changes)}


def answered(known: Suggestions, id: str, entry: Entry) -> Suggestions:
    """The suggestion from which an event was declared."""
    one = known.get(id)
    if one is None:
        return known
    made = replace(
        one,
        state="declared",
        closed_at=entry.occurred_at,
        closed_by=entry.actor.id,
        incident=entry.incident,
    )
    return {**known, id: made}


def _evidence(entry: Entry) -> tuple[tuple[str, Any], ...]:
    return tuple((check, from_us(since)) for check, since in entry.detail["evidence"])


def _made(entry: Entry) -> Suggestion:
    detail = entry.detail
    return Suggestion(
        id=entry.subject,
        rule=detail["rule"],
        state="open",
        at=entry.occurred_at,
        by=entry.actor.id,
        seq=entry.seq,
        level=detail["level"],
        nature=detail["nature"],
        onset=from_us(detail["onset_us"]),
        kind=detail.get("kind") or "",
        intensity=detail.get("intensity", ""),
        systems=tuple(detail["systems"]),
        sites=tuple(detail["sites"]),
        evidence=_evidence(entry),
    )
