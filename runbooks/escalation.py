"""Whom a step that takes too long is brought to, and when. Pure. Time never fails a person's step.

Past the time one in ten takes (p90; what was promised, while waiting), the next of the succession
is named; past twice that time the one after, and so on; past the last one the commander. Whoever was called
within the last two hours and not reached is passed over at once.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bcp.plan.model import City
from runbooks import commands as c
from runbooks.book import Book
from runbooks.progress import Stand, Standing, standing
from runbooks.state import Did, Incident, Phase

IDLE = timedelta(minutes=30)
"""So long may an event stand still before somebody is asked whether he is there."""
SHORTEST = timedelta(minutes=5)
"""A step of a minute is not brought to the whole succession within five."""
_UNREACHED = timedelta(hours=2)


def chain(incident: Incident, city: City, found: Standing, now: datetime) -> tuple[str, ...]:
    """Who answers for a step, the first one first: shift, then succession of the role."""
    name = found.runbook.role_of(found.step, incident.hours)
    role = next((role for role in city.roles if name in (role.id, role.name)), None)
    if role is None:
        return ()
    duty = [d.person for d in reversed(incident.duties) if d.role == role.id and d.holds(now)]
    return tuple(dict.fromkeys([*duty, *role.succession]))


def unreachable(incident: Incident, now: datetime) -> frozenset[str]:
    """Who was called lately and not reached; the last attempt counts."""
    last = {one.person: one for one in incident.contacts}
    return frozenset(
        person for person, one in last.items() if not one.reached and now - one.at < _UNREACHED
    )


def overdue_since(found: Standing) -> tuple[datetime, timedelta] | None:
    """From when on a step is overdue, and the length after which it goes one further."""
    run, step = found.run, found.step
    if found.stand is Stand.WAITING and run.expected_at is not None:
        return run.expected_at, timedelta(minutes=30)
    if found.stand is not Stand.RUNNING or run.started_at is None or step.duration is None:
        return None
    length = max(step.duration.p90 or step.duration.p50, SHORTEST)
    return run.started_at + length, length


def due(incident: Incident, city: City, found: Standing, now: datetime) -> c.EscalateStep | None:
    """The escalation that is due for a step now; None when it was made, or there is none."""
    since = overdue_since(found)
    if since is None or now <= since[0]:
        return None
    told = [one.to for one in found.run.escalations]
    gone = unreachable(incident, now)
    if sum(one not in gone for one in told) > (now - since[0]) // since[1]:
        return None
    return (
        c.EscalateStep(
            incident=incident.id,
            step=found.step.id,
            to=to,
            rank=len(told),
        )
        if (to := following(incident, city, found, now))
        else None
    )


def following(incident: Incident, city: City, found: Standing, now: datetime) -> str | None:
    """The next one to bring it to: in succession, then the commander; None when all were told."""
    told = {one.to for one in found.run.escalations}
    gone, has = unreachable(incident, now), found.run.claimed_by
    people = chain(incident, city, found, now)
    first = has if has in people else next(iter(people), None)
    left = [one for one in people if one not in (first, has) and one not in told | gone]
    if left:
        return left[0]
    commander = incident.commander
    return commander if commander and commander not in told | {has} else None


def idle(incident: Incident, city: City, book: Book, now: datetime) -> c.EscalateStep | None:
    """While nothing is in hand and nothing was recorded for half an hour: the next step is brought to
    whoever answers for it, then to the deputies and the commander, one each half hour."""
    if incident.phase is not Phase.DECLARED or now - (incident.last_at or now) < IDLE:
        return None
    for runbook in incident.runbooks:
        known = book.get(runbook)
        for step in known.steps if known is not None else ():
            found = standing(incident, book, step.id)
            if found is None or found.stand is not Stand.READY:
                continue
            told = {one.to for one in found.run.escalations} | unreachable(incident, now)
            people = [*chain(incident, city, found, now), incident.commander]
            to = next((one for one in people if one and one not in told), None)
            if to is None:  # all were told: the board shows it, nobody is rung up again
                return None
            rank = len(found.run.escalations)
            return c.EscalateStep(incident=incident.id, step=step.id, to=to, rank=rank, idle=True)
    return None


def escalations(
    incident: Incident, city: City, book: Book, now: datetime
) -> list[tuple[c.EscalateStep, str]]:
    """Every one that is due, with an operation id made of what it says."""
    found: list[tuple[c.EscalateStep, str]] = []
    in_hand = [
        run.id
        for runs in incident.runs.values()
        for run in runs.values()
        if run.did in (Did.RUNNING, Did.WAITING)
    ]
    waits = idle(incident, city, book, now) if not in_hand else None
    if waits is not None:
        found.append((waits, f"idle:{incident.id}:{waits.step}:{incident.last_seq}"))
    for id in in_hand:
        known = standing(incident, book, id)
        command = due(incident, city, known, now) if known is not None else None
        if command is not None and known is not None:
            run = known.run
            op = f"escalate:{incident.id}:{id}:{run.attempt}:{run.seq}:{command.rank}"
            found.append((command, op))
    return found
