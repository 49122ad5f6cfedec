"""`/disaster/photos`: photos of an event. Sent by a plain form, kept by digest, shown one by one."""

from __future__ import annotations

from aiohttp import web
from aiohttp.web_request import FileField

from bcp.kit.errors import UsageError
from bcp.kit.language import text
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.event import actor, carry_out, desk_of, event_of
from bcp.service.pages.respond import Absent, Answer, Go, Pages
from bcp.service.pages.visit import Visit
from bcp.service.photos import kind_of, stripped
from runbooks import commands as c
from runbooks.erasing import finish
from runbooks.state import Incident

_ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}


def routes(pages: Pages) -> list[Route]:
    """Real and drill: the same handlers."""
    return [
        route
        for base in ("/disaster", "/drills/{drill}")
        for route in (
            pages.route("POST", base + "/photos", Permission.STEP, add, uploads=True),
            pages.route("GET", base + "/photos/{digest}", Permission.READ_LOG, show),
            pages.route("POST", base + "/photos/{digest}/erase", Permission.COMMAND, erase),
        )
    ]


async def add(visit: Visit) -> Answer:
    """Keep a photo: checked, stripped, durable in the evidence store, then named by an entry."""
    incident = event_of(visit)
    if incident is None:
        raise Absent
    subject = visit.field("subject") or incident.id
    data = await visit.house.workers.thread(_read, visit.form.get("photo"))
    most = visit.house.photo_bytes
    if len(data) > most:
        raise UsageError(
            text("pages.photo_large", most=most >> 20).pick(visit.lang),
            got=f"{len(data) / (1 << 20):.1f} MB",
            expected=f"<= {most >> 20} MB",
        )
    keep = visit.field("keep") == "yes"
    kind = kind_of(data)
    kept = data if keep else await visit.house.workers.thread(stripped, data)
    desk = desk_of(visit)
    digest = await visit.house.workers.thread(desk.journal.evidence.put_bytes, kept)
    command = c.AddPhoto(
        incident=incident.id,
        subject=subject,
        digest=digest,
        kind=kind,
        size=len(kept),
        stripped=not keep,
        caption=visit.field("caption"),
    )
    await carry_out(visit, command)
    return Go(_back(visit, incident, subject))


def _read(given: object) -> bytes:
    if not isinstance(given, FileField):
        raise UsageError(str(text("pages.photo_none")))
    with given.file as file:
        data = file.read()
    if not data:
        raise UsageError(str(text("pages.photo_none")))
    return data


def _back(visit: Visit, incident: Incident, subject: str) -> str:
    step = any(subject in runs for runs in incident.runs.values()) or subject != incident.id
    return f"{visit.base}/steps/{subject}" if step else visit.base


async def erase(visit: Visit) -> Answer:
    """The picture goes for good; that it was there, and why it went, stays."""
    incident = event_of(visit)
    if incident is None:
        raise Absent
    desk, digest = desk_of(visit), visit.parts["digest"]
    reason = visit.field("reason")
    await carry_out(visit, c.ErasePhoto(incident=incident.id, digest=digest, reason=reason))
    await finish(desk.state, desk.journal, visit.house.workers, actor(visit))
    subject = next(one.subject for one in incident.attachments if one.digest == digest)
    return Go(_back(visit, incident, subject))


async def show(visit: Visit) -> Answer:
    """One photo, by digest; only of this event's log."""
    digest = visit.parts["digest"]
    found = next(
        (
            one
            for incident in desk_of(visit).state.items.values()
            for one in incident.attachments
            if one.digest == digest and one.erased_at is None
        ),
        None,
    )
    if found is None:
        raise Absent
    data = await visit.house.workers.thread(desk_of(visit).journal.evidence.get, digest)
    name = f"{found.subject}-{digest[:8]}.{_ENDINGS[found.kind]}"
    headers = {
        "Content-Disposition": f'inline; filename="{name}"',
        "Cache-Control": "private, max-age=3600",
    }
    return web.Response(body=data, content_type=found.kind, headers=headers)
