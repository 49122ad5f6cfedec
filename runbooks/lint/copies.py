"""E008 an RPO the backups cannot hold, W108 copies that one event takes together."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from bcp.kit.units import format_duration
from bcp.plan.marks import Fault, Path_
from bcp.plan.model import City
from runbooks.lint.facts import Copies
from runbooks.lint.ground import Ground

_MINUTE = timedelta(minutes=1)


def e008(ground: Ground) -> list[Fault]:
    """A rung's RPO shorter than the time between backups, or than the age of the newest proven copy.

    A system may have several sets: the freshest counts, so that what is called impossible is.
    """
    sets = ground.facts.copies
    if sets is None:
        return []
    faults = []
    for index, system in enumerate(ground.city.systems):
        mine = {id: one for id, one in sets.items() if one.system == system.id}
        gaps = [one.every for one in mine.values()]
        for place, rung in enumerate(system.targets):
            if rung.rpo is None or not mine:
                continue
            path: Path_ = ("systems", index, "targets", place, "rpo")
            said = {"system": system.id, "level": rung.level, "rpo": format_duration(rung.rpo)}
            known = [gap for gap in gaps if gap is not None]
            if known and len(known) == len(gaps) and min(known) > rung.rpo:
                every = format_duration(min(known))
                faults.append(ground.in_plan("E008", path, "rpo_every", every=every, **said))
            elif (age := _age(ground, mine)) is not None and age > rung.rpo:
                old = format_duration(age - age % _MINUTE)
                faults.append(ground.in_plan("E008", path, "rpo_age", age=old, **said))
    return faults


def _age(ground: Ground, mine: Iterable[str]) -> timedelta | None:
    """Age of the newest proven copy of these sets; None when nobody knows."""
    facts = ground.facts
    if facts.verified is None or facts.now is None:
        return None
    found: list[datetime] = [at for id in mine if (at := facts.verified.get(id)) is not None]
    return facts.now - max(found) if found else None


def w108(ground: Ground) -> list[Fault]:
    """Every copy of a set that a runbook relies on stands in one place (or one hazard zone)."""
    sets = ground.facts.copies
    if sets is None:
        return []
    faults = []
    for runbook in ground.book:
        if runbook.purpose != "recover" or runbook.system is None:
            continue
        for id, one in sets.items():
            if one.system == runbook.system and _together(one, ground.city):
                where = "、".join(sorted({site for site in one.sites if site}))
                faults.append(
                    ground.at("W108", runbook, ("system",), "one_place", set=id, site=where)
                )
    return faults


def _together(one: Copies, city: City) -> bool:
    """One site, or several that share a hazard zone (R-48). Unknown places prove nothing."""
    if not one.sites or None in one.sites:
        return False
    names = set(one.sites)
    if len(names) == 1:
        return True
    sites = [site for name in names if (site := city.site(str(name))) is not None]
    zones = [set(site.hazard_zones or ()) for site in sites]
    return len(sites) == len(names) and bool(set.intersection(*zones))
