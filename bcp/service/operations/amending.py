"""差し込み, shifts, automation and photos for programs and the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from bcp.kit.errors import UsageError
from bcp.kit.units import to_us
from bcp.plan.types import Id
from bcp.service.access.roles import Permission
from bcp.service.house import House
from bcp.service.operations.operation import Answer, Caller, Operation
from bcp.service.operations.recovering import (
    In,
    actor_of,
    desk_of,
    instant,
    running,
    situation_after,
)
from bcp.service.operations.stepping import operation, who
from bcp.service.photos import kind_of, stripped
from runbooks import commands as c
from runbooks.erasing import finish
from runbooks.worked import AutoRun


class Amendment(In):
    """差し込み: what changes of the runbooks of this event, and why."""

    change: Literal["add", "replace", "move", "splice", "cancel", "abandon", "resume", "waive"]
    reason: str
    step: Id | None = None
    runbook: Id | None = None
    """`add`: where it goes; `splice`, `abandon`, `resume`: which one."""
    into: Id | None = None
    """`splice`: the runbook that gets it; `abandon`: what is done instead."""
    title: str = ""
    kind: Literal["action", "verify", "wait", "approval", "notify", "milestone"] = "action"
    role: str | None = None
    how: str = ""
    expect: str = ""
    safety: str = ""
    after: Id | None = None
    before: Id | None = None
    people: int = Field(1, ge=1, le=50)
    alone: str = ""


class Shift(In):
    """役割の担当."""

    act: Literal["fill", "leave"]
    role: str
    person: str
    since: str | None = None
    until: str | None = None
    note: str = ""


class Machine(In):
    """自動実行."""

    act: Literal["request", "confirm", "withdraw", "countersign"]
    target: Id
    """`request`: the step; else the run (A1)."""
    parameters: dict[str, str] = Field(default_factory=dict)
    retype: str = ""
    alone: str = ""
    note: str = ""


class Photo(In):
    """A photo of a step, from a file of this host."""

    step: Id
    file: str
    caption: str = ""
    keep_metadata: bool = False


def _change(on: str, p: Amendment) -> c.Command:
    def need(name: str) -> str:
        value = getattr(p, name)
        if not value:
            raise UsageError(f"{name} が要ります / {name} is missing", where=p.change)
        return str(value)

    words: dict[str, Any] = {"role": p.role, "how": p.how, "expect": p.expect, "safety": p.safety}
    place: dict[str, Any] = {"after": p.after, "before": p.before}
    match p.change:
        case "add":
            return c.AddStep(
                incident=on,
                runbook=need("runbook"),
                step=need("step"),
                title=need("title"),
                reason=p.reason,
                type=p.kind,
                people=p.people,
                **words,
                **place,
            )
        case "replace":
            return c.ReplaceStep(
                incident=on,
                step=need("step"),
                title=p.title,
                reason=p.reason,
                **words,
            )
        case "move":
            return c.MoveStep(incident=on, step=need("step"), reason=p.reason, **place)
        case "splice":
            return c.SpliceRunbook(
                incident=on,
                runbook=need("runbook"),
                into=need("into"),
                step=need("step"),
                reason=p.reason,
                **place,
            )
        case "cancel":
            return c.CancelStep(incident=on, step=need("step"), reason=p.reason)
        case "abandon":
            return c.AbandonRunbook(
                incident=on, runbook=need("runbook"), reason=p.reason, instead=p.into
            )
        case "resume":
            return c.ResumeRunbook(incident=on, runbook=need("runbook"), reason=p.reason)
        case "waive":
            return c.WaiveProof(incident=on, step=need("step"), reason=p.reason, alone=p.alone)


async def amend(house: House, caller: Caller, parameters: Amendment) -> Answer:
    """Change the runbooks of the running event; the plan itself stays as it is."""
    desk = await desk_of(house, parameters.drill)
    command = _change(running(desk, parameters.incident).id, parameters)
    await desk.do(command, actor_of(house, caller, parameters.by), caller.op)
    return await situation_after(house, caller, parameters.drill, parameters.incident)


async def role(house: House, caller: Caller, parameters: Shift) -> Answer:
    """Put a person on a role for a shift, or take him off."""
    desk = await desk_of(house, parameters.drill)
    on, now = running(desk, parameters.incident).id, house.clock.utc()
    person = who(house, parameters.person) or parameters.person
    if parameters.act == "leave":
        command: c.Command = c.LeaveRole(
            incident=on, role=parameters.role, person=person, note=parameters.note
        )
    else:
        command = c.FillRole(
            incident=on,
            role=parameters.role,
            person=person,
            since=instant(parameters.since, now) if parameters.since else None,
            until=instant(parameters.until, now) if parameters.until else None,
            note=parameters.note,
        )
    await desk.do(command, actor_of(house, caller, parameters.by), caller.op)
    duties = (desk.incident(on) or running(desk)).duties
    rows = [
        {"role": duty.role, "person": duty.person, "until_us": duty.until and to_us(duty.until)}
        for duty in duties
        if duty.holds(now)
    ]
    return Answer({"duties": rows}, tuple(f"{row['role']}: {row['person']}" for row in rows))


def _command_of(on: str, p: Machine) -> c.Command:
    match p.act:
        case "request":
            return c.RequestRun(
                incident=on,
                step=p.target,
                parameters=p.parameters,
                retype=p.retype,
                alone=p.alone,
            )
        case "confirm":
            return c.ConfirmRun(incident=on, run=p.target)
        case "withdraw":
            return c.WithdrawRun(incident=on, run=p.target, reason=p.note)
        case "countersign":
            return c.CountersignRun(incident=on, run=p.target, note=p.note)


async def run(house: House, caller: Caller, parameters: Machine) -> Answer:
    """Ask for an automated act, confirm, withdraw or countersign it. The daemon carries it out."""
    desk = await desk_of(house, parameters.drill)
    on = running(desk, parameters.incident).id
    command = _command_of(on, parameters)
    await desk.do(command, actor_of(house, caller, parameters.by), caller.op)
    runs = (desk.incident(on) or running(desk)).automations
    rows = [_row(one) for one in runs.values()]
    return Answer({"runs": rows}, tuple(f"{r['id']} {r['action']} {r['state']}" for r in rows))


def _row(one: AutoRun) -> dict[str, Any]:
    return {
        "id": one.id,
        "step": one.step,
        "action": one.action,
        "state": one.state.value,
        "parameters": dict(one.parameters),
        "alone": one.alone,
        "owes_countersign": one.owes_countersign,
        "exit": one.exit,
        "seconds": one.seconds,
        "entry": one.seq,
    }


async def photo(house: House, caller: Caller, parameters: Photo) -> Answer:
    """Keep a photo of a step, without place and camera unless asked for."""
    caller.require_local(parameters.file)
    desk = await desk_of(house, parameters.drill)
    on, path = running(desk, parameters.incident).id, Path(parameters.file)
    try:
        data = await house.workers.thread(path.read_bytes)
    except OSError as error:
        raise UsageError(
            f"読めません / cannot read: {error.strerror}", where=parameters.file
        ) from error
    if len(data) > house.photo_bytes:
        raise UsageError(
            "写真が大きすぎます / the photo is too large",
            got=f"{len(data)} B",
            expected=f"<= {house.photo_bytes} B",
        )
    kind = kind_of(data)
    kept = data if parameters.keep_metadata else await house.workers.thread(stripped, data)
    digest = await house.workers.thread(desk.journal.evidence.put_bytes, kept)
    command = c.AddPhoto(
        incident=on,
        subject=parameters.step,
        digest=digest,
        kind=kind,
        size=len(kept),
        stripped=not parameters.keep_metadata,
        caption=parameters.caption,
    )
    await desk.do(command, actor_of(house, caller, parameters.by), caller.op)
    return Answer({"digest": digest, "bytes": len(kept)}, (f"保存しました / kept: {digest}",))


class Unphoto(In):
    """A photo that must go: its digest, and why."""

    digest: str
    reason: str


async def erase_photo(house: House, caller: Caller, parameters: Unphoto) -> Answer:
    """The picture goes for good; that it was there, and why it went, stays in the log."""
    desk = await desk_of(house, parameters.drill)
    on, actor = running(desk, parameters.incident).id, actor_of(house, caller, parameters.by)
    command = c.ErasePhoto(incident=on, digest=parameters.digest, reason=parameters.reason)
    await desk.do(command, actor, caller.op)
    await finish(desk.state, desk.journal, house.workers, actor)
    return Answer({"digest": parameters.digest}, ("消去しました / erased",))


OPERATIONS: tuple[Operation[Any], ...] = (
    operation("amend", "差し込み", "change the runbooks", Permission.COMMAND, Amendment, amend),
    operation("role", "役割の担当", "who fills a role", Permission.COMMAND, Shift, role),
    operation("run", "自動実行", "automation", Permission.STEP, Machine, run),
    operation("photo", "写真を保存する", "keep a photo", Permission.STEP, Photo, photo),
    operation(
        "erase-photo", "写真を消去する", "erase a photo", Permission.COMMAND, Unphoto, erase_photo
    ),
)
