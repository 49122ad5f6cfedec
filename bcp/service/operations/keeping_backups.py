"""What is done to repositories and beside the ladder: forget, prune, tag, key, copy, clear; side checks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from backups.acts import Act, SideCheck
from backups.forget import DryRun, Removal
from backups.restic.locks import Seen
from bcp.kit.errors import UsageError
from bcp.kit.language import Text, text
from bcp.kit.units import duration_ja, jst, to_us
from bcp.plan.loader import unknown
from bcp.plan.types import Id
from bcp.service.access.roles import Permission
from bcp.service.house import House
from bcp.service.operations.backing_up import InOne, One
from bcp.service.operations.operation import Answer, Caller, Operation, Verdict

_RESULTS = {"good": Verdict.GOOD, "bad": Verdict.FINDING, "inconclusive": Verdict.UNKNOWN}
_MARKS = {"good": "● 良", "bad": "■ 不良", "inconclusive": "？ 分からない"}


class Forget(InOne):
    """Snapshots by full id, or none: what the plan's retention proposes. Without `apply`: a dry run."""

    snapshots: tuple[str, ...] = ()
    apply: bool = False


class Tags(InOne):
    """Tags to add to and remove from snapshots on record."""

    snapshots: tuple[str, ...]
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


class KeyAct(InOne):
    """`add` and `passwd` need a file with the new password, `remove` the id of a key."""

    act: Literal["add", "passwd", "remove"]
    new_password_file: str | None = None
    key: str | None = None


class Bring(InOne):
    """Copy into `repository` what the set has in `source`."""

    source: Id


def _one(house: House, set_id: str, repository: str) -> tuple[str, str]:
    keys = house.room.keys()
    if set_id not in {key[0] for key in keys}:
        raise UsageError(unknown(set_id, sorted({key[0] for key in keys})))
    if (set_id, repository) not in keys:
        raise UsageError(unknown(repository, [key[1] for key in keys if key[0] == set_id]))
    return set_id, repository


def _each(house: House, parameters: One) -> list[tuple[str, str]]:
    if parameters.repository is not None:
        return [_one(house, parameters.set, parameters.repository)]
    keys = [key for key in house.room.keys() if key[0] == parameters.set]  # noqa: SIM118 - a room
    if not keys:
        raise UsageError(unknown(parameters.set, sorted({key[0] for key in house.room.keys()})))  # noqa: SIM118
    return keys


def why(word: str) -> Text:
    """An objection of the guard in words."""
    for head in ("not_looked", "dry_run"):
        if word.startswith(head):
            said = text(f"backups.why_{head}")
            return Text(f"{said.ja} ({word})", f"{said.en} ({word})")
    return text(f"backups.why_{word}")


async def forget(house: House, caller: Caller, parameters: Forget) -> Answer:
    """What would be removed and why not; with `apply` it is done."""
    key = _one(house, parameters.set, parameters.repository)
    if parameters.apply:
        done = await house.room.acts.remove(key, parameters.snapshots, caller.actor, caller.op)
    else:
        done = Removal(await house.room.acts.plan_removal(key, parameters.snapshots))
    dry, lines = done.dry, _proposal(done.dry)
    lines += [_act_line(act) for act in done.acts]
    if dry.objections:
        lines.append("削除しません / nothing is removed:")
        lines += [f"  ■ {why(word).ja} / {why(word).en}" for word in dry.objections]
    elif not dry.proposal.remove:
        lines.append("消すものはありません / nothing to remove")
    elif not parameters.apply:
        lines.append("これは予行です。実行は --apply / this was a dry run; --apply does it")
    data = {
        "set": key[0],
        "repository": key[1],
        "remove": [one.snapshot for one in dry.proposal.remove],
        "keep": [{"snapshot": one.snapshot, "why": word} for one, word in dry.proposal.keep],
        "objections": list(dry.objections),
        "separate_credential": dry.separate,
        "acts": [_act(act) for act in done.acts],
    }
    return Answer(data, tuple(lines), _removal(done))


def _removal(done: Removal) -> Verdict:
    if done.dry.objections:
        looked = not any(w.startswith(("not_looked", "dry_run")) for w in done.dry.objections)
        return Verdict.FINDING if looked else Verdict.UNKNOWN
    results = {act.result.value for act in done.acts}
    if "bad" in results:
        return Verdict.FINDING
    return Verdict.UNKNOWN if "inconclusive" in results else Verdict.GOOD


