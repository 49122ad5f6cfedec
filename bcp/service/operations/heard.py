"""聞き取り入力 for programs and the command line: many lines, each its own act."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from bcp.kit.errors import UsageError
from bcp.kit.language import Text, text
from bcp.kit.units import jst
from bcp.service.access.roles import Permission
from bcp.service.heard import Told, record_all
from bcp.service.house import House
from bcp.service.operations.operation import Answer, Caller, Operation, Verdict
from bcp.service.operations.recovering import In, actor_of, desk_of, running_of
from runbooks.amended import amended
from runbooks.heard import Heard
from runbooks.scribe import read


class Lines(In):
    """What was heard, one line for each step: `JUKI-03 済 04:10 担当2`."""

    lines: str = Field(max_length=60_000)
    mode: Literal["phone", "paper"] = "phone"
    wrote: str = ""
    """Who wrote the paper."""
    check: bool = False
    """Only say what each line means."""


async def scribe(house: House, caller: Caller, parameters: Lines) -> Answer:
    """Record every line that can be recorded; the others are told with what was expected."""
    desk = await desk_of(house, parameters.drill)
    incident = running_of(desk)
    frozen = await desk.frozen(incident)
    known = {name: a.id for a in house.accounts.everybody() for name in (a.login, a.name)}
    found = await house.workers.thread(
        read, parameters.lines, house.clock.utc(), house.city, amended(frozen.book, incident), known
    )
    if not found:
        raise UsageError("行がありません / no lines", expected="JUKI-03 済 04:10 担当2")
    if parameters.check:
        told = [Told(line, line.problem) for line in found]
    else:
        how = Heard(parameters.mode, wrote=parameters.wrote)
        actor = actor_of(house, caller, parameters.by)
        told = await record_all(desk, incident.id, found, how, actor, caller.op)
    bad = [one for one in told if one.problem is not None]
    rows = [_row(one) for one in told]
    return Answer(
        {"incident": incident.id, "lines_read": rows, "recorded": sum(one.kept for one in told)},
        tuple(_line(one) for one in told),
        Verdict.FINDING if bad else Verdict.GOOD,
    )


def _row(one: Told) -> dict[str, Any]:
    line = one.line
    return {
        "number": line.number,
        "raw": line.raw,
        "step": line.step or None,
        "act": line.act,
        "at": line.at.isoformat() if line.at else None,
        "did": line.did,
        "recorded": one.kept,
        "again": one.again,
        "problem": {"ja": one.problem.ja, "en": one.problem.en} if one.problem else None,
        "next": one.next_step or None,
    }


def _line(one: Told) -> str:
    line = one.line
    if one.problem is not None:
        return f"■ {line.number}: {line.raw} — {one.problem.ja} {one.next_step}".rstrip()
    act = text(f"scribe.act_{line.act}").ja
    at = jst(line.at, "%m/%d %H:%M") if line.at else "今"
    return f"{'●' if one.kept else '…'} {line.number}: {line.step} {act} {at} {line.who}".rstrip()


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation(
        "disaster.scribe",
        Text("聞き取り入力", "what was heard"),
        Permission.STEP,
        Lines,
        scribe,
        True,
    ),
)
