"""`/practice`: what can be broken, what to look at, what has been announced. Works without script."""

from __future__ import annotations

from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.demo.city import PracticeCity
from bcp.service.demo.faults import fault
from bcp.service.pages.respond import Absent, Answer, Go, Page, Pages
from bcp.service.pages.visit import Visit

_PILLARS = ("availability", "integrity", "confidentiality")
_ACTS = ("inject", "heal")


def routes(pages: Pages, city: PracticeCity) -> list[Route]:
    """Everybody inside may look; breaking and healing needs `Permission.OPERATE`."""

    async def show(visit: Visit) -> Answer:
        states = city.faults.states()
        groups = [
            (pillar, [one for one in states if one.fault.pillar == pillar]) for pillar in _PILLARS
        ]
        values = {
            "groups": groups,
            "broken": sum(state.active for state in states),
            "listeners": [(one.id, one.address, one.mode.value) for one in city.listeners],
            "messages": list(city.town.alerts.messages)[:20],
            "accounts_file": str(city.folders.accounts),
            "plan_dir": str(city.plan_dir),
        }
        return Page("practice.html", values)

    async def act(visit: Visit) -> Answer:
        id, wanted = visit.parts["fault"], visit.parts["act"]
        if wanted not in _ACTS:
            raise Absent
        if id == "all" and wanted == "heal":
            await city.faults.heal_all()
            return Go("/practice")
        fault(id)  # an unknown name is refused in plain words
        await (city.faults.inject(id) if wanted == "inject" else city.faults.heal(id))
        return Go(f"/practice#{id}")

    return [
        pages.route("GET", "/practice", Permission.READ, show),
        pages.route("POST", "/practice/{fault}/{act}", Permission.OPERATE, act),
    ]
