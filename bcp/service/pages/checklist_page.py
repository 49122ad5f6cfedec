"""`/checklist`: 自己点検, line by line, with where the evidence stands. Weak points: not for everybody (R-17)."""

from __future__ import annotations

from backups.digits import ground_of
from backups.systems import Protection, protection
from bcp.service import copying
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.respond import Answer, Page, Pages
from bcp.service.pages.visit import Visit
from bcp.service.press import printing
from bcp.service.selfcheck import Ground, lines

LOOKS = {"shown": "ok", "short": "degraded", "unset": "unset", "unknown": "unknown"}


def routes(pages: Pages) -> list[Route]:
    """The list; printed by the browser."""
    return [pages.route("GET", "/checklist", Permission.READ_FINDINGS, checklist)]


async def checklist(visit: Visit) -> Answer:
    """Every line as the plan, the log and the board show it now."""
    house = visit.house
    standing = await copying.standing(house.journal, house.workers, printing(house), visit.now)
    copies: dict[str, bool] = {}
    for one in standing:
        copies[one.copy.site] = copies.get(one.copy.site, False) or not one.why
    protected = await house.workers.thread(_protections, visit)
    stated = {one.system for one in house.backups if one.system}
    backed_up = {system: p.within for system, p in protected.items()}
    ground = Ground(
        house.city,
        house.book,
        visit.now,
        house.desks["real"].state.last_drill,
        copies,
        {**dict.fromkeys(stated, None), **backed_up},
        frozenset(id for id, p in protected.items() if _far(p)),
    )
    found = lines(ground)
    counts = {state: sum(one.state == state for one in found) for state in LOOKS}
    return Page("checklist.html", {"lines": found, "looks": LOOKS, "counts": counts})


def _protections(visit: Visit) -> dict[str, Protection]:
    house = visit.house
    ground = ground_of(house.city, visit.now)
    found = ((s.id, protection(s, house.room, visit.now, ground)) for s in house.city.systems)
    return {id: one for id, one in found if one is not None}


def _far(one: Protection) -> bool:
    return any(digit.name == "offsite" and digit.holds for digit in one.digits)
