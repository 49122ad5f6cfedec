"""What one may do with a check on its page: look now, pause it for a while, let it go on."""

from __future__ import annotations

from datetime import timedelta

from bcp.kit.errors import Refused, UsageError
from bcp.kit.language import text
from bcp.kit.units import parse_duration
from bcp.service.access.roles import Permission
from bcp.service.pages.event import actor, operation
from bcp.service.pages.respond import Answer, Go
from bcp.service.pages.visit import Visit
from bcp.watch import interim

OPERATED = frozenset({"run", "pause", "resume"})
LENGTHS = {
    "30m": timedelta(minutes=30),
    "2h": timedelta(hours=2),
    "8h": timedelta(hours=8),
    "1d": timedelta(days=1),
}
"""Offered for a pause; the command line takes any up to a week."""


async def operate(visit: Visit, id: str) -> Answer:
    """One of `OPERATED`. The result stands on the page that follows."""
    if not visit.may(Permission.OPERATE):
        raise Refused(text("access.not_permitted").pick(visit.lang))
    what, house = visit.field("do"), visit.house
    if what == "run":
        view = house.board.view(id, visit.now)
        if view.blocked:
            raise Refused(view.sentence.pick(visit.lang))
        await house.look(view.check)
        return Go(visit.path)
    if what == "pause":
        if visit.field("length") not in LENGTHS:
            given = visit.field("length")[:20]
            raise UsageError(text("pages.pause_length").pick(visit.lang), got=given)
        length = parse_duration(visit.field("length"))
        entry = interim.pause(id, visit.now, length, visit.field("reason")[:500])
    elif id in house.journal.state("interim").paused(visit.now):
        entry = interim.end(interim.RESUMED, id, visit.now)
    else:
        return Go(visit.path)  # it goes on already
    await house.journal.append(entry, op=operation(visit), actor=actor(visit))
    return Go(visit.path)
