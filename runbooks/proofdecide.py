"""Decides what named people say of systems and services, and the holds of a cyber event. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from bcp.journal.canonical import Json
from bcp.journal.entry import NewEntry
from bcp.kit.units import jst, to_us
from runbooks import commands as c
from runbooks.context import FUTURE, Context, entry, need_known, need_text, refuse, when
from runbooks.holding import SETTLES
from runbooks.state import Incident, Phase
from runbooks.targets import required_level

New = tuple[NewEntry, ...]


def decide_proof(
    incident: Incident, command: c.ProofCommand, at: datetime, context: Context
) -> New:
    """Entries. Raises Refused. Late words are heard until the review."""
    if incident.phase in (Phase.REVIEWED, Phase.CANCELLED):
        raise refuse("not_active", allowed="runbooks.late_allowed", phase=incident.phase.value)
    occurred = when(context, command.occurred_at, at)
    if isinstance(command, c.Confirm):
        return _confirm(incident, command, occurred, context)
    if isinstance(command, c.ObserveLevel):
        level = _level(context, command.system, command.level)
        detail: dict[str, Json] = {"level": level, "works": command.works}
        note = need_text(command.note, "note")
        return (entry(incident, "level_observed", command.system, occurred, detail, note=note),)
    if isinstance(command, c.GiveEstimate):
        return _estimate(incident, command, occurred, context)
    if isinstance(command, c.StopSystem | c.EndStop):
        return _stop(incident, command, occurred, context)
    if isinstance(command, c.Settle):
        return _settle(incident, command, occurred)
    if isinstance(command, c.DateIntrusion):
        if command.intrusion_at > at + FUTURE and not context.clock_suspect:
            raise refuse("future", time=jst(command.intrusion_at), now=jst(at))
        detail = {"intrusion_us": to_us(command.intrusion_at)}
        reason = need_text(command.reason)
        return (entry(incident, "intrusion_dated", incident.id, occurred, detail, reason=reason),)
    assert_never(command)


def _level(context: Context, system: str, level: str) -> str:
    need_known((system,), (item.id for item in context.city.systems), "system")
    found = context.city.system(system)
    assert found is not None
    need_known((level,), (rung.level for rung in found.targets), "level")
    return level


def _confirm(incident: Incident, command: c.Confirm, occurred: datetime, context: Context) -> New:
    detail: dict[str, Json] = {"kind": command.kind, "works": command.works}
    if command.kind == "service":
        need_known((command.id,), (item.id for item in context.city.services), "service")
    else:
        need_known((command.id,), (item.id for item in context.city.systems), "system")
        system = context.city.system(command.id)
        assert system is not None
        level = command.level or required_level(system, incident.nature) or ""
        detail["level"] = _level(context, command.id, level)
    note = command.note if command.works else need_text(command.note)
    return (entry(incident, "business_confirmed", command.id, occurred, detail, note=note),)


def _estimate(
    incident: Incident, command: c.GiveEstimate, occurred: datetime, context: Context
) -> New:
    city = context.city
    known = city.services if command.kind == "service" else city.systems
    need_known((command.id,), (item.id for item in known), command.kind)
    detail: dict[str, Json] = {
        "kind": command.kind,
        "eta_us": to_us(command.eta) if command.eta is not None else None,
        "source": command.source,
    }
    return (entry(incident, "estimate_given", command.id, occurred, detail, note=command.note),)


def _stop(
    incident: Incident, command: c.StopSystem | c.EndStop, occurred: datetime, context: Context
) -> New:
    need_known((command.system,), (item.id for item in context.city.systems), "system")
    known = incident.stops.get(command.system)
    stopped = known is not None and known.ended_at is None
    if isinstance(command, c.EndStop):
        if not stopped:
            raise refuse("not_stopped", id=command.system)
        return (entry(incident, "stop_ended", command.system, occurred, {}),)
    if stopped and known is not None and (known.kind, known.until) == (command.kind, command.until):
        return ()
    detail: dict[str, Json] = {
        "kind": command.kind,
        "until_us": to_us(command.until) if command.until is not None else None,
    }
    reason = need_text(command.reason)
    return (entry(incident, "stopped_on_purpose", command.system, occurred, detail, reason=reason),)


def _settle(incident: Incident, command: c.Settle, occurred: datetime) -> New:
    if incident.nature != "cyber":
        raise refuse("not_cyber")
    if command.what == "snapshot" and not command.override:
        raise refuse("snapshot_only_override")
    known = incident.settled.get(command.what)
    if known is not None and (not known.overridden or command.override):
        return ()
    word = "hold_overridden" if command.override else SETTLES[command.what]
    detail: dict[str, Json] = {"what": command.what}
    reason = need_text(command.reason)
    return (entry(incident, word, incident.id, occurred, detail, reason=reason),)
