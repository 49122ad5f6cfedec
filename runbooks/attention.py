"""What wants somebody's attention now: decisions, people in use, paper not yet entered. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from runbooks.desk import Situation
from runbooks.order import Next
from runbooks.progress import Stand
from runbooks.state import Ratification


@dataclass(frozen=True, slots=True)
class Wanted:
    """要判断: one decision somebody waits for."""

    kind: Literal["ratify", "confirm", "decide", "approve", "above", "expired"]
    subject: str
    """Step, person (pseudonym) or emergency change."""
    title: str
    """In words of the plan; empty where the kind says it all."""
    role: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Team:
    """One role: how many work, of how many, and what waits for them."""

    role: str
    people: int
    """In the order of succession; 0 = not a role of the plan (a vendor)."""
    busy: int
    ready: int
    """Steps that could be begun."""

    @property
    def short(self) -> bool:
        """More to do than hands."""
        return self.people > 0 and self.busy >= self.people and self.ready > 0


@dataclass(frozen=True, slots=True)
class Papers:
    """未入力: what stands on paper and not yet in the log."""

    sheets: tuple[str, ...]
    services: tuple[str, ...]
    """Services whose paper work must still be typed in."""


def wanted(seen: Situation) -> tuple[Wanted, ...]:
    """Every decision that is open: of the command first, then as urgent as its step."""
    incident, found = seen.incident, list[Wanted]()
    if incident.ratification is Ratification.PENDING:
        found.append(Wanted("ratify", incident.id, "", since=incident.declared_at))
    if incident.offer is not None:
        found.append(Wanted("confirm", incident.offer.to, "", since=incident.offer.at))
    found += [
        Wanted("expired", item.id, "", since=item.expires_at)
        for item in incident.changes.values()
        if item.closed_at is None and item.expires_at is not None and item.expires_at < seen.now
    ]
    for item in seen.next:
        kind = _kind(item)
        if kind is not None:
            step = item.standing.step
            found.append(Wanted(kind, step.id, step.title, item.role))
    return tuple(found)


def _kind(item: Next) -> Literal["decide", "approve", "above"] | None:
    if item.standing.stand is Stand.FAILED or item.unmet:
        return None
    if item.standing.step.type == "decision":
        return "decide"
    if item.standing.step.type == "approval":
        return "approve"
    return "above" if item.standing.step.owner == "要上位判断" else None


def teams(seen: Situation) -> tuple[Team, ...]:
    """Roles with something to do, those without a free hand first."""
    counts: dict[str, tuple[int, int, int]] = {}
    for item in seen.next:
        people, busy, ready = counts.get(item.role, (len(item.people), 0, 0))
        stand = item.standing.stand
        begun = stand in (Stand.RUNNING, Stand.WAITING)
        counts[item.role] = (
            people,
            busy + (stand is Stand.RUNNING),
            ready + (not begun and not item.unmet),
        )
    found = [Team(role, *numbers) for role, numbers in counts.items()]
    return tuple(sorted(found, key=lambda team: (not team.short, -team.busy, -team.ready)))


def papers(seen: Situation) -> Papers:
    """Sheets that are out, services whose back-entry is open."""
    incident = seen.incident
    return Papers(
        tuple(item.id for item in incident.sheets.values() if item.closed_at is None),
        tuple(id for id, one in incident.alternates.items() if one.back_entry == "open"),
    )


def first_of(found: Iterable[Next], system: str) -> Next | None:
    """The first workable step of a system, in the order of work."""
    return next((item for item in found if item.standing.runbook.system == system), None)
