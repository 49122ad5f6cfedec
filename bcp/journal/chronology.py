"""クロノロジー: the entries of an event by when they happened, quickly, however many there are.

A projection (its table may be lost and is made again) beside the log: what an entry says stays in the
log and is checked against its hash when it is read. Words are looked for in the value store, where an
erased text is not found any more. Everything here runs in worker threads.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bcp.journal.entry import Entry
from bcp.journal.journal import Journal
from bcp.journal.projections import Projection
from bcp.journal.store import entries
from bcp.journal.writer import in_thread
from bcp.kit.units import from_us, to_us

_WHERE = """
 incident = :incident
 AND (:since IS NULL OR occurred_us >= :since) AND (:until IS NULL OR occurred_us < :until)
 AND (:kinds IS NULL OR kind IN (SELECT value FROM json_each(:kinds)))
 AND (:actors IS NULL OR actor IN (SELECT value FROM json_each(:actors)))
 AND (:subjects IS NULL OR subject IN (SELECT value FROM json_each(:subjects)))
 AND (:late IS NULL OR recorded_us - occurred_us > :late)
 AND (:said IS NULL OR c.seq IN (SELECT value FROM json_each(:said))
  OR subject IN (SELECT value FROM json_each(:said_subjects))
  OR kind IN (SELECT value FROM json_each(:said_kinds))
  OR actor IN (SELECT value FROM json_each(:said_actors)))
"""


def _page(order: str) -> str:
    return f"""
SELECT e.seq, e.data, e.leaf FROM entry AS e JOIN (
 SELECT c.seq AS seq, c.occurred_us AS at FROM chronology AS c WHERE {_WHERE}
 ORDER BY c.occurred_us {order}, c.seq {order} LIMIT :limit OFFSET :offset
) AS found ON found.seq = e.seq ORDER BY found.at {order}, e.seq {order}
"""  # noqa: S608 - no value stands in it


def _apply(cursor: sqlite3.Cursor, entry: Entry) -> None:
    if entry.incident is None:
        return
    cursor.execute(
        "INSERT OR REPLACE INTO chronology VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            entry.seq,
            entry.incident,
            to_us(entry.occurred_at),
            to_us(entry.recorded_at),
            entry.kind,
            entry.actor.id,
            entry.subject,
        ),
    )


CHRONOLOGY = Projection(
    "chronology",
    ("chronology",),
    (
        "CREATE TABLE chronology (seq INTEGER PRIMARY KEY, incident TEXT NOT NULL,"
        " occurred_us INTEGER NOT NULL, recorded_us INTEGER NOT NULL, kind TEXT NOT NULL,"
        " actor TEXT NOT NULL, subject TEXT NOT NULL) STRICT",
        "CREATE INDEX chronology_when ON chronology (incident, occurred_us, seq)",
    ),
    _apply,
    queries={
        "page": _page("DESC"),
        "page_old": _page("ASC"),
        "count": f"SELECT COUNT(*) FROM chronology AS c WHERE {_WHERE}",  # noqa: S608
        "people": "SELECT actor, MIN(occurred_us), MAX(occurred_us), COUNT(*) FROM chronology"
        " WHERE incident = :incident GROUP BY actor ORDER BY 2",
        "kinds": "SELECT kind, COUNT(*) FROM chronology WHERE incident = :incident GROUP BY kind",
    },
)
"""Hand to `Journal.open(projections=(CHRONOLOGY,))`."""


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for; None = whatever. `words` stands in a text, or in one of `words_*`."""

    incident: str
    words: str = ""
    words_subjects: Sequence[str] = ()
    """Steps, systems, services whose names hold the words."""
    words_kinds: Sequence[str] = ()
    words_actors: Sequence[str] = ()
    kinds: Sequence[str] | None = None
    actors: Sequence[str] | None = None
    subjects: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    late_seconds: int | None = None
    """Only what was recorded more than this after it happened (後入力)."""


@dataclass(frozen=True, slots=True)
class Found:
    """One page, the newest happening first, and how many there are in all."""

    entries: tuple[Entry, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Span:
    """First and last act of one person in an event."""

    actor: str
    first: datetime
    last: datetime
    acts: int


async def find(
    journal: Journal,
    sought: Sought,
    limit: int = 40,
    offset: int = 0,
    *,
    oldest_first: bool = False,
) -> Found:
    """Entries by when they happened. Raises Damaged, naming the entry, if one fits its hash no more."""
    said = await journal.search(sought.words) if sought.words else None
    parameters = {
        "incident": sought.incident,
        "since": None if sought.since is None else to_us(sought.since),
        "until": None if sought.until is None else to_us(sought.until),
        "kinds": _list(sought.kinds),
        "actors": _list(sought.actors),
        "subjects": _list(sought.subjects),
        "late": None if sought.late_seconds is None else sought.late_seconds * 1_000_000,
        "said": _list(said),
        "said_subjects": json.dumps(list(sought.words_subjects)),
        "said_kinds": json.dumps(list(sought.words_kinds)),
        "said_actors": json.dumps(list(sought.words_actors)),
    }
    count = await journal.query("chronology", "count", parameters)
    name = "page_old" if oldest_first else "page"
    rows = await journal.query("chronology", name, {**parameters, "limit": limit, "offset": offset})
    return Found(tuple(await in_thread(entries, rows)), int(count[0][0]) if count else 0)


async def people(journal: Journal, incident: str) -> tuple[Span, ...]:
    """Who acted in an event, from when to when."""
    rows = await journal.query("chronology", "people", {"incident": incident})
    return tuple(Span(actor, from_us(a), from_us(b), count) for actor, a, b, count in rows)


async def kinds(journal: Journal, incident: str) -> dict[str, int]:
    """Kinds of entries an event has, with their number."""
    rows = await journal.query("chronology", "kinds", {"incident": incident})
    return {str(kind): int(count) for kind, count in rows}


def _list(given: Sequence[str] | Sequence[int] | None) -> str | None:
    return None if given is None else json.dumps(list(given))
