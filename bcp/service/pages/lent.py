"""What is lent to a visiting helper (受援): steps and runbooks of his scope, and nothing else."""

from __future__ import annotations

from bcp.service.pages.event import desk_of, event_of
from bcp.service.pages.visit import Visit
from runbooks.form import Runbook, Step


def covers(visit: Visit, runbook: Runbook, step: Step | None = None) -> bool:
    """Whether the scope of the one who asks covers it."""
    limit = visit.identity.limit if visit.identity else None
    site = step.site if step is not None else None
    return limit is not None and limit.covers(runbook.id, runbook.system, site)


async def step_lent(visit: Visit) -> bool:
    """The step that the address names."""
    incident = event_of(visit)
    if incident is None:
        return False
    seen = await desk_of(visit).situation(incident)
    found = seen.steps.get(visit.parts["id"])
    return found is not None and covers(visit, found.runbook, found.step)


async def runbook_lent(visit: Visit) -> bool:
    """The runbook that the address names."""
    book = visit.house.book.get(visit.parts["id"])
    return book is not None and covers(visit, book)
