"""Announcements: decided by people, in the log first; what is public is made from the log alone.

Rules. *Free text* is written by one person and approved by another (`announcement.drafted`, then
`announcement.approved`); the writer alone only with a reason, which stays visible (単独). *A filled
approved template* is published by one person at once: its words were approved beforehand, and its
placeholders take values of the plan or of a narrow shape, never free text. A percentage is refused
everywhere. Texts are values: erased ones are shown nowhere.

A text is never silently changed: an update or a correction takes its place and the earlier words
stay visible as such; a withdrawal leaves them visible as withdrawn, unless they must disappear.
Copies on pages and in other places: `bcp.service.showing`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bcp.journal.canonical import Json
from bcp.journal.entry import Actor, NewEntry
from bcp.journal.folding import View
from bcp.journal.journal import Journal
from bcp.kit.clock import Clock
from bcp.kit.errors import Refused, UsageError
from bcp.kit.units import to_us
from bcp.plan.model import City
from bcp.service.announced import TEXTS, approvals, both, noticed, with_words
from runbooks.notices.state import (
    APPROVED,
    DRAFTED,
    FOLD_NAME,
    SKIPPED,
    TEMPLATE,
    WITHDRAWN,
    Notices,
)
from runbooks.notices.template import AUDIENCES, Template, fill, percents

_LONGEST = {
    "title": 120,
    "title_en": 120,
    "body": 2000,
    "easy": 2000,
    "body_en": 2000,
    "radio": 300,
}


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be said. `easy` is やさしい日本語; `replaces` an announcement it takes the place of."""

    title: str
    body: str
    easy: str = ""
    title_en: str = ""
    body_en: str = ""
    next_update: datetime | None = None
    """When the next one is promised; a promise, not a plan."""
    replaces: str | None = None
    radio: str = ""
    """The sentence for 防災行政無線; without it the title is read."""
    audience: str = "residents"
    correction: str = ""
    """What was wrong with the one it replaces; empty: an update."""
    alone: str = ""
    """Why the writer approves alone."""
    template: str | None = None
    step: str | None = None
    """The step that asked for it."""

    def check(self, now: datetime) -> None:
        """Raises `UsageError` for what cannot be shown."""
        if not (self.title.strip() and self.body.strip()):
            raise UsageError(both("title_and_body"), where="title, body")
        for name, most in _LONGEST.items():
            if len(getattr(self, name)) > most:
                raise UsageError(both("too_long"), where=name, expected=f"<= {most}")
        if bool(self.title_en.strip()) != bool(self.body_en.strip()):
            raise UsageError(both("english_whole"), where="title_en, body_en")
        if self.next_update is not None and self.next_update <= now:
            raise UsageError(both("next_in_past"), where="next_update")
        if self.audience not in AUDIENCES:
            raise UsageError(both("audience"), got=self.audience, expected=", ".join(AUDIENCES))
        if percents(*(getattr(self, name) for name in TEXTS), self.correction):
            raise UsageError(both("no_percent"))


# --- what people decide ---------------------------------------------------------------------------


async def draft(
    journal: Journal,
    clock: Clock,
    new: Draft,
    *,
    actor: Actor,
    op: str,
    incident: str | None = None,
) -> str:
    """Written, for another person to approve; the id. Raises `UsageError`, `Unwritable`."""
    now = clock.utc()
    new.check(now)
    return await _enter(journal, DRAFTED, _id(op), new, now, actor, op, incident, {})


async def approve(
    journal: Journal,
    clock: Clock,
    new: Draft,
    *,
    actor: Actor,
    op: str,
    incident: str | None = None,
) -> str:
    """Free text approved by its writer; the id. Raises `UsageError`, `Refused`, `Unwritable`.

    Raises `UsageError` without a reason why nobody else approves.
    """
    now = clock.utc()
    new.check(now)
    if not new.alone.strip():
        raise UsageError(both("alone_reason"), where="alone")
    return await _enter(journal, APPROVED, _id(op), new, now, actor, op, incident, {"alone": True})


async def approve_draft(
    journal: Journal, clock: Clock, id: str, *, actor: Actor, op: str, alone: str = ""
) -> str:
    """A draft approved, by another person than its writer or alone with a reason."""
    known = noticed(journal).drafts.get(id)
    if known is None:
        if await journal.find_op(op):
            return id
        raise Refused(both("no_draft"), got=id)
    words = await with_words(journal, known)
    if words is None:
        raise Refused(both("no_draft"), got=id)
    now, same = clock.utc(), known.by == actor.id
    if same and not alone.strip():
        raise UsageError(both("alone_reason"), where="alone")
    new = Draft(
        **{name: getattr(words, name) for name in TEXTS},
        next_update=known.next_update,
        replaces=known.replaces,
        audience=known.audience,
        correction=words.correction,
        alone=alone if same else "",
        step=known.step,
    )
    new.check(now)
    more: dict[str, Json] = {"alone": same, "drafted_by": known.by}
    return await _enter(journal, APPROVED, id, new, now, actor, op, known.incident, more)


