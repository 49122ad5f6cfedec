"""`/disaster/steps/ID`: one step on one screen, for tired eyes and gloves. Works without script.

A tick carries the operation id (a second click is the same act) and the version the page was drawn
from: two people who say different things get both statements (409), nothing is overwritten.
"""

from __future__ import annotations

from datetime import timedelta

from bcp.kit.errors import UsageError
from bcp.kit.language import text
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.event import (
    carry_out,
    desk_of,
    event_of,
    number,
    typed_time,
    whom_to_call,
)
from bcp.service.pages.respond import Absent, Answer, Go, Page, Pages
from bcp.service.pages.visit import Visit
from runbooks import commands as c
from runbooks.desk import Situation
from runbooks.order import preconditions
from runbooks.progress import OPEN, Standing
from runbooks.stepdecide import allowed


def routes(pages: Pages) -> list[Route]:
    """Real and drill: the same handlers."""
    return [
        route
        for base in ("/disaster", "/drills/{drill}")
        for route in (
            pages.route("GET", base + "/steps/{id}", Permission.READ, step_page),
            pages.route("POST", base + "/steps/{id}", Permission.STEP, act),
            pages.route("GET", base + "/next", Permission.READ, onward),
        )
    ]


async def step_page(visit: Visit) -> Answer:
    """One step."""
    incident = event_of(visit)
    if incident is None:
        raise Absent
    seen = await desk_of(visit).situation(incident)
    found = seen.steps.get(visit.parts["id"])
    if found is None:
        raise Absent
    # the frozen plan holds no names or numbers: people are looked up in the plan of today
    city, step = visit.house.city, found.step
    steps = [s for s in seen.steps.values() if s.runbook.id == found.runbook.id]
    hint = next((n for n in seen.next if n.standing.step.id == step.id), None)
    variant = step.variant(incident.hours)
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
        "total": len(steps),
        "allowed": set(allowed(found.stand))
        if incident.active and not incident.preempted_at and visit.may(Permission.STEP)
        else set(),
        "following": next((n for n in seen.next if n.standing.step.id != step.id), None),
        "against": [c for c in seen.contradictions if c.step == step.id],
        "names": visit.called,
    }
    return Page("step.html", values)


async def act(visit: Visit) -> Answer:
    """Carry out what the button says; after finishing go on to what is next."""
    step, doing = visit.parts["id"], visit.field("do")
    await carry_out(visit, _command(visit, step, doing))
    if doing in ("finish", "decide", "skip"):
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


def _command(visit: Visit, step: str, doing: str) -> c.Command:
    """The form as a command. Raises `UsageError` for a button that does not exist."""
    on, at = visit.field("incident"), typed_time(visit)
    seen, reason = number(visit, "version"), visit.field("reason")
    match doing:
        case "start":
            return c.StartStep(incident=on, occurred_at=at, step=step, expected_version=seen)
        case "finish":
            return c.FinishStep(
                incident=on,
                occurred_at=at,
                step=step,
                expected_version=seen,
                note=visit.field("note"),
                snapshot_at=typed_time(visit, "snapshot"),
                paper=at is not None,
            )
        case "fail":
            return c.FailStep(
                incident=on, occurred_at=at, step=step, expected_version=seen, reason=reason
            )
        case "skip":
            return c.SkipStep(
                incident=on,
                occurred_at=at,
                step=step,
                expected_version=seen,
                reason=reason,
                approved_by=approver(visit),
            )
        case "wait":
            return c.WaitStep(
                incident=on,
                occurred_at=at,
                step=step,
                expected_version=seen,
                until=typed_time(visit, "until") or visit.now + timedelta(hours=1),
                waits_for=reason,
            )
        case "reopen":
            return c.ReopenStep(
                incident=on, occurred_at=at, step=step, expected_version=seen, reason=reason
            )
        case "attest":
            return c.AttestStep(
                incident=on,
                occurred_at=at,
                step=step,
                expected_version=seen,
                note=reason,
                alone=visit.field("alone"),
            )
        case "decide":
            return c.TakeDecision(
                incident=on,
                occurred_at=at,
                step=step,
                expected_version=seen,
                option=visit.field("option"),
                rationale=reason,
                approved_by=approver(visit),
            )
        case _:
            raise UsageError(text("pages.bad_act").pick(visit.lang), got=doing)


def approver(visit: Visit) -> str | None:
    """The pseudonym behind the login name of who consented; None when nobody is named."""
    login = visit.field("approved_by").lower()
    known = {account.login: account.id for account in visit.house.accounts.everybody()}
    if login and login not in known:
        raise UsageError(text("pages.no_such_person").pick(visit.lang), got=login)
    return known.get(login)


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
