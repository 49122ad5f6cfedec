"""Who commands and what is told, for programs and the command line: 引継書, 状況報告."""

from __future__ import annotations

from typing import Any, Literal

from bcp.kit.errors import Refused, UsageError
from bcp.kit.language import Text
from bcp.kit.units import to_us
from bcp.service import announced
from bcp.service.access.roles import Permission
from bcp.service.commanding import (
    draft_handover,
    draft_situation,
    issue_situation,
    issued_situation,
    keep_sheet,
)
from bcp.service.house import House
from bcp.service.operations.operation import Answer, Caller, Operation
from bcp.service.operations.recovering import In, Which, actor_of, desk_of, person_of, running
from runbooks import commands as c
from runbooks.desk import Desk
from runbooks.state import Incident
from runbooks.told import Told


class Handover(In):
    """指揮の引継ぎ."""

    to: str | None = None
    """Login of the receiver; for `offer` and `alone`."""
    act: Literal["offer", "confirm", "withdraw", "alone"] = "offer"
    summary: str = ""
    """Objectives and warnings for the receiver."""
    reason: str = ""
    """Why it is withdrawn, or why the other cannot confirm."""


class Report(Which):
    """状況報告: an earlier one by its number, else the draft as of now."""

    number: int | None = None


class Issue(In):
    """状況報告を出す."""

    remark: str = ""


async def handover(house: House, caller: Caller, parameters: Handover) -> Answer:
    """Offer, confirm, withdraw, or alone. The command passes with the receiver's confirmation."""
    desk = await desk_of(house, parameters.drill)
    incident = running(desk, parameters.incident)
    command = await _command(house, desk, incident, parameters)
    await desk.do(command, actor_of(house, caller, parameters.by), caller.op)
    now = desk.incident(incident.id)
    assert now is not None
    data = {
        "incident": now.id,
        "commander": now.commander,
        "offered_to": now.offer.to if now.offer else None,
        "confirmed": now.offer is None,
    }
    return Answer(data, (_said(house, now, parameters.act),))


async def _command(house: House, desk: Desk, incident: Incident, p: Handover) -> c.Command:
    on = incident.id
    if p.act == "confirm":
        return c.ConfirmHandOver(incident=on)
    if p.act == "withdraw":
        return c.WithdrawHandOver(incident=on, reason=p.reason)
    if p.to is None:
        raise UsageError(
            "引き継ぐ人を指定してください / say who receives the command",
            where="to",
            next_step="ict-bcp disaster handover --to LOGIN",
        )
    to = person_of(house, p.to)
    sheet = await keep_sheet(desk, await draft_handover(desk, incident, house.board, house.clock))
    if p.act == "alone":
        return c.HandOverAlone(incident=on, to=to, reason=p.reason, sheet=sheet)
    summary = p.summary or p.reason or "引継書のとおり"
    return c.OfferHandOver(incident=on, to=to, summary=summary, sheet=sheet)


def _said(house: House, incident: Incident, act: str) -> str:
    name = house.accounts.name_of(incident.commander)
    if incident.offer is not None:
        to = house.accounts.name_of(incident.offer.to)
        return (
            f"引継ぎを申し出ました: {to}。確認されるまで指揮は {name} のままです / "
            f"offered to {to}; until it is confirmed {name} commands"
        )
    if act == "withdraw":
        return f"引継ぎを取り下げました。指揮は {name} / withdrawn; {name} commands"
    return f"指揮を引き継ぎました: {name} / {name} commands now"


async def sheet(house: House, caller: Caller, parameters: Which) -> Answer:
    """引継書 as of now."""
    desk, incident = await _event(house, parameters)
    told = await draft_handover(desk, incident, house.board, house.clock)
    return _paper(house, told, {})


async def situation(house: House, caller: Caller, parameters: Report) -> Answer:
    """状況報告: an earlier one by number, or the draft."""
    desk, incident = await _event(house, parameters)
    earlier = [
        {"number": one.number, "at_us": to_us(one.at), "by": one.by, "digest": one.digest}
        for one in incident.situations
    ]
    if parameters.number is not None:
        issued, told, remark = await issued_situation(desk, incident, parameters.number)
        more = {"digest": issued.digest, "remark": remark, "issued": True, "earlier": earlier}
        return _paper(house, told, more)
    told = await draft_situation(desk, incident, await next_update(house, desk))
    return _paper(house, told, {"issued": False, "earlier": earlier})


async def issue(house: House, caller: Caller, parameters: Issue) -> Answer:
    """Issue 状況報告: its bytes are kept, number and digest enter the log."""
    desk = await desk_of(house, parameters.drill)
    incident = running(desk, parameters.incident)
    number, told = await issue_situation(
        desk,
        incident,
        actor_of(house, caller, parameters.by),
        caller.op,
        remark=parameters.remark,
        due=await next_update(house, desk),
    )
    return _paper(house, told, {"digest": told.digest, "issued": True, "number": number})


async def next_update(house: House, desk: Desk) -> Any:
    """The earliest promise of what stands announced; None without one."""
    journal = house.journal if desk is house.desk else desk.journal
    standing = await announced.current(journal)
    return min((one.next_update for one in standing if one.next_update), default=None)


async def _event(house: House, parameters: Which) -> tuple[Desk, Incident]:
    desk = await desk_of(house, parameters.drill)
    if parameters.incident is not None:
        incident = desk.incident(parameters.incident)
        if incident is None:
            raise UsageError(
                "その災害はありません / no such event",
                got=parameters.incident,
                expected=", ".join(desk.state.items) or "-",
            )
        return desk, incident
    incident = desk.current() or desk.state.latest
    if incident is None:
        raise Refused(
            "発動した災害はありません / no disaster was declared",
            next_step="ict-bcp disaster declare",
        )
    return desk, incident


def _paper(house: House, told: Told, more: dict[str, Any]) -> Answer:
    text = told.named(house.accounts.name_of).text()
    data = {"incident": told.incident, "number": told.number or None, "text": told.text(), **more}
    return Answer(data, tuple(text.splitlines()))


def _operation(
    name: str,
    ja: str,
    en: str,
    permission: Permission,
    parameters: type[Any],
    run: Any,
    *,
    writes: bool = False,
) -> Operation[Any]:
    return Operation(name, Text(ja, en), permission, parameters, run, writes)


OPERATIONS: tuple[Operation[Any], ...] = (
    _operation(
        "disaster.handover",
        "指揮を引き継ぐ",
        "hand over",
        Permission.STEP,
        Handover,
        handover,
        writes=True,
    ),
    _operation("disaster.sheet", "引継書", "the hand-over sheet", Permission.STEP, Which, sheet),
    _operation(
        "disaster.situation", "状況報告", "a situation report", Permission.READ, Report, situation
    ),
    _operation(
        "disaster.issue",
        "状況報告を出す",
        "issue a situation report",
        Permission.COMMAND,
        Issue,
        issue,
        writes=True,
    ),
)
