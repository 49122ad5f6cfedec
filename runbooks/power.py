"""電源の残り時間 and 止める順: when a site goes dark, and what to stop before it does. Pure.

Somebody reads the gauge (様式11: UPS, generator); from that look on the time runs, here and on every
page (R-68). Mains power seen since then ends the count. A generator that stands there is not power
(R-70): where nobody read hours off it, nothing is counted and the page says 未確認.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bcp.plan.model import City, System
from runbooks.damageitems import BAD, GOOD
from runbooks.damagestate import Seen, SiteDamage
from runbooks.limits import class_at, rto_of
from runbooks.state import Incident
from runbooks.targets import required_level

SOURCES = ("generator", "ups")
_CLASSES = "SABCD"
_NEVER = timedelta(days=36500)


@dataclass(frozen=True, slots=True)
class Supply:
    """What carries a site without mains power, as somebody last read it."""

    site: str
    source: str
    """generator or ups."""
    seen: datetime
    minutes: int
    by: str
    seq: int
    """Entry of the look: a new look starts a new count."""

    @property
    def ends(self) -> datetime:
        """When it is used up, as of that look."""
        return self.seen + timedelta(minutes=self.minutes)


@dataclass(frozen=True, slots=True)
class Shed:
    """One system in the order of stopping."""

    system: System
    priority: str
    needed_by: tuple[str, ...]
    """Names of systems here that cannot do without it: stopped before it."""
    stopped: bool
    """Stopped on purpose already."""
    left: int | None
    """Watts still drawn once it is stopped; None where a system's watts are not in the plan."""


def supply(site: str, known: SiteDamage) -> Supply | None:
    """The source that lasts longest; None with mains power, or where nobody read the hours."""
    found = [
        Supply(site, source, seen.at, seen.minutes_left, seen.by, seen.seq)
        for source in SOURCES
        if (seen := known.items.get(source)) is not None
        and seen.value != BAD
        and seen.minutes_left is not None
    ]
    best = max(found, key=lambda one: one.ends, default=None)
    if best is None or _mains(known.items.get("mains"), best.seen):
        return None
    return best


def unread(known: SiteDamage) -> bool:
    """Mains power is gone and nobody read how long the rest lasts."""
    mains = known.items.get("mains")
    return mains is not None and mains.value == BAD and supply("", known) is None


def supplies(damage: Mapping[str, SiteDamage]) -> tuple[Supply, ...]:
    """Every site that runs on what it has, the first one to go dark first."""
    found = [one for site, known in damage.items() if (one := supply(site, known))]
    return tuple(sorted(found, key=lambda one: one.ends))


def _mains(seen: Seen | None, since: datetime) -> bool:
    return seen is not None and seen.value == GOOD and seen.at >= since


def shed_order(incident: Incident, city: City, site: str, now: datetime) -> tuple[Shed, ...]:
    """The systems of a site in the order of stopping: whoever needs another one stops before it;
    then the lower class, then the later deadline. The last line is what to keep longest."""
    here = {one.id: one for one in city.systems if _runs_at(one, site, now)}
    needs = {
        id: {d.system for d in one.depends_on if d.kind != "soft" and d.system in here} - {id}
        for id, one in here.items()
    }
    order: list[str] = []
    waiting = set(here)
    while waiting:
        free = [id for id in waiting if not any(id in needs[other] for other in waiting - {id})]
        # a ring of dependencies has no right order: then the class alone decides
        next_ = min(free or waiting, key=lambda id: _rank(here[id], incident, now))
        order.append(next_)
        waiting.remove(next_)
    stopped = {id for id, stop in incident.stops.items() if stop.ended_at is None}
    drawn = [here[id].watts for id in order]
    return tuple(
        Shed(
            here[id],
            class_at(here[id], now) or "-",
            tuple(here[other].name for other in order[:place] if id in needs[other]),
            id in stopped,
            _sum(drawn[place + 1 :]) if any(drawn) else None,
        )
        for place, id in enumerate(order)
    )


def _runs_at(system: System, site: str, now: datetime) -> bool:
    """Machines of ours that stand there; where the plan does not say, where it is used."""
    hosted = system.hosted(now.date())
    if any(one.site is not None for one in hosted):
        return any(one.site == site and one.kind == "onprem" for one in hosted)
    return site in system.sites and not system.by_provider(now.date())


def _rank(system: System, incident: Incident, now: datetime) -> tuple[int, timedelta, str]:
    level = required_level(system, incident.nature)
    rung = system.target(level) if level else None
    rto = rto_of(rung, incident.nature) if rung else None
    priority = class_at(system, now) or "D"
    return -_CLASSES.index(priority), -(rto if rto is not None else _NEVER), system.id


def _sum(watts: list[int | None]) -> int | None:
    known = [one for one in watts if one is not None]
    return sum(known) if len(known) == len(watts) else None
