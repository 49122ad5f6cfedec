"""What entries about shifts, amendments, automation and photos change in an event. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bcp.journal.entry import Entry
from bcp.kit.units import from_us
from runbooks.state import Incident
from runbooks.worked import (
    Amendment,
    Attachment,
    AutoRun,
    ContactTry,
    Duty,
    NewStep,
    RunState,
)


def _filled(incident: Incident, entry: Entry) -> dict[str, Any]:
    detail = entry.detail
    until = detail["until_us"]
    made = Duty(
        entry.subject,
        detail["person"],
        from_us(detail["from_us"]),
        from_us(until) if until is not None else None,
        entry.actor.id,
    )
    return {"duties": (*incident.duties, made)}


def _left(incident: Incident, entry: Entry) -> dict[str, Any]:
    at = entry.occurred_at

    def ended(duty: Duty) -> Duty:
        same = duty.role == entry.subject and duty.person == entry.detail["person"]
        return replace(duty, until=at) if same and duty.holds(at) else duty

    return {"duties": tuple(ended(duty) for duty in incident.duties)}


def _tried(incident: Incident, entry: Entry) -> dict[str, Any]:
    detail = entry.detail
    made = ContactTry(
        entry.subject, detail["reached"], entry.occurred_at, entry.actor.id, detail["step"]
    )
    return {"contacts": (*incident.contacts, made)}


def _amended(incident: Incident, entry: Entry) -> dict[str, Any]:
    detail = entry.detail
    step = NewStep(
        entry.subject,
        detail["type"],
        detail["role"],
        detail["after"],
        detail["before"],
        detail["spliced"],
        detail["people"],
    )
    made = Amendment(
        detail["op"], detail["runbook"], step, entry.seq, entry.occurred_at, entry.actor.id
    )
    return {"amendments": (*incident.amendments, made)}


def _abandoned(incident: Incident, entry: Entry) -> dict[str, Any]:
    return {"abandoned": {**incident.abandoned, entry.subject: entry.seq}}


def _resumed(incident: Incident, entry: Entry) -> dict[str, Any]:
    rest = {id: seq for id, seq in incident.abandoned.items() if id != entry.subject}
    return {"abandoned": rest}


def _requested(incident: Incident, entry: Entry) -> dict[str, Any]:
    detail = entry.detail
    run = AutoRun(
        id=detail["run"],
        step=entry.subject,
        runbook=detail["of"],
        action=detail["action"],
        definition=detail["definition"],
        parameters=tuple(sorted(detail["parameters"].items())),
        state=RunState.CONFIRMED if detail["confirmed"] else RunState.REQUESTED,
        requested_by=entry.actor.id,
        requested_at=entry.occurred_at,
        alone=detail["alone"],
        seq=entry.seq,
    )
    return {"automations": {**incident.automations, run.id: run}}


def _run(change: Callable[[AutoRun, Entry], dict[str, Any]]) -> Any:
    def fold(incident: Incident, entry: Entry) -> dict[str, Any]:
        run = incident.automations[entry.detail["run"]]
        new = replace(run, seq=entry.seq, **change(run, entry))
        return {"automations": {**incident.automations, run.id: new}}

    return fold


def _ended(_run: AutoRun, entry: Entry) -> dict[str, Any]:
    detail = entry.detail
    return {
        "state": RunState(detail["state"]),
        "ended_at": entry.occurred_at,
        "exit": detail["exit"],
        "seconds": detail["seconds"],
    }


def _erased(incident: Incident, entry: Entry) -> dict[str, Any]:
    made = tuple(
        replace(one, erased_at=entry.occurred_at) if one.digest == entry.detail["digest"] else one
        for one in incident.attachments
    )
    return {"attachments": made}


def _photo(incident: Incident, entry: Entry) -> dict[str, Any]:
    detail = entry.detail
    made = Attachment(
        detail["digest"],
        entry.subject,
        detail["kind"],
        detail["bytes"],
        detail["stripped"],
        entry.occurred_at,
        entry.actor.id,
        entry.seq,
    )
    return {"attachments": (*incident.attachments, made)}


WORKED: dict[str, Callable[[Incident, Entry], dict[str, Any]]] = {
    "role_filled": _filled,
    "role_left": _left,
    "contact_tried": _tried,
    "amended": _amended,
    "runbook_abandoned": _abandoned,
    "runbook_resumed": _resumed,
    "run_requested": _requested,
    "run_confirmed": _run(
        lambda _run, entry: {"state": RunState.CONFIRMED, "confirmed_by": entry.actor.id}
    ),
    "run_withdrawn": _run(
        lambda _run, entry: {"state": RunState.WITHDRAWN, "ended_at": entry.occurred_at}
    ),
    "run_started": _run(
        lambda _run, entry: {"state": RunState.RUNNING, "started_at": entry.occurred_at}
    ),
    "run_ended": _run(_ended),
    "run_countersigned": _run(lambda _run, entry: {"countersigned_by": entry.actor.id}),
    "photo_added": _photo,
    "photo_erased": _erased,
}
"""Word of an entry -> what it changes."""
