"""What the words of named people, stops and holds change in an event. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from bcp.journal.entry import Entry
from bcp.kit.units import from_us
from runbooks.framefold import Change
from runbooks.proofstate import Estimate, Held, Stop, Word
from runbooks.state import Incident


def _said(incident: Incident, key: str, word: Word) -> dict[str, Any]:
    """In the order in which it was said: a "no" of 03:00 typed at noon takes no later "yes" back."""
    known = (*incident.words.get(key, ()), word)
    return {"words": {**incident.words, key: tuple(sorted(known, key=lambda w: (w.at, w.seq)))}}


def _word(kind: Literal["seen", "confirmed"], entry: Entry) -> Word:
    by, works = entry.actor.id, entry.detail["works"]
    return Word(kind, works, entry.occurred_at, by, entry.seq, entry.recorded_at)


def _observed(incident: Incident, entry: Entry) -> dict[str, Any]:
    key = f"system:{entry.subject}:{entry.detail['level']}"
    return _said(incident, key, _word("seen", entry))


def _confirmed(incident: Incident, entry: Entry) -> dict[str, Any]:
    key = f"{entry.detail['kind']}:{entry.subject}"
    level = entry.detail.get("level")
    return _said(incident, f"{key}:{level}" if level else key, _word("confirmed", entry))


def contradicted(incident: Incident, entry: Entry) -> dict[str, Any]:
    """A proving check is red: what people said of this level proves nothing any more."""
    key = f"system:{entry.subject}:{entry.detail['level']}"
    at = from_us(entry.detail["since_us"])
    said = tuple(
        replace(word, contradicted_at=max(at, word.at)) if word.counts else word
        for word in incident.words.get(key, ())
    )
    return {"words": {**incident.words, key: said}} if said else {}


def _estimate(incident: Incident, entry: Entry) -> dict[str, Any]:
    eta = entry.detail["eta_us"]
    made = Estimate(
        entry.detail["kind"],
        entry.subject,
        from_us(eta) if eta is not None else None,
        entry.detail["source"],
        entry.occurred_at,
        entry.actor.id,
        entry.seq,
    )
    return {"estimates": (*incident.estimates, made)}


def _stopped(incident: Incident, entry: Entry) -> dict[str, Any]:
    until = entry.detail["until_us"]
    made = Stop(
        entry.detail["kind"],
        entry.occurred_at,
        entry.actor.id,
        from_us(until) if until is not None else None,
    )
    return {"stops": {**incident.stops, entry.subject: made}}


def _stop_ended(incident: Incident, entry: Entry) -> dict[str, Any]:
    known = replace(incident.stops[entry.subject], ended_at=entry.occurred_at)
    return {"stops": {**incident.stops, entry.subject: known}}


def _settled(overridden: bool) -> Change:
    def change(incident: Incident, entry: Entry) -> dict[str, Any]:
        what = entry.detail["what"]
        made = Held(what, entry.occurred_at, entry.actor.id, entry.seq, overridden)
        return {"settled": {**incident.settled, what: made}}

    return change


def _intrusion(_incident: Incident, entry: Entry) -> dict[str, Any]:
    return {"intrusion_at": from_us(entry.detail["intrusion_us"])}


PROOF_CHANGES: dict[str, Change] = {
    "level_observed": _observed,
    "business_confirmed": _confirmed,
    "estimate_given": _estimate,
    "stopped_on_purpose": _stopped,
    "stop_ended": _stop_ended,
    "contained": _settled(False),
    "evidence_preserved": _settled(False),
    "hold_overridden": _settled(True),
    "intrusion_dated": _intrusion,
}
