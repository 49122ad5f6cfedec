"""Entries about damage to state. Pure. The newest look at an item counts, not the newest typing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bcp.journal.entry import Entry
from runbooks.damagestate import Seen, SiteDamage
from runbooks.state import Incident

Damage = Mapping[str, SiteDamage]


def observed(incident: Incident, entry: Entry) -> dict[str, Damage]:
    """`damage_observed`: a sheet typed in late never hides what was seen after it."""
    detail = entry.detail
    known = incident.damage.get(entry.subject, SiteDamage())
    id = detail["item"]
    seen = Seen(
        detail["value"],
        entry.occurred_at,
        entry.actor.id,
        entry.seq,
        detail.get("minutes_left"),
        detail.get("did"),
    )
    all_ = tuple(sorted((*known.history.get(id, ()), seen), key=lambda one: (one.at, one.seq)))
    site = replace(
        known,
        items={**known.items, id: all_[-1]},
        history={**known.history, id: all_},
    )
    return {"damage": {**incident.damage, entry.subject: site}}


def answered(incident: Incident, entry: Entry) -> dict[str, Damage]:
    """`power_answered`: ends an override of that site, the question has been looked at."""
    known = incident.damage.get(entry.subject, SiteDamage())
    power = {**known.power, entry.detail["item"]: entry.detail["safe"]}
    site = replace(known, power=power, overridden_by=None)
    return {"damage": {**incident.damage, entry.subject: site}}


def overridden(incident: Incident, entry: Entry) -> dict[str, Damage]:
    """`power_overridden`."""
    known = incident.damage.get(entry.subject, SiteDamage())
    site = replace(known, overridden_by=entry.actor.id)
    return {"damage": {**incident.damage, entry.subject: site}}


DAMAGE_CHANGES = {
    "damage_observed": observed,
    "power_answered": answered,
    "power_overridden": overridden,
}
