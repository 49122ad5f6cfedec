"""`/disaster/steps/ID`: one step on one screen, for tired eyes and gloves. Works without script.

A tick carries the operation id (a second click is the same act) and the version the page was drawn
from: two people who say different things get both statements (409), nothing is overwritten.
"""

from __future__ import annotations

from datetime import datetime

from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.holders import name_of
from bcp.service.pages.event import carry_out, desk_of, event_of, whom_to_call
from bcp.service.pages.lent import step_lent
from bcp.service.pages.respond import Absent, Answer, Go, Page, Pages
from bcp.service.pages.step_forms import step_command
from bcp.service.pages.visit import Visit
from runbooks.desk import Desk, Situation
from runbooks.escalation import chain, following
from runbooks.finishdecide import challenge_of
from runbooks.holding import held_step
from runbooks.order import preconditions
from runbooks.progress import OPEN, Stand, Standing
from runbooks.rundecide import offered, wants_second, word_of
from runbooks.state import Verification
from runbooks.stepcommon import allowed, around
from runbooks.worked import RUN_OPEN

_ONWARD = frozenset({"finish", "decide", "skip"})


def routes(pages: Pages) -> list[Route]:
    """Real and drill: the same handlers."""
    return [
        route
        for base in ("/disaster", "/drills/{drill}")
        for route in (
            pages.route("GET", base + "/steps/{id}", Permission.READ, step_page, lent=step_lent),
            pages.route("POST", base + "/steps/{id}", Permission.STEP, act, lent=step_lent),
            pages.route("GET", base + "/next", Permission.READ, onward),
        )
    ]


async def step_page(visit: Visit) -> Answer:
    """One step."""
    incident = event_of(visit)
    if incident is None:
        raise Absent
    desk = desk_of(visit)
    seen = await desk.situation(incident)
    found = seen.steps.get(visit.parts["id"])
    if found is None:
        raise Absent
    # the frozen plan holds no names or numbers: people are looked up in the plan of today
    city, step = visit.house.city, found.step
    steps = [s for s in seen.steps.values() if s.runbook.id == found.runbook.id]
    hint = next((n for n in seen.next if n.standing.step.id == step.id), None)
    variant = step.variant(incident.hours)
    may = incident.active and not incident.preempted_at and visit.may(Permission.STEP)
    values = {
        "s": seen,
        "incident": incident,
        "f": found,
        "step": step,
        "title": (step.en if visit.lang == "en" and step.en else variant.title or step.title),
        "place": variant.place or step.place,
        "expect": variant.expect or step.expect,
        "role": role_name(seen, found),
        "call": whom_to_call(visit, city, variant.contact or step.contact)
        or whom_to_call(visit, city, found.role),
        "needs": _needs(seen, found),
        "preconditions": preconditions(incident, found.runbook),
        "hint": hint,
        "done": sum(s.stand not in OPEN for s in steps),
        "place_of": 1 + next(i for i, s in enumerate(steps) if s.step.id == step.id),
        "total": len(steps),
        "allowed": set(allowed(found.stand)) if may else set(),
        "around": set(around(found.stand)) if may else set(),
        "following": next((n for n in seen.next if n.standing.step.id != step.id), None),
        "held": held_step(incident, seen.book, step.id) if found.stand in OPEN else (),
        "copy": seen.copies.get(step.id),
        "against": [c for c in seen.contradictions if c.step == step.id],
        "names": lambda id: name_of(city, id, visit.called(id)),
        "challenge": challenge_of(step) if found.stand in OPEN else None,
        "put_in": next((a for a in reversed(incident.amendments) if a.step.id == step.id), None),
        "photos": [one for one in incident.attachments if one.subject == step.id],
        "unproven": found.run.verification in (Verification.PENDING, Verification.FAILED),
        **_people(seen, found, visit.now),
        **_machine(visit, desk, seen, found),
    }
    return Page("step.html", values)


def _people(seen: Situation, found: Standing, now: datetime) -> dict[str, object]:
    """Who answers for it, and whom it goes to next when it takes too long."""
    late = found.overdue(now)
    return {
        "late": late,
        "chain": chain(seen.incident, seen.city, found, now),
        "next_up": following(seen.incident, seen.city, found, now)
        if found.stand in (Stand.RUNNING, Stand.WAITING, Stand.READY)
        else None,
        "calls": [one for one in seen.incident.contacts if one.step == found.step.id][-3:],
        "lacks": max(0, _wanted(found) - 1 - len(found.run.helpers)),
    }


def _wanted(found: Standing) -> int:
    step = found.step
    return max(step.people, 2 if step.mode == "challenge-response" else 1)


def _machine(visit: Visit, desk: Desk, seen: Situation, found: Standing) -> dict[str, object]:
    """What the allow-list offers for it, and what ran."""
    runs = [run for run in seen.incident.automations.values() if run.step == found.step.id]
    offer = offered(found, desk.stage, desk.city.automation)
    act = offer.act if offer else None
    progress = visit.house.progress
    return {
        "offer": offer,
        "act": act,
        "argv": act.argv({name: f"{{{name}}}" for name in act.parameters}) if act else (),
        "retype": word_of(found, act) if act else None,
        "second": bool(act and wants_second(found, act)),
        "runs": list(reversed(runs)),
        "run_open": any(run.state in RUN_OPEN for run in runs),
        "progress": {run.id: progress.get((desk.stage, seen.incident.id, run.id)) for run in runs},
        "monotonic": visit.house.clock.monotonic(),
        "me": visit.identity.id if visit.identity else "",
    }


async def act(visit: Visit) -> Answer:
    """Carry out what the button says; after finishing go on to what is next."""
    step, doing = visit.parts["id"], visit.field("do")
    await carry_out(visit, step_command(visit, step, doing))
    if doing in _ONWARD:
        return Go(f"{visit.base}/next?after={step}")
    return Go(f"{visit.base}/steps/{step}")


async def onward(visit: Visit) -> Answer:
    """The next step there is for anybody; the board when there is none."""
    incident = event_of(visit)
    if incident is None:
        return Go(visit.base)
    seen = await desk_of(visit).situation(incident)
    after = seen.steps.get(visit.query.get("after", ""))
    same = [n for n in seen.next if after and n.standing.runbook.id == after.runbook.id]
    chosen = next(iter(same or seen.next), None)
    return Go(f"{visit.base}/steps/{chosen.standing.step.id}" if chosen else visit.base)


def role_name(seen: Situation, found: Standing) -> str:
    """Who does it, as people call it."""
    role = found.runbook.role_of(found.step, seen.incident.hours)
    if role.startswith("vendor:"):
        system = seen.city.system(role.removeprefix("vendor:"))
        return system.vendor.name if system and system.vendor else role
    known = next((r for r in seen.city.roles if role in (r.id, r.name)), None)
    return known.name if known else role


def _needs(seen: Situation, found: Standing) -> list[Standing]:
    graph = seen.book.graphs[found.runbook.id]
    return [seen.steps[id] for id in graph.needs[found.step.id] if id in seen.steps]
