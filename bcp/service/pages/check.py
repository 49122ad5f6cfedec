"""`/checks/ID`: how it stands, why, with which evidence, and how it stood before."""

from __future__ import annotations

from datetime import UTC, datetime

from bcp.journal.entry import Actor
from bcp.kit.errors import Refused, UsageError
from bcp.kit.language import text
from bcp.kit.units import size
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.discretion import results_seen_by, seen_by
from bcp.service.pages.check_acts import LENGTHS, OPERATED, operate
from bcp.service.pages.event import actor, operation
from bcp.service.pages.render import Words
from bcp.service.pages.respond import Absent, Answer, Go, Page, Pages
from bcp.service.pages.strips import strips
from bcp.service.pages.visit import Visit
from bcp.watch import acks
from bcp.watch.statements import confirm
from bcp.watch.values import FindingResult, Status
from bcp.watch.view import CheckView

_FINDING_ORDER = (
    FindingResult.FAIL,
    FindingResult.NOT_CHECKED,
    FindingResult.WAIVED,
    FindingResult.PASS,
    FindingResult.NOT_APPLICABLE,
)


def routes(pages: Pages) -> list[Route]:
    """Ids hold slashes: `backup/juki/main/4`."""
    return [
        pages.route("GET", "/checks/{id:.+}", Permission.READ, check_page),
        pages.route("POST", "/checks/{id:.+}", Permission.READ, said),
    ]


async def check_page(visit: Visit) -> Answer:
    """One check."""
    id = visit.parts["id"]
    if id not in visit.house.board:
        raise Absent
    findings = visit.may(Permission.READ_FINDINGS)
    view = visit.house.board.view(id, visit.now)
    secret = bool(view.last and view.last.outcome.findings) and not findings
    view = seen_by(view, findings=findings)
    recent = await visit.house.history.reader.recent(id, 20)
    system = visit.house.city.system(view.check.system) if view.check.system else None
    outcome = view.last.outcome if view.last else None
    found = sorted(
        outcome.findings if outcome else (), key=lambda f: _FINDING_ORDER.index(f.result)
    )
    values = {
        "view": view,
        "check": view.check,
        "system": system,
        "outcome": outcome,
        "facts": _facts(visit, view),
        "findings": found,
        "secret": secret,
        "day": (await strips(visit, [id], wide=True))[id],
        "days": (await strips(visit, [id], wide=True, days=True))[id],
        "results": results_seen_by(view, recent, findings=findings),
        "ack": visit.house.journal.state("acks").get(id),
        "takes": view.status in (Status.FAILED, Status.DEGRADED) and visit.may(Permission.STEP),
        "names": visit.called,
        "operates": visit.may(Permission.OPERATE),
        "paused": visit.house.journal.state("interim").paused(visit.now).get(id),
        "lengths": LENGTHS,
        "observed": view.check.reach == "person" and visit.may(Permission.OBSERVE),
    }
    return Page("check.html", values)


async def said(visit: Visit) -> Answer:
    """A form of this page; each asks for its own permission."""
    id = visit.parts["id"]
    if id not in visit.house.board:
        raise Absent
    if visit.field("do") == "take":
        return await _take(visit, id)
    if visit.field("do") in OPERATED:
        return await operate(visit, id)
    return await _observe(visit, id)


async def _observe(visit: Visit, id: str) -> Answer:
    """目視: what this person saw, durable before it is shown."""
    identity = visit.identity
    if identity is None or not visit.may(Permission.OBSERVE):
        raise Refused(text("access.not_permitted").pick(visit.lang))
    if visit.house.board.view(id).check.reach != "person":
        raise Absent
    if visit.field("status") not in ("ok", "degraded", "failed"):
        raise UsageError(text("pages.observe_missing").pick(visit.lang))
    status = Status(visit.field("status"))
    entry = confirm(id, status, visit.now, identity.name, visit.field("note")[:500])
    who = Actor(identity.id, "staff")
    await visit.house.journal.append(entry, op=operation(visit), actor=who)
    return Go(visit.path)


async def _take(visit: Visit, id: str) -> Answer:
    """引き受け: the next one is not called."""
    if not visit.may(Permission.STEP):
        raise Refused(text("access.not_permitted").pick(visit.lang))
    if visit.house.board.view(id, visit.now).status is Status.OK:
        return Go(visit.path)  # good again meanwhile
    entry = acks.take_on(id, visit.now, visit.field("note")[:500])
    await visit.house.journal.append(entry, op=operation(visit), actor=actor(visit))
    return Go(visit.path)


def _facts(visit: Visit, view: CheckView) -> list[tuple[str, str]]:
    if view.last is None:
        return []
    declared, words = view.check.facts, Words(visit.lang, visit.now)
    found = []
    for name, value in view.last.outcome.facts.items():
        fact = declared.get(name)
        label = fact.text.pick(visit.lang) if fact else name
        found.append((label, _measured(value, fact.unit if fact else "", words)))
    return found


def _measured(value: object, unit: str, words: Words) -> str:
    """A value with its unit, as people say it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if unit == "timestamp_seconds":
        return words.stamp(datetime.fromtimestamp(value, tz=UTC))
    if unit in ("seconds", "s"):
        return words.length(value) if value >= 60 else words.took(value)
    if unit == "bytes":
        return size(int(value))
    shown = f"{value:.3g}" if isinstance(value, float) else str(value)
    return f"{shown} {unit}".rstrip()
