"""`/announcements`: write, look at it as citizens will, approve; withdraw or replace. No script.

In a drill the same page works on the drill's own log and never touches the public page.
"""

from __future__ import annotations

from bcp.journal.journal import Journal
from bcp.kit.errors import BcpError, UsageError
from bcp.kit.language import text
from bcp.service import announcing
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.announcing import Announcement, Draft
from bcp.service.pages.event import actor, desk_of, operation, typed_time
from bcp.service.pages.respond import Answer, Go, Page, Pages
from bcp.service.pages.status import paragraphs
from bcp.service.pages.visit import Visit


def routes(pages: Pages) -> list[Route]:
    """Real and drill: the same handlers."""
    found = []
    for base in ("/announcements", "/drills/{drill}/announcements"):
        found += [
            pages.route("GET", base, Permission.ANNOUNCE, show),
            pages.route("POST", base, Permission.ANNOUNCE, act),
        ]
    return found


async def show(visit: Visit) -> Answer:
    """What stands, and an empty form; `?replace=ID` begins from one that stands."""
    found = await announcing.current(_journal(visit))
    old = next((one for one in found if one.id == visit.query.get("replace")), None)
    return await _draw(visit, found, _draft_of(old) if old else None)


async def act(visit: Visit) -> Answer:
    """Preview, change, approve, withdraw."""
    journal, doing = _journal(visit), visit.field("do")
    if doing == "withdraw":
        id, house = visit.field("id"), visit.house
        await announcing.withdraw(journal, house.clock, id, actor=actor(visit), op=operation(visit))
        return await _publish(visit)
    found = await announcing.current(journal)
    if doing == "change":
        return await _draw(visit, found, _typed(visit))
    if doing not in ("preview", "approve"):
        raise UsageError(text("pages.bad_act").pick(visit.lang), got=doing)
    try:
        draft = _typed(visit)
        draft.check(visit.now)
        if doing == "preview":
            return await _draw(visit, found, draft, preview=True)
        await announcing.approve(
            journal, visit.house.clock, draft, actor=actor(visit), op=operation(visit)
        )
    except UsageError as error:  # back to the form, with every word still in it
        return await _draw(visit, found, _as_typed(visit), said=error)
    return await _publish(visit)


async def _publish(visit: Visit) -> Answer:
    house = visit.house
    if not visit.drill:
        await announcing.show(house.journal, house.status_folder, house.workers)
    return Go(_place(visit))


async def _draw(
    visit: Visit,
    found: tuple[Announcement, ...],
    draft: Draft | None,
    *,
    preview: bool = False,
    said: BcpError | None = None,
) -> Page:
    house = visit.house
    behind = False
    if not visit.drill:
        behind = await announcing.pending(house.journal, house.status_folder, house.workers)
    values = {
        "found": [(one, paragraphs(one.body)) for one in found],
        "draft": draft or Draft("", ""),
        "next_text": visit.field("next_update"),
        "preview": preview,
        "shown": (paragraphs(draft.body), paragraphs(draft.easy)) if draft else ((), ()),
        "shown_en": paragraphs(draft.body_en) if draft else (),
        "old": next((one for one in found if draft and one.id == draft.replaces), None),
        "said": said,
        "behind": behind,
        "place": _place(visit),
    }
    status = 200 if said is None else 400
    return Page("announcements.html", values, status, live=False)


def _place(visit: Visit) -> str:
    return f"{visit.base}/announcements" if visit.drill else "/announcements"


def _journal(visit: Visit) -> Journal:
    return desk_of(visit).journal if visit.drill else visit.house.journal


def _typed(visit: Visit) -> Draft:
    """Raises `UsageError` for a time that is none."""
    return Draft(
        visit.field("title"),
        visit.field("body").replace("\r\n", "\n"),
        visit.field("easy").replace("\r\n", "\n"),
        visit.field("title_en"),
        visit.field("body_en").replace("\r\n", "\n"),
        typed_time(visit, "next_update"),
        visit.field("replaces") or None,
    )


def _as_typed(visit: Visit) -> Draft:
    """The words alone, whatever the time says."""
    return Draft(
        visit.field("title"),
        visit.field("body"),
        visit.field("easy"),
        visit.field("title_en"),
        visit.field("body_en"),
        replaces=visit.field("replaces") or None,
    )


def _draft_of(one: Announcement) -> Draft:
    return Draft(one.title, one.body, one.easy, one.title_en, one.body_en, replaces=one.id)
