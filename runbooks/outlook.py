"""When a system or service may be back: a range and its ground, never a percentage (R-87). Pure.

The range is the longest way still to go through the open steps of the system's runbooks (p50 to p90),
begun when the systems it hard-depends on are back. A promise of somebody else (`waiting` with an
expected time) stands in the way with its own instant and is named as the ground. Where a step has no
estimate, or nothing leads to the target, there is no range: 見通しなし is an honest answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from bcp.plan.model import System
from runbooks.desk import Situation
from runbooks.progress import OPEN, Stand, Standing
from runbooks.targets import Goal, ServiceTarget, required_level

_PURPOSES = ("initial", "recover")
_LIGHT = ("decision", "milestone", "approval", "notify", "verify", "runbook")
"""Steps that take no time worth a number."""


class Ground(StrEnum):
    """根拠: on what a range rests."""

    ESTIMATE = "estimate"
    """推定(実績なし): the estimates of the runbook."""
    PROMISE = "promise"
    """A promised time of somebody else stands in the way."""
    OVERDUE = "overdue"
    """A promised time has passed: the range is older than the delay."""
    PROOF = "proof"
    """Every step is done; the checks have yet to agree."""
    NONE = "none"
    """見通しなし."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """The expected range; both ends None without a ground."""

    soonest: datetime | None
    latest: datetime | None
    ground: Ground
    promised: datetime | None = None
    """The promise it hangs on."""
    why_none: str = ""
    """Id of the system or step that has no outlook."""

    @property
    def known(self) -> bool:
        """Whether there is a range."""
        return self.latest is not None


_NEVER = datetime.max.replace(tzinfo=UTC)
_NONE = Outlook(None, None, Ground.NONE)


def outlooks(seen: Situation) -> Mapping[str, Outlook]:
    """Per system in scope that is not yet at its required level."""
    return _Way(seen).all()


def service_outlook(target: ServiceTarget, systems: Mapping[str, Outlook]) -> Outlook | None:
    """The latest of what it still needs; None when it has what it needs."""
    if target.goal is Goal.ATTAINED or target.attained_at is not None:
        return None
    found = [(id, systems.get(id, _NONE)) for id, _level in target.missing]
    blind = next((id for id, one in found if not one.known), None)
    if blind is not None or not found:
        return Outlook(None, None, Ground.NONE, None, blind or "")
    return _latest([one for _id, one in found])


def _latest(found: list[Outlook]) -> Outlook:
    """The one that takes longest, with the sooner end that fits all."""
    last = max(found, key=lambda one: one.latest or _NEVER)
    soonest = max(one.soonest for one in found if one.soonest)
    promise = next((one for one in found if one.ground is Ground.OVERDUE), last)
    return Outlook(soonest, last.latest, promise.ground, promise.promised)


class _Way:
    """One derivation; remembers what it worked out, cuts circles open."""

    def __init__(self, seen: Situation) -> None:
        self._seen = seen
        self._known: dict[str, Outlook] = {}
        self._busy: set[str] = set()
        self._held = _held(seen)
        self._steps: dict[str, list[Standing]] = {}
        for item in seen.steps.values():
            if item.runbook.system is not None and item.runbook.purpose in _PURPOSES:
                self._steps.setdefault(item.runbook.system, []).append(item)

    def all(self) -> dict[str, Outlook]:
        return {
            system.id: self._system(system)
            for system in self._seen.city.systems
            if self._seen.incident.in_scope(system.id) and system.id not in self._held
        }

    def _system(self, system: System) -> Outlook:
        known = self._known.get(system.id)
        if known is None:
            self._busy.add(system.id)
            known = self._known[system.id] = self._derive(system)
            self._busy.discard(system.id)
        return known

    def _derive(self, system: System) -> Outlook:
        """After what it hard-depends on: its own way."""
        now = self._seen.now
        before: list[Outlook] = []
        for need in system.depends_on:
            other = self._seen.city.system(need.system)
            if need.kind == "soft" or other is None or other.id in self._busy | self._held:
                continue
            if not self._seen.incident.in_scope(other.id):
                continue
            found = self._system(other)
            if not found.known:
                return Outlook(None, None, Ground.NONE, None, found.why_none or other.id)
            before.append(found)
        start = _latest(before) if before else Outlook(now, now, Ground.ESTIMATE)
        return self._own(system, start)

    def _own(self, system: System, start: Outlook) -> Outlook:
        steps = self._steps.get(system.id, [])
        open_ = {item.step.id: item for item in steps if item.stand in OPEN}
        if not steps:
            return Outlook(None, None, Ground.NONE, None, system.id)
        if not open_:
            return Outlook(None, None, Ground.PROOF)
        walk = _Walk(self._seen, open_, start)
        ends = [walk.end(id) for id in open_]
        if walk.blind is not None:
            return Outlook(None, None, Ground.NONE, None, walk.blind)
        soonest, latest = max(end[0] for end in ends), max(end[1] for end in ends)
        if walk.promise is None:
            return Outlook(soonest, latest, start.ground, start.promised)
        late = walk.promise < self._seen.now
        ground = Ground.OVERDUE if late else Ground.PROMISE
        return Outlook(soonest, latest, ground, walk.promise)


class _Walk:
    """The open steps of one system, each with the two ends of its range."""

    def __init__(self, seen: Situation, open_: Mapping[str, Standing], start: Outlook) -> None:
        assert start.soonest is not None
        assert start.latest is not None
        self._seen, self._open = seen, open_
        self._start = (start.soonest, start.latest)
        self._ends: dict[str, tuple[datetime, datetime]] = {}
        self._busy: set[str] = set()
        self.promise: datetime | None = None
        self.blind: str | None = None
        """A step nobody has estimated."""

    def end(self, id: str) -> tuple[datetime, datetime]:
        """When it may be done: after what it needs."""
        if id in self._ends:
            return self._ends[id]
        self._busy.add(id)
        item = self._open[id]
        graph = self._seen.book.graphs[item.runbook.id]
        needs = [self.end(n) for n in graph.needs[id] if n in self._open and n not in self._busy]
        low, high = max([self._start[0], *(n[0] for n in needs)]), self._start[1]
        high = max([high, *(n[1] for n in needs)])
        off_way = id in graph.on_failure and item.stand is Stand.BLOCKED
        spans = (timedelta(), timedelta()) if off_way else self._left(item)
        if spans is None:
            self.blind, spans = self.blind or id, (timedelta(), timedelta())
        self._busy.discard(id)
        self._ends[id] = (low + spans[0], high + spans[1])
        return self._ends[id]

    def _left(self, item: Standing) -> tuple[timedelta, timedelta] | None:
        """Median and one in ten of what is left of a step; None without an estimate."""
        now, zero = self._seen.now, timedelta()
        if item.stand is Stand.WAITING and item.run.expected_at is not None:
            told = item.run.expected_at
            self.promise = max(self.promise or told, told)
            return max(zero, told - now), max(zero, told - now)
        estimate = item.step.duration
        if estimate is None:
            if item.step.type == "wait" and item.step.expected is not None:
                return item.step.expected, item.step.expected
            return (zero, zero) if item.step.type in _LIGHT else None
        running = item.stand is Stand.RUNNING and item.run.started_at is not None
        gone = now - item.run.started_at if running and item.run.started_at else zero
        low, high = estimate.p50, estimate.p90 or estimate.p50
        return max(zero, low - gone), max(zero, high - gone)


def _held(seen: Situation) -> set[str]:
    """Systems that stand at their required level, by the log."""
    best: dict[str, str] = {}
    for target in seen.levels:
        if target.held:
            best[target.system] = max(best.get(target.system, ""), target.level)
    found = set()
    for system in seen.city.systems:
        level = required_level(system, seen.incident.nature)
        if level is not None and best.get(system.id, "") >= level:
            found.add(system.id)
    return found
