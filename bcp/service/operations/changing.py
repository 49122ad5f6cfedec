"""Emergency changes for programs and the command line: declare, approve, extend, take back, list."""

from __future__ import annotations

from typing import Any, Literal

from bcp.kit.errors import UsageError
from bcp.kit.language import Text, text
from bcp.kit.units import jst, to_us
from bcp.plan.loader import unknown
from bcp.plan.types import Id
from bcp.service.access.roles import Permission
from bcp.service.house import House
from bcp.service.operations import recovering as r
from bcp.service.operations.operation import Answer, Caller, Operation, Verdict
from runbooks import commands as c
from runbooks.changes import Change, ChangeKind
from runbooks.state import Incident


class Made(r.In):
    """緊急変更の届出, or 元に戻した (`act`)."""

    act: Literal["open", "revert"] = "open"
    id: str
    what: str = ""
    """What was changed; for `revert`: how it was taken back and how that was checked."""
    cia: Literal["C", "I", "A"] = "C"
    of: ChangeKind = "other"
    until: str | None = None
    """`2026-11-24T10:00` in JST; without it: a day from now."""
    system: Id | None = None
    check: str | None = None
    """The check that will prove the reversal."""
    how: Literal["seen", "measured", "attested"] = "seen"


class Signed(r.In):
    """承認, 追認 or 期限の延長."""

    act: Literal["approve", "countersign", "extend"] = "approve"
    id: str
    reason: str = ""
    """Why alone (approve), why longer (extend), a remark (countersign)."""
    until: str | None = None


def _running(house: House, drill: str | None, desk: Any, id: str, *, new: bool) -> Incident:
    """The running event; for a change that is open still, the newest one too (after 解除)."""
    incident: Incident | None = desk.current() or desk.state.latest
    if incident is None or (new and not incident.active):
        return r.running(desk)
    if not new and id not in incident.changes:
        raise UsageError(unknown(id, incident.changes), next_step="ict-bcp disaster change list")
    return incident


async def change(house: House, caller: Caller, p: Made) -> Answer:
    """Declare one, or say that it was taken back."""
    desk = await r.desk_of(house, p.drill)
    incident = _running(house, p.drill, desk, p.id, new=p.act == "open")
    command: c.Command
    if p.act == "open":
        ends = r.instant(p.until, house.clock.utc()) if p.until else None
        command = c.OpenChange(
            incident=incident.id,
            id=p.id,
            cia=p.cia,
            what=p.what,
            expires_at=ends,
            kind=p.of,
            system=p.system,
            check=p.check,
        )
    else:
        command = c.RevertChange(incident=incident.id, id=p.id, note=p.what, how=p.how)
    await desk.do(command, r.actor_of(house, caller, p.by), caller.op)
    return await listed(house, caller, r.Which(drill=p.drill))


async def sign(house: House, caller: Caller, p: Signed) -> Answer:
    """Approve, countersign, or put off the end."""
    desk = await r.desk_of(house, p.drill)
    on = _running(house, p.drill, desk, p.id, new=False).id
    command: c.Command
    if p.act == "approve":
        command = c.ApproveChange(incident=on, id=p.id, alone=p.reason)
    elif p.act == "countersign":
        command = c.CountersignChange(incident=on, id=p.id, note=p.reason)
    else:
        if p.until is None:
            raise UsageError("--until 2026-11-24T10:00", where="until")
        ends = r.instant(p.until, house.clock.utc())
        command = c.ExtendChange(incident=on, id=p.id, expires_at=ends, reason=p.reason)
    await desk.do(command, r.actor_of(house, caller, p.by), caller.op)
    return await listed(house, caller, r.Which(drill=p.drill))


async def listed(house: House, caller: Caller, p: r.Which) -> Answer:
    """Every change of the event; a finding while one is open past its end."""
    desk, now = await r.desk_of(house, p.drill), house.clock.utc()
    incident = desk.incident(p.incident) if p.incident else desk.current() or desk.state.latest
    if incident is None:
        return Answer({"incident": None, "changes": []}, (text("changes.none").ja,))
    rows = [_row(change, now) for change in incident.changes.values()]
    bad = any(change.expired(now) for change in incident.changes.values())
    lines = [_line(change, now) for change in incident.changes.values()]
    lines = lines or [text("changes.none").ja]
    # what was asked for has been done: only the list itself judges
    verdict = Verdict.FINDING if bad else Verdict.GOOD
    return Answer({"incident": incident.id, "changes": rows}, tuple(lines), verdict)


def _row(change: Change, now: Any) -> dict[str, Any]:
    return {
        "id": change.id,
        "kind": change.kind,
        "cia": change.cia,
        "state": state_of(change, now),
        "since_us": to_us(change.since),
        "expires_us": to_us(change.expires_at) if change.expires_at else None,
        "approved": change.approved,
        "alone": change.alone,
        "signed": change.signed,
        "step": change.step,
        "system": change.system,
        "check": change.check,
        "closed_us": to_us(change.closed_at) if change.closed_at else None,
        "how": change.how,
    }


def state_of(change: Change, now: Any) -> str:
    """`closed`, `expired`, `unapproved` or `open`; the worst first."""
    if change.closed_at is not None:
        return "closed"
    if change.expired(now):
        return "expired"
    return "open" if change.approved else "unapproved"


def _line(change: Change, now: Any) -> str:
    state = state_of(change, now)
    mark = {"closed": "●", "expired": "■", "unapproved": "▲", "open": "◇"}[state]
    until = jst(change.expires_at, "%m/%d %H:%M") if change.expires_at else "-"
    kind, word = text(f"changes.kind_{change.kind}").ja, text(f"changes.state_{state}").ja
    single = "" if change.signed else " " + text("changes.one_person").ja
    return f"{mark} {change.id} {kind} ({change.cia}) {word} 期限 {until}{single}"


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation(
        "disaster.change",
        Text("緊急変更を届け出る・戻す", "declare an emergency change, or say it was taken back"),
        Permission.STEP,
        Made,
        change,
        True,
    ),
    Operation(
        "disaster.sign_change",
        Text(
            "緊急変更を承認・追認・延長する", "approve, countersign or extend an emergency change"
        ),
        Permission.COMMAND,
        Signed,
        sign,
        True,
    ),
    Operation(
        "disaster.changes",
        Text("緊急変更の一覧", "emergency changes"),
        Permission.READ_FINDINGS,
        r.Which,
        listed,
    ),
)
