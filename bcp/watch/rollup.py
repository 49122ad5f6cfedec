"""From checks to systems to services, and what a failure takes with it. Pure.

A system's state speaks of *availability*: whether people can work with it. Findings and backups
stand beside it by pillar (`SystemState.pillars`); a world-readable key file does not stop a counter.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from bcp.kit.language import Text, text
from bcp.plan.model import City, Service, System
from bcp.plan.types import Zone
from bcp.watch.values import Pillar, Status
from bcp.watch.view import WORKS, WORST_FIRST, CheckView, Suspicion, worst

SinceOk = Callable[[str], datetime | None]
"""Since when every answer of a check was good (`Board.since_ok`)."""


@dataclass(frozen=True, slots=True)
class SystemState:
    """A system as it stands."""

    id: str
    status: Status
    sentence: Text
    since: datetime | None = None
    level: str | None = None
    """The proven recovery level; None = 未確認."""
    pillars: Mapping[Pillar, Status] = field(default_factory=dict)
    checks: tuple[str, ...] = ()
    """Its checks, worst first."""
    failing: frozenset[str] = frozenset()
    not_run: int = 0
    """Checks that do not run on purpose."""
    watched: bool = True
    """False: another zone, not in service today, or nothing configured."""


@dataclass(frozen=True, slots=True)
class ServiceState:
    """A service (業務) as it stands."""

    id: str
    status: Status
    sentence: Text
    since: datetime | None = None
    causes: tuple[str, ...] = ()
    """Systems that keep it from working, worst first."""


@dataclass(frozen=True, slots=True)
class Suppression:
    """Why the alerts of a system are held back: what it depends on is down."""

    parents: tuple[str, ...]
    reason: Text


def worst_first(views: Iterable[CheckView]) -> list[CheckView]:
    """In the order people should look; the longest first among equals."""
    return sorted(
        views,
        key=lambda view: (
            WORST_FIRST.index(view.status),
            view.since.timestamp() if view.since else float("inf"),
        ),
    )


def system_state(
    system: System,
    views: Sequence[CheckView],
    today: date,
    node_zone: Zone | None = None,
    level: str | None = None,
    members: Collection[str] = (),
) -> SystemState:
    """The state of a system from the views of its checks; `level` is its proven level.

    `members` are told by a check that speaks for them: of a pair, one must be passive to be well.

    Failed while a lower level is proven is degraded: part of it works. What does not run on
    purpose is left out and counted, unless nothing else is there; then the state is unknown.
    """
    order = worst_first(views)
    counted = [view for view in order if view.id not in members] if members else order
    base = SystemState(
        system.id,
        Status.UNKNOWN,
        text("watch.unwatched"),
        level=level,
        pillars=_by_pillar(counted),
        checks=tuple(view.id for view in order),
        failing=frozenset(view.id for view in order if view.status is Status.FAILED),
        watched=False,
    )
    elsewhere = node_zone is not None and system.zone is not node_zone
    if elsewhere and not any(view.last for view in order):
        return replace(base, sentence=text("watch.other_zone"))
    if system.hosting and not system.hosted(today):
        return replace(base, sentence=text("watch.not_in_service"))
    looking = [view for view in counted if view.check.pillar is Pillar.AVAILABILITY]
    return _judge(replace(base, watched=True), looking) if looking else base


def _judge(base: SystemState, looking: Sequence[CheckView]) -> SystemState:
    running = [view for view in looking if not view.blocked]
    first, not_run = (running or looking)[0], len(looking) - len(running)
    status, sentence, since = first.status, first.sentence, first.since
    if status is Status.OK:
        sentence = text("watch.all_ok")
        since = max((view.since for view in running if view.since), default=None)
    elif status is Status.FAILED and base.level is not None:
        status = Status.DEGRADED
    if not_run and running:
        more = text("watch.not_run", count=not_run)
        sentence = Text(sentence.ja + more.ja, sentence.en + more.en)
    return replace(base, status=status, sentence=sentence, since=since, not_run=not_run)


def _by_pillar(views: Sequence[CheckView]) -> dict[Pillar, Status]:
    found: dict[Pillar, list[Status]] = {}
    for view in views:
        if not view.blocked:
            found.setdefault(view.check.pillar, []).append(view.status)
    return {pillar: worst(statuses) for pillar, statuses in found.items()}


def proven_level(
    system: System, views: Mapping[str, CheckView], since_ok: SinceOk, now: datetime
) -> str | None:
    """The highest level all of whose `proven_by` have held for its `hold`, with all below it.

    None = 未確認. A level nobody can prove (no `proven_by`) is passed over: it neither counts as
    reached nor stands in the way of the next one.
    """
    reached: str | None = None
    for target in sorted(system.targets, key=lambda target: target.level):
        if not target.proven_by:
            continue
        if not all(_held(id, target.hold, views, since_ok, now) for id in target.proven_by):
            break
        reached = target.level
    return reached


def _held(
    id: str, hold: timedelta, views: Mapping[str, CheckView], since_ok: SinceOk, now: datetime
) -> bool:
    view, since = views.get(id), since_ok(id)
    return view is not None and view.works and since is not None and now - since >= hold


def service_state(service: Service, city: City, states: Mapping[str, SystemState]) -> ServiceState:
    """Whether a service can work: each system it needs, from the level it needs."""
    if not service.needs:
        return ServiceState(service.id, Status.UNKNOWN, text("watch.service_unset"))
    judged: list[tuple[Status, str, Text, datetime | None]] = []
    for need in service.needs:
        state, system = states.get(need.system), city.system(need.system)
        if state is None or system is None:
            because = text("watch.need_unknown_system")
            judged.append((Status.UNKNOWN, need.system, because, None))
            continue
        status, why = _need(system, need.level, state)
        judged.append((status, system.id, _because(system.name, why), state.since))
    judged.sort(key=lambda item: WORST_FIRST.index(item[0]))
    status, _id, sentence, since = judged[0]
    if status is Status.OK:
        times = [item[3] for item in judged if item[3]]
        return ServiceState(service.id, status, text("watch.service_ok"), max(times, default=None))
    causes = tuple(dict.fromkeys(item[1] for item in judged if item[0] is not Status.OK))
    return ServiceState(service.id, status, sentence, since, causes)


def _need(system: System, level: str | None, state: SystemState) -> tuple[Status, Text]:
    target = system.target(level) if level else None
    if target is None or not target.proven_by:
        return state.status, state.sentence
    if state.level is not None and state.level >= target.level:
        # What this service needs is proven; an unknown beyond that is not its trouble.
        enough = state.status in (Status.OK, Status.UNKNOWN)
        return (Status.OK if enough else Status.DEGRADED), state.sentence
    below = (rung for rung in system.targets if rung.level <= target.level)
    if any(id in state.failing for rung in below for id in rung.proven_by):
        return Status.FAILED, state.sentence
    if state.status in WORKS:  # it works, but what this service needs of it is not proven (yet)
        short = text("watch.level_short", system=system.name, level=target.level)
        return Status.UNKNOWN, short
    return state.status, state.sentence


def _because(name: str, why: Text) -> Text:
    return Text(f"{name}: {why.ja}", f"{name}: {why.en}")


def suppressed_by(
    system: System, city: City, states: Mapping[str, SystemState]
) -> Suppression | None:
    """What holds this system's alerts back: the deepest thing down that it hangs on.

    Hard dependencies each; of an `alternative` group only all together. Soft ones never. Only a
    *failed* parent silences: an unknown one proves nothing.
    """
    roots = _roots(system, city, states, {system.id})
    if not roots:
        return None
    names = [(found.name if (found := city.system(id)) else id) for id in roots]
    several = any(dep.kind == "alternative" for dep in system.depends_on) and len(roots) > 1
    key = "watch.alternatives_down" if several else "watch.parent_down"
    return Suppression(tuple(roots), text(key, parent="・".join(names)))


def _roots(
    system: System, city: City, states: Mapping[str, SystemState], seen: set[str]
) -> list[str]:
    groups: dict[str, list[str]] = {}
    down: list[str] = []
    for dep in system.depends_on:
        if dep.kind == "alternative":
            groups.setdefault(dep.group or "", []).append(dep.system)
        elif dep.kind == "hard" and _failed(dep.system, states):
            down.append(dep.system)
    for members in groups.values():
        if all(_failed(member, states) for member in members):
            down += members
    roots: list[str] = []
    for id in down:
        parent = city.system(id)
        if parent is None or id in seen:
            continue
        seen.add(id)
        roots += _roots(parent, city, states, seen) or [id]
    return list(dict.fromkeys(roots))


def _failed(id: str, states: Mapping[str, SystemState]) -> bool:
    state = states.get(id)
    return state is not None and state.status is Status.FAILED


class Places:
    """What this node looks at, host by host: one dead host with ten checks is one place.

    Fed check by check, so that ten thousand of them do not hold the loop.
    """

    def __init__(self) -> None:
        self._since: dict[str, datetime | None] = {}
        """Host -> since when all of it fails; None: something of it answers."""

    def add(self, view: CheckView) -> None:
        """Count one check."""
        host, last = view.check.endpoint_host, view.last
        if not host or last is None or view.blocked or view.stale:
            return
        if last.outcome.status is not Status.FAILED:
            self._since[host] = None
        elif host not in self._since:
            self._since[host] = last.started
        elif (known := self._since[host]) is not None:
            self._since[host] = min(known, last.started)

    def suspicion(self, *, least: int = 3, share: float = 0.8) -> Suspicion | None:
        """All or most places fail at once: perhaps this node's own line is cut.

        Fewer than `least` places prove nothing about this node.
        """
        failing = [since for since in self._since.values() if since is not None]
        total = len(self._since)
        if total < least or len(failing) < share * total:
            return None
        sentence = text("watch.is_it_me", failing=len(failing), total=total)
        return Suspicion(len(failing), total, min(failing), sentence)


def is_it_me(views: Iterable[CheckView], *, least: int = 3, share: float = 0.8) -> Suspicion | None:
    """`Places` over all of them."""
    places = Places()
    for view in views:
        places.add(view)
    return places.suspicion(least=least, share=share)
