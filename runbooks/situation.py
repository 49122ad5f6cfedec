"""Everything a page, the metrics or a terminal shows of one event at one instant. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bcp.plan.model import City
from runbooks.book import Book
from runbooks.contradiction import Contradiction, Reading, contradictions
from runbooks.frozen import Frozen
from runbooks.order import Next, next_steps
from runbooks.progress import Standing, standings
from runbooks.state import Incident
from runbooks.targets import LevelTarget, ServiceTarget, level_targets, service_targets


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


def situation(
    incident: Incident, frozen: Frozen, readings: Mapping[str, Reading], now: datetime
) -> Situation:
    """Put together what follows from the state. Pure."""
    city, book = frozen.city, frozen.book
    steps = standings(incident, book)
    return Situation(
        incident,
        city,
        book,
        now,
        steps,
        level_targets(incident, city, book, now),
        service_targets(incident, city, book, now),
        next_steps(incident, city, book, now, steps),
        contradictions(incident, steps.values(), readings),
    )
