"""Announcements read by programs and the command line: the list, and one in each of its forms."""

from __future__ import annotations

from typing import Any, Literal

from bcp.journal.journal import Journal
from bcp.kit.errors import UsageError
from bcp.kit.language import text
from bcp.kit.units import jst, to_us
from bcp.plan.loader import unknown
from bcp.service.announced import (
    Announcement,
    approvals,
    both,
    current,
    drafts,
    noticed,
    with_words,
)
from bcp.service.house import House
from bcp.service.operations import recovering as r
from bcp.service.operations.operation import Answer, Caller, Verdict
from runbooks.desk import Desk
from runbooks.notices import forms
from runbooks.notices.state import Due, due
from runbooks.notices.template import Template
from runbooks.paper.sheet import markdown


class Which(r.In):
    """One announcement, in one of its forms."""

    id: str
    form: Literal["text", "radio", "phone", "poster"] = "text"


async def place(house: House, drill: str | None) -> tuple[Desk, Journal, str | None]:
    """The desk, its journal and the event that runs there."""
    desk = await r.desk_of(house, drill)
    incident = desk.current()
    return desk, desk.journal, incident.id if incident is not None else None


async def listed(house: House, caller: Caller, p: r.In) -> Answer:
    """What stands, waits, is due and overdue; a finding while a promise is overdue."""
    desk, journal, _incident = await place(house, p.drill)
    state, now = noticed(journal), house.clock.utc()
    found, waiting = await current(journal), await drafts(journal)
    asked: tuple[Due, ...] = ()
    incident = desk.current()
    if incident is not None:
        steps = (await desk.situation(incident)).steps.values()
        asked = due(state, incident, steps)
    late = {one.id for one in state.overdue(now)}
    lines = [
        f"{'■' if one.id in late else '●'} {one.id}  {jst(one.approved_at)}  "
        f"[{_audience(one.notice.audience)}] {one.title}"
        + (f"  次 {jst(one.next_update, '%m/%d %H:%M')}" if one.next_update else "")
        for one in found
    ]
    lines += [f"◇ {one.id}  {both('waits')}  {one.title}" for one in waiting]
    lines += [f"▲ {one.step}  {both('due')}  {one.template}" for one in asked]
    approved = approvals(journal, house.journal)
    templates = [
        {"id": one.id, "state": template_state(approved, one), "digest": one.digest}
        for one in house.announcements.templates
    ]
    lines += [f"  {one['id']}  {both('template_' + one['state'])}" for one in templates]
    document = {
        "announcements": [_row(one, one.id in late) for one in found],
        "drafts": [_row(one, False) for one in waiting],
        "due": [
            {"step": one.step, "audience": one.audience, "template": one.template} for one in asked
        ],
        "templates": templates,
        "mirrors": [
            {"id": id, "ok": one.ok, "good_us": to_us(one.good_at) if one.good_at else None}
            for id, one in house.mirror_states.items()
        ],
    }
    return Answer(document, tuple(lines), Verdict.FINDING if late else Verdict.GOOD)


async def shown(house: House, caller: Caller, p: Which) -> Answer:
    """One announcement to read, to read aloud, to telephone or to print."""
    _desk, journal, _incident = await place(house, p.drill)
    notice = noticed(journal).items.get(p.id)
    one = await with_words(journal, notice) if notice is not None else None
    if one is None:
        raise UsageError(unknown(p.id, noticed(journal).items))
    said, organization = one.said(p.drill), house.city.organization
    if p.form in ("radio", "phone"):
        make = forms.radio if p.form == "radio" else forms.phone
        script = make(said, organization.name)
        seconds = int(script.length.total_seconds())
        document = {
            "id": one.id,
            "form": p.form,
            "text": script.text,
            "seconds": seconds,
            "morae": script.morae,
            "rate": script.rate,
            "usable": script.usable,
            "unreadable": list(script.unreadable),
        }
        about = text("announce.aloud", seconds=seconds, rate=script.rate).ja
        lines = (*script.text.splitlines(), f"({about})")
        return Answer(document, lines, Verdict.GOOD if script.usable else Verdict.FINDING)
    if p.form == "poster":
        day = forms.today(house.clock.utc())
        sheet = forms.poster(said, organization, one.approved_at, day)
        drawn = markdown(sheet)
        return Answer({"id": one.id, "form": p.form, "text": drawn}, tuple(drawn.splitlines()))
    lines = (one.title, "", *one.body.splitlines(), "", *one.easy.splitlines())
    return Answer(_row(one, False) | {"easy": one.easy, "body_en": one.body_en}, lines)


def template_state(approved: Any, one: Template) -> str:
    """`approved`, `changed` since, or `new`."""
    known = approved.get(one.id)
    return "new" if known is None else "approved" if known == one.digest else "changed"


def _row(one: Announcement, late: bool) -> dict[str, Any]:
    return {
        "id": one.id,
        "seq": one.notice.seq,
        "approved_us": to_us(one.approved_at),
        "next_update_us": to_us(one.next_update) if one.next_update else None,
        "overdue": late,
        "audience": one.notice.audience,
        "template": one.notice.template,
        "alone": one.notice.alone,
        "how": one.notice.how,
        "replaces": one.notice.replaces,
        "title": one.title,
        "body": one.body,
    }


def _audience(name: str) -> str:
    return text(f"announce.audience_{name}").ja
