"""The city at one instant, seen from its services: what the first page needs. Pure.

The states come from `bcp.watch.rollup`, as those of the metrics do; here they only get the words of
the screen (未監視(別区画), 未設定, 計画停止, 紙で対応中) and an order: worst first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bcp.kit.language import Text
from bcp.plan.model import City, Service, System
from bcp.watch import rollup
from bcp.watch.rollup import ServiceState, SinceOk, SystemState
from bcp.watch.spans import day_of
from bcp.watch.values import Mute, Pillar, Status
from bcp.watch.view import CheckView

ORDER = ("failed", "unknown", "degraded", "planned", "unset", "unwatched", "ok")
"""Worst first, as people must look."""

_PLANNED = {Mute.MAINTENANCE, Mute.PLANNED}
_BLIND = ("unset", "unwatched")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Where neither the caller nor any observation tells the time."""


@dataclass(frozen=True, slots=True)
class SystemNow:
    """One system: its own state, and what it suffers from above."""

    system: System
    state: str
    since: datetime | None
    checks: tuple[CheckView, ...]
    sentence: Text
    level: str | None = None
    """The proven recovery level; None = 未確認."""
    hit_by: tuple[str, ...] = ()
    """The deepest systems that are down and that it hangs on."""

    @property
    def suffers(self) -> bool:
        """Taken along: something above is down and nothing proves that this one works."""
        return bool(self.hit_by) and self.state in ("failed", "unknown", *_BLIND)

    @property
    def worst(self) -> CheckView | None:
        """The check that makes the state; None when nothing is wrong or nobody looks."""
        live = [c for c in self.checks if c.check.pillar is Pillar.AVAILABILITY]
        bad = rollup.worst_first(c for c in live if c.status is not Status.OK)
        return bad[0] if bad and self.state not in ("ok", *_BLIND) else None


@dataclass(frozen=True, slots=True)
class ServiceNow:
    """One 業務 as its users meet it."""

    service: Service
    state: str
    since: datetime | None
    sentence: Text
    causes: tuple[SystemNow, ...]
    """The needed systems that keep it from working, worst first."""
    paper: bool = False
    """紙で対応中, recorded in the running event."""
    paper_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class CityNow:
    """Everything the first page needs."""

    systems: Mapping[str, SystemNow]
    services: tuple[ServiceNow, ...]
    """Worst first, then by class."""
    counts: Mapping[str, int]
    """Systems per state."""

    @property
    def worst(self) -> ServiceNow | SystemNow | None:
        """What to look at first; None when nothing is down, unknown or degraded."""
        for state in ("failed", "unknown", "degraded"):
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
            key=lambda now: (ORDER.index(now.state), _rank(now.system.priority)),
        )


def needs_of(city: City) -> dict[str, tuple[str, ...]]:
    """Hard needs between systems: who waits for whom."""
    return {
        system.id: tuple(d.system for d in system.depends_on if d.kind == "hard")
        for system in city.systems
    }


def city_now(
    city: City,
    views: Sequence[CheckView],
    paper: Mapping[str, datetime] | None = None,
    since_ok: SinceOk = lambda _check: None,
    now: datetime | None = None,
) -> CityNow:
    """The whole picture. `paper`: services that go on by paper, since when.

    `since_ok` (`Board.since_ok`) lets proven levels count, as the metrics do.
    """
    by_id = {view.id: view for view in views}
    of_system: dict[str, list[CheckView]] = {}
    for view in views:
        if view.check.system is not None:
            of_system.setdefault(view.check.system, []).append(view)
    instant = now or max((v.last.started for v in views if v.last), default=_EPOCH)
    states: dict[str, SystemState] = {}
    for system in city.systems:
        level = rollup.proven_level(system, by_id, since_ok, instant)
        own = of_system.get(system.id, [])
        today = day_of(instant)
        states[system.id] = rollup.system_state(system, own, today, city.node.zone, level)
    systems = {
        system.id: _system(system, city, states, tuple(of_system.get(system.id, ())))
        for system in city.systems
    }
    services = [
        _service(service, rollup.service_state(service, city, states), systems, paper or {})
        for service in city.services
    ]
    services.sort(key=lambda s: (ORDER.index(s.state), _rank(s.service.priority)))
    counts = dict.fromkeys(ORDER, 0)
    for found in systems.values():
        counts[found.state] += 1
    return CityNow(systems, tuple(services), counts)


def _rank(priority: str | None) -> int:
    return "SABCD".index(priority) if priority else 9


def _system(
    system: System, city: City, states: Mapping[str, SystemState], views: tuple[CheckView, ...]
) -> SystemNow:
    state = states[system.id]
    hung = rollup.suppressed_by(system, city, states)
    return SystemNow(
        system,
        _word(system, city, state, views),
        state.since,
        views,
        state.sentence,
        state.level,
        hung.parents if hung else (),
    )


def _word(system: System, city: City, state: SystemState, views: tuple[CheckView, ...]) -> str:
    if not state.watched:
        elsewhere = system.zone is not city.node.zone and not any(view.last for view in views)
        return "unwatched" if elsewhere else "unset"
    live = [
        v
        for v in views
        if v.check.pillar is Pillar.AVAILABILITY
        and v.status is Status.FAILED
        and Mute.MEMBER not in v.muted
    ]
    if state.status is Status.FAILED and live and all(v.muted & _PLANNED for v in live):
        return "planned"
    return state.status.value


def _service(
    service: Service,
    state: ServiceState,
    systems: Mapping[str, SystemNow],
    paper: Mapping[str, datetime],
) -> ServiceNow:
    causes = tuple(systems[id] for id in state.causes if id in systems)
    word = state.status.value
    if state.status is Status.UNKNOWN and not any(cause.suffers for cause in causes):
        if not service.needs or all(cause.state == "unset" for cause in causes):
            word = "unset"
        elif all(cause.state in _BLIND for cause in causes):
            word = "unwatched"
    since = paper.get(service.id)
    return ServiceNow(service, word, state.since, state.sentence, causes, since is not None, since)
