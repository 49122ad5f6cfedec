"""Pause a check, look at something for a while: for programs, the command line and the check's page."""

from __future__ import annotations

from typing import Any

from bcp.journal.entry import NewEntry
from bcp.kit.errors import UsageError
from bcp.kit.language import Text
from bcp.kit.units import jst, to_us
from bcp.plan.loader import parse_files, unknown
from bcp.plan.types import CheckId, Duration, Model
from bcp.service import rules
from bcp.service.access.roles import Permission
from bcp.service.house import House
from bcp.service.interim import check_of, state
from bcp.service.operations.operation import Answer, Caller, NoParameters, Operation
from bcp.watch import interim
from bcp.watch.interim import Brief


class Pause(Model):
    """Which check, how long, why."""

    check: CheckId
    length: Duration
    reason: str


class Which(Model):
    """Names one."""

    check: CheckId


class Temporary(Model):
    """A check beside the plan: its kind and `key: value` lines as the plan would write them."""

    name: CheckId
    kind: str
    fields: tuple[str, ...] = ()
    length: Duration
    reason: str


async def pause(house: House, caller: Caller, p: Pause) -> Answer:
    """一時停止: it is not looked at, says so, and begins again by itself."""
    if p.check not in house.board:
        raise UsageError(unknown(p.check, house.board.ids()))
    now = house.clock.utc()
    new = interim.pause(p.check, now, p.length, p.reason)
    return await _said(
        house, caller, new, f"止めました / paused: {p.check} → {jst(now + p.length)}"
    )


async def resume(house: House, caller: Caller, p: Which) -> Answer:
    """Begin again before the time."""
    now = house.clock.utc()
    _running(state(house).paused(now), p.check)
    return await _said(
        house, caller, interim.end(interim.RESUMED, p.check, now), f"再開 / resumed: {p.check}"
    )


async def add(house: House, caller: Caller, p: Temporary) -> Answer:
    """臨時の検査: validated as the plan's are, with the same permissions."""
    id, now = interim.TEMPORARY + p.name, house.clock.utc()
    if id in house.board:
        raise UsageError(f"もうあります / it is there already: {id}")
    lines = "\n".join([f"id: {id}", f"kind: {p.kind}", *p.fields])
    source = parse_files({"fields": lines.encode()})
    if source.faults:
        raise UsageError("\n".join(str(fault) for fault in source.faults))
    data: dict[str, Any] = source.tree.data if isinstance(source.tree.data, dict) else {}
    check = check_of(data, house.city)
    faults = list(rules.check_faults(house.city, [(None, check)], source.tree))
    if faults:
        raise UsageError("\n".join(fault.message for fault in faults), where=id)
    refused = rules.blocked(house.city, [check], now.date()).get(id)
    if refused is not None:
        raise UsageError(f"{refused.ja} / {refused.en}", where=id)
    new = interim.add(data, now, p.length, p.reason)
    return await _said(house, caller, new, f"足しました / added: {id} → {jst(now + p.length)}")


async def remove(house: House, caller: Caller, p: Which) -> Answer:
    """End a temporary check before its time."""
    now = house.clock.utc()
    _running(state(house).temporary(now), p.check)
    return await _said(
        house,
        caller,
        interim.end(interim.REMOVED, p.check, now),
        f"外しました / removed: {p.check}",
    )


async def standing(house: House, _caller: Caller, _parameters: NoParameters) -> Answer:
    """What differs from the plan now."""
    now, known = house.clock.utc(), state(house)
    rows = [
        {"check": id, "what": what, "until_us": to_us(one.until), "by": one.by, "entry": one.seq}
        for what, found in (("paused", known.paused(now)), ("temporary", known.temporary(now)))
        for id, one in found.items()
    ]
    lines = [f"{row['what']:<10} {row['check']}  #{row['entry']}" for row in rows]
    return Answer({"interim": rows}, tuple(lines) or ("計画どおりです / as the plan says",))


def _running(known: dict[str, Brief], check: str) -> None:
    if check not in known:
        raise UsageError(unknown(check, known))


async def _said(house: House, caller: Caller, new: NewEntry, line: str) -> Answer:
    done = await house.journal.append(new, op=caller.op, actor=caller.actor)
    return Answer({"check": new.subject, "entry": done.entries[0].seq}, (line,))


def _operation(verb: str, ja: str, en: str, model: type[Any], run: Any) -> Operation[Any]:
    return Operation(f"checks.{verb}", Text(ja, en), Permission.OPERATE, model, run, True)


OPERATIONS: tuple[Operation[Any], ...] = (
    _operation("pause", "検査を一時止める", "pause a check", Pause, pause),
    _operation("resume", "検査を再開する", "resume a check", Which, resume),
    _operation("temporary", "臨時の検査を足す", "a temporary check", Temporary, add),
    _operation("remove", "臨時の検査を外す", "remove a temporary check", Which, remove),
    Operation(
        "checks.interim",
        Text("計画と違うもの", "what differs from the plan"),
        Permission.READ,
        NoParameters,
        standing,
    ),
)
