"""3-2-1-1-0 of a set: each digit with what it rests on. Pure.

Three copies (the original counts), on two media, one in another place, one offline or immutable, zero
errors on restoring. What the plan does not say and nothing proves is unknown (？), never counted as
good. Two places in one hazard zone are one place, and that of the original is one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from backups.model import ProvenSet
from backups.standing import Rung
from bcp.kit.language import Text, text
from bcp.plan.model import City
from bcp.watch.sites import place_of
from bcp.watch.values import Status


@dataclass(frozen=True, slots=True)
class Ground:
    """What the plan says of the ground things stand on."""

    zones: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Hazard zones by site; a site whose zones the plan does not state is not in it."""
    homes: Mapping[str, str] = field(default_factory=dict)
    """Where the original of a system's data lies; a system whose place is not stated is not in it."""


@dataclass(frozen=True, slots=True)
class Digit:
    """One digit: wanted, found (None: cannot tell), on what ground."""

    name: str
    """`copies`, `media`, `offsite`, `offline`, `errors`."""
    wanted: int
    found: int | None
    ground: Text
    at: datetime | None = None
    """When the oldest proof it rests on was made; None: it rests on the plan's words alone."""

    @property
    def holds(self) -> bool | None:
        """Whether it is reached; None: unknown."""
        if self.found is None:
            return None
        return self.found == 0 if self.wanted == 0 else self.found >= self.wanted

    @property
    def shown(self) -> str:
        """The figure, or ？."""
        return "？" if self.found is None else str(self.found)


def ground_of(city: City, now: datetime) -> Ground:
    """As far as the plan states it."""
    zones = {
        site.id: frozenset(site.hazard_zones)
        for site in city.sites
        if site.hazard_zones is not None
    }
    homes = {system.id: place_of(system, now) for system in city.systems}
    return Ground(zones, {system: place for system, place in homes.items() if place is not None})


def digits(
    one: ProvenSet, ladders: Mapping[str, tuple[Rung, ...]], ground: Ground | None = None
) -> tuple[Digit, ...]:
    """The five digits; `ladders`: the rungs of each repository by its id."""
    counted = {copy.id: _counted(one, ladders.get(copy.id, ())) for copy in one.repositories}
    proven = [copy for copy in one.repositories if counted[copy.id] is not None]
    at = min((rung.at for rung in counted.values() if rung and rung.at), default=None)
    media = [copy.medium for copy in proven]
    sites = [copy.site for copy in proven]
    apart = [copy for copy in proven if copy.offline or copy.immutable]
    ground = ground or Ground()
    home = ground.homes.get(one.system or "")
    return (
        Digit("copies", 3, 1 + len(proven), _ground("copies", level=one.required_level), at),
        Digit("media", 2, _count(media), _ground("media"), at),
        Digit("offsite", 1, _offsite(sites, home, ground.zones), _offsite_ground(home), at),
        Digit("offline", 1, len(apart), _ground("offline"), at if apart else None),
        Digit("errors", 0, _errors(ladders.values()), _ground("errors"), _restored(ladders)),
    )


def _ground(name: str, **facts: object) -> Text:
    return text(f"backups.digit_{name}", **facts)


def _offsite_ground(home: str | None) -> Text:
    return _ground("offsite" if home is not None else "offsite_unplaced")


def _counted(one: ProvenSet, rungs: tuple[Rung, ...]) -> Rung | None:
    """A copy counts once it is proven at the required rung (5 is the owner's: 4 is asked here)."""
    level, good = min(one.required_level, 4), (Status.OK, Status.DEGRADED)
    return next((r for r in rungs if r.level == level and r.status in good), None)


def _restored(ladders: Mapping[str, tuple[Rung, ...]]) -> datetime | None:
    """The oldest restore test that "no errors" rests on."""
    tests = (rung for rungs in ladders.values() for rung in rungs if rung.level == 4)
    return min((rung.at for rung in tests if rung.at is not None), default=None)


def _count(values: Sequence[str | None]) -> int | None:
    """Different values; None when an unset one could change whether two are reached."""
    known = {value for value in values if value is not None}
    return None if None in values and len(known) < 2 else len(known)


def _offsite(
    sites: Sequence[str | None], home: str | None, zones: Mapping[str, frozenset[str]]
) -> int | None:
    """Places of copies that share no hazard zone with the original's, nor with one counted before.

    Where the plan does not say where the original lies, the first copy is taken to lie beside it. A
    place whose zones the plan does not state may share any: it is never counted as another place,
    and while it could make the difference the figure is not known.
    """
    counted: list[str] = [home] if home is not None else []
    unsure = None in sites
    for site in dict.fromkeys(site for site in sites if site is not None):
        if site in counted:
            continue
        mine = zones.get(site)
        others = [zones.get(other) for other in counted]
        if any(mine and theirs and mine & theirs for theirs in others):
            continue
        if counted and (mine is None or None in others):
            unsure = True
            continue
        counted.append(site)
    found = max(0, len(counted) - 1)
    return None if unsure and not found else found


def _errors(ladders: Iterable[tuple[Rung, ...]]) -> int | None:
    """Rungs that are proven bad; unknown while the restore of any copy is not proven either way."""
    ladders = list(ladders)
    bad = sum(1 for rungs in ladders for rung in rungs if rung.status is Status.FAILED)
    sure = bool(ladders) and all(
        any(r.level == 4 and r.status is not Status.UNKNOWN for r in rungs) for rungs in ladders
    )
    return bad if bad or sure else None
