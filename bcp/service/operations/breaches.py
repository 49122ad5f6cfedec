"""個人情報の報告の期限 for programs and the command line."""

from __future__ import annotations

from typing import Any, Literal

from bcp.kit.language import Text, text
from bcp.kit.units import jst, to_us
from bcp.plan.types import Id
from bcp.service.access.roles import Permission
from bcp.service.house import House
from bcp.service.operations import recovering as r
from bcp.service.operations.operation import Answer, Caller, Operation, Verdict
from runbooks import commands as c
from runbooks.breaches import STAGES, Breach, Harm


class Said(r.In):
    """What happened to personal data, or what was done about it (`act`)."""

    act: Literal["open", "preliminary", "final", "drop"] = "open"
    id: str = ""
    harm: Harm = "leak"
    what: str = ""
    """Which data and how; to whom it was reported; why no report is due."""
    aware: str | None = None
    malicious: bool = False
    system: Id | None = None


async def say(house: House, caller: Caller, p: Said) -> Answer:
    """Start the clock, or say what was sent."""
    desk = await r.desk_of(house, p.drill)
    latest = desk.current() or desk.state.latest
    incident = latest if latest is not None else r.running(desk)
    command: c.Command
    match p.act:
        case "open":
            command = c.OpenBreach(
                incident=incident.id,
                harm=p.harm,
                what=p.what,
                aware_at=r.instant(p.aware, house.clock.utc()) if p.aware else None,
                malicious=p.malicious,
                system=p.system,
            )
        case "drop":
            command = c.DropBreach(incident=incident.id, id=p.id, reason=p.what)
        case stage:
            command = c.ReportBreach(incident=incident.id, id=p.id, stage=stage, note=p.what)
    await desk.do(command, r.actor_of(house, caller, p.by), caller.op)
    return await listed(house, caller, r.Which(drill=p.drill))


async def listed(house: House, caller: Caller, p: r.Which) -> Answer:
    """Every one of the event; a finding while a report is overdue."""
    desk, now = await r.desk_of(house, p.drill), house.clock.utc()
    incident = desk.incident(p.incident) if p.incident else desk.current() or desk.state.latest
    found = list(incident.breaches.values()) if incident is not None else []
    late = any(one.due(stage) < now for one in found for stage in one.owed)
    rows = [_row(one) for one in found]
    lines = tuple(_line(one) for one in found) or (text("pages.nothing").ja,)
    return Answer({"breaches": rows}, lines, Verdict.FINDING if late else Verdict.GOOD)


def _row(one: Breach) -> dict[str, Any]:
    return {
        "id": one.id,
        "harm": one.harm,
        "system": one.system,
        "malicious": one.malicious,
        "aware_us": to_us(one.aware_at),
        "dropped": one.dropped_at is not None,
        "due_us": {stage: to_us(one.due(stage)) for stage in STAGES},
        "reported_us": {stage: to_us(at) for stage, at in one.reported.items()},
    }


def _line(one: Breach) -> str:
    said = [f"{one.id} {text(f'pages.harm_{one.harm}').ja}"]
    if one.dropped_at is not None:
        return f"{said[0]}: {text('pages.breach_dropped').ja}"
    for stage in STAGES:
        sent = one.reported.get(stage)
        name = text(f"pages.stage_{stage}").ja
        said.append(f"{name} ○ {jst(sent)}" if sent else f"{name} 期限 {jst(one.due(stage))}")
    return " ".join(said)


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation(
        "disaster.breach",
        Text("個人情報の報告の期限を始める・送ったと記録する", "the duty to report personal data"),
        Permission.STEP,
        Said,
        say,
        True,
    ),
    Operation(
        "disaster.breaches",
        Text("個人情報の報告の一覧", "reports about personal data"),
        Permission.READ_FINDINGS,
        r.Which,
        listed,
    ),
)
