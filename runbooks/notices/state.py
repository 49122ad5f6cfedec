"""What was said, what stands, what was promised: a fold of `announcement.` entries. Pure.

Texts are not in here: they are values of the log and may be erased. An update or a correction takes
the place of an earlier one, which stays visible as such; a withdrawal leaves the text visible as
withdrawn, unless it was to disappear (`hidden`: somebody's data was in it).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from bcp.journal.entry import Entry
from bcp.journal.folding import Fold
from bcp.kit.units import from_us
from runbooks.progress import Standing
from runbooks.state import Did, Incident

PREFIX = "announcement."
APPROVED, WITHDRAWN = PREFIX + "approved", PREFIX + "withdrawn"
DRAFTED, TEMPLATE, SKIPPED = PREFIX + "drafted", PREFIX + "template_approved", PREFIX + "skipped"


@dataclass(frozen=True, slots=True)
class Notice:
    """One announcement without its words."""

    id: str
    seq: int
    """Entry that holds its words."""
    at: datetime
    by: str
    audience: str = "residents"
    template: str | None = None
    step: str | None = None
    incident: str | None = None
    alone: bool = False
    """Free text approved by the one who wrote it, with a reason."""
    how: str = "new"
    """`new`, `update` or `correction` of `replaces`."""
    replaces: str | None = None
    next_update: datetime | None = None
    kept_at: datetime | None = None
    """When the promise was kept (an update) or taken back (a withdrawal)."""
    replaced_by: str | None = None
    withdrawn_at: datetime | None = None
    withdrawn_seq: int | None = None
    hidden: bool = False

    @property
    def stands(self) -> bool:
        """Neither replaced nor withdrawn."""
        return self.replaced_by is None and self.withdrawn_at is None

    def overdue(self, now: datetime) -> bool:
        """An update was promised for an instant that has passed."""
        return self.stands and self.next_update is not None and self.next_update < now


@dataclass(frozen=True, slots=True)
class Notices:
    """Every announcement of one journal, oldest first."""

    items: Mapping[str, Notice] = field(default_factory=dict)
    drafts: Mapping[str, Notice] = field(default_factory=dict)
    """Written and not approved yet."""
    templates: Mapping[str, str] = field(default_factory=dict)
    """Template -> digest of the words that were approved last."""
    skipped: frozenset[tuple[str, str]] = frozenset()
    """(event, step) whose announcement was left out by decision."""

    @property
    def standing(self) -> tuple[Notice, ...]:
        """What stands, newest first."""
        return tuple(one for one in reversed(self.items.values()) if one.stands)  # type: ignore[call-overload]

    def overdue(self, now: datetime) -> tuple[Notice, ...]:
        """Promises not kept, the oldest first."""
        late = (one for one in self.items.values() if one.overdue(now))
        return tuple(sorted(late, key=lambda one: one.next_update or one.at))


@dataclass(frozen=True, slots=True)
class Due:
    """未発信: a step is done whose announcement was not published."""

    step: str
    audience: str
    template: str
    since: datetime


def due(notices: Notices, incident: Incident, standings: Iterable[Standing]) -> tuple[Due, ...]:
    """What the steps that are done ask to be said, the oldest first."""
    said = {(one.incident, one.step) for one in notices.items.values()} | notices.skipped
    found = [
        Due(s.step.id, s.step.announce.audience, s.step.announce.template, s.run.finished_at)
        for s in standings
        if s.step.announce is not None
        and s.run.did is Did.DONE
        and s.run.finished_at is not None
        and (incident.id, s.step.id) not in said
    ]
    return tuple(sorted(found, key=lambda one: (one.since, one.step)))


def fold(state: Notices, entry: Entry) -> Notices:
    """The state after one more entry; unknown kinds change nothing."""
    if entry.kind == TEMPLATE:
        known = {**state.templates, entry.subject: entry.detail["digest"]}
        return replace(state, templates=known)
    if entry.kind == SKIPPED:
        return replace(state, skipped=state.skipped | {(str(entry.incident), entry.subject)})
    if entry.kind == DRAFTED:
        return replace(state, drafts={**state.drafts, entry.subject: _notice(entry)})
    if entry.kind == APPROVED:
        return _approved(state, entry)
    if entry.kind == WITHDRAWN and entry.subject in state.items:
        old = state.items[entry.subject]
        gone = replace(
            old,
            withdrawn_at=entry.recorded_at,
            withdrawn_seq=entry.seq,
            hidden=bool(entry.detail.get("hidden")),
            kept_at=old.kept_at or entry.recorded_at,
        )
        return replace(state, items={**state.items, old.id: gone})
    if entry.kind == WITHDRAWN and entry.subject in state.drafts:
        drafts = {id: one for id, one in state.drafts.items() if id != entry.subject}
        return replace(state, drafts=drafts)
    return state


def _approved(state: Notices, entry: Entry) -> Notices:
    made = _notice(entry)
    items = dict(state.items)
    old = items.get(made.replaces or "")
    if old is not None:
        items[old.id] = replace(old, replaced_by=made.id, kept_at=made.at)
    items[made.id] = made
    drafts = {id: one for id, one in state.drafts.items() if id != made.id}
    return replace(state, items=items, drafts=drafts)


def _notice(entry: Entry) -> Notice:
    detail = entry.detail
    promised = detail.get("next_update_us")
    replaces = detail.get("replaces")
    return Notice(
        entry.subject,
        entry.seq,
        entry.recorded_at,
        entry.actor.id,
        detail.get("audience", "residents"),
        detail.get("template"),
        detail.get("step"),
        entry.incident,
        bool(detail.get("alone")),
        detail.get("how", "update" if replaces else "new"),
        replaces,
        from_us(promised) if isinstance(promised, int) else None,
    )


FOLD_NAME = "announcements"
FOLD: Fold[Notices] = Fold(Notices(), fold, (PREFIX,))
"""Hand to `Journal.open(folds={FOLD_NAME: FOLD})`."""
