"""`/disaster/scribe`: twenty lines in five minutes, heard by phone or radio. Works without script.

Every line is its own act with its own operation id (of the page, the words and their repetition):
sent twice it happens once. Lines that cannot be recorded stay in the box; the good ones are kept.
"""

from __future__ import annotations

from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.heard import Told, record_all
from bcp.service.pages.event import actor, desk_of, event_of
from bcp.service.pages.respond import Absent, Answer, Page, Pages
from bcp.service.pages.visit import Visit
from runbooks.amended import amended
from runbooks.heard import Heard, Mode
from runbooks.scribe import read


def routes(pages: Pages) -> list[Route]:
    """Real and drill: the same handlers."""
    return [
        route
        for base in ("/disaster", "/drills/{drill}")
        for route in (
            pages.route("GET", base + "/scribe", Permission.STEP, form),
            pages.route("POST", base + "/scribe", Permission.STEP, take),
        )
    ]


async def form(visit: Visit) -> Answer:
    """The empty box."""
    incident = event_of(visit)
    if incident is None:
        raise Absent
    return Page("scribe.html", _values(visit, incident.id), live=False)


async def take(visit: Visit) -> Answer:
    """Check, or record what can be recorded."""
    incident, desk = event_of(visit), desk_of(visit)
    if incident is None:
        raise Absent
    typed = str(visit.form.get("lines", ""))[:60_000]
    frozen = await desk.frozen(incident)
    known = {name: a.id for a in visit.house.accounts.everybody() for name in (a.login, a.name)}
    lines = await visit.house.workers.thread(
        read, typed, visit.now, visit.house.city, amended(frozen.book, incident), known
    )
    values = _values(visit, incident.id)
    op = visit.field("op")
    values |= {"op": op if op.isalnum() and len(op) <= 32 else visit.op, "mode": _mode(visit)}
    if visit.field("do") != "record":
        told = [Told(line, line.problem) for line in lines]
        return Page("scribe.html", values | {"told": told, "typed": typed}, live=False)
    told = await record_all(
        desk, incident.id, lines, Heard(_mode(visit)), actor(visit), str(values["op"])
    )
    left = "\n".join(one.line.raw for one in told if not one.kept)
    return Page("scribe.html", values | {"told": told, "typed": left, "sent": True}, live=False)


def _mode(visit: Visit) -> Mode:
    return "paper" if visit.field("mode") == "paper" else "phone"


def _values(visit: Visit, incident: str) -> dict[str, object]:
    return {
        "incident": incident,
        "op": visit.op,
        "told": [],
        "typed": "",
        "sent": False,
        "mode": "phone",
    }
