"""Decides about hand-over of the command and 状況報告. Pure.

The command passes on the *receiver's* confirmation: until then who offered it commands, and every
page says so. Where one of the two cannot confirm (asleep, injured, no line), the other does it alone
with a reason that stays in the report: a hand-over must never trap a city.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from bcp.journal.canonical import Json
from bcp.journal.entry import NewEntry
from runbooks import commands as c
from runbooks.context import Context, entry, need_text, refuse, when
from runbooks.state import Incident

New = tuple[NewEntry, ...]
_COMMANDING = frozenset({"commander", "console"})


def decide_handing(
    incident: Incident, command: c.HandingCommand, at: datetime, context: Context
) -> New:
    """Entries for a command about who commands and what is told. Raises Refused."""
    occurred = when(context, command.occurred_at, at)
    if isinstance(command, c.IssueSituation):
        return _issue(incident, command, occurred)
    if not incident.active:
        raise refuse("not_active", allowed="runbooks.late_allowed", phase=incident.phase.value)
    if isinstance(command, c.OfferHandOver):
        return _offer(incident, command, occurred, context)
    if isinstance(command, c.ConfirmHandOver):
        return _confirm(incident, command, occurred, context)
    if isinstance(command, c.WithdrawHandOver):
        return _withdraw(incident, command, occurred, context)
    if isinstance(command, c.HandOverAlone):
        return _alone(incident, command, occurred, context)
    assert_never(command)


def _offer(incident: Incident, command: c.OfferHandOver, occurred: datetime, ctx: Context) -> New:
    if command.to == incident.commander:
        raise refuse("hand_over_same")
    if ctx.actor.id != incident.commander and ctx.actor.capacity != "console":
        raise refuse("offer_not_yours", allowed="runbooks.offer_allowed", by=incident.commander)
    if incident.offer is not None and incident.offer.to == command.to:
        return ()
    detail: dict[str, Json] = {
        "to": command.to,
        "from": incident.commander,
        "sheet": command.sheet,
    }
    summary = need_text(command.summary, "note")
    made = entry(incident, "hand_over_offered", incident.id, occurred, detail, summary=summary)
    return (_kept(made, command.sheet),)


def _confirm(
    incident: Incident, command: c.ConfirmHandOver, occurred: datetime, ctx: Context
) -> New:
    offer = incident.offer
    if offer is None:
        if incident.hand_overs and incident.commander == ctx.actor.id:
            return ()  # said twice: it has passed already
        raise refuse("no_offer", allowed="runbooks.no_offer_allowed")
    if command.offer is not None and command.offer != offer.seq:
        raise refuse("offer_changed", allowed="runbooks.offer_changed_allowed")
    if ctx.actor.id != offer.to:
        raise refuse("confirm_not_yours", allowed="runbooks.confirm_allowed", to=offer.to)
    detail: dict[str, Json] = {
        "to": offer.to,
        "from": incident.commander,
        "offer": offer.seq,
        "sheet": offer.sheet,
    }
    return (entry(incident, "hand_over_confirmed", incident.id, occurred, detail),)


def _withdraw(
    incident: Incident, command: c.WithdrawHandOver, occurred: datetime, ctx: Context
) -> New:
    offer = incident.offer
    if offer is None:
        return ()
    if ctx.actor.id not in (offer.to, offer.by, incident.commander) and (
        ctx.actor.capacity not in _COMMANDING
    ):
        raise refuse("confirm_not_yours", allowed="runbooks.confirm_allowed", to=offer.to)
    detail: dict[str, Json] = {"to": offer.to, "offer": offer.seq}
    reason = need_text(command.reason)
    return (entry(incident, "hand_over_withdrawn", incident.id, occurred, detail, reason=reason),)


def _alone(incident: Incident, command: c.HandOverAlone, occurred: datetime, ctx: Context) -> New:
    if command.to == incident.commander:
        raise refuse("hand_over_same")
    if ctx.actor.id != incident.commander and ctx.actor.capacity not in _COMMANDING:
        raise refuse("alone_not_yours", allowed="runbooks.alone_allowed", by=incident.commander)
    detail: dict[str, Json] = {
        "to": command.to,
        "from": incident.commander,
        "sheet": command.sheet,
    }
    reason = need_text(command.reason)
    made = entry(incident, "hand_over_alone", incident.id, occurred, detail, reason=reason)
    return (_kept(made, command.sheet),)


def _issue(incident: Incident, command: c.IssueSituation, occurred: datetime) -> New:
    number = len(incident.situations) + 1
    if command.number != number:
        raise refuse("report_number", allowed="runbooks.report_number_allowed", number=number)
    detail: dict[str, Json] = {"number": number, "digest": command.digest}
    made = entry(
        incident, "situation_reported", incident.id, occurred, detail, remark=command.remark
    )
    return (_kept(made, command.digest),)


def _kept(made: NewEntry, digest: str) -> NewEntry:
    return replace(made, evidence=(digest,)) if digest else made
