"""Announcements for programs and the command line: list, draft, approve, publish, withdraw, read out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from bcp.kit.errors import Refused, UsageError
from bcp.kit.language import Text
from bcp.kit.units import JST
from bcp.plan.loader import unknown
from bcp.plan.types import Id
from bcp.service import announcing
from bcp.service.access.roles import Permission
from bcp.service.announced import both
from bcp.service.house import House
from bcp.service.operations import recovering as r
from bcp.service.operations.announced import Which, listed, place, shown
from bcp.service.operations.operation import Answer, Caller, Operation
from runbooks.notices.template import Audience, Template


class Write(r.In):
    """Free text as people will read it."""

    title: str = Field("", max_length=120)
    body: str = Field("", max_length=2000)
    easy: str = Field("", max_length=2000)
    """やさしい日本語."""
    title_en: str = Field("", max_length=120)
    body_en: str = Field("", max_length=2000)
    radio: str = Field("", max_length=300)
    """The sentence for 防災行政無線."""
    audience: Audience = "residents"
    next_update: str | None = None
    """`2026-11-23T15:00` in JST: when the next one is promised."""
    replaces: str | None = None
    correction: str = Field("", max_length=500)
    """What was wrong with the one it replaces; empty: an update."""
    step: Id | None = None


class Approve(Write):
    """A draft (`id`), a template's words (`template`), or own free text (with `alone`)."""

    id: str | None = None
    template: Id | None = None
    alone: str = Field("", max_length=500)
    """Why the writer approves alone."""


class Publish(r.In):
    """A filled approved template."""

    template: Id
    values: dict[str, str] = Field(default_factory=dict)
    audience: Audience = "residents"
    next_update: str | None = None
    replaces: str | None = None
    correction: str = Field("", max_length=500)
    step: Id | None = None


class Withdraw(r.In):
    """One announcement or draft; with `step`: what that step asks for is not said."""

    id: str | None = None
    step: Id | None = None
    reason: str = Field("", max_length=500)
    hidden: bool = False
    """Its words leave the public page too."""


def template_of(house: House, id: str) -> Template:
    """Of the plan. Raises UsageError."""
    known = {one.id: one for one in house.announcements.templates}
    if id not in known:
        raise UsageError(unknown(id, known), where="template")
    return known[id]


def _draft(p: Write, alone: str = "") -> announcing.Draft:
    return announcing.Draft(
        p.title,
        p.body,
        p.easy,
        p.title_en,
        p.body_en,
        _instant(p.next_update),
        p.replaces,
        p.radio,
        p.audience,
        p.correction,
        alone,
        None,
        p.step,
    )


async def draft(house: House, caller: Caller, p: Write) -> Answer:
    """Written, for another person to approve."""
    _desk, journal, incident = await place(house, p.drill)
    actor = r.actor_of(house, caller, p.by)
    id = await announcing.draft(
        journal, house.clock, _draft(p), actor=actor, op=caller.op, incident=incident
    )
    return Answer({"id": id}, (f"{id}: {both('drafted')}",))


async def approve(house: House, caller: Caller, p: Approve) -> Answer:
    """Enter it, then show it where it is to be seen."""
    _desk, journal, incident = await place(house, p.drill)
    actor = r.actor_of(house, caller, p.by)
    if p.template is not None:
        one = template_of(house, p.template)
        await announcing.approve_template(journal, house.clock, one, actor=actor, op=caller.op)
        return Answer({"template": one.id, "digest": one.digest}, (f"{one.id}: {one.digest[:16]}",))
    if p.id is not None:
        await announcing.approve_draft(
            journal, house.clock, p.id, actor=actor, op=caller.op, alone=p.alone
        )
        return await _shown(house, p.drill, p.id)
    new = _draft(p, p.alone)
    id = await announcing.approve(
        journal, house.clock, new, actor=actor, op=caller.op, incident=incident
    )
    return await _shown(house, p.drill, id)


async def publish(house: House, caller: Caller, p: Publish) -> Answer:
    """Fill an approved template and show it at once."""
    _desk, journal, incident = await place(house, p.drill)
    new = announcing.Draft(
        "-",
        "-",
        next_update=_instant(p.next_update),
        replaces=p.replaces,
        audience=p.audience,
        correction=p.correction,
        step=p.step,
    )
    id = await announcing.publish_template(
        journal,
        house.clock,
        template_of(house, p.template),
        p.values,
        house.city,
        new,
        actor=r.actor_of(house, caller, p.by),
        op=caller.op,
        incident=incident,
        beforehand=house.journal,
    )
    return await _shown(house, p.drill, id)


async def withdraw(house: House, caller: Caller, p: Withdraw) -> Answer:
    """Enter that it no longer holds, then show that."""
    _desk, journal, incident = await place(house, p.drill)
    actor = r.actor_of(house, caller, p.by)
    if p.step is not None:
        if incident is None:
            raise Refused(both("not_standing"), got=p.step)
        await announcing.skip(
            journal, house.clock, incident, p.step, p.reason, actor=actor, op=caller.op
        )
        return Answer({"step": p.step}, (p.step,))
    if p.id is None:
        raise UsageError("ID", where="id")
    await announcing.withdraw(
        journal,
        house.clock,
        p.id,
        actor=actor,
        op=caller.op,
        reason=p.reason,
        hidden=p.hidden,
    )
    return await _shown(house, p.drill, p.id)


async def _shown(house: House, drill: str | None, id: str) -> Answer:
    if drill is not None:
        return Answer({"id": id, "shown": False}, (f"{id}: {both('drill_only')}",))
    done = await house.show_public()
    return Answer(
        {"id": id, "shown": done}, (f"{id}: {both('shown' if done else 'not_shown_yet')}",)
    )


def _instant(given: str | None) -> datetime | None:
    if given is None:
        return None
    try:
        found = datetime.fromisoformat(given)
    except ValueError as error:
        raise UsageError("next_update", got=given, expected="2026-11-23T15:00") from error
    return found if found.tzinfo else found.replace(tzinfo=JST)


def _operation(
    name: str, ja: str, en: str, permission: Permission, parameters: Any, run: Any, writes: bool
) -> Operation[Any]:
    return Operation(f"announce.{name}", Text(ja, en), permission, parameters, run, writes)


OPERATIONS: tuple[Operation[Any], ...] = (
    _operation(
        "approve",
        "お知らせを承認する",
        "approve an announcement",
        Permission.ANNOUNCE,
        Approve,
        approve,
        True,
    ),
    _operation(
        "withdraw",
        "お知らせを取り下げる",
        "withdraw an announcement",
        Permission.ANNOUNCE,
        Withdraw,
        withdraw,
        True,
    ),
    _operation("list", "お知らせの一覧", "announcements", Permission.READ, r.In, listed, False),
    _operation(
        "draft", "お知らせを書く", "write an announcement", Permission.NOTICE, Write, draft, True
    ),
    _operation(
        "publish",
        "承認済みのひな形で知らせる",
        "publish a filled template",
        Permission.NOTICE,
        Publish,
        publish,
        True,
    ),
    _operation(
        "show",
        "お知らせの文・放送文・電話文",
        "an announcement in its forms",
        Permission.READ,
        Which,
        shown,
        False,
    ),
)
