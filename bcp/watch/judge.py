"""The shell around `rollup`: keeps the states of systems and services, and who is silenced.

Refreshed by the recorder's tick, in slices. Pages, metrics and reports read `systems` and
`services`, so they cannot disagree.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from bcp.kit.clock import Clock
from bcp.kit.language import Text, text
from bcp.plan.model import City, System
from bcp.watch import rollup
from bcp.watch.board import Board
from bcp.watch.flapping import Flapping
from bcp.watch.outages import Outages
from bcp.watch.own_line import OwnLine
from bcp.watch.rollup import ServiceState, SystemState
from bcp.watch.silence import Silencer, planned, planned_systems
from bcp.watch.site_log import Decisions
from bcp.watch.sites import Sites, reason
from bcp.watch.slices import Slices, let_go
from bcp.watch.spans import day_of
from bcp.watch.uptime import DRILL, PLANNED
from bcp.watch.values import Mute, Pillar, Severity, Status
from bcp.watch.view import CheckView, Span


class Judge:
    """States of the city's systems and services. `city` may be swapped whole on a reload."""

    def __init__(
        self, board: Board, clock: Clock, city: City, sites: Decisions | None = None
    ) -> None:
        """`sites`: what the log knows of places that stood still; None where there is no log."""
        self._board, self._clock = board, clock
        self.city = city
        self.systems: Mapping[str, SystemState] = {}
        self.services: Mapping[str, ServiceState] = {}
        self._silencer = Silencer(board)
        self.drills: Callable[[], frozenset[str]] = frozenset
        """Set by the roof: systems that a drill on the real machines works on."""
        self._planned: frozenset[str] = frozenset()
        self.flapping = Flapping()
        self.own_line = OwnLine()
        self._outages = Outages()
        self.sites = Sites(clock.utc(), sites)
        """Places that stand still as a whole."""
        self.stops: Callable[[], Mapping[str, Text]] = dict
        """Set by the roof: systems stopped on purpose in a declared event, and what is said of it."""
        self._doubtful: frozenset[str] = frozenset()
        """Systems with a failure that is not confirmed yet."""

    async def refresh(self) -> None:
        """Judge everything anew, from one reading of the board."""
        now, city, slices = self._clock.utc(), self.city, Slices(self._clock)
        views: dict[str, CheckView] = {}
        of_system: dict[str, list[CheckView]] = {}
        places, doubtful = rollup.Places(), set[str]()
        members: dict[str, str] = {}
        for view in self._board.walk(now):
            views[view.id] = view
            places.add(view)
            if view.check.speaks_for and not view.blocked:
                members |= dict.fromkeys(view.check.speaks_for, view.id)
            if view.check.system:
                of_system.setdefault(view.check.system, []).append(view)
                if _doubtful(view):
                    doubtful.add(view.check.system)
            if slices.due():
                await asyncio.sleep(0)
        states: dict[str, SystemState] = {}
        for system in city.systems:
            level = rollup.proven_level(system, views, self._board.since_ok, now)
            own = of_system.get(system.id, [])
            states[system.id] = rollup.system_state(
                system, own, day_of(now), city.node.zone, level, members
            )
            if slices.due():
                await asyncio.sleep(0)
        self.services = {
            service.id: rollup.service_state(service, city, states) for service in city.services
        }
        self.systems = states
        self._doubtful = frozenset(doubtful)
        active, stops = self._silencer.active(city, now), self.stops()
        wanted = planned(city, views.values(), active, stops, now)
        self._planned = planned_systems(city, active, stops, now)
        self._outages.refresh(city, states, self.services, self._planned | self.drills())
        parents, explained = self._parents(city, states)
        self.sites.refresh(city, states, explained, frozenset(doubtful), now)
        fallen = {
            (id, Mute.PARENT): reason(city, event)
            for event in self.sites.events.values()
            for system in event.systems
            for id in states[system].checks
        }
        restless = {
            (id, Mute.FLAPPING): text("watch.flapping", count=count)
            for id, count in self.flapping.refresh(now).items()
        }
        cut = await self._cut(city, views, now, slices)
        told = {
            (id, Mute.MEMBER): text("watch.told_by", check=by)
            for id, by in members.items()
            if id in views
        }
        every = {**wanted, **fallen, **parents, **restless, **cut, **told}
        await self._silencer.apply(every, slices)
        self._board.self_suspect = self.own_line.suspicion or places.suspicion()
        await let_go(slices, of_system, views)

    async def _cut(
        self, city: City, views: Mapping[str, CheckView], now: datetime, slices: Slices
    ) -> dict[tuple[str, Mute], Text]:
        """What nobody is called about because this node itself is cut off."""
        references = [views[id] for id in city.node.references if id in views]
        line, found = self.own_line, dict[tuple[str, Mute], Text]()
        line.refresh(city, references, now)
        if not line.silent:
            return found
        why = text("watch.line_silence")
        for view in views.values():
            parts = (views[id] for id in view.check.speaks_for if id in views)
            if line.silences(view) or any(map(line.silences, parts)):
                found[view.id, Mute.OWN_LINE] = why
            if slices.due():
                await asyncio.sleep(0)
        return found

    def _parents(
        self, city: City, states: Mapping[str, SystemState]
    ) -> tuple[dict[tuple[str, Mute], Text], list[str]]:
        """What hangs on something that is down."""
        found: dict[tuple[str, Mute], Text] = {}
        explained: list[str] = []
        for system in city.systems:
            above = rollup.suppressed_by(system, city, states) if system.depends_on else None
            if above is not None:
                found |= {(id, Mute.PARENT): above.reason for id in states[system.id].checks}
                explained.append(system.id)
        return found, explained

    def spans(self, until: datetime, seconds: float) -> Iterator[Span]:
        """The last `seconds` as time in a state, of everything watched; the rest stays blind."""
        start = until - timedelta(seconds=seconds)
        drills = self.drills()
        for system in self.systems.values():
            if system.watched and _looked_at(system):
                subject = f"system:{system.id}"
                status = self._outages.counted(subject, system.status)
                yield Span(subject, status, start, until)
                if apart := self._apart({system.id}, drills):
                    yield Span(f"{apart}/{subject}", status, start, until)
        for service in filter(_looked_at, self.services.values()):
            subject = f"service:{service.id}"
            status = self._outages.counted(subject, service.status)
            yield Span(subject, status, start, until)
            if apart := self._service_apart(service, drills):
                yield Span(f"{apart}/{subject}", status, start, until)

    def outages(self) -> Iterator[tuple[str, datetime]]:
        """What is down now and not stopped on purpose, and since when; until it is proven to be back."""
        drills, known = self.drills(), self._outages
        for system in self.systems.values():
            subject = f"system:{system.id}"
            since = known.since.get(subject)
            down = known.counted(subject, system.status) is Status.FAILED
            if since is not None and down and not self._apart({system.id}, drills):
                yield subject, since
        for service in self.services.values():
            subject = f"service:{service.id}"
            since = known.since.get(subject)
            down = known.counted(subject, service.status) is Status.FAILED
            if since is not None and down and not self._service_apart(service, drills):
                yield subject, since

    def memo(self) -> dict[str, Any]:
        """What a restart must not forget (`remembered`)."""
        return {
            "flapping": self.flapping.memo(),
            "outages": self._outages.memo(),
            "line": self.own_line.memo(),
        }

    def restore(self, memo: Mapping[str, Any]) -> None:
        """The inverse of `memo`; what cannot be read is seen again."""
        parts: dict[str, Callable[[Any], None]] = {
            "flapping": self.flapping.restore,
            "outages": self._outages.restore,
            "line": self.own_line.restore,
        }
        for part, restore in parts.items():
            with contextlib.suppress(
                KeyError, TypeError, ValueError, AttributeError, OverflowError
            ):
                restore(memo[part])

    def _apart(self, systems: set[str], drills: frozenset[str]) -> str:
        """Whether this time is kept apart, and as what: a planned stop before a drill."""
        if systems & self._planned:
            return PLANNED
        return DRILL if systems & drills else ""

    def _service_apart(self, service: ServiceState, drills: frozenset[str]) -> str:
        """As `_apart`; but what fails without being stopped on purpose is nobody's plan."""
        needs = self._needs(service.id)
        down = {id for id in needs if f"system:{id}" in self._outages.since}
        return "" if down - self._planned - drills else self._apart(needs, drills)

    def _needs(self, service: str) -> set[str]:
        found = self.city.service(service)
        return {need.system for need in found.needs} if found is not None else set()

    def waits_for_parent(self, check: str) -> bool:
        """Something this check's system hangs on may be failing too: wait before announcing."""
        system = self.system_of(check)
        return system is not None and any(
            dep.system in self._doubtful for dep in system.depends_on if dep.kind != "soft"
        )

    def gathers(self, check: str) -> bool:
        """Others of its place fall too: they may come to one event."""
        system = self.system_of(check)
        return system is not None and system.id in self.sites.gathering

    def system_of(self, check: str) -> System | None:
        """The system a check belongs to."""
        if check not in self._board:
            return None
        id = self._board.view(check).check.system
        return self.city.system(id) if id else None

    def severity(self, check: str, status: Status) -> Severity:
        """How loud a state of a check is: down counts by the system's class (災害時優先度)."""
        if status is Status.FAILED:
            system = self.system_of(check)
            top = system is not None and system.priority == "S"
            return Severity.CRITICAL if top else Severity.HIGH
        return Severity.INFO if status is Status.OK else Severity.MEDIUM


def _looked_at(state: SystemState | ServiceState) -> bool:
    """Before the first verdict nothing was observed: that time is blind, not unknown."""
    return state.status is not Status.UNKNOWN or state.since is not None


def _doubtful(view: CheckView) -> bool:
    return (
        view.pending
        and view.check.pillar is Pillar.AVAILABILITY
        and view.last is not None
        and view.last.outcome.status is Status.FAILED
    )
