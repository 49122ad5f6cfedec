"""What everybody on call is told again because nobody has acted: derived each second, stored once told.

Time decides nothing here: no step fails, nothing is ratified or closed. Each reminder has a key and a
rank, so that a restart tells nothing twice and a clock that jumps tells only the last one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from bcp.journal.canonical import Json
from bcp.journal.entry import NewEntry
from bcp.plan.model import City
from runbooks import commands as c
from runbooks.breaches import next_due
from runbooks.calls import key
from runbooks.context import Context, entry
from runbooks.power import supplies
from runbooks.state import Incident, Ratification

ANSWER = timedelta(minutes=15)
"""So long a message may stay unanswered before the next of the authority is asked to take over."""
_DAY = timedelta(days=1)
_MOST_DAYS = 7
"""A thing told a week long is known; the pages go on saying it."""
_POWER = (timedelta(), timedelta(minutes=15), timedelta(minutes=60))
"""Told an hour before, a quarter of an hour before, and when a site goes dark."""

Due = tuple[str, str, int]
"""(what, of which thing, rank from 1)."""


def due(incident: Incident, city: City, now: datetime) -> tuple[Due, ...]:
    """Every reminder that is due and was not told."""
    found = [*_unanswered(incident, city, now), *_late(incident, city, now), *_dark(incident, now)]
    return tuple(one for one in found if incident.reminded.get(key(*one[:2]), 0) < one[2])


def reminders(incident: Incident, city: City, now: datetime) -> list[tuple[c.Remind, str]]:
    """The same as commands, each with an operation id made of what it says."""
    return [
        (
            c.Remind(incident=incident.id, what=what, id=id, rank=rank),
            f"remind:{incident.id}:{key(what, id)}:{rank}",
        )
        for what, id, rank in due(incident, city, now)
    ]


def decide_notice(
    incident: Incident, command: c.NoticeCommand, at: datetime, context: Context
) -> tuple[NewEntry, ...]:
    """Entries of a reminder, or of 「確認しました」."""
    if isinstance(command, c.Answer):
        mine = context.actor.id
        open_ = [one.seq for one in incident.calls if one.by != mine]
        return (entry(incident, "answered", incident.id, at, {"calls": open_}),) if open_ else ()
    told = incident.reminded.get(key(command.what, command.id), 0)
    if not incident.active or told >= command.rank:
        return ()
    detail: dict[str, Json] = {"what": command.what, "rank": command.rank}
    return (entry(incident, "reminded", command.id, at, detail),)


def _unanswered(incident: Incident, city: City, now: datetime) -> Iterator[Due]:
    most = max(1, len(city.disaster.authority))
    for call in incident.calls:
        rank = min(int((now - call.at) / ANSWER), most)
        if rank >= 1:
            yield "unanswered", str(call.seq), rank


def _late(incident: Incident, city: City, now: datetime) -> Iterator[Due]:
    """事後承認, 緊急変更, 漏えい等の報告 past their time: at once, then daily."""
    if incident.ratification is Ratification.PENDING:
        limit = _asked(incident) + city.disaster.ratify_within
        yield from _daily("ratification", incident.id, limit, now)
    for change in incident.changes.values():
        if change.closed_at is None and change.expires_at is not None:
            yield from _daily("change", change.id, change.expires_at, now)
    breach = next_due(incident.breaches)
    if breach is not None:
        yield from _daily("breach", f"{breach[1].id}/{breach[2]}", breach[0], now)


def _asked(incident: Incident) -> datetime:
    """Since when the ratification is pending: the declaration, or a scope stated anew."""
    return max(mark.at for mark in incident.marks) if incident.ratified_at else incident.declared_at


def _daily(what: str, id: str, limit: datetime, now: datetime) -> Iterator[Due]:
    if now > limit:
        yield what, id, min(1 + int((now - limit) / _DAY), _MOST_DAYS)


def _dark(incident: Incident, now: datetime) -> Iterator[Due]:
    for one in supplies(incident.damage):
        left = one.ends - now
        rank = sum(left <= step for step in _POWER)
        if rank:
            yield "power", f"{one.site}:{one.seq}", rank
