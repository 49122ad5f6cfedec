"""What people state about copies: a provider's report, the owner's acceptance, the sealed things."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from backups.files import proving
from backups.model import AttestedSet
from backups.record import Result
from backups.statements import Attestation
from bcp.kit.errors import UsageError
from bcp.kit.language import Text, text
from bcp.kit.units import JST, jst, to_us
from bcp.plan.loader import unknown
from bcp.plan.types import Day, Duration, Id, Model
from bcp.service.access.roles import Permission
from bcp.service.holders import holders
from bcp.service.house import House
from bcp.service.operations.backing_up import InOne
from bcp.service.operations.keeping_backups import the_copy
from bcp.service.operations.operation import Answer, Caller, Operation, Verdict


class Report(Model):
    """A provider's report on this host, and what it says."""

    set: Id
    file: str
    begin: Day
    """First and last day the report speaks of."""
    end: Day
    copied: datetime | None = None
    """Time of the newest good copy, as the report says."""
    note: str = ""


class Accepting(InOne):
    """What the owner says."""

    note: str = ""


class Sealed(InOne):
    """Files of this host with what was in the envelope."""

    password_file: str
    materials: str | None = None
    """A folder with the sealed `config` and `keys/`."""


class Restored(InOne):
    """A folder of this host into which the product that makes the copies restored one."""

    folder: str
    generation: str = ""
    """The beginning of its id; empty: the newest on record."""
    partial: bool = False
    took: Duration | None = None
    """How long the restore took."""


def attested_set(house: House, id: str) -> AttestedSet:
    """The set with this id. Raises `UsageError`."""
    sets = {one.id: one for one in house.room.sets if isinstance(one, AttestedSet)}
    if id not in sets:
        raise UsageError(unknown(id, sorted(sets)))
    return sets[id]


def attestation(
    set_id: str, begin: date, end: date, copied: datetime | None, name: str, note: str
) -> Attestation:
    """From what was typed: whole days, Japan's clock."""
    first = datetime.combine(begin, datetime.min.time(), JST)
    last = datetime.combine(end + timedelta(days=1), datetime.min.time(), JST)
    said = copied.replace(tzinfo=JST) if copied is not None and copied.tzinfo is None else copied
    return Attestation(set_id, first, "", 0, first, last, said, name=name, note=note)


async def attest(house: House, caller: Caller, parameters: Report) -> Answer:
    """Take over a report from a file of this host."""
    caller.require_local("file")
    one, path = attested_set(house, parameters.set), Path(parameters.file)
    try:
        report = await house.workers.thread(path.read_bytes)
    except OSError as error:
        said = f"読めません / cannot read: {error.strerror}"
        raise UsageError(said, where=str(path)) from error
    p = parameters
    made = attestation(one.id, p.begin, p.end, p.copied, path.name, p.note)
    await house.room.attest(made, report, actor=caller.actor, op=caller.op)
    until = made.end + one.report_within
    line = f"受理しました(申告。実測ではありません)。次の報告の期限 {jst(until)}"
    return Answer({"set": one.id, "end_us": to_us(made.end), "due_us": to_us(until)}, (line,))


async def restored(house: House, caller: Caller, parameters: Restored) -> Answer:
    """Compare what another product restored with the source (rungs 2 to 4)."""
    caller.require_local("folder")
    p, key = parameters, the_copy(house, parameters.set, parameters.repository)
    said = proving.Restored(Path(p.folder), p.generation, p.partial, p.took)
    made = await house.room.files.prove(key, said, actor=caller.actor, op=caller.op)
    rung = house.room.rung(*key, 4)
    if made.result is Result.INCONCLUSIVE:
        sentence = text(f"backups.unknown_{made.reason}", place=p.folder)
    else:
        sentence = rung.sentence
    verdict = {Result.GOOD: Verdict.GOOD, Result.BAD: Verdict.FINDING}
    data = {"result": made.result.value, "reason": made.reason, "facts": dict(made.facts)}
    lines = (sentence.ja, text("backups.restored_destroy", place=p.folder).ja)
    return Answer(data, lines, verdict.get(made.result, Verdict.UNKNOWN))


async def approve(house: House, caller: Caller, parameters: Accepting) -> Answer:
    """業務主管の受入 of what the last restore test brought back."""
    key = the_copy(house, parameters.set, parameters.repository)
    made = await house.room.accept_restored(*key, parameters.note, actor=caller.actor, op=caller.op)
    data = {"set": key[0], "repository": key[1], "level": 5, "snapshot": made.snapshot}
    return Answer(data, (text("backups.proven_5").ja,))


async def escrow(house: House, caller: Caller, parameters: Sealed) -> Answer:
    """Try the sealed things on a copy."""
    caller.require_local("password_file")
    key = the_copy(house, parameters.set, parameters.repository)
    materials = Path(parameters.materials) if parameters.materials else None
    made = await house.room.try_sealed(
        *key, Path(parameters.password_file), materials, actor=caller.actor, op=caller.op
    )
    words = text(f"backups.escrow_{made.result.value}", reason=made.reason)
    verdict = {Result.GOOD: Verdict.GOOD, Result.BAD: Verdict.FINDING}
    data = {"result": made.result.value, "reason": made.reason, "materials": made.materials}
    return Answer(data, (words.ja,), verdict.get(made.result, Verdict.UNKNOWN))


async def escrow_sign(house: House, caller: Caller, parameters: InOne) -> Answer:
    """The second person's signature."""
    key = the_copy(house, parameters.set, parameters.repository)
    roles = holders(house.city, house.accounts).get(caller.actor.id, frozenset())
    made = await house.room.sign_sealed(*key, roles=roles, actor=caller.actor, op=caller.op)
    said = text("backups.escrow_signed" if made.last else "backups.escrow_signed_part").ja
    return Answer({"run": made.run, "role": made.role, "last": made.last}, (said,))


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation(
        "backup.attest",
        Text("事業者の報告を受理する (申告)", "take over a provider's report"),
        Permission.OBSERVE,
        Report,
        attest,
        True,
    ),
    Operation(
        "backup.restored",
        Text("製品で戻したものを元と比べる", "compare what a product restored with the source"),
        Permission.OPERATE,
        Restored,
        restored,
        True,
    ),
    Operation(
        "backup.approve",
        Text("業務主管が受け入れる (段階5)", "the owner accepts (level 5)"),
        Permission.OBSERVE,
        Accepting,
        approve,
        True,
    ),
    Operation(
        "backup.escrow",
        Text("封印したパスワードと鍵で開くか確かめる", "try the sealed password and key"),
        Permission.OPERATE,
        Sealed,
        escrow,
        True,
    ),
    Operation(
        "backup.escrow-sign",
        Text("封印物の確認に2人目が署名する", "sign the trial of the sealed things"),
        Permission.OBSERVE,
        InOne,
        escrow_sign,
        True,
    ),
)
