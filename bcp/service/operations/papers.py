"""The register of printed copies for programs and the command line."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from bcp.kit.language import Text, text
from bcp.kit.units import jst
from bcp.plan.types import Id, Model
from bcp.service import copying
from bcp.service.access.roles import Permission
from bcp.service.house import House
from bcp.service.operations.operation import Answer, Caller, NoParameters, Operation, Verdict
from bcp.service.press import printing


class Printed(Model):
    """A set that was printed and handed out."""

    sets: tuple[str, ...] = ()
    """様式 numbers and names of sets; empty = the whole set."""
    site: Id
    holder: Id
    """Role that keeps it."""
    due: date | None = None
    role: Id | None = None
    only_site: Id | None = None


class Ended(Model):
    """A copy that is no more."""

    copy_id: Id
    how: Literal["returned", "destroyed", "lost"]
    note: str = ""


async def issue(house: House, caller: Caller, p: Printed) -> Answer:
    """Register a printed copy."""
    house.require_log()
    asked = copying.Asked(p.sets, p.site, p.holder, p.due, p.role, p.only_site)
    id = await copying.issue(
        house.journal,
        house.workers,
        printing(house),
        asked,
        house.clock.utc(),
        actor=caller.actor,
        op=caller.op,
    )
    return Answer({"copy": id}, (f"登録しました / registered: {id}",))


async def end(house: House, caller: Caller, p: Ended) -> Answer:
    """Returned, destroyed or lost."""
    house.require_log()
    await copying.end(
        house.journal,
        p.copy_id,
        p.how,
        p.note,
        house.clock.utc(),
        actor=caller.actor,
        op=caller.op,
    )
    return Answer({"copy": p.copy_id}, (f"記録しました / recorded: {p.copy_id}",))


async def register(house: House, _caller: Caller, _parameters: NoParameters) -> Answer:
    """Every copy that lies somewhere; one to be printed again is a finding."""
    house.require_log()
    found = await copying.standing(house.journal, house.workers, printing(house), house.clock.utc())
    rows = [
        {
            "copy": one.copy.id,
            "sets": list(one.copy.sets),
            "edition": one.copy.edition,
            "digest": one.copy.digest,
            "site": one.copy.site,
            "holder": one.copy.holder,
            "printed_at": one.copy.printed_at.isoformat(),
            "due": one.copy.due.isoformat(),
            "reprint": list(one.why),
        }
        for one in found
    ]
    lines = []
    for one in found:
        why = "・".join(text(f"paper.why_{word}").ja for word in one.why) or text("paper.good").ja
        copy = one.copy
        what = ",".join(copy.sets) or text("paper.whole").ja
        lines.append(
            f"{'■' if one.why else '●'} {copy.id} {what} {copy.site} {copy.holder} "
            f"{jst(copy.printed_at, '%Y-%m-%d')} → {jst(copy.due, '%Y-%m-%d')} {why}"
        )
    bad = any(one.why for one in found)
    return Answer(
        {"copies": rows},
        tuple(lines or [text("paper.none").ja]),
        Verdict.FINDING if bad else Verdict.GOOD,
    )


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation(
        "paper.issue",
        Text("紙の控えを登録する", "register a printed copy"),
        Permission.READ_PERSONAL,
        Printed,
        issue,
        True,
    ),
    Operation(
        "paper.end",
        Text("紙の控えを終わりにする", "end a printed copy"),
        Permission.READ_PERSONAL,
        Ended,
        end,
        True,
    ),
    Operation(
        "paper.list",
        Text("紙の控えの台帳", "register of printed copies"),
        Permission.READ_LOG,
        NoParameters,
        register,
    ),
)