async def publish_template(
    journal: Journal,
    clock: Clock,
    template: Template,
    given: Mapping[str, str],
    city: City,
    new: Draft,
    *,
    actor: Actor,
    op: str,
    incident: str | None = None,
    beforehand: Journal | None = None,
) -> str:
    """A filled approved template, public at once. `new` bears audience, promise and what it replaces.

    `beforehand`: where else approvals are found (the real log, for a drill).
    Raises `Refused` while the template's words are not approved as they stand.
    """
    if approvals(journal, beforehand or journal).get(template.id) != template.digest:
        raise Refused(both("template_not_approved"), got=template.id)
    if new.audience not in template.audiences:
        raise UsageError(both("audience"), got=new.audience, expected=", ".join(template.audiences))
    words: dict[str, Any] = dict(fill(template, given, city))
    filled = replace(new, template=template.id, **words)
    now = clock.utc()
    filled.check(now)
    more: dict[str, Json] = {"template": template.id, "template_digest": template.digest}
    return await _enter(journal, APPROVED, _id(op), filled, now, actor, op, incident, more)


async def approve_template(
    journal: Journal, clock: Clock, template: Template, *, actor: Actor, op: str
) -> None:
    """The words of a template, as they stand in the plan now."""
    if noticed(journal).templates.get(template.id) == template.digest:
        return
    detail: dict[str, Json] = {"digest": template.digest, "audiences": list(template.audiences)}
    new = NewEntry(TEMPLATE, template.id, detail, None, clock.utc())
    await journal.append(new, op=op, actor=actor)


async def withdraw(
    journal: Journal,
    clock: Clock,
    id: str,
    *,
    actor: Actor,
    op: str,
    reason: str = "",
    hidden: bool = False,
) -> None:
    """Durable when it returns. `hidden`: its words leave the public page, not only its validity.

    Raises `Refused` for one that neither stands nor waits, `Unwritable`.
    """
    if percents(reason):
        raise UsageError(both("no_percent"))
    values = {"reason": reason.strip()} if reason.strip() else {}
    known, now = noticed(journal).items.get(id), clock.utc()
    incident = known.incident if known is not None else None

    def decide(view: View) -> tuple[NewEntry, ...]:
        state: Notices = view.state(FOLD_NAME)
        if id not in state.drafts:
            _need_standing(state, id)
        return (NewEntry(WITHDRAWN, id, {"hidden": hidden}, incident, now, values),)

    await journal.transact(decide, op=op, actor=actor)


async def skip(
    journal: Journal, clock: Clock, incident: str, step: str, reason: str, *, actor: Actor, op: str
) -> None:
    """出さない: a step's announcement is left out, with a reason."""
    if not reason.strip():
        raise UsageError(both("skip_reason"), where="reason")
    new = NewEntry(SKIPPED, step, {}, incident, clock.utc(), {"reason": reason.strip()})
    await journal.append(new, op=op, actor=actor)


def _id(op: str) -> str:
    return f"a-{hashlib.sha256(op.encode()).hexdigest()[:10]}"


async def _enter(
    journal: Journal,
    kind: str,
    id: str,
    new: Draft,
    now: datetime,
    actor: Actor,
    op: str,
    incident: str | None,
    more: dict[str, Json],
) -> str:
    detail: dict[str, Json] = {"audience": new.audience, **more}
    if new.next_update is not None:
        detail["next_update_us"] = to_us(new.next_update)
    if new.replaces is not None:
        detail["replaces"] = new.replaces
        detail["how"] = "correction" if new.correction.strip() else "update"
    if new.step is not None:
        detail["step"] = new.step
    values = {
        name: said
        for name in (*TEXTS, "correction", "alone")
        if (said := getattr(new, name).strip())
    }
    entry = NewEntry(kind, id, detail, incident, now, values)

    def decide(view: View) -> tuple[NewEntry, ...]:
        """In the writer's thread: of two who replace the same one, the second is told so."""
        state: Notices = view.state(FOLD_NAME)
        _need_standing(state, new.replaces)
        if kind == APPROVED and "drafted_by" in more and id not in state.drafts:
            raise Refused(both("no_draft"), got=id)
        return (entry,)

    await journal.transact(decide, op=op, actor=actor)
    return id


def _need_standing(state: Notices, id: str | None) -> None:
    """Raises `Refused` for one that is replaced or withdrawn already."""
    known = state.items.get(id) if id is not None else None
    if id is not None and (known is None or not known.stands):
        raise Refused(both("not_standing"), got=id)
