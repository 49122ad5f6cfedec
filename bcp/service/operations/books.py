"""What the log knows of the runbooks: drilled, observed, reviewed, and how old the copies are.

`runbook lint` weighs a plan folder with it; the plan in force may be another one.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from backups.model import proven_sets
from backups.standing import good_copy
from bcp.kit.language import Text
from bcp.kit.units import JST
from bcp.plan.accepted import KIND as ACCEPTED
from bcp.plan.types import Model
from bcp.service import copying, keeping
from bcp.service.access.roles import Permission
from bcp.service.house import House
from bcp.service.operations.operation import Answer, Caller, Operation
from runbooks.book import load
from runbooks.desk import Desk
from runbooks.lint import Facts
from runbooks.paper.copies import FOLD_NAME as COPIES

_PLANS = 6
"""Accepted plans looked back upon: three reviews without a change show in them."""


class Nothing(Model):
    """No parameters."""


async def facts(house: House, _caller: Caller, _parameters: Nothing) -> Answer:
    """Everything lint wants to know, as plain data (`facts_from` reads it back)."""
    house.require_log()
    drilled, observed = _walked(house.desks.values())
    now = house.clock.utc()
    data: dict[str, Any] = {
        "now": now.isoformat(),
        "verified": {id: at.isoformat() if at else None for id, at in _verified(house).items()},
        "drilled": {id: day.isoformat() for id, day in drilled.items()},
        "observed": dict(observed),
        "reviews": await _reviews(house),
        "printed": copying.printed(house.journal.state(COPIES)),
    }
    line = (
        f"手順書: 実施の記録 {len(drilled)} 件、測った手順 {len(observed)} 個 / "
        f"runbooks walked {len(drilled)}, steps observed {len(observed)}"
    )
    return Answer(data, (line,))


def facts_from(data: dict[str, Any]) -> Facts:
    """The inverse of `facts`. Raises KeyError or ValueError on what is no such document."""
    return Facts(
        now=datetime.fromisoformat(data["now"]),
        verified={
            id: datetime.fromisoformat(at) if at else None for id, at in data["verified"].items()
        },
        drilled={id: date.fromisoformat(day) for id, day in data["drilled"].items()},
        observed={id: int(count) for id, count in data["observed"].items()},
        reviews={
            id: tuple((date.fromisoformat(day), digest) for day, digest in rows)
            for id, rows in data["reviews"].items()
        },
        printed=data.get("printed"),
    )


def _walked(desks: Iterable[Desk]) -> tuple[dict[str, date], Counter[str]]:
    """Runbook -> last day somebody finished a step of it; step -> how often it was measured."""
    drilled: dict[str, date] = {}
    observed: Counter[str] = Counter()
    for desk in desks:
        for incident in desk.state.items.values():
            for run in (one for runs in incident.runs.values() for one in runs.values()):
                if run.finished_at is None:
                    continue
                day = run.finished_at.astimezone(JST).date()
                drilled[run.runbook] = max(day, drilled.get(run.runbook, day))
                observed[run.id] += run.started_at is not None and not run.late
    return drilled, +observed


def _verified(house: House) -> dict[str, datetime | None]:
    found: dict[str, datetime | None] = {}
    for one in proven_sets(house.backups):
        times = [
            at
            for copy in one.repositories
            for rung in house.room.rungs(one.id, copy.id)
            if rung.level == one.required_level
            and (at := good_copy(rung, house.room.custody(one.id, copy.id))) is not None
        ]
        found[one.id] = max(times, default=None)
    return found


async def _reviews(house: House) -> dict[str, list[tuple[str, str]]]:
    entries = await house.journal.read(kind=ACCEPTED, reverse=True, limit=_PLANS)
    evidence = house.journal.evidence
    kept = [e.evidence[0] for e in reversed(entries) if e.evidence]
    plans = [await house.workers.thread(evidence.get, digest) for digest in kept]
    return await house.workers.process(reviews_of, plans)


def reviews_of(plans: list[bytes]) -> dict[str, list[tuple[str, str]]]:
    """Runbook -> (day of review, digest of the rest) per plan, oldest first."""
    found: dict[str, list[tuple[str, str]]] = {}
    for data in plans:
        book, _faults = load(keeping.parse(data, {}).runbooks)
        for runbook in book:
            if runbook.reviewed is not None:
                content = runbook.model_dump(mode="json", exclude={"reviewed", "version"})
                digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
                row = (runbook.reviewed.date.isoformat(), digest)
                found.setdefault(runbook.id, []).append(row)
    return found


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation(
        "runbook.facts",
        Text("手順書について記録が知ること", "what the log knows of the runbooks"),
        Permission.READ_LOG,
        Nothing,
        facts,
    ),
)
