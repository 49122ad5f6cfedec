"""Whether somebody holds a role: by the plan's succession, by a shift, or as 統括者. Pure.

Unknown is its own answer: where nobody's account is tied to the role, nothing can be checked, and
the entry says so. A shift (`FillRole`) is always a way out, so a check never traps anybody.
"""

from __future__ import annotations

from datetime import datetime

from runbooks.context import Context, refuse
from runbooks.state import Incident

COMMANDING = frozenset({"commander", "console"})


def role_id(context: Context, name: str) -> str | None:
    """Id of a role by its id or name; None for a vendor or a free word."""
    return next((role.id for role in context.city.roles if name in (role.id, role.name)), None)


def on_duty(incident: Incident, role: str, now: datetime) -> tuple[str, ...]:
    """Who fills a role on the shift that runs now, the newest statement first."""
    return tuple(
        duty.person for duty in reversed(incident.duties) if duty.role == role and duty.holds(now)
    )


def commands(context: Context, person: str) -> bool:
    """Whether a person may speak for the command."""
    if person == context.actor.id and context.actor.capacity in COMMANDING:
        return True
    return bool(context.holders.get(person, frozenset()) & COMMANDING)


def holds(
    incident: Incident, context: Context, name: str, person: str, now: datetime
) -> bool | None:
    """True, False, or None where nobody can tell."""
    if commands(context, person) or (incident.hand_overs and person == incident.commander):
        return True
    role = role_id(context, name)
    if role is None:
        return None
    duty = on_duty(incident, role, now)
    if person in duty or role in context.holders.get(person, frozenset()):
        return True
    known = bool(duty) or any(role in roles for roles in context.holders.values())
    return False if known else None


def require(incident: Incident, context: Context, name: str, person: str, now: datetime) -> bool:
    """Whether it could be checked. Raises Refused for somebody who is known not to hold the role."""
    found = holds(incident, context, name, person, now)
    if found is False:
        role = next((r for r in context.city.roles if name in (r.id, r.name)), None)
        raise refuse(
            "not_holder",
            allowed="runbooks.not_holder_allowed",
            role=role.name if role else name,
            role_en=role.id if role else name,
            who=person,
        )
    return found is True


def require_authority(incident: Incident, context: Context, now: datetime) -> bool:
    """Whether it could be checked that the actor is 本部長 or a deputy (`disaster.authority`).

    Raises Refused for somebody who is known to be neither and does not command this event. Taking
    the command over, also alone, is always open: a gate never traps a city.
    """
    me, roles = context.actor.id, context.city.disaster.authority
    if me == incident.commander:
        return True
    duty = {person for role in roles for person in on_duty(incident, role, now)}
    known = {id for id, held in context.holders.items() if not held.isdisjoint(roles)} | duty
    if me in known:
        return True
    if not known or context.actor.capacity == "console":
        return False
    names = "・".join(role.name for role in context.city.roles if role.id in roles)
    raise refuse("gate_authority", allowed="runbooks.gate_authority_allowed", names=names)
