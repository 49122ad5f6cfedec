"""`/announcements`: due, overdue, templates to fill, free text for another to approve. No script.

In a drill the same pages work on the drill's own log and never touch the public page.
"""

from __future__ import annotations

from typing import Any

from bcp.kit.errors import BcpError, UsageError
from bcp.kit.language import text
from bcp.service import announced, announcing
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.announced import TEXTS, Announcement, approvals, noticed
from bcp.service.announcing import Draft
from bcp.service.operations.announced import template_state
from bcp.service.pages import announce_forms
from bcp.service.pages.announce_forms import journal_of, place_of
from bcp.service.pages.event import actor, desk_of, operation, typed_time
from bcp.service.pages.respond import Absent, Answer, Go, Page, Pages
from bcp.service.pages.status import paragraphs
from bcp.service.pages.visit import Visit
from bcp.service.showing import pending
from runbooks.notices import forms
from runbooks.notices.state import Due, due
from runbooks.notices.template import AUDIENCES, Template, choices, fill, places, shape


def routes(pages: Pages) -> list[Route]:
    """Real and drill: the same handlers."""
    found = []
    for base in ("/announcements", "/drills/{drill}/announcements"):
        found += [
            pages.route("GET", base, Permission.NOTICE, show),
            pages.route("POST", base, Permission.ANNOUNCE, act),
            pages.route("POST", base + "/draft", Permission.NOTICE, write),
            pages.route("GET", base + "/templates/{id}", Permission.NOTICE, template_page),
            pages.route("POST", base + "/templates/{id}", Permission.NOTICE, publish),
            pages.route("GET", base + "/{id}/forms", Permission.NOTICE, announce_forms.forms_page),
            pages.route(
                "GET", base + "/{id}/poster", Permission.NOTICE, announce_forms.poster_page
            ),
            pages.route(
                "GET", base + "/{id}/poster/pdf", Permission.NOTICE, announce_forms.poster_pdf
            ),
        ]
    return found


async def show(visit: Visit) -> Answer:
    """What stands, and an empty form; `?replace=ID` begins from one that stands."""
    found = await announced.current(journal_of(visit))
    old = next((one for one in found if one.id == visit.query.get("replace")), None)
    asked = visit.query.get("audience", "residents")
    empty = Draft(
        "",
        "",
        audience=asked if asked in AUDIENCES else "residents",
        step=visit.query.get("step") or None,
    )
    return await _draw(visit, found, _draft_of(old) if old else empty)


async def act(visit: Visit) -> Answer:
    """Preview, change, approve, withdraw, approve a template: what the authority does."""
    journal, clock, doing = journal_of(visit), visit.house.clock, visit.field("do")
    who, op = actor(visit), operation(visit)
    if doing == "withdraw":
        id, why, hidden = visit.field("id"), visit.field("reason"), bool(visit.field("hidden"))
        await announcing.withdraw(journal, clock, id, actor=who, op=op, reason=why, hidden=hidden)
        return await _publish(visit)
    if doing == "skip":
        incident = desk_of(visit).current()
        if incident is None:
            raise Absent
        step, why = visit.field("step"), visit.field("reason")
        await announcing.skip(journal, clock, incident.id, step, why, actor=who, op=op)
        return Go(place_of(visit))
    if doing == "template":
        one = _template(visit, visit.field("id"))
        await announcing.approve_template(journal, clock, one, actor=who, op=op)
        return Go(place_of(visit))
    if doing == "draft":
        id, alone = visit.field("id"), visit.field("alone")
        await announcing.approve_draft(journal, clock, id, actor=who, op=op, alone=alone)
        return await _publish(visit)
    return await _text(visit, doing)


async def write(visit: Visit) -> Answer:
    """Staff: preview, change, leave it for another to approve."""
    return await _text(visit, "save" if visit.field("do") == "save" else visit.field("do"))


async def _text(visit: Visit, doing: str) -> Answer:
    journal = journal_of(visit)
    found = await announced.current(journal)
    if doing == "change":
        return await _draw(visit, found, _typed(visit))
    allowed = ("preview", "save", "approve") if visit.may("announce") else ("preview", "save")
    if doing not in allowed:
        raise UsageError(text("pages.bad_act").pick(visit.lang), got=doing)
    incident = desk_of(visit).current()
    on = incident.id if incident is not None else None
    try:
        draft = _typed(visit)
        draft.check(visit.now)
        if doing == "preview":
            return await _draw(visit, found, draft, preview=True)
        enter = announcing.approve if doing == "approve" else announcing.draft
        who, op = actor(visit), operation(visit)
        await enter(journal, visit.house.clock, draft, actor=who, op=op, incident=on)
    except UsageError as error:  # back to the form, with every word still in it
        return await _draw(visit, found, _as_typed(visit), said=error)
    return await _publish(visit)


# --- templates ------------------------------------------------------------------------------------


async def template_page(visit: Visit) -> Answer:
    """Fill in an approved template."""
    return await _fill_in(visit, _template(visit, visit.parts["id"]))


