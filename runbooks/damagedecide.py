"""Decides commands about damage and powering on. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from bcp.journal.canonical import Json
from bcp.journal.entry import NewEntry
from runbooks import commands as c
from runbooks.context import Context, entry, need_known, need_text, refuse, when
from runbooks.damageitems import BEFORE_POWER, IDS, VALUES
from runbooks.damagestate import SiteDamage
from runbooks.progress import Standing
from runbooks.state import Incident, Phase

New = tuple[NewEntry, ...]
_MOST_MINUTES = 100 * 24 * 60


def decide_damage(
    incident: Incident, command: c.DamageCommand, at: datetime, context: Context
) -> New:
    """Entries for what was seen. Raises Refused. Late sheets count until the review."""
    occurred = when(context, command.occurred_at, at)
    late = incident.phase is Phase.STOOD_DOWN and occurred <= (incident.phase_since or at)
    if not incident.active and not late:
        raise refuse("not_active", allowed="runbooks.late_allowed", phase=incident.phase.value)
    need_known((command.site,), (site.id for site in context.city.sites), "site")
    if isinstance(command, c.ObserveDamage):
        return _observe(incident, command, occurred)
    if isinstance(command, c.AnswerPower):
        need_known((command.item,), BEFORE_POWER, "item")
        detail: dict[str, Json] = {"item": command.item, "safe": command.safe}
        return (entry(incident, "power_answered", command.site, occurred, detail),)
    if isinstance(command, c.OverridePower):
        reason = need_text(command.reason)
        known = incident.damage.get(command.site, SiteDamage())
        holds: dict[str, Json] = {"open": [*known.unanswered, *known.unsafe]}
        return (entry(incident, "power_overridden", command.site, occurred, holds, reason=reason),)
    assert_never(command)


def _observe(incident: Incident, command: c.ObserveDamage, occurred: datetime) -> New:
    need_known((command.item,), IDS, "item")
    need_known((command.value,), VALUES, "value")
    minutes = command.minutes_left
    if minutes is not None and not 0 <= minutes <= _MOST_MINUTES:
        raise refuse("minutes_left")
    detail: dict[str, Json] = {"item": command.item, "value": command.value}
    if minutes is not None:
        detail["minutes_left"] = minutes
    return (entry(incident, "damage_observed", command.site, occurred, detail, note=command.note),)


def hold_power(incident: Incident, found: Standing, context: Context) -> None:
    """Refuses to start what powers machines on while the questions of its site are open.

    The way round is always open: answer them, or override with a reason that stays in the report.
    """
    site = site_of(found, context)
    if site is None:
        return
    known = incident.damage.get(site, SiteDamage())
    if known.may_power_on:
        return
    open_ = [*known.unanswered, *known.unsafe]
    raise refuse(
        "power_hold",
        allowed="runbooks.power_allowed",
        step=found.step.id,
        site=site,
        open="、".join(BEFORE_POWER[id] for id in open_),
    )


def site_of(found: Standing, context: Context) -> str | None:
    """The site whose machines a step powers on; None for every other step."""
    step = found.step
    if not step.powers_on:
        return None
    if step.site is not None:
        return step.site
    id = found.runbook.system
    system = context.city.system(id) if id is not None else None
    sites = system.sites if system is not None else ()
    headquarters = [s.id for s in context.city.sites if s.kind == "headquarters"]
    return next(iter((*sites, *headquarters)), None)