def _proposal(dry: DryRun) -> list[str]:
    lines = [
        f"残す {jst(c.time)} {c.snapshot} ({text(f'backups.kept_{word}').ja})"
        for c, word in dry.proposal.keep
    ]
    lines += [f"消す {jst(c.time)} {c.snapshot}" for c in dry.proposal.remove]
    if not dry.separate:
        lines.append(
            "▲ 消す権限がバックアップ用と同じです (計画の retention_password_file) / "
            "the backup's own credential can delete"
        )
    return lines


def _act(act: Act) -> dict[str, Any]:
    return {
        "action": act.action.value,
        "result": act.result.value,
        "reason": act.reason,
        "removed": list(act.removed),
        "facts": dict(act.facts),
    }


def _act_line(act: Act) -> str:
    words = text(f"backups.act_{act.action.value}")
    return f"{_MARKS[act.result.value]} {words.ja} / {words.en} {act.reason}".rstrip()


def _acted(act: Act) -> Answer:
    return Answer(
        _act(act), (_act_line(act), *act.said.splitlines()[-3:]), _RESULTS[act.result.value]
    )


async def prune(house: House, caller: Caller, parameters: InOne) -> Answer:
    """Free the space of forgotten snapshots."""
    key = _one(house, parameters.set, parameters.repository)
    return _acted(await house.room.acts.prune(key, caller.actor, caller.op))


async def tag(house: House, caller: Caller, parameters: Tags) -> Answer:
    """Other tags for snapshots on record; announced, so it is no alarm."""
    key = _one(house, parameters.set, parameters.repository)
    p = parameters
    return _acted(
        await house.room.acts.tag(key, p.snapshots, p.add, p.remove, caller.actor, caller.op)
    )


async def change_key(house: House, caller: Caller, parameters: KeyAct) -> Answer:
    """Add or remove a key, or change the password of the one in use."""
    caller.require_local("key")
    key = _one(house, parameters.set, parameters.repository)
    what = f"remove:{parameters.key or ''}" if parameters.act == "remove" else parameters.act
    file = Path(parameters.new_password_file) if parameters.new_password_file else None
    act = await house.room.acts.key(key, what, file, caller.actor, caller.op)
    answer = _acted(act)
    if parameters.act == "passwd" and act.result.value == "good":
        line = "計画の password_file の中身も今すぐ替えてください / now change password_file too"
        return Answer(answer.data, (*answer.lines, f"▲ {line}"), answer.verdict)
    return answer


async def bring(house: House, caller: Caller, parameters: Bring) -> Answer:
    """Copy what another repository of the set has into this one (`restic copy`)."""
    key = _one(house, parameters.set, parameters.repository)
    _one(house, parameters.set, parameters.source)
    return _acted(await house.room.acts.bring(key, parameters.source, caller.actor, caller.op))


async def clear(house: House, caller: Caller, parameters: InOne) -> Answer:
    """A person has looked at an unusual change: forget and prune may go on."""
    key = _one(house, parameters.set, parameters.repository)
    await house.room.acts.clear(key, caller.actor, caller.op)
    return Answer(
        {"set": key[0], "repository": key[1], "cleared": True},
        ("確認済みとして記録しました / recorded as looked at",),
    )


def _side(checks: list[SideCheck]) -> Answer:
    lines, rows = [], []
    for one in checks:
        words = text(f"backups.side_{one.what.value}")
        facts = " ".join(f"{name}={value}" for name, value in one.facts.items())
        lines.append(
            f"{_MARKS[one.result.value]} {one.repository} {words.ja} / {words.en} "
            f"{one.reason} {facts}".rstrip()
        )
        lines += [f"    {line}" for line in one.said.splitlines()[:20]]
        rows.append(
            {
                "repository": one.repository,
                "result": one.result.value,
                "reason": one.reason,
                "at_us": to_us(one.at),
                "facts": dict(one.facts),
                "findings": one.findings,
                "named": one.said.splitlines(),
            }
        )
    results = {one.result.value for one in checks}
    worst = next(word for word in ("bad", "inconclusive", "good") if word in results)
    return Answer({"set": checks[0].set, "checks": rows}, tuple(lines), _RESULTS[worst])


