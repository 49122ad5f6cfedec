"""The other acts of a running event: notes, paper, ratification, hand-over, stand-down.

What staff may do (notes, 代替運用, paper sheets) and what only the command may
(ratify, level, stand down, gates) are two doors with two permissions.
"""

from __future__ import annotations

from bcp.kit.errors import UsageError
from bcp.kit.language import text
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.event import actor, carry_out, desk_of, number, operation, typed_time
from bcp.service.pages.respond import Answer, Go, Pages
from bcp.service.pages.visit import Visit
from runbooks import commands as c

_WAIVE = "waive-"
"""A box for each system; the name of the field carries its id, so that every choice is another act."""


def routes(pages: Pages) -> list[Route]:
    """Real and drill: the same handlers."""
    found = [pages.route("POST", "/drills/{drill}/end", Permission.COMMAND, end_drill)]
    for base in ("/disaster", "/drills/{drill}"):
        found += [
            pages.route("POST", base + "/work", Permission.STEP, work),
            pages.route("POST", base + "/command", Permission.COMMAND, command),
        ]
    return found


async def work(visit: Visit) -> Answer:
    """What staff records."""
    await carry_out(visit, _work(visit))
    return Go(visit.base)


async def command(visit: Visit) -> Answer:
    """What the command decides."""
    await carry_out(visit, _command(visit))
    return Go(visit.base)


async def end_drill(visit: Visit) -> Answer:
    """Close a drill: its last checkpoint enters the real log."""
    desk_of(visit)
    await visit.house.drills.end(visit.stage, actor(visit), operation(visit))
    return Go("/disaster")


def _work(visit: Visit) -> c.Command:
    on, at, subject = visit.field("incident"), typed_time(visit), visit.field("subject")
    note = visit.field("reason")
    match visit.field("do"):
        case "note":
            return c.AddNote(incident=on, occurred_at=at, text=note, subject=subject or None)
        case "answer":
            return c.Answer(incident=on)
        case "paper":
            return c.StartAlternate(incident=on, occurred_at=at, service=subject, note=note)
        case "paper_end":
            return c.EndAlternate(incident=on, occurred_at=at, service=subject)
        case "back_entry":
            return c.FinishBackEntry(incident=on, occurred_at=at, service=subject)
        case "sheet_back":
            return c.ReturnSheet(incident=on, occurred_at=at, id=subject)
        case _:
            raise UsageError(text("pages.bad_act").pick(visit.lang), got=visit.field("do"))


def _command(visit: Visit) -> c.Command:
    on, at, reason = visit.field("incident"), typed_time(visit), visit.field("reason")
    match visit.field("do"):
        case "ratify":
            return c.Ratify(incident=on, occurred_at=at)
        case "overrule":
            return c.Overrule(incident=on, occurred_at=at, reason=reason)
        case "level":
            return c.ChangeLevel(
                incident=on, occurred_at=at, level=number(visit, "level") or 0, reason=reason
            )
        case "onset":
            onset = typed_time(visit, "onset")
            if onset is None:
                raise UsageError(text("pages.bad_time").pick(visit.lang))
            return c.CorrectOnset(incident=on, occurred_at=at, onset=onset, reason=reason)
        case "runbook":
            return c.AddRunbook(
                incident=on, occurred_at=at, runbook=visit.field("subject"), reason=reason
            )
        case "cancel":
            return c.Cancel(incident=on, occurred_at=at, reason=reason)
        case "restore":
            waived = tuple(n.removeprefix(_WAIVE) for n in visit.form if n.startswith(_WAIVE))
            return c.Restore(incident=on, occurred_at=at, waived=waived, reason=reason)
        case "relapse":
            return c.Relapse(incident=on, occurred_at=at, reason=reason)
        case "begin_stand_down":
            return c.BeginStandDown(incident=on, occurred_at=at)
        case "meet_gate":
            return c.MeetGate(incident=on, occurred_at=at, gate=visit.field("subject"), note=reason)
        case "close_gate":
            return c.CloseGate(
                incident=on, occurred_at=at, gate=visit.field("subject"), reason=reason
            )
        case "stand_down":
            return c.StandDown(incident=on, occurred_at=at)
        case "review":
            return c.Review(incident=on, occurred_at=at)
        case _:
            raise UsageError(text("pages.bad_act").pick(visit.lang), got=visit.field("do"))
