"""緊急用封印コード in the state: every use is owed by the events that run, until it is replaced. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bcp.journal.entry import Entry
from runbooks.incidents import Incidents
from runbooks.state import OpenItem

CODES = "breakglass."


def owed(state: Incidents) -> Mapping[str, OpenItem]:
    """Used and not replaced: also what was used before the declaration holds its stand-down."""
    return {id: item for id, item in state.codes.items() if item.closed_at is None}


def fold_code(state: Incidents, entry: Entry) -> Incidents:
    """The state after a code was used, or its envelope replaced."""
    id, known = entry.subject, state.codes.get(entry.subject)
    if entry.kind == CODES + "opened":
        item = OpenItem(id, entry.occurred_at, entry.detail["account"])
    elif entry.kind == CODES + "settled" and known is not None:
        item = OpenItem(id, known.since, known.by, None, entry.occurred_at)
    else:
        return state
    items = dict(state.items)
    for incident in state.items.values():
        if incident.id in state.open or id in incident.codes:
            items[incident.id] = replace(incident, codes={**incident.codes, id: item})
    return replace(state, items=items, codes={**state.codes, id: item})
