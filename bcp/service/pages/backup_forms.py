"""Forms of `/backups`: take over a provider's report, the owner's acceptance, the second signature.

Plain forms, so that they work without script. A report is kept by its digest and handed out only as
a file to save: what a provider sends is never shown inside our own pages.
"""

from __future__ import annotations

from datetime import date

from aiohttp import web
from aiohttp.web_request import FileField

from backups.model import AttestedSet
from backups.stating import MOST
from bcp.journal.entry import Actor
from bcp.kit.errors import Refused, UsageError
from bcp.kit.language import text
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.holders import holders, not_the_owner
from bcp.service.operations.backup_statements import attestation
from bcp.service.pages.backups_page import backups_page
from bcp.service.pages.event import actor, typed_time
from bcp.service.pages.respond import Absent, Answer, Go, Pages
from bcp.service.pages.visit import Visit

_PLACE = "/backups"


def routes(pages: Pages) -> list[Route]:
    """Writing is for named people who look; the reports are for those who may read findings."""
    observe = Permission.OBSERVE
    return [
        pages.route("POST", "/backups/attest", observe, attest, uploads=True),
        pages.route("POST", "/backups/approve", observe, approve),
        pages.route("POST", "/backups/escrow-sign", observe, sign),
        pages.route("POST", "/backups/restore", Permission.OPERATE, restore),
        pages.route("GET", "/backups/reports/{id}", Permission.READ_FINDINGS, report),
    ]


async def attest(visit: Visit) -> Answer:
    """Take over an uploaded report."""
    sets = [one.id for one in visit.house.room.sets if isinstance(one, AttestedSet)]
    if visit.field("set") not in sets:
        raise Absent
    name, data = await visit.house.workers.thread(_read, visit.form.get("report"))
    begin, end = _day(visit, "begin"), _day(visit, "end")
    copied, note = typed_time(visit, "copied"), visit.field("note")
    said = attestation(visit.field("set"), begin, end, copied, name, note)
    await visit.house.room.attest(said, data, actor=actor(visit), op=_op(visit))
    return Go(_PLACE)


async def approve(visit: Visit) -> Answer:
    """業務主管の受入."""
    set_id, _, repository = visit.field("copy").partition("/")
    house, who = visit.house, actor(visit)
    one = next((one for one in house.room.sets if one.id == set_id), None)
    if one is not None and (owner := not_the_owner(house.city, house.accounts, one.system, who.id)):
        role = house.city.role(owner)
        said = text("pages.approve_owner", role=role.name if role else owner).pick(visit.lang)
        raise Refused(said, got=visit.called(who.id))
    await house.room.accept_restored(
        set_id, repository, visit.field("note"), actor=who, op=_op(visit)
    )
    return Go(_PLACE)


async def sign(visit: Visit) -> Answer:
    """The second signature under the trial of the sealed things."""
    who: Actor = actor(visit)
    roles = holders(visit.house.city, visit.house.accounts).get(who.id, frozenset())
    await visit.house.room.sign_sealed(
        visit.field("set"), visit.field("repository"), roles=roles, actor=who, op=_op(visit)
    )
    return Go(_PLACE)


async def restore(visit: Visit) -> Answer:
    """復元: ordered here, carried out by the daemon. The set's id is typed, so that no slip begins it."""
    set_id = visit.field("set")
    if (set_id, visit.field("repository")) not in visit.house.room.keys():  # noqa: SIM118 - a room
        raise Absent
    if visit.field("confirm") != set_id:
        return await backups_page(visit, text("pages.restore_confirm", id=set_id).pick(visit.lang))
    visit.house.room.order(
        set_id,
        visit.field("repository"),
        visit.field("snapshot"),
        actor=actor(visit),
        op=_op(visit),
    )
    return Go(f"{_PLACE}#b-{set_id}")


async def report(visit: Visit) -> Answer:
    """The report in force, to save."""
    said = visit.house.room.attestation(visit.parts["id"])
    if said is None:
        raise Absent
    evidence = visit.house.journal.evidence
    data = await visit.house.workers.thread(evidence.get, said.digest)
    headers = {
        "Content-Disposition": f'attachment; filename="{said.set}-{said.digest[:8]}"',
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(body=data, content_type="application/octet-stream", headers=headers)


def _op(visit: Visit) -> str:
    return visit.field("op") or visit.op


def _day(visit: Visit, name: str) -> date:
    try:
        return date.fromisoformat(visit.field(name))
    except ValueError as error:
        said = text("pages.report_day").pick(visit.lang)
        raise UsageError(said, got=visit.field(name), expected="2026-11-30") from error


def _read(given: object) -> tuple[str, bytes]:
    if not isinstance(given, FileField):
        raise UsageError(text("pages.report_none").ja)
    with given.file as file:
        return given.filename[:120], file.read(MOST + 1)
