"""Folds the entries about hand-over of the command and about 状況報告. Pure."""

from __future__ import annotations

from typing import Any

from bcp.journal.entry import Entry
from runbooks.handing import HandOffer, HandOver, Issued
from runbooks.state import Incident


def _told(incident: Incident, entry: Entry) -> dict[str, Any]:
    """`hand_over` of earlier editions of the program: the command passed at once."""
    to = str(entry.detail["to"])
    made = HandOver(entry.occurred_at, entry.actor.id, to, seq=entry.seq)
    return {"commander": to, "hand_overs": (*incident.hand_overs, made), "offer": None}


def _offered(_incident: Incident, entry: Entry) -> dict[str, Any]:
    offer = HandOffer(
        entry.occurred_at,
        entry.actor.id,
        str(entry.detail["to"]),
        str(entry.detail.get("sheet") or ""),
        entry.seq,
    )
    return {"offer": offer}


def _withdrawn(_incident: Incident, _entry: Entry) -> dict[str, Any]:
    return {"offer": None}


def _passed(incident: Incident, entry: Entry) -> dict[str, Any]:
    how = "both" if entry.kind.endswith("confirmed") else "alone"
    to = str(entry.detail["to"])
    made = HandOver(
        entry.occurred_at,
        str(entry.detail["from"]),
        to,
        how,  # type: ignore[arg-type]
        str(entry.detail.get("sheet") or ""),
        entry.seq,
    )
    return {"commander": to, "hand_overs": (*incident.hand_overs, made), "offer": None}


def _issued(incident: Incident, entry: Entry) -> dict[str, Any]:
    made = Issued(
        int(entry.detail["number"]),
        entry.occurred_at,
        entry.actor.id,
        str(entry.detail["digest"]),
        entry.seq,
    )
    return {"situations": (*incident.situations, made)}


HANDING_CHANGES = {
    "hand_over": _told,
    "hand_over_offered": _offered,
    "hand_over_confirmed": _passed,
    "hand_over_withdrawn": _withdrawn,
    "hand_over_alone": _passed,
    "situation_reported": _issued,
}