async def names(house: House, caller: Caller, parameters: One) -> Answer:
    """Hold every object against its name and the record: no password, no lock."""
    keys = _each(house, parameters)
    return _side([await house.room.upkeep.check_names(key) for key in keys])


async def agree(house: House, caller: Caller, parameters: One) -> Answer:
    """Do the copies of a set agree, and how far is each behind?"""
    return _side([await house.room.upkeep.agree(key) for key in _each(house, parameters)])


async def canary(house: House, caller: Caller, parameters: One) -> Answer:
    """Try to overwrite and delete a canary with the backup's own credentials."""
    return _side([await house.room.upkeep.canary(key) for key in _each(house, parameters)])


async def locks(house: House, caller: Caller, parameters: One) -> Answer:
    """Age, host and process of each lock; those of dead processes of this host are removed."""
    rows, lines, verdict = [], [], Verdict.GOOD
    for key in _each(house, parameters):
        judged, seen, removed = await house.room.upkeep.doctor(key)
        if not judged.good:
            verdict = Verdict.UNKNOWN
            lines.append(f"？ {key[1]}: 見られません / cannot look ({judged.verdict.value})")
            continue
        if not seen:
            lines.append(f"● {key[1]}: ロックなし / no locks")
        for one in seen:
            rows.append(_lock(key[1], one, removed))
            lines.append(_lock_line(key[1], one, removed))
        if any(one.suspicious for one in seen) and verdict is Verdict.GOOD:
            verdict = Verdict.FINDING
    return Answer({"set": parameters.set, "locks": rows}, tuple(lines), verdict)


def _lock(repository: str, one: Seen, removed: tuple[str, ...]) -> dict[str, Any]:
    return {
        "repository": repository,
        "id": one.lock.id,
        "host": one.lock.host,
        "pid": one.lock.pid,
        "age_s": int(one.age.total_seconds()),
        "exclusive": one.lock.exclusive,
        "own": one.own,
        "removed": one.lock.id in removed,
        "suspicious": one.suspicious,
    }


def _lock_line(repository: str, one: Seen, removed: tuple[str, ...]) -> str:
    if one.lock.id in removed:
        word = "取り除きました(終わった処理の残り) / removed"
    elif one.suspicious:
        word = "別の機械の古いロック。その機械で確かめる / of another host: look there"
    else:
        word = "使用中 / in use"
    mark = "▲" if one.suspicious else "●"
    where = f"{one.lock.host} pid {one.lock.pid}"
    return f"{mark} {repository}: {where} {duration_ja(one.age)} {word}"


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation(
        "backup.forget",
        Text("古い世代を消す(予行が先)", "forget snapshots, dry run first"),
        Permission.OPERATE,
        Forget,
        forget,
        True,
    ),
    Operation(
        "backup.prune", Text("空き容量を回収する", "prune"), Permission.OPERATE, InOne, prune, True
    ),
    Operation(
        "backup.tag", Text("世代の札を替える", "tag snapshots"), Permission.OPERATE, Tags, tag, True
    ),
    Operation(
        "backup.key",
        Text("リポジトリの鍵を替える", "change keys"),
        Permission.OPERATE,
        KeyAct,
        change_key,
        True,
    ),
    Operation(
        "backup.copy",
        Text("別のリポジトリから複製する", "copy from another repository"),
        Permission.OPERATE,
        Bring,
        bring,
        True,
    ),
    Operation(
        "backup.clear",
        Text("いつもと違う変化を確認済みにする", "clear an unusual change"),
        Permission.OPERATE,
        InOne,
        clear,
        True,
    ),
    Operation(
        "backup.names",
        Text("部品名の照合", "names check"),
        Permission.OPERATE,
        One,
        names,
        True,
    ),
    Operation(
        "backup.agree",
        Text("控えどうしの一致", "copies agree"),
        Permission.OPERATE,
        One,
        agree,
        True,
    ),
    Operation(
        "backup.canary",
        Text("書き換え不可を実測する", "immutability canary"),
        Permission.OPERATE,
        One,
        canary,
        True,
    ),
    Operation(
        "backup.locks", Text("ロックの点検", "lock doctor"), Permission.OPERATE, One, locks, True
    ),
)
