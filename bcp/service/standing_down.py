"""What board and backups say about the gates of stand-down: pure rules and their registration.

`backup`: every system that came back has, since then, a copy proven to the rung the plan asks for.
`monitoring`: nothing mutes the checks of these systems any more, and each was seen lately: available
where it is about availability, looked at where it is about anything else. A system waived at 復旧 is
not asked. What nothing in the plan can show says so, and a person states it (`ground.UNSHOWABLE`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime

from backups.model import ProvenSet, proven_sets
from backups.standing import Rung
from bcp.plan.model import City
from bcp.service.announced import noticed
from bcp.service.house import House
from bcp.watch.slices import Slices
from bcp.watch.values import Mute, Pillar, Status
from bcp.watch.view import CheckView
from runbooks.ground import UNSHOWABLE, GateSource, Hold
from runbooks.state import Incident
from runbooks.targets import required_level

_LEFT_MUTED = frozenset({Mute.MAINTENANCE, Mute.PLANNED})
"""Set by people for the work; a parent's mute comes and goes by itself, a drill's with the drill."""

_HIGHEST = 4
"""What this program can prove by itself; rung 5 is the owner's acceptance."""


def recovered(incident: Incident, city: City) -> dict[str, datetime]:
    """Systems that were down and came back, and since when they stand. Pure.

    One that was never lost needs no new backup; one waived at 復旧 did not come back.
    """
    found = {}
    for system in city.systems:
        level = required_level(system, incident.nature)
        if level is None or not incident.in_scope(system.id) or system.id in incident.waivers:
            continue
        rungs = incident.levels.get(system.id, {})
        since = [
            spell.since
            for rung, spells in rungs.items()
            if rung >= level
            for spell in spells
            if spell.until is None
        ]
        if since and min(since) > incident.onset:
            found[system.id] = min(since)
    return found


def backup_hold(
    system: str, since: datetime, sets: Iterable[ProvenSet], rungs: Mapping[str, Iterable[Rung]]
) -> Hold | None:
    """What holds the gate for one system: `rungs` by the id of the set. Pure."""
    own = [one for one in sets if one.system == system]
    if not own:
        return Hold(system, UNSHOWABLE)
    weak = False
    for one in own:
        fresh = [
            rung.level
            for rung in rungs.get(one.id, ())
            if rung.status is Status.OK
            and rung.snapshot_time is not None
            and rung.snapshot_time >= since
        ]
        if max(fresh, default=-1) >= min(one.required_level, _HIGHEST):
            continue
        if not fresh:
            return Hold(system, "no_backup")
        weak = True
    return Hold(system, "low_backup") if weak else None


def monitoring_hold(view: CheckView) -> Hold | None:
    """What holds the gate for one check. Pure."""
    if view.blocked:  # stopped by the plan, before the event as after it
        return None
    if view.muted & _LEFT_MUTED:
        return Hold(view.id, "muted")
    if not view.looked and view.check.reach != "person":
        return Hold(view.id, "unknown")
    if view.check.pillar is Pillar.AVAILABILITY and view.status is Status.FAILED:
        return Hold(view.id, "red")
    return None


def sources(house: House) -> dict[str, GateSource]:
    """For `Desk.gate_sources`, real and drill alike: the board is the same."""

    async def backup(incident: Incident, city: City, _now: datetime) -> tuple[Hold, ...]:
        sets = proven_sets(house.backups)
        rungs = {
            one.id: [
                rung for copy in one.repositories for rung in house.room.rungs(one.id, copy.id)
            ]
            for one in sets
        }
        held = (backup_hold(id, at, sets, rungs) for id, at in recovered(incident, city).items())
        return tuple(hold for hold in held if hold is not None)

    async def monitoring(incident: Incident, city: City, now: datetime) -> tuple[Hold, ...]:
        back, slices, found = recovered(incident, city), Slices(house.clock), []
        for check in house.plan.checks:
            if check.system in back and check.id in house.board:
                hold = monitoring_hold(house.board.view(check.id, now))
                found += [hold] if hold is not None else []
            if slices.due():
                await asyncio.sleep(0)
        return tuple(found)

    async def announcements(incident: Incident, _city: City, _now: datetime) -> tuple[Hold, ...]:
        desk = house.desks.get(incident.stage)
        standing = noticed(desk.journal).standing if desk is not None else ()
        owed = [one for one in standing if one.incident == incident.id and one.next_update]
        return tuple(Hold(one.id, "update_due") for one in owed)

    return {"backup": backup, "monitoring": monitoring, "announcements": announcements}


def register(house: House) -> None:
    """On the real desk; a drill's desk takes them over when it is opened."""
    house.desk.gate_sources.update(sources(house))
