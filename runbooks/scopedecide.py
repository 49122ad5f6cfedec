"""Decides what an event covers: the scope, and the end of one part of it (一部解除). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bcp.journal.canonical import Json
from bcp.journal.entry import NewEntry
from bcp.plan.model import City
from runbooks import commands as c
from runbooks.context import Context, entry, need_known, need_text, refuse
from runbooks.state import Incident
from runbooks.targets import attained, required_level

New = tuple[NewEntry, ...]


def decide_scope(
    incident: Incident, command: c.ChangeScope, occurred: datetime, context: Context
) -> New:
    """範囲の変更: named anew as a whole. Raises Refused."""
    city = context.city
    need_known(command.systems, (item.id for item in city.systems), "system")
    need_known(command.services, (item.id for item in city.services), "service")
    need_known(command.sites, (item.id for item in city.sites), "site")
    wanted = (command.systems, command.services, command.sites)
    if wanted == (incident.systems, incident.services, incident.sites):
        return ()
    detail: dict[str, Json] = {
        "systems": list(command.systems),
        "services": list(command.services),
        "sites": list(command.sites),
    }
    reason = need_text(command.reason)
    return (entry(incident, "scope_changed", incident.id, occurred, detail, reason=reason),)


def end_part(incident: Incident, command: c.EndPart, occurred: datetime, context: Context) -> New:
    """一部解除: every system the part stands on is proven, or it is waived with a reason."""
    city = context.city
    known = {
        "service": [item.id for item in city.services],
        "system": [item.id for item in city.systems],
        "site": [item.id for item in city.sites],
    }
    need_known((command.id,), known[command.kind], command.kind)
    if f"{command.kind}:{command.id}" in incident.ended:
        return ()
    if not _covered(incident, command):
        raise refuse("part_outside", id=command.id)
    wanting = [] if command.waived else list(_wanting(incident, command, city))
    if wanting:
        raise refuse(
            "part_unproven",
            allowed="runbooks.part_allowed",
            id=command.id,
            wants=", ".join(wanting),
        )
    reason = need_text(command.reason) if command.waived else command.reason
    ended = [
        (command.kind, command.id),
        *(("system", id) for id in _with_site(incident, command, city)),
    ]
    return tuple(
        entry(
            incident,
            "part_ended",
            id,
            occurred,
            {"kind": kind, "with": command.id, "waived": command.waived},
            reason=reason,
        )
        for kind, id in ended
    )


def resume_part(incident: Incident, command: c.ResumePart, occurred: datetime) -> New:
    """Back under the event: onset and clocks are those of the event, as before."""
    if f"{command.kind}:{command.id}" not in incident.ended:
        raise refuse("part_not_ended", id=command.id, ended=", ".join(incident.ended) or "-")
    detail: dict[str, Json] = {"kind": command.kind}
    reason = need_text(command.reason)
    return (entry(incident, "part_resumed", command.id, occurred, detail, reason=reason),)


def _covered(incident: Incident, command: c.EndPart) -> bool:
    if command.kind == "system":
        return incident.in_scope(command.id)
    if command.kind == "service":
        return incident.service_in_scope(command.id)
    return not incident.sites or command.id in incident.sites


def _with_site(incident: Incident, command: c.EndPart, city: City) -> list[str]:
    """Systems that stand nowhere else than at places whose part is over."""
    if command.kind != "site":
        return []
    over = {command.id, *(part.id for part in incident.ended.values() if part.kind == "site")}
    return [
        system.id
        for system in city.systems
        if system.sites and {*system.sites} <= over and incident.in_scope(system.id)
    ]


def _wanting(incident: Incident, command: c.EndPart, city: City) -> Iterator[str]:
    """What is not proven yet, as `system level`."""
    if command.kind == "service":
        service = city.service(command.id)
        needs = service.needs if service is not None else ()
        if not needs:
            yield command.id
        for need in needs:
            system = city.system(need.system)
            level = need.level or (system.targets[0].level if system and system.targets else "")
            if not level or not attained(incident, need.system, level)[1]:
                yield f"{need.system} {level}".strip()
        return
    ids = [command.id] if command.kind == "system" else _with_site(incident, command, city)
    for id in ids:
        system = city.system(id)
        wanted = required_level(system, incident.nature) if system is not None else None
        if wanted is None or not attained(incident, id, wanted)[1]:
            yield f"{id} {wanted or ''}".strip()
