"""Everything a page, the metrics or a terminal shows of one event at one instant. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bcp.plan.model import City
from runbooks.book import Book
from runbooks.contradiction import Contradiction, Reading, contradictions
from runbooks.copies import Copies, Copy, set_of
from runbooks.frozen import Frozen
from runbooks.gates import Gate, gates
from runbooks.ground import Ground
from runbooks.holding import usable_before
from runbooks.order import Next, next_steps
from runbooks.progress import Standing, standings
from runbooks.state import Incident
from runbooks.systemstate import SystemState, system_states
from runbooks.targets import LevelTarget, ServiceTarget, level_targets, service_targets
from runbooks.together import Joint, joint


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a page, the metrics or a terminal shows of one event at one instant."""

    incident: Incident
    city: City
    book: Book
    now: datetime
    steps: Mapping[str, Standing]
    levels: tuple[LevelTarget, ...]
    services: tuple[ServiceTarget, ...]
    next: tuple[Next, ...]
    contradictions: tuple[Contradiction, ...]
    states: Mapping[str, SystemState] = field(default_factory=dict)
    """Where each system stands on its way back."""
    joint: tuple[Joint, ...] = ()
    """Deadlines of levels that several running events cover."""
    copies: Mapping[str, Copy] = field(default_factory=dict)
    """Step that chooses a copy -> the newest verified one (of a cyber event: from before it)."""
    rpo_proven: frozenset[str] = frozenset()
    """Systems whose restored snapshot the log knows as verified; else the time is only said."""

    gates: tuple[Gate, ...] = ()
    """Of stand-down, with what board and backups say of them once something was restored."""


def situation(
    incident: Incident,
    frozen: Frozen,
    readings: Mapping[str, Reading],
    now: datetime,
    beside: tuple[tuple[Incident, Frozen], ...] = (),
    copies: Copies | None = None,
    ground: Ground | None = None,
) -> Situation:
    """Put together what follows from the state; `beside`: the other running events. Pure."""
    city, book = frozen.city, frozen.book
    steps = standings(incident, book)
    levels = level_targets(incident, city, book, now)
    others = (
        (one.id, one.onset, level_targets(one, its.city, its.book, now)) for one, its in beside
    )
    return Situation(
        incident,
        city,
        book,
        now,
        steps,
        levels,
        service_targets(incident, city, book, now),
        next_steps(incident, city, book, now, steps),
        contradictions(incident, steps.values(), readings),
        system_states(incident, city, steps.values(), readings),
        joint([(incident.id, incident.onset, levels), *others]) if beside else (),
        _suggested(incident, steps, copies or Copies()),
        frozenset(
            system
            for system, taken in incident.snapshots.items()
            if copies is not None and copies.proven(taken) is not None
        ),
        gates=gates(incident, now, ground),
    )


def _suggested(
    incident: Incident, steps: Mapping[str, Standing], copies: Copies
) -> Mapping[str, Copy]:
    before = usable_before(incident)
    found = {}
    for id, standing in steps.items():
        named = set_of(getattr(standing.step, "evidence", None))
        copy = copies.newest(named, before) if named is not None else None
        if copy is not None:
            found[id] = copy
    return found
