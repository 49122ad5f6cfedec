"""The frame of an event for programs and the command line: suggest, ratify, scope, proof, holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from bcp.kit.language import Text, text
from bcp.kit.units import jst, to_us
from bcp.plan.types import Model
from bcp.service.access.roles import Permission
from bcp.service.house import House
from bcp.service.operations.declaring_forms import (
    Answering,
    Estimate,
    Hold,
    Intrusion,
    Level,
    Onset,
    Part,
    Reason,
    Report,
    Said,
    Scope,
    Seen,
    Stopping,
)
from bcp.service.operations.operation import Answer, Caller, Operation
from bcp.service.operations.recovering import (
    In,
    actor_of,
    desk_of,
    instant,
    running,
    situation_after,
)
from runbooks import commands as c
from runbooks.commands.suggest import CYBER_REPORTS
from runbooks.framestate import Suggestion
from runbooks.intensity import level_of

Make = Callable[[str, Any, datetime], c.Command]


async def suggest(house: House, caller: Caller, parameters: Report) -> Answer:
    """Suggest a declaration, or report what was seen."""
    house.require_log()
    now = house.clock.utc()
    cyber = parameters.kind in CYBER_REPORTS
    felt, disaster = parameters.intensity or "", house.city.disaster
    levels = tuple(one.number for one in disaster.levels)
    level = level_of(felt, disaster.intensity, levels) if felt else parameters.level
    command = c.Suggest(
        rule="report" if parameters.kind else "person",
        kind=parameters.kind,
        level=level,
        intensity=felt,
        nature=parameters.nature or ("cyber" if cyber else "disaster"),
        onset=instant(parameters.onset, now),
        text=parameters.text,
        systems=parameters.systems,
        sites=parameters.sites,
    )
    made = await house.desk.do(command, actor_of(house, caller, parameters.by), caller.op)
    id = made.entries[0].subject if made.entries else ""
    return Answer({"suggestion": id}, (f"提案を記録しました {id} / suggestion recorded",))


async def suggestions(house: House, _caller: Caller, _parameters: Model) -> Answer:
    """Every suggestion that is still to be answered."""
    house.require_log()
    waiting = [one for one in house.desk.state.suggestions.values() if one.open]
    lines = [line_of(house, one) for one in waiting]
    nothing = "答えを待つ提案はありません / no suggestion waits"
    return Answer({"suggestions": [facts_of(one) for one in waiting]}, tuple(lines) or (nothing,))


def line_of(house: House, one: Suggestion) -> str:
    """One suggestion in one line."""
    rule = next((r for r in house.city.disaster.suggest if r.id == one.rule), None)
    name = rule.name if rule is not None else text(f"runbooks.suggest_{one.rule}").ja
    kind = f"・{text(f'runbooks.report_{one.kind}').ja}" if one.kind else ""
    return (
        f"▲ {one.id} {name}{kind} 段階{one.level} "
        f"{text(f'runbooks.nature_{one.nature}').ja} 発災 {jst(one.onset)} 根拠 {len(one.evidence)} 件"
    )


def facts_of(one: Suggestion) -> dict[str, Any]:
    """One suggestion for programs."""
    return {
        "id": one.id,
        "rule": one.rule,
        "kind": one.kind,
        "intensity": one.intensity or None,
        "state": one.state,
        "level": one.level,
        "nature": one.nature,
        "onset_us": to_us(one.onset),
        "systems": list(one.systems),
        "sites": list(one.sites),
        "evidence": [{"check": check, "since_us": to_us(at)} for check, at in one.evidence],
    }


async def dismiss(house: House, caller: Caller, parameters: Answering) -> Answer:
    """見送り."""
    house.require_log()
    command = c.Dismiss(suggestion=parameters.suggestion, reason=parameters.reason)
    await house.desk.do(command, actor_of(house, caller, parameters.by), caller.op)
    return Answer({"suggestion": parameters.suggestion}, ("見送りました / dismissed",))


async def later(house: House, caller: Caller, parameters: Answering) -> Answer:
    """後で."""
    house.require_log()
    until = house.clock.utc() + timedelta(minutes=parameters.minutes)
    command = c.PutOff(suggestion=parameters.suggestion, until=until)
    await house.desk.do(command, actor_of(house, caller, parameters.by), caller.op)
    line = f"{jst(until, '%H:%M')} にもう一度出します / shown again"
    return Answer({"suggestion": parameters.suggestion}, (line,))


def _act(make: Make) -> Callable[[House, Caller, Any], Awaitable[Answer]]:
    """One command about a running event (by `incident`, else the most urgent one)."""

    async def run(house: House, caller: Caller, parameters: Any) -> Answer:
        desk = await desk_of(house, parameters.drill)
        id = running(desk, parameters.incident).id
        command = make(id, parameters, house.clock.utc())
        await desk.do(command, actor_of(house, caller, parameters.by), caller.op)
        return await situation_after(house, caller, parameters.drill, id)

    return run


def _until(said: str | None, now: datetime) -> datetime | None:
    return instant(said, now) if said else None


def _stop(id: str, p: Stopping, now: datetime) -> c.Command:
    until = _until(p.until, now)
    return c.StopSystem(incident=id, system=p.system, kind=p.kind, reason=p.reason, until=until)


def _estimate(id: str, p: Estimate, now: datetime) -> c.Command:
    eta = _until(p.eta, now)
    return c.GiveEstimate(incident=id, kind=p.kind, id=p.id, eta=eta, source=p.source, note=p.note)


def _part(id: str, p: Part, _now: datetime) -> c.Command:
    return c.EndPart(incident=id, kind=p.kind, id=p.id, reason=p.reason, waived=p.waive)


def _scope(id: str, p: Scope, _now: datetime) -> c.Command:
    return c.ChangeScope(
        incident=id, systems=p.systems, services=p.services, sites=p.sites, reason=p.reason
    )


def _confirm(id: str, p: Said, _now: datetime) -> c.Command:
    return c.Confirm(incident=id, kind=p.kind, id=p.id, level=p.level, works=p.works, note=p.reason)


def _seen(id: str, p: Seen, _now: datetime) -> c.Command:
    return c.ObserveLevel(incident=id, system=p.system, level=p.level, works=p.works, note=p.reason)


def _operation(
    verb: str, ja: str, en: str, permission: Permission, parameters: type[Any], run: Any
) -> Operation[Any]:
    writes = verb != "suggestions"
    return Operation(f"disaster.{verb}", Text(ja, en), permission, parameters, run, writes)


_STEP, _COMMAND, _DECLARE = Permission.STEP, Permission.COMMAND, Permission.DECLARE

OPERATIONS: tuple[Operation[Any], ...] = (
    _operation(
        "suggest", "発動を提案する・通報する", "suggest or report", _DECLARE, Report, suggest
    ),
    _operation(
        "suggestions", "答えを待つ提案", "open suggestions", Permission.READ, Model, suggestions
    ),
    _operation("dismiss", "提案を見送る", "dismiss a suggestion", _COMMAND, Answering, dismiss),
    _operation("later", "提案を後で判断する", "decide later", _DECLARE, Answering, later),
    _operation(
        "ratify",
        "事後承認する",
        "ratify",
        _COMMAND,
        In,
        _act(lambda id, _p, _now: c.Ratify(incident=id)),
    ),
    _operation(
        "answer",
        "知らせを確認したと伝える",
        "answer the message",
        _STEP,
        In,
        _act(lambda id, _p, _now: c.Answer(incident=id)),
    ),
    _operation(
        "overrule",
        "承認しない",
        "overrule",
        _COMMAND,
        Reason,
        _act(lambda id, p, _now: c.Overrule(incident=id, reason=p.reason)),
    ),
    _operation(
        "cancel",
        "取り消す (解除ではない)",
        "cancel",
        _COMMAND,
        Reason,
        _act(lambda id, p, _now: c.Cancel(incident=id, reason=p.reason)),
    ),
    _operation(
        "level",
        "段階を変える",
        "change the level",
        _COMMAND,
        Level,
        _act(lambda id, p, _now: c.ChangeLevel(incident=id, level=p.level, reason=p.reason)),
    ),
    _operation("scope", "範囲を変える", "change the scope", _COMMAND, Scope, _act(_scope)),
    _operation(
        "onset",
        "発災時刻を訂正する",
        "correct the onset",
        _COMMAND,
        Onset,
        _act(
            lambda id, p, now: c.CorrectOnset(
                incident=id, onset=instant(p.onset, now), reason=p.reason
            )
        ),
    ),
    _operation(
        "relapse",
        "再発を記録する",
        "record a relapse",
        _COMMAND,
        Reason,
        _act(lambda id, p, _now: c.Relapse(incident=id, reason=p.reason)),
    ),
    _operation("part", "一部解除する", "end one part", _COMMAND, Part, _act(_part)),
    _operation(
        "resume",
        "一部解除を取りやめる",
        "take a part back",
        _COMMAND,
        Part,
        _act(lambda id, p, _now: c.ResumePart(incident=id, kind=p.kind, id=p.id, reason=p.reason)),
    ),
    _operation(
        "confirm", "業務確認を記録する", "confirm by the owner", _STEP, Said, _act(_confirm)
    ),
    _operation("look", "目視を記録する", "seen by a person", _STEP, Seen, _act(_seen)),
    _operation("estimate", "復旧見込みを記録する", "an estimate", _STEP, Estimate, _act(_estimate)),
    _operation("stop", "自主停止・計画停止", "stop on purpose", _STEP, Stopping, _act(_stop)),
    _operation(
        "restart",
        "停止を終える",
        "end a stop",
        _STEP,
        Stopping,
        _act(lambda id, p, _now: c.EndStop(incident=id, system=p.system)),
    ),
    _operation(
        "settle",
        "封じ込め・証拠保全を記録する",
        "containment, evidence",
        _STEP,
        Hold,
        _act(lambda id, p, _now: c.Settle(incident=id, what=p.what, reason=p.reason)),
    ),
    _operation(
        "override",
        "保留を決定で外す",
        "pass a hold by decision",
        _COMMAND,
        Hold,
        _act(
            lambda id, p, _now: c.Settle(incident=id, what=p.what, reason=p.reason, override=True)
        ),
    ),
    _operation(
        "intrusion",
        "侵入時刻を記録する",
        "date the intrusion",
        _STEP,
        Intrusion,
        _act(
            lambda id, p, now: c.DateIntrusion(
                incident=id, intrusion_at=instant(p.at, now), reason=p.reason
            )
        ),
    ),
)
