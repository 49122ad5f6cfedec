"""What entries about the event as a whole change: declaration, level, scope, onset, phases. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from bcp.journal.entry import Entry
from bcp.kit.units import from_us
from runbooks.framestate import Mark, OnsetMark, PartEnd, Phase, Ratification, Tried
from runbooks.state import LATE_SECONDS, Incident

LATE = timedelta(seconds=LATE_SECONDS)
Change = Callable[[Incident, Entry], dict[str, Any]]
"""(event, entry) -> the fields that change."""


def declared(entry: Entry) -> Incident:
    """The event as it was declared."""
    detail = entry.detail
    onset = from_us(detail["onset_us"])
    provisional = detail["capacity"] != "principal"
    return Incident(
        id=str(entry.incident),
        stage=detail["stage"],
        nature=detail["nature"],
        level=detail["level"],
        onset=onset,
        declared_at=entry.occurred_at,
        declared_by=entry.actor.id,
        capacity=detail["capacity"],
        role=detail["role"],
        plan=detail["plan"],
        frozen=detail["frozen"],
        hours=detail["hours"],
        seq=entry.seq,
        drill=detail["drill"],
        phase_since=entry.occurred_at,
        ratification=Ratification.PENDING if provisional else Ratification.NONE,
        commander=entry.actor.id,
        systems=tuple(detail["systems"]),
        services=tuple(detail["services"]),
        sites=tuple(detail["sites"]),
        runbooks=tuple(detail["runbooks"]),
        gates=tuple(detail["gates"]),
        links=tuple(detail.get("links", ())),
        suggestion=detail.get("suggestion"),
        rank=detail.get("rank"),
        tried=tuple(Tried(role, from_us(at), said) for role, at, said in detail.get("tried", ())),
        marks=(
            Mark("level", (str(detail["level"]),), entry.occurred_at, entry.actor.id, entry.seq),
            _scope_mark(entry),
        ),
        onsets=(OnsetMark(onset, entry.recorded_at, entry.actor.id),),
        version=1,
        last_seq=entry.seq,
        last_at=entry.recorded_at,
        late=int(entry.recorded_at - entry.occurred_at > LATE),
    )


def _phase(phase: Phase) -> Change:
    return lambda _incident, entry: {"phase": phase, "phase_since": entry.occurred_at}


def _level(incident: Incident, entry: Entry) -> dict[str, Any]:
    level = entry.detail["level"]
    mark = Mark("level", (str(level),), entry.occurred_at, entry.actor.id, entry.seq)
    return {"level": level, "marks": (*incident.marks, mark)}


def _scope_mark(entry: Entry) -> Mark:
    named = (
        f"{name[:-1]}:{id}"
        for name in ("systems", "services", "sites")
        for id in entry.detail[name]
    )
    return Mark("scope", tuple(named), entry.occurred_at, entry.actor.id, entry.seq)


def _scope(incident: Incident, entry: Entry) -> dict[str, Any]:
    """A scope stated anew opens again what it names: one cannot be in and out at once."""
    found: dict[str, Any] = {
        name: tuple(entry.detail[name]) for name in ("systems", "services", "sites")
    }
    named = {f"{name[:-1]}:{id}" for name, ids in found.items() for id in ids}
    ended = {key: part for key, part in incident.ended.items() if key not in named}
    changes = {**found, "ended": ended, "marks": (*incident.marks, _scope_mark(entry))}
    if incident.ratification is Ratification.OVERRULED:  # the new scope asks to be ratified anew
        changes["ratification"] = Ratification.PENDING
    return changes


def _part_ended(incident: Incident, entry: Entry) -> dict[str, Any]:
    kind, id = entry.detail["kind"], entry.subject
    part = PartEnd(kind, id, entry.occurred_at, entry.actor.id, entry.seq)
    return {"ended": {**incident.ended, f"{kind}:{id}": part}}


def _part_resumed(incident: Incident, entry: Entry) -> dict[str, Any]:
    gone = f"{entry.detail['kind']}:{entry.subject}"
    return {"ended": {key: part for key, part in incident.ended.items() if key != gone}}


def _runbook(incident: Incident, entry: Entry) -> dict[str, Any]:
    return {"runbooks": (*incident.runbooks, entry.subject)}


def _onset(incident: Incident, entry: Entry) -> dict[str, Any]:
    onset = from_us(entry.detail["onset_us"])
    mark = OnsetMark(onset, entry.recorded_at, entry.actor.id)
    return {"onset": onset, "onsets": (*incident.onsets, mark)}


def _ratified(_incident: Incident, entry: Entry) -> dict[str, Any]:
    return {"ratification": Ratification.RATIFIED, "ratified_at": entry.occurred_at}


def _overruled(_incident: Incident, entry: Entry) -> dict[str, Any]:
    return {"ratification": Ratification.OVERRULED, "ratified_at": entry.occurred_at}


def _restored(incident: Incident, entry: Entry) -> dict[str, Any]:
    waivers = (*incident.waivers, *entry.detail["waived"])
    return {
        "phase": Phase.RESTORED,
        "phase_since": entry.occurred_at,
        "waivers": waivers,
        "restored": tuple((one[0], one[1]) for one in entry.detail.get("proven", ())),
    }


def _relapsed(_incident: Incident, entry: Entry) -> dict[str, Any]:
    """What was decided about the gates spoke of the recovery that is lost now."""
    return {"phase": Phase.DECLARED, "phase_since": entry.occurred_at, "closings": {}}


FRAME_CHANGES: dict[str, Change] = {
    "level_changed": _level,
    "scope_changed": _scope,
    "runbook_added": _runbook,
    "onset_corrected": _onset,
    "ratified": _ratified,
    "overruled": _overruled,
    "cancelled": _phase(Phase.CANCELLED),
    "restored": _restored,
    "relapsed": _relapsed,
    "stand_down_started": _phase(Phase.STANDING_DOWN),
    "stood_down": _phase(Phase.STOOD_DOWN),
    "reviewed": _phase(Phase.REVIEWED),
    "report_made": lambda _incident, entry: {"report": entry.detail["report"]},
    "preempted": lambda _incident, entry: {"preempted_at": entry.occurred_at},
    "part_ended": _part_ended,
    "part_resumed": _part_resumed,
}
