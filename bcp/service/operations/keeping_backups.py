"""What is done to repositories: forget, prune, tag, key, copy, clear."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from backups.acts import Act
from backups.forget import DryRun, Removal
from bcp.kit.errors import UsageError
from bcp.kit.language import Text, text
from bcp.kit.units import jst
from bcp.plan.loader import unknown
from bcp.plan.types import Id
from bcp.service.access.roles import Permission
from bcp.service.house import House
from bcp.service.operations.backing_up import InOne
from bcp.service.operations.operation import Answer, Caller, Operation, Verdict

RESULTS: dict[str, Verdict] = {
    "good": Verdict.GOOD,
    "bad": Verdict.FINDING,
    "inconclusive": Verdict.UNKNOWN,
}
MARKS = {"good": "● 良", "bad": "■ 不良", "inconclusive": "？ 分からない"}


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


def the_copy(house: House, set_id: str, repository: str) -> tuple[str, str]:
    """One copy of the plan. Raises `UsageError` with what was meant."""
    keys = house.room.keys()
    if set_id not in {key[0] for key in keys}:
        raise UsageError(unknown(set_id, sorted({key[0] for key in keys})))
    if (set_id, repository) not in keys:
        raise UsageError(unknown(repository, [key[1] for key in keys if key[0] == set_id]))
    return set_id, repository


def why(word: str) -> Text:
    """An objection of the guard in words."""
    for head in ("not_looked", "dry_run"):
        if word.startswith(head):
            said = text(f"backups.why_{head}")
            return Text(f"{said.ja} ({word})", f"{said.en} ({word})")
    return text(f"backups.why_{word}")


async def forget(house: House, caller: Caller, parameters: Forget) -> Answer:
    """What would be removed and why not; with `apply` it is done."""
    key = the_copy(house, parameters.set, parameters.repository)
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
    return f"{MARKS[act.result.value]} {words.ja} / {words.en} {act.reason}".rstrip()


def _acted(act: Act) -> Answer:
    return Answer(
        _act(act), (_act_line(act), *act.said.splitlines()[-3:]), RESULTS[act.result.value]
    )


async def prune(house: House, caller: Caller, parameters: InOne) -> Answer:
    """Free the space of forgotten snapshots."""
    key = the_copy(house, parameters.set, parameters.repository)
    return _acted(await house.room.acts.prune(key, caller.actor, caller.op))


async def tag(house: House, caller: Caller, parameters: Tags) -> Answer:
    """Other tags for snapshots on record; announced, so it is no alarm."""
    key = the_copy(house, parameters.set, parameters.repository)
    p = parameters
    return _acted(
        await house.room.acts.tag(key, p.snapshots, p.add, p.remove, caller.actor, caller.op)
    )


async def change_key(house: House, caller: Caller, parameters: KeyAct) -> Answer:
    """Add or remove a key, or change the password of the one in use."""
    caller.require_local("key")
    key = the_copy(house, parameters.set, parameters.repository)
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
    key = the_copy(house, parameters.set, parameters.repository)
    the_copy(house, parameters.set, parameters.source)
    return _acted(await house.room.acts.bring(key, parameters.source, caller.actor, caller.op))


async def clear(house: House, caller: Caller, parameters: InOne) -> Answer:
    """A person has looked at an unusual change: forget and prune may go on."""
    key = the_copy(house, parameters.set, parameters.repository)
    await house.room.acts.clear(key, caller.actor, caller.op)
    return Answer(
        {"set": key[0], "repository": key[1], "cleared": True},
        ("確認済みとして記録しました / recorded as looked at",),
    )


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
)
