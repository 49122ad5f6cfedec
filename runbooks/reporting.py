"""Reads what a report is made of from one desk's log: the thin shell around `runbooks.report`.

Everything read stops at the report's last entry, so that the same number gives the same bytes after
any later entry and after a restart. Reading goes in pages and texts in batches: nothing holds the
loop, and the log's writer never waits long for the store of values.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from bcp.journal.entry import Entry
from bcp.journal.journal import Journal
from runbooks import copies
from runbooks.codesfold import CODES
from runbooks.drilled import ENDED
from runbooks.folding import PREFIX
from runbooks.report import Around, Report, build
from runbooks.report.decided import CHANGED
from runbooks.report.material import counted
from runbooks.state import Incident
from runbooks.suggestionfold import SUGGESTION_KINDS

if TYPE_CHECKING:  # the desk hands itself in
    from runbooks.desk import Desk

_PAGE = 5000
_BATCH = 200
_CHANGES = 20_000
"""Changes of checks looked back at: enough to know which were red, little enough to read."""
_NEAR = tuple(PREFIX + word for word in sorted(SUGGESTION_KINDS))


async def report_of(desk: Desk, incident: Incident, upto: int | None = None) -> Report:
    """The report of an event as far as it goes; `upto` = that of an earlier edition.

    Raises UsageError when the log holds no entry of it up to there.
    """
    entries = await entries_of(desk.journal, incident.id, incident.seq)
    own = counted(entries, upto)
    last = own[-1] if own else None
    around = await _around(desk, incident, last) if last is not None else Around()
    spoken = [*own, *(e for e in around.entries if e.kind.endswith("_dismissed"))]
    texts = await texts_of(desk.journal, spoken)
    frozen = await desk.frozen(incident)
    return await desk.workers.thread(build, entries, texts, frozen, upto, around)


async def entries_of(journal: Journal, incident: str, since: int = 0) -> tuple[Entry, ...]:
    """Every entry of an event, oldest first."""
    return tuple(await _pages(journal, since, None, incident=incident))


async def texts_of(journal: Journal, entries: Iterable[Entry]) -> dict[int, dict[str, str]]:
    """Entry number -> name -> text, of those that carry texts; an erased one is absent."""
    told = [entry for entry in entries if entry.commitments]
    found: dict[int, dict[str, str]] = {}
    for start in range(0, len(told), _BATCH):
        found |= await journal.reveal_all(told[start : start + _BATCH])
    return found


async def _pages(journal: Journal, since: int, before: int | None, **chosen: Any) -> list[Entry]:
    found: list[Entry] = []
    while page := await journal.read(since, limit=_PAGE, before=before, **chosen):
        found += page
        since = page[-1].seq + 1
    return found


async def _around(desk: Desk, incident: Incident, last: Entry) -> Around:
    journal, before = desk.journal, last.seq + 1
    entries = await _pages(journal, 0, before, kind=(*_NEAR, CODES, ENDED))
    entries += await journal.read(kind=CHANGED, before=before, limit=_CHANGES, reverse=True)
    others = _beside(incident, desk.state.items.values(), last.seq)
    for other in others:
        entries += await _pages(journal, other.seq, before, incident=other.id)
    frozen = {other.id: await desk.frozen(other) for other in others}
    return Around(tuple(entries), frozen, await _copies(desk, last))


def _beside(incident: Incident, events: Iterable[Incident], last: int) -> Sequence[Incident]:
    """Events that may have run at the same time; the report itself looks more closely."""
    return [
        one
        for one in events
        if one.id != incident.id
        and one.seq <= last
        and (
            one.active
            or one.phase_since is None
            or one.phase_since >= incident.declared_at
            or one.id in incident.links
            or incident.id in one.links
        )
    ]


async def _copies(desk: Desk, last: Entry) -> copies.Copies:
    """Verified copies as they were known then; a drill looks into the real log, by time."""
    if desk.real is None:
        entries = await _pages(desk.journal, 0, last.seq + 1, kind=copies.KIND)
    else:
        found = await _pages(desk.real.journal, 0, None, kind=copies.KIND)
        entries = [one for one in found if one.recorded_at <= last.recorded_at]
    known = copies.Copies()
    for entry in entries:
        known = copies.fold(known, entry)
    return known
