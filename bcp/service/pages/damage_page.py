"""`/disaster/damage`: 被害チェックシート on screen: what people saw beside what probes say.

未確認 is a value of its own and what stands until somebody looked. Where an eye and a probe
disagree, both stand side by side and the line is marked; neither corrects the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bcp.kit.errors import Refused, UsageError
from bcp.kit.language import text
from bcp.kit.units import whole
from bcp.plan.model import Site
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.event import actor, desk_of, event_of, heard_of, operation, typed_time
from bcp.service.pages.respond import Absent, Answer, Go, Page, Pages
from bcp.service.pages.visit import Visit
from bcp.watch.slices import Slices
from bcp.watch.values import Status
from bcp.watch.view import CheckView
from runbooks import commands as c
from runbooks.damageitems import BAD, BEFORE_POWER, GOOD, ITEMS, PARTLY, UNSEEN, VALUES, Item
from runbooks.damagestate import Seen, SiteDamage
from runbooks.power import supply, unread
from runbooks.state import Incident

LOOKS = {GOOD: "ok", PARTLY: "degraded", BAD: "failed", UNSEEN: "unknown"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the sheet on screen."""

    item: Item
    seen: Seen | None
    probes: tuple[CheckView, ...]
    """The worst first; at most three."""
    probe: Status | None
    """What they say together; None where no probe looks."""
    changes: int

    @property
    def value(self) -> str:
        """未確認 until somebody looked."""
        return self.seen.value if self.seen else UNSEEN

    @property
    def against(self) -> bool:
        """An eye and a probe say different things."""
        if self.probe is None or self.value == UNSEEN:
            return False
        if self.value == GOOD:
            return self.probe is Status.FAILED
        return self.value == BAD and self.probe is Status.OK


def routes(pages: Pages) -> list[Route]:
    """Real and drill: the same handlers."""
    return [
        route
        for base in ("/disaster", "/drills/{drill}")
        for route in (
            pages.route("GET", base + "/damage", Permission.READ, sites),
            pages.route("GET", base + "/damage/{site}", Permission.READ, sheet),
            pages.route("POST", base + "/damage/{site}", Permission.OBSERVE, record),
        )
    ]


async def sites(visit: Visit) -> Answer:
    """Every site: how much was looked at, what is bad, whether power may come on."""
    incident = event_of(visit)
    if incident is None:
        raise Absent
    found = []
    for site in visit.house.city.sites:
        known = incident.damage.get(site.id, SiteDamage())
        values = [seen.value for seen in known.items.values()]
        counts = {value: values.count(value) for value in (BAD, PARTLY, GOOD)}
        counts[UNSEEN] = len(ITEMS) - sum(counts.values())
        found.append((site, known, counts))
    sheet = visit.query.get("sheet", "")[:40]
    shown = {"incident": incident, "sites": found, "looks": LOOKS, "mine": _mine(visit)}
    return Page("damage.html", {**shown, "sheet": sheet})


async def sheet(visit: Visit) -> Answer:
    """One site: every item, its answer, the probes beside it, a form under it."""
    incident, site = event_of(visit), _site(visit)
    if incident is None:
        raise Absent
    known = incident.damage.get(site.id, SiteDamage())
    views = await _views(visit, site)
    spoken = {system.id: system.damage_items for system in visit.house.city.systems}
    rows = [_row(item, known, views, spoken) for item in ITEMS]
    values = {
        "incident": incident,
        "site": site,
        "known": known,
        "rows": rows,
        "against": [row for row in rows if row.against],
        "looks": LOOKS,
        "values": VALUES,
        "before": BEFORE_POWER,
        "supply": supply(site.id, known),
        "unread": unread(known),
        "names": visit.called,
        "paper": visit.query.get("sheet", "")[:40],
        "may": incident.active and visit.may(Permission.OBSERVE) and _open(visit, site.id),
    }
    return Page("damage_site.html", values, live=False)


async def record(visit: Visit) -> Answer:
    """What was answered on the form; items left at 「変えない」 are not touched."""
    incident, site = event_of(visit), _site(visit)
    if incident is None:
        raise Absent
    if not _open(visit, site.id):
        raise Refused(text("damage.other_site").pick(visit.lang), got=site.id)
    commands = _commands(visit, incident, site)
    if not commands:
        raise UsageError(text("damage.nothing").pick(visit.lang))
    desk, op = desk_of(visit), operation(visit)
    for number, command in enumerate(commands):
        await desk.do(command, actor(visit), f"{op}/{number}")
    return Go(f"{visit.base}/damage/{site.id}")


def _commands(visit: Visit, incident: Incident, site: Site) -> list[c.Command]:
    at, heard = typed_time(visit), heard_of(visit)
    on = {"incident": incident.id, "occurred_at": at, "site": site.id, "heard": heard}
    if visit.field("do") == "override":
        return [c.OverridePower(reason=visit.field("reason"), **on)]  # type: ignore[arg-type]
    found: list[c.Command] = []
    for item in ITEMS:
        value = visit.field(f"v-{item.id}")
        hours = visit.field(f"h-{item.id}")
        if value not in VALUES:
            continue
        minutes = None
        if hours:
            if (number := whole(hours.translate(_WIDE))) is None:
                raise UsageError(text("damage.bad_hours").pick(visit.lang), got=hours, expected="3")
            minutes = number * 60
        note = visit.field(f"n-{item.id}")
        found.append(
            c.ObserveDamage(item=item.id, value=value, minutes_left=minutes, note=note, **on)  # type: ignore[arg-type]
        )
    said = {id: visit.field(f"p-{id}") for id in BEFORE_POWER}
    found += [
        c.AnswerPower(item=id, safe=answer == "yes", **on)  # type: ignore[arg-type]
        for id, answer in said.items()
        if answer in ("yes", "no")
    ]
    return found


_WIDE = str.maketrans("０１２３４５６７８９", "0123456789")


def _row(
    item: Item,
    known: SiteDamage,
    views: Sequence[CheckView],
    spoken: Mapping[str, Sequence[str]],
) -> Row:
    probes = sorted(
        (view for view in views if item.id in spoken.get(view.check.system or "", ())),
        key=lambda v: _worst(v.status),
    )
    told = [view.status for view in probes if view.status is not Status.UNKNOWN]
    probe = min(told, key=_worst, default=None)
    changes = len(known.history.get(item.id, ()))
    return Row(item, known.items.get(item.id), tuple(probes[:3]), probe, changes)


def _worst(status: Status) -> int:
    return (Status.FAILED, Status.DEGRADED, Status.UNKNOWN, Status.OK).index(status)


async def _views(visit: Visit, site: Site) -> list[CheckView]:
    """Checks that say something about this site: their own site, else that of their system."""
    city, slices = visit.house.city, Slices(visit.house.clock)
    found = []
    for view in visit.house.board.walk(visit.now):
        check = view.check
        system = city.system(check.system) if check.system else None
        places = (check.site,) if check.site else (system.sites if system else ())
        if site.id in places and check.reach != "person":
            found.append(view)
        if slices.due():
            await asyncio.sleep(0)
    return found


def _site(visit: Visit) -> Site:
    site = visit.house.city.site(visit.parts["site"])
    if site is None:
        raise Absent
    return site


def _mine(visit: Visit) -> str | None:
    """The site of one who came in with a sealed code."""
    limit = visit.identity.limit if visit.identity else None
    return limit.sites[0] if limit and limit.sites else None


def _open(visit: Visit, site: str) -> bool:
    """Who came with a sealed code speaks of the site whose envelope he opened, and of no other."""
    return _mine(visit) in (None, site)
