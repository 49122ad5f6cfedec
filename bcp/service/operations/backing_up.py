"""Backups for programs and the command line: run, list, verify, restore, custody."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from backups.model import AttestedSet
from backups.standing import Rung
from bcp.kit.errors import UsageError
from bcp.kit.language import Text
from bcp.kit.units import jst, size, to_us
from bcp.plan.loader import unknown
from bcp.plan.types import Id, Model
from bcp.service.access.roles import Permission
from bcp.service.house import House
from bcp.service.operations.operation import Answer, Caller, Operation, Verdict
from bcp.watch.values import Status

_MARKS = {
    Status.OK: "● 実測 良",
    Status.FAILED: "■ 破損・不一致",
    Status.UNKNOWN: "？ 証拠なし",
    Status.DEGRADED: "▲ 低下",
}


class Sets(Model):
    """Every set, or one."""

    set: Id | None = None


class One(Model):
    """A set, in one repository or in all."""

    set: Id
    repository: Id | None = None


class Rise(One):
    """Which rung to prove now."""

    level: Literal[1, 2, 3, 4] = 2


class InOne(Model):
    """One repository of a set."""

    set: Id
    repository: Id


class Accepted(InOne):
    """Snapshots (64 hex digits) whose strangeness or absence a person accepts."""

    snapshots: tuple[str, ...] = ()


class Back(One):
    """Where to put a pinned snapshot."""

    snapshot: str
    target: str
    confirm: str = ""
    """The target typed again: write over what is there."""


def _keys(house: House, set_id: str | None, repository: str | None = None) -> list[tuple[str, str]]:
    every = house.room.keys()
    keys = [key for key in every if set_id in (None, key[0])]
    if set_id is not None and not keys:
        known = [item.id for item in house.plan.backups]
        raise UsageError(unknown(set_id, known))
    chosen = [key for key in keys if repository in (None, key[1])]
    if repository is not None and not chosen:
        raise UsageError(unknown(repository, [key[1] for key in keys]))
    return chosen


def _rung(rung: Rung) -> dict[str, Any]:
    return {
        "level": rung.level,
        "status": rung.status.value,
        "sentence": rung.sentence.ja,
        "sentence_en": rung.sentence.en,
        "at_us": to_us(rung.at) if rung.at else None,
        "snapshot": rung.snapshot,
        "snapshot_us": to_us(rung.snapshot_time) if rung.snapshot_time else None,
        "expires_us": to_us(rung.expires) if rung.expires else None,
    }


def _verdict(rungs: list[Rung]) -> Verdict:
    statuses = {rung.status for rung in rungs}
    if Status.FAILED in statuses or Status.DEGRADED in statuses:
        return Verdict.FINDING
    return Verdict.UNKNOWN if not rungs or Status.UNKNOWN in statuses else Verdict.GOOD


async def list_copies(house: House, caller: Caller, parameters: Sets) -> Answer:
    """Every copy with its rungs of evidence; attested sets as 申告."""
    copies: list[dict[str, Any]] = []
    lines: list[str] = []
    seen: list[Rung] = []
    for key in _keys(house, parameters.set) if _measured(house, parameters.set) else []:
        rungs = list(house.room.rungs(*key))
        seen += [rung for rung in rungs if rung.level < 5 or rung.status is not Status.UNKNOWN]
        copies.append(
            {"set": key[0], "repository": key[1], "rungs": [_rung(rung) for rung in rungs]}
        )
        lines.append(f"{key[0]} → {key[1]}")
        lines += [f"  {r.level} {_MARKS[r.status]}  {r.sentence.ja}" for r in rungs]
    for item in house.plan.backups:
        if isinstance(item, AttestedSet) and parameters.set in (None, item.id):
            copies.append({"set": item.id, "attested_by": item.provider})
            lines.append(f"{item.id}: 申告 ({item.provider}) — 実測ではありません")
    return Answer({"copies": copies}, tuple(lines), _verdict(seen))


def _measured(house: House, set_id: str | None) -> bool:
    attested = [s.id for s in house.plan.backups if isinstance(s, AttestedSet)]
    return set_id not in attested


async def run(house: House, caller: Caller, parameters: One) -> Answer:
    """Back up now, into one repository or all."""
    _keys(house, parameters.set, parameters.repository)
    done = await house.room.backup(
        parameters.set, parameters.repository, actor=caller.actor, op=caller.op
    )
    rows = [
        {
            "repository": one.evidence.repository,
            "result": one.evidence.result.value,
            "sentence": one.sentence.ja,
            "snapshot": one.custody.snapshot if one.custody else None,
            "files": one.custody.files if one.custody else 0,
            "bytes": one.custody.size if one.custody else 0,
        }
        for one in done
    ]
    bad = any(one.evidence.result.value == "bad" for one in done)
    unsure = any(one.evidence.inconclusive for one in done)
    verdict = Verdict.FINDING if bad else Verdict.UNKNOWN if unsure else Verdict.GOOD
    lines = tuple(f"{row['repository']}: {row['sentence']}" for row in rows)
    return Answer({"set": parameters.set, "done": rows}, lines, verdict)


async def verify(house: House, caller: Caller, parameters: Rise) -> Answer:
    """Prove a rung now."""
    keys = _keys(house, parameters.set, parameters.repository)
    rungs = [await house.room.verify(*key, parameters.level) for key in keys]
    lines = tuple(f"{r.repository} {r.level} {_MARKS[r.status]}  {r.sentence.ja}" for r in rungs)
    rows = [{"repository": rung.repository, **_rung(rung)} for rung in rungs]
    return Answer({"set": parameters.set, "rungs": rows}, lines, _verdict(rungs))


async def restore(house: House, caller: Caller, parameters: Back) -> Answer:
    """Restore a pinned snapshot into an empty folder and compare it with its manifest."""
    caller.require_local("target")
    keys = _keys(house, parameters.set, parameters.repository)
    target = Path(parameters.target)
    if not target.is_absolute():
        raise UsageError(
            "復元先は絶対パスで / the target must be an absolute path", got=str(target)
        )
    evidence = await house.room.restore(
        *keys[0],
        parameters.snapshot,
        target,
        confirm=parameters.confirm,
        actor=caller.actor,
        op=caller.op,
    )
    verdict = {"good": Verdict.GOOD, "bad": Verdict.FINDING}.get(
        evidence.result.value, Verdict.UNKNOWN
    )
    facts = dict(evidence.facts)
    if verdict is Verdict.GOOD:
        line = (
            f"復元し、元と一致しました / restored and equal: {facts.get('files', 0)} files, "
            f"{size(facts.get('size', 0))}, {facts.get('restore_ms', 0) / 1000:.1f} s {target}"
        )
    else:
        differ = ", ".join(f"{name} {count}" for name, count in facts.items() if count)
        line = f"復元できていません / not restored as it was: {evidence.reason} ({differ}) {target}"
    data = {"result": evidence.result.value, "reason": evidence.reason, "facts": facts}
    return Answer(data, (line,), verdict)


async def init(house: House, caller: Caller, parameters: InOne) -> Answer:
    """Create a repository; announced in the log first, never done by itself."""
    _keys(house, parameters.set, parameters.repository)
    made = await house.room.init(
        parameters.set, parameters.repository, actor=caller.actor, op=caller.op
    )
    good = made.judgement.good
    said = (
        "作りました / created"
        if good
        else f"作れませんでした / not created: {made.judgement.reason}"
    )
    data = {"set": parameters.set, "repository": parameters.repository, "created": good}
    line = f"{parameters.set}/{parameters.repository}: {said}"
    return Answer(data, (line,), Verdict.GOOD if good else Verdict.FINDING)


async def accept(house: House, caller: Caller, parameters: Accepted) -> Answer:
    """A person accepts the repository as it is now; from here on it is compared anew."""
    _keys(house, parameters.set, parameters.repository)
    await house.room.accept(
        parameters.set,
        parameters.repository,
        parameters.snapshots,
        actor=caller.actor,
        op=caller.op,
    )
    line = "今の状態を受け入れました(記録に残ります) / accepted as it is, on record"
    return Answer({"set": parameters.set, "repository": parameters.repository}, (line,))


async def custody(house: House, caller: Caller, parameters: Sets) -> Answer:
    """The custody record: which snapshots must exist."""
    house.require_log()
    rows: list[dict[str, Any]] = []
    lines: list[str] = []
    for key in _keys(house, parameters.set):
        for one in house.room.custody(*key).custody:
            rows.append(
                {
                    "set": one.set,
                    "repository": one.repository,
                    "snapshot": one.snapshot,
                    "time_us": to_us(one.time),
                    "files": one.files,
                    "bytes": one.size,
                    "manifest": one.manifest,
                    "complete": one.complete,
                    "seq": one.seq,
                }
            )
            lines.append(
                f"{jst(one.time)} {one.set}/{one.repository} {one.snapshot} "
                f"{one.files} files {size(one.size)}"
            )
    return Answer({"custody": rows}, tuple(lines))


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation(
        "backup.list",
        Text("世代と証拠の一覧", "copies and evidence"),
        Permission.READ,
        Sets,
        list_copies,
    ),
    Operation(
        "backup.run", Text("バックアップを取る", "back up now"), Permission.OPERATE, One, run, True
    ),
    Operation(
        "backup.verify",
        Text("証拠の段を確かめる", "prove a rung"),
        Permission.OPERATE,
        Rise,
        verify,
        True,
    ),
    Operation(
        "backup.restore",
        Text("空の場所へ戻す", "restore into an empty folder"),
        Permission.OPERATE,
        Back,
        restore,
        True,
    ),
    Operation(
        "backup.init",
        Text("置き場所を作る", "create a repository"),
        Permission.OPERATE,
        InOne,
        init,
        True,
    ),
    Operation(
        "backup.accept",
        Text("今の状態を受け入れる", "accept a repository as it is"),
        Permission.OPERATE,
        Accepted,
        accept,
        True,
    ),
    Operation(
        "backup.custody",
        Text("保管記録", "the custody record"),
        Permission.READ_LOG,
        Sets,
        custody,
    ),
)
