"""The integrity log for programs and the command line: read, verify, export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from bcp.journal.entry import Entry
from bcp.journal.journal import Journal
from bcp.kit.errors import UsageError
from bcp.kit.language import Text
from bcp.kit.units import jst, to_us
from bcp.plan.loader import unknown
from bcp.plan.types import Id, Model
from bcp.service.access.roles import Permission
from bcp.service.house import House
from bcp.service.operations.operation import Answer, Caller, Operation, Verdict

_MOST = 1000


class Some(Model):
    """Which entries."""

    last: int = Field(20, ge=1)
    before: int | None = Field(None, ge=0)
    """Only entries with a smaller `seq`: the page before."""
    kind: str | None = None
    incident: str | None = None
    drill: Id | None = None


class Whole(Model):
    """The real log, or a drill's."""

    drill: Id | None = None


class Where(Model):
    """A new folder for the export."""

    target: str
    drill: Id | None = None


def journal_of(house: House, drill: str | None) -> Journal:
    """The real log, or a drill's."""
    if drill is None:
        house.require_log()
        return house.journal
    desk = house.drills.get(drill)
    if desk is None:
        raise UsageError(unknown(drill, house.drills.all()))
    return desk.journal


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "op": entry.op,
        "kind": entry.kind,
        "subject": entry.subject,
        "incident": entry.incident,
        "occurred_us": to_us(entry.occurred_at),
        "recorded_us": to_us(entry.recorded_at),
        "actor": entry.actor.id,
        "capacity": entry.actor.capacity,
        "detail": dict(entry.detail),
        "commitments": sorted(entry.commitments),
    }


async def show(house: House, caller: Caller, parameters: Some) -> Answer:
    """The newest entries, oldest first. Personal values stay sealed here."""
    if parameters.last > _MOST and not caller.local:  # the answer is one document, made on the loop
        raise UsageError(
            "一度に読める件数を超えています / more entries than one answer holds",
            where="last",
            expected=f"1 ... {_MOST}",
            next_step="ict-bcp log export",
        )
    journal = journal_of(house, parameters.drill)
    found = await journal.read(
        kind=parameters.kind,
        incident=parameters.incident,
        limit=parameters.last,
        reverse=True,
        before=parameters.before,
    )
    entries = list(reversed(found))
    lines = tuple(
        f"{e.seq:>7} {jst(e.recorded_at)} {e.kind:<24} {e.subject} ({e.actor.id})" for e in entries
    )
    data = {"size": journal.size, "entries": [_row(entry) for entry in entries]}
    return Answer(data, lines)


async def verify(house: House, caller: Caller, parameters: Whole) -> Answer:
    """Read everything again: bytes, hashes, order, head, checkpoint."""
    found = await journal_of(house, parameters.drill).verify(house.workers.process)
    if parameters.drill is None:
        house.note_verified(found.ok)
    data = {
        "ok": found.ok,
        "size": found.size,
        "root": found.root.hex(),
        "problems": list(found.problems),
        "erased": found.values_erased,
        "clock_back": found.clock_back,
    }
    head = f"{'● 改ざんなし' if found.ok else '■ 食い違いあり'} {found.size} 件 root {found.root.hex()}"
    return Answer(data, (head, *found.problems), Verdict.GOOD if found.ok else Verdict.FINDING)


async def export(house: House, caller: Caller, parameters: Where) -> Answer:
    """Write the log as C2SP tlog-tiles into a new folder."""
    caller.require_local("target")
    target = Path(parameters.target)
    if not target.is_absolute():
        raise UsageError("書き出し先は絶対パスで / an absolute path is needed", got=str(target))
    journal = journal_of(house, parameters.drill)
    checkpoint = await journal.export(target)
    lines = (
        f"{checkpoint.size} 件を書き出しました / wrote {checkpoint.size} entries: {target}",
        f"公開鍵 / verifier key: {journal.vkey}",
        f"確かめる / verify: ict-bcp log verify {target}",
    )
    data = {"size": checkpoint.size, "target": str(target), "vkey": journal.vkey}
    return Answer(data, lines)


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation("log.show", Text("記録を読む", "read entries"), Permission.READ_LOG, Some, show),
    Operation(
        "log.verify",
        Text("改ざんを調べる", "verify the log"),
        Permission.READ_LOG,
        Whole,
        verify,
    ),
    Operation(
        "log.export",
        Text("書き出す", "export as tiles"),
        Permission.OPERATE,
        Where,
        export,
        True,
    ),
)