async def publish(visit: Visit) -> Answer:
    """Look at it filled, then publish: one person is enough, its words were approved before."""
    one = _template(visit, visit.parts["id"])
    given = {place: visit.field(f"v_{place}") for place in one.places}
    incident = desk_of(visit).current()
    try:
        words = fill(one, given, visit.house.city)
        new = Draft(
            words["title"],
            words["body"],
            next_update=typed_time(visit, "next_update"),
            replaces=visit.field("replaces") or None,
            audience=visit.field("audience") or one.audiences[0],
            correction=visit.field("correction"),
            step=visit.field("step") or None,
        )
        new.check(visit.now)
        if visit.field("do") != "publish":
            return await _fill_in(visit, one, words)
        await announcing.publish_template(
            journal_of(visit),
            visit.house.clock,
            one,
            given,
            visit.house.city,
            new,
            actor=actor(visit),
            op=operation(visit),
            incident=incident.id if incident is not None else None,
            beforehand=visit.house.journal,
        )
    except UsageError as error:
        return await _fill_in(visit, one, said=error)
    return await _publish(visit)


async def _fill_in(
    visit: Visit,
    one: Template,
    words: dict[str, str] | None = None,
    said: BcpError | None = None,
) -> Page:
    city = visit.house.city
    names = ("step", "audience", "next_update", "replaces", "correction")
    asked = {
        **dict.fromkeys(names, ""),
        **visit.query,
        **{name: visit.field(name) for name in visit.form},
    }
    script = None
    if words is not None:
        draft = forms.Said("-", words["title"], words["body"], radio=words["radio"])
        script = forms.radio(draft, city.organization.name)
    values = {
        "one": one,
        "title": blank(one.title, visit),
        "body": paragraphs(blank(one.body, visit)),
        "approval": template_state(approvals(journal_of(visit), visit.house.journal), one),
        "places": [(p, choices(city, p), shape(p), asked.get(f"v_{p}", "")) for p in one.places],
        "asked": asked,
        "standing": await announced.current(journal_of(visit)),
        "words": words,
        "shown": {name: paragraphs(said_) for name, said_ in (words or {}).items()},
        "script": script,
        "said": said,
        "place": place_of(visit),
    }
    return Page("announce_template.html", values, 200 if said is None else 400, live=False)


def _template(visit: Visit, id: str) -> Template:
    found = next((one for one in visit.house.announcements.templates if one.id == id), None)
    if found is None:
        raise Absent
    return found


# --- drawing --------------------------------------------------------------------------------------


async def _publish(visit: Visit) -> Answer:
    if not visit.drill:
        await visit.house.show_public()
    return Go(place_of(visit))


async def _draw(
    visit: Visit,
    found: tuple[Announcement, ...],
    draft: Draft | None,
    *,
    preview: bool = False,
    said: BcpError | None = None,
) -> Page:
    house, journal = visit.house, journal_of(visit)
    behind = False
    if not visit.drill:
        behind = await pending(house.journal, house.status_folder, house.workers)
    approved = approvals(journal, visit.house.journal)
    templates = house.announcements.templates
    values = {
        "found": [(one, paragraphs(one.body)) for one in found],
        "drafts": await announced.drafts(journal),
        "due": await _due(visit),
        "known": {one.id: blank(one.title, visit) for one in templates},
        "templates": [
            (one, blank(one.title, visit), template_state(approved, one)) for one in templates
        ],
        "mirrors": {} if visit.drill else house.mirror_states,
        "draft": draft or Draft("", ""),
        "next_text": visit.field("next_update"),
        "preview": preview,
        "shown": (paragraphs(draft.body), paragraphs(draft.easy)) if draft else ((), ()),
        "shown_en": paragraphs(draft.body_en) if draft else (),
        "old": next((one for one in found if draft and one.id == draft.replaces), None),
        "said": said,
        "behind": behind,
        "place": place_of(visit),
        "audiences": AUDIENCES,
        "names": visit.called,
        "me": actor(visit).id,
        "target": place_of(visit) if visit.may("announce") else f"{place_of(visit)}/draft",
    }
    return Page("announcements.html", values, 200 if said is None else 400, live=False)


async def _due(visit: Visit) -> tuple[Due, ...]:
    desk = desk_of(visit)
    incident = desk.current()
    if incident is None:
        return ()
    seen = await desk.situation(incident)
    return due(noticed(desk.journal), incident, seen.steps.values())


def blank(said: str, visit: Visit) -> str:
    """A template's words with its placeholders as a person calls them: 〔業務名〕."""
    return said.format(**{p: f"〔{visit.word(f'announce.place_{p}')}〕" for p in places(said)})


def _words(visit: Visit) -> dict[str, Any]:
    return {name: visit.field(name).replace("\r\n", "\n") for name in TEXTS}


def _typed(visit: Visit) -> Draft:
    """Raises `UsageError` for a time that is none."""
    return _made(visit, next_update=typed_time(visit, "next_update"))


def _as_typed(visit: Visit) -> Draft:
    """The words alone, whatever the time says."""
    return _made(visit)


def _made(visit: Visit, **more: Any) -> Draft:
    return Draft(
        **_words(visit),
        **more,
        replaces=visit.field("replaces") or None,
        audience=visit.field("audience") or "residents",
        correction=visit.field("correction"),
        alone=visit.field("alone"),
        step=visit.field("step") or None,
    )


def _draft_of(one: Announcement) -> Draft:
    return Draft(
        **{name: getattr(one, name) for name in TEXTS},
        replaces=one.id,
        audience=one.notice.audience,
    )
