"""The lines of the recovery board: services, then systems, least slack first. Pure.

系統・現在・目標・期限・余裕・いま: where it stands by evidence, what it must reach, until when, how
much is left, and who does what (or what it waits for).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bcp.service.pages.pictures.timeline import Track
from runbooks.desk import Situation
from runbooks.outlook import Outlook, outlooks, service_outlook
from runbooks.progress import OPEN, Stand, Standing
from runbooks.targets import Goal, LevelTarget

_LAST = timedelta(days=9999)
_LOOKS = {
    Goal.ATTAINED: "ok",
    Goal.OVERDUE: "failed",
    Goal.PENDING: "pending",
    Goal.UNSET: "unset",
    Goal.UNPROVEN: "unknown",
}
Called = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Doing:
    """いま: one step, who does it, or what it waits for."""

    step: str
    title: str
    stand: str
    who: str = ""
    until: datetime | None = None
    overdue: bool = False
    waits_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One service or system on its way back."""

    id: str
    name: str
    looks: str
    """The state as the style sheet knows it."""
    goal: str
    now: str
    """The proven level; empty for a service, － where nothing is proven."""
    aim: str
    rto: timedelta | None
    deadline: datetime | None
    slack: timedelta | None
    """None once it is attained: what is left then interests nobody."""
    outlook: Outlook | None
    doing: tuple[Doing, ...]
    paper_since: datetime | None = None
    missing: tuple[str, ...] = ()
    """Of a service: names of what it still waits for."""
    attained_at: datetime | None = None
    started_at: datetime | None = None
    done: int = 0
    steps: int = 0
    relapsed: bool = False
    stage: str = ""
    """Of a system: 停止 … 平常, by `runbooks.systemstate`."""

    @property
    def order(self) -> tuple[bool, timedelta]:
        """What is attained last, then least slack first."""
        return self.goal == "attained", self.slack if self.slack is not None else _LAST


@dataclass(frozen=True, slots=True)
class Board:
    """Everything the wall shows in rows."""

    services: tuple[Line, ...]
    systems: tuple[Line, ...]
    """With a deadline."""
    undated: int
    """Systems without one."""
    outlooks: Mapping[str, Outlook]


def board(seen: Situation, called: Called) -> Board:
    """Both halves, most urgent first."""
    ahead = outlooks(seen)
    of_system: dict[str, list[Standing]] = {}
    for item in seen.steps.values():
        if item.runbook.system is not None:
            of_system.setdefault(item.runbook.system, []).append(item)
    rungs: dict[str, list[LevelTarget]] = {}
    for target in seen.levels:
        rungs.setdefault(target.system, []).append(target)
    found = [
        _system(seen, system.id, rungs[system.id], of_system.get(system.id, []), ahead, called)
        for system in seen.city.systems
        if system.id in rungs
    ]
    doing = {line.id: line.doing for line in found}
    dated = sorted((one for one in found if one.deadline), key=lambda one: one.order)
    return Board(
        tuple(sorted(_services(seen, ahead, doing), key=lambda one: one.order)),
        tuple(dated),
        len(found) - len(dated),
        ahead,
    )


def _system(
    seen: Situation,
    id: str,
    rungs: list[LevelTarget],
    steps: list[Standing],
    ahead: Mapping[str, Outlook],
    called: Called,
) -> Line:
    open_ = [rung for rung in rungs if not rung.held]
    target = open_[0] if open_ else rungs[-1]
    begun = [s.run.started_at for s in steps if s.run.started_at]
    proven = max((rung.level for rung in rungs if rung.held), default="")
    return Line(
        id,
        target.system_name,
        _LOOKS[target.goal],
        target.goal.value,
        proven or "－",
        f"{target.level} {target.name}".strip(),
        target.rto,
        target.deadline,
        None if target.goal is Goal.ATTAINED else target.slack,
        ahead.get(id),
        _doing(steps, seen, called),
        attained_at=target.attained_at,
        started_at=min(begun, default=None),
        done=sum(s.stand not in OPEN for s in steps),
        steps=len(steps),
        relapsed=any(rung.relapsed for rung in rungs),
        stage=seen.states[id].value if id in seen.states else "",
    )


def _doing(steps: list[Standing], seen: Situation, called: Called) -> tuple[Doing, ...]:
    """What runs, what waits for others, what failed; else what could begin; else what blocks."""
    live = [s for s in steps if s.stand in (Stand.RUNNING, Stand.WAITING, Stand.FAILED)]
    if live:
        return tuple(_one(s, seen, called) for s in live[:3])
    ready = next((s for s in steps if s.stand is Stand.READY), None)
    blocked = next((s for s in steps if s.stand is Stand.BLOCKED), None)
    first = ready or blocked
    return (_one(first, seen, called),) if first else ()


def _one(item: Standing, seen: Situation, called: Called) -> Doing:
    run = item.run
    who = called(run.claimed_by) if run.claimed_by and item.stand is Stand.RUNNING else ""
    return Doing(
        item.step.id,
        item.step.title,
        item.stand.value,
        who or role_name(item, seen),
        run.expected_at if item.stand is Stand.WAITING else None,
        item.overdue(seen.now),
        item.waits_on[:3],
    )


def role_name(item: Standing, seen: Situation) -> str:
    """Who does a step, as people call it."""
    role = item.runbook.role_of(item.step, seen.incident.hours)
    if role.startswith("vendor:"):
        system = seen.city.system(role.removeprefix("vendor:"))
        return system.vendor.name if system and system.vendor else role
    return next((r.name for r in seen.city.roles if role in (r.id, r.name)), role)


def _services(
    seen: Situation, ahead: Mapping[str, Outlook], doing: Mapping[str, tuple[Doing, ...]]
) -> list[Line]:
    found = []
    for target in seen.services:
        systems = dict(target.missing)
        missing = [
            f"{system.name if (system := seen.city.system(id)) else id} {level}".strip()
            for id, level in target.missing
        ]
        live = [one for id in systems for one in doing.get(id, ()) if one.stand != "blocked"]
        found.append(
            Line(
                target.service,
                target.name,
                _LOOKS[target.goal],
                target.goal.value,
                "",
                "",
                target.rto,
                target.deadline,
                None if target.goal is Goal.ATTAINED else target.slack,
                service_outlook(target, ahead),
                tuple(dict.fromkeys(live))[:2],
                target.on_paper_since,
                tuple(missing),
                target.attained_at,
            )
        )
    return found


def tracks(found: Board, services: int, systems: int) -> tuple[list[Track], list[Track]]:
    """For the time line: the most urgent of both that have a deadline."""
    return (
        [_track(line) for line in found.services if line.deadline][:services],
        [_track(line) for line in found.systems][:systems],
    )


def _track(line: Line) -> Track:
    ahead = line.outlook
    return Track(
        line.name,
        line.aim.partition(" ")[0],
        line.deadline,
        ahead.soonest if ahead else None,
        line.started_at,
        line.attained_at,
        ahead.latest if ahead else None,
        line.paper_since,
    )
