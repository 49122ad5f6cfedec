"""Decides commands about the work: notes, free decisions, levels, paper, changes. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from bcp.journal.canonical import Json
from bcp.journal.entry import NewEntry
from bcp.kit.units import to_us
from runbooks import commands as c
from runbooks.context import Context, entry, need_ids, need_known, need_text, refuse, when
from runbooks.state import Incident, OpenItem, Phase

New = tuple[NewEntry, ...]


def decide_work(incident: Incident, command: c.WorkCommand, at: datetime, context: Context) -> New:
    """Entries for a command about the work. Raises Refused."""
    occurred = when(context, command.occurred_at, at)
    _ids_only(command)
    if isinstance(command, c.AddNote):  # always possible; after the review it is an addendum
        detail: dict[str, Json] = {"addendum": incident.phase is Phase.REVIEWED}
        note = need_text(command.text, "note")
        return (
            entry(
                incident, "note_added", command.subject or incident.id, occurred, detail, note=note
            ),
        )
    if isinstance(command, c.ReturnSheet | c.FinishBackEntry):
        return _give_back(incident, command, occurred)
    if not incident.active:
        raise refuse("not_active", allowed="runbooks.late_allowed", phase=incident.phase.value)
    if isinstance(command, c.TakeDecision):
        return _decide(incident, command, occurred)
    if isinstance(command, c.AttainLevel | c.LoseLevel):
        return _level(incident, command, at)
    if isinstance(command, c.StartAlternate | c.EndAlternate):
        return _alternate(incident, command, occurred, context)
    if isinstance(command, c.IssueSheets):
        for id in command.ids:
            _fresh(incident.sheets.get(id), id)
        detail = {"ids": list(command.ids)}
        return (entry(incident, "sheets_issued", incident.id, occurred, detail, holder=command.to),)
    assert_never(command)


def _decide(incident: Incident, command: c.TakeDecision, occurred: datetime) -> New:
    number = sum(decision.subject.startswith("decision-") for decision in incident.decisions) + 1
    detail: dict[str, Json] = {"option": "free", "approved_by": command.approved_by}
    return (
        entry(
            incident,
            "decision_taken",
            f"decision-{number}",
            occurred,
            detail,
            question=need_text(command.question, "note"),
            choice=need_text(command.choice, "note"),
            rationale=command.rationale,
        ),
    )


def _level(incident: Incident, command: c.AttainLevel | c.LoseLevel, at: datetime) -> New:
    """From the board: recorded only when it changes what the log says."""
    spells = incident.levels.get(command.system, {}).get(command.level, ())
    held = bool(spells) and spells[-1].until is None
    said = incident.words.get(f"system:{command.system}:{command.level}", ())
    stood = bool(said) and said[-1].counts
    if held if isinstance(command, c.AttainLevel) else not (held or stood):
        return ()
    detail: dict[str, Json] = {
        "level": command.level,
        "since_us": to_us(command.since),
        "checks": list(command.checks),
    }
    word = "level_attained" if isinstance(command, c.AttainLevel) else "level_lost"
    return (entry(incident, word, command.system, at, detail),)


def _alternate(
    incident: Incident,
    command: c.StartAlternate | c.EndAlternate,
    occurred: datetime,
    context: Context,
) -> New:
    need_known((command.service,), (item.id for item in context.city.services), "service")
    known = incident.alternates.get(command.service)
    running = known is not None and known.until is None
    if isinstance(command, c.StartAlternate):
        if running:
            return ()
        return (
            entry(incident, "alternate_started", command.service, occurred, {}, note=command.note),
        )
    if not running:
        raise refuse("no_alternate", service=command.service)
    detail: dict[str, Json] = {"back_entry": command.back_entry}
    return (entry(incident, "alternate_ended", command.service, occurred, detail),)


def _give_back(
    incident: Incident,
    command: c.ReturnSheet | c.FinishBackEntry,
    occurred: datetime,
) -> New:
    """Possible as long as the event is not reviewed."""
    if incident.phase is Phase.REVIEWED:
        raise refuse("not_active", allowed="runbooks.late_allowed", phase=incident.phase.value)
    if isinstance(command, c.FinishBackEntry):
        known = incident.alternates.get(command.service)
        if known is None or known.back_entry != "open":
            raise refuse("nothing_open", id=command.service)
        return (entry(incident, "back_entered", command.service, occurred, {}),)
    item = incident.sheets.get(command.id)
    if item is None or item.closed_at is not None:
        raise refuse("nothing_open", id=command.id)
    return (entry(incident, "sheet_returned", command.id, occurred, {}),)


def _ids_only(command: c.WorkCommand) -> None:
    """What enters the entry itself can never be erased: ids there, words in the texts."""
    given: tuple[str, ...] = ()
    if isinstance(command, c.AddNote):
        given = (command.subject,) if command.subject else ()
    elif isinstance(command, c.IssueSheets):
        given = command.ids
    need_ids(given)


def _fresh(item: OpenItem | None, id: str) -> None:
    if item is not None and item.closed_at is None:
        raise refuse("open_already", id=id)
