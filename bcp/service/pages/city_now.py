"""The city at one instant, seen from its services: pure functions from plan, board and incident.

A system's state is that of its availability checks (other pillars are told beside it). A service is
as bad as what it needs; while it goes on by paper it says so, it is never drawn as good for it.
未監視(別区画) and 未設定 are words of their own: no check is never drawn as good.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bcp.plan.model import City, Service, System
from bcp.service.pages.pictures.graph import downstream
from bcp.watch.values import Mute, Pillar, Status
from bcp.watch.view import CheckView

ORDER = ("failed", "unknown", "degraded", "planned", "unset", "unwatched", "ok")
"""Worst first, as people must look."""


@dataclass(frozen=True, slots=True)
class SystemNow:
    """One system: its own state, and what it suffers from above."""

    system: System
    state: str
    since: datetime | None
    checks: tuple[CheckView, ...]
    hit_by: tuple[str, ...] = ()
    """Ids of systems it needs, directly or not, that are down."""

    @property
    def worst(self) -> CheckView | None:
        """The check that makes the state."""
        return next(
            (
                c
                for c in self.checks
                if c.check.pillar is Pillar.AVAILABILITY and c.status.value == self.state
            ),
            None,
        )

    @property
    def other(self) -> tuple[CheckView, ...]:
        """Checks of integrity and confidentiality that are not good."""
        return tuple(
            c
            for c in self.checks
            if c.check.pillar is not Pillar.AVAILABILITY and c.status is not Status.OK
        )


@dataclass(frozen=True, slots=True)
class ServiceNow:
    """One 業務 as its users meet it."""

    service: Service
    state: str
    since: datetime | None
    causes: tuple[SystemNow, ...]
    """The needed systems that are not good, worst first."""
    paper: bool = False
    """紙で対応中, recorded in the running event."""
    paper_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class CityNow:
    """Everything the first page needs."""

    systems: Mapping[str, SystemNow]
    services: tuple[ServiceNow, ...]
    counts: Mapping[str, int]
    """Systems per state."""

    @property
    def worst(self) -> ServiceNow | SystemNow | None:
        """What to look at first; None when nothing is down, unknown or degraded."""
        bad = ("failed", "unknown", "degraded")
        for state in bad:
            for service in self.services:
                if service.state == state:
                    return service
            for system in self.sorted_systems():
                if system.state == state:
                    return system
        return None

    def sorted_systems(self) -> list[SystemNow]:
        """Worst first, then by class, then in the order of the plan."""
        return sorted(
            self.systems.values(),
            key=lambda s: (ORDER.index(s.state), not s.hit_by, s.system.priority or "Z"),
        )


def needs_of(city: City) -> dict[str, tuple[str, ...]]:
    """Hard needs between systems: who waits for whom."""
    return {
        system.id: tuple(d.system for d in system.depends_on if d.kind == "hard")
        for system in city.systems
    }


def city_now(
    city: City, views: Sequence[CheckView], paper: Mapping[str, datetime] | None = None
) -> CityNow:
    """The whole picture. `paper`: services that go on by paper, since when."""
    by_system: dict[str, list[CheckView]] = {}
    for view in views:
        if view.check.system is not None:
            by_system.setdefault(view.check.system, []).append(view)
    needs = needs_of(city)
    bare = {s.id: _system(city, s, tuple(by_system.get(s.id, ()))) for s in city.systems}
    down = {id for id, now in bare.items() if now.state == "failed"}
    hits = {id: _hit_by(id, down, needs) for id in downstream(down, needs) | down}
    systems = {
        id: SystemNow(now.system, now.state, now.since, now.checks, hits.get(id, ()))
        for id, now in bare.items()
    }
    services = [_service(s, systems, (paper or {}).get(s.id)) for s in city.services]
    services.sort(key=lambda s: (ORDER.index(s.state), s.service.priority or "Z"))
    counts = dict.fromkeys(ORDER, 0)
    for now in systems.values():
        counts[now.state] += 1
    return CityNow(systems, tuple(services), counts)


def _hit_by(id: str, down: set[str], needs: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    found, stack, seen = [], list(needs.get(id, ())), set()
    while stack:
        other = stack.pop()
        if other in seen:
            continue
        seen.add(other)
        if other in down:
            found.append(other)
        stack.extend(needs.get(other, ()))
    return tuple(found)


def state_of(views: Sequence[CheckView]) -> tuple[str, datetime | None]:
    """The state of availability checks together, and since when."""
    live = [view for view in views if view.check.pillar is Pillar.AVAILABILITY]
    for status in (Status.FAILED, Status.UNKNOWN, Status.DEGRADED, Status.OK):
        these = [view for view in live if view.status is status]
        if not these:
            continue
        since = min((view.since for view in these if view.since), default=None)
        planned = {Mute.MAINTENANCE, Mute.PLANNED}
        if status is Status.FAILED and all(view.muted & planned for view in these):
            return "planned", since
        return status.value, since
    return "unset", None


def _system(city: City, system: System, checks: tuple[CheckView, ...]) -> SystemNow:
    seen = any(view.last is not None for view in checks)
    if system.zone != city.node.zone and not seen:
        return SystemNow(system, "unwatched", None, checks)
    state, since = state_of(checks)
    return SystemNow(system, state, since, checks)


def _service(
    service: Service, systems: Mapping[str, SystemNow], paper: datetime | None
) -> ServiceNow:
    wanted = [systems[need.system] for need in service.needs if need.system in systems]
    bad = sorted(
        (now for now in wanted if now.state != "ok"),
        key=lambda now: ORDER.index(now.state),
    )
    state, since = _through(wanted)
    return ServiceNow(service, state, since, tuple(bad), paper is not None, paper)


def _through(wanted: Sequence[SystemNow]) -> tuple[str, datetime | None]:
    """As bad as the worst it needs; one nobody watches, under one that is down, is not known."""
    states = [
        ("unknown" if now.hit_by and now.state in ("unset", "unwatched") else now.state, now.since)
        for now in wanted
    ]
    if not states:
        return "unset", None
    known = [item for item in states if item[0] not in ("unwatched", "unset")] or states
    worst = min(known, key=lambda item: ORDER.index(item[0]))
    if worst[0] == "ok" and len(known) < len(states):
        return "unset" if any(s == "unset" for s, _ in states) else "unwatched", None
    return worst
